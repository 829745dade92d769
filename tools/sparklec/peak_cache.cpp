#include "tools/sparklec/peak_cache.h"

#include <cmath>
#include <filesystem>
#include <system_error>

#include <nlohmann/json.hpp>

#include "runtime/cache_folder.h"
#include "runtime/file_io.h"

namespace sparkle::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr int64_t kMaxCacheBytes = 1 << 20;
constexpr int kVersion = 1;

double rate(const Json &entry, const char *key) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_number()) return 0;
  const double value = found->get<double>();
  return std::isfinite(value) && value > 0 ? value : 0;
}

} // namespace

std::string peak_cache_path() {
  const std::string folder = cache_folder();
  return folder.empty() ? folder : folder + "/peaks.json";
}

PeakCache read_peak_cache(const std::string &path) {
  PeakCache peaks;
  const Result<std::vector<uint8_t>> bytes = read_file(path, kMaxCacheBytes);
  if (!bytes) return peaks;
  const Json file = Json::parse(*bytes, nullptr, false);
  if (!file.is_object() || file.value("version", Json()) != kVersion) return peaks;
  const auto entries = file.find("peaks");
  if (entries == file.end() || !entries->is_object()) return peaks;
  for (const auto &[key, entry] : entries->items())
    if (entry.is_object() && rate(entry, "gflops") > 0)
      peaks[key] = {rate(entry, "gflops"), rate(entry, "read_gbs"), rate(entry, "one_thread_read_gbs")};
  return peaks;
}

Status write_peak_cache(const std::string &path, const PeakCache &peaks) {
  Json entries = Json::object();
  for (const auto &[key, peak] : peaks)
    entries[key] = {
        {"gflops", peak.gflops}, {"read_gbs", peak.read_gbs}, {"one_thread_read_gbs", peak.one_thread_read_gbs}};
  const std::string text =
      Json{{"version", kVersion}, {"peaks", entries}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  const fs::path folder = fs::path(path).parent_path();
  std::error_code failed;
  const bool made = fs::create_directories(folder, failed);
  if (failed) return Error{ErrorCode::kIo, folder.string() + ": " + failed.message()};
  if (made) fs::permissions(folder, fs::perms::owner_all, failed);
  return write_file(path, {reinterpret_cast<const uint8_t *>(text.data()), text.size()});
}

} // namespace sparkle::cli
