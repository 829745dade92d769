#include "runtime/vulkan_verdicts.h"

#include <cinttypes>
#include <cstdio>

#include "compiler/support/diagnostics.h"
#include "runtime/cache_folder.h"
#include "runtime/file_io.h"

namespace sparkle::vulkan {
namespace {

constexpr int64_t kMaxFileBytes = 1 << 16;
constexpr const char *kHeader = "sparkle verdict on a driver, version 1, of ";

/// FNV-1a, 64 bits: against damage and mix-ups; the folder is its owner's alone.
std::string hash_of(const std::string &text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, hash);
  return digits;
}

/// Takes `prefix` and the rest of the line from the front of `text`.
std::optional<std::string> take_line(std::string &text, const std::string &prefix) {
  const size_t end = text.find('\n');
  if (!text.starts_with(prefix) || end == text.npos) return {};
  std::string line = text.substr(prefix.size(), end - prefix.size());
  text.erase(0, end + 1);
  return line;
}

} // namespace

std::string to_text(const std::string &key, const Verdict &verdict) {
  const std::string body = std::string("verdict ") + (verdict.is_good ? "good" : "bad") + "\ndate " + verdict.date +
                           "\nreason " + escape_control(verdict.reason) + "\nkey " + escape_control(key) + "\n";
  return kHeader + hash_of(body) + "\n" + body;
}

std::optional<Verdict> parse_verdict(const std::string &text, const std::string &key) {
  std::string rest = text;
  const auto hash = take_line(rest, kHeader);
  if (!hash || *hash != hash_of(rest)) return {};
  const auto word = take_line(rest, "verdict "), date = take_line(rest, "date "), reason = take_line(rest, "reason "),
             about = take_line(rest, "key ");
  if (!word || !date || !reason || !about || *about != escape_control(key)) return {};
  if (*word != "good" && *word != "bad") return {};
  return Verdict{*word == "good", *reason, *date};
}

std::string Verdicts::path_of(const std::string &key) const { return folder_ + "/" + hash_of(key) + ".verdict"; }

std::optional<Verdict> Verdicts::find(const std::string &key) {
  const std::lock_guard lock(mutex_);
  if (const auto known = session_.find(key); known != session_.end()) return known->second;
  if (folder_.empty() || forget_ || !make_own_folder(folder_)) return {};
  const auto text = read_text_file(path_of(key), kMaxFileBytes);
  return text ? parse_verdict(*text, key) : std::nullopt;
}

Status Verdicts::remember(const std::string &key, const Verdict &verdict) {
  const std::lock_guard lock(mutex_);
  session_[key] = verdict;
  if (folder_.empty()) return Error{ErrorCode::kIo, "no cache folder is known"};
  SPARKLE_TRY_STATUS(make_own_folder(folder_));
  const std::string text = to_text(key, verdict);
  return write_file(path_of(key), {reinterpret_cast<const uint8_t *>(text.data()), text.size()});
}

} // namespace sparkle::vulkan
