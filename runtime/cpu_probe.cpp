#include "runtime/cpu_probe.h"

#include <algorithm>
#include <charconv>

#include "compiler/support/string_builder.h"

namespace sparkle {
namespace {

constexpr int64_t kMostCpus = 1 << 16;

} // namespace

std::string_view trim(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::string> read_line(const CpuReader &reader, const std::string &path) {
  const auto text = reader.read_file(path);
  if (!text) return std::nullopt;
  return std::string(trim(std::string_view(*text).substr(0, text->find('\n'))));
}

std::optional<int64_t> parse_bytes(std::string_view text) {
  static constexpr std::string_view kSuffixes = "KMG";
  int shift = 0;
  if (!text.empty()) {
    const size_t suffix = kSuffixes.find(text.back());
    if (suffix != std::string_view::npos) {
      shift = 10 * (static_cast<int>(suffix) + 1);
      text.remove_suffix(1);
    }
  }
  int64_t value = 0;
  if (!parse_int(text, value) || value < 0 || value > (int64_t{1} << 30)) return std::nullopt;
  return value << shift;
}

std::optional<double> parse_real(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<int> parse_cpu_list(std::string_view text) {
  std::vector<int> cpus;
  text = trim(text);
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    const size_t dash = std::min(part.find('-'), part.size());
    int64_t first = 0, last = 0;
    if (!parse_int(part.substr(0, dash), first)) return {};
    last = first;
    if (dash < part.size() && !parse_int(part.substr(dash + 1), last)) return {};
    if (first < 0 || last < first || last >= kMostCpus) return {};
    for (int64_t cpu = first; cpu <= last; ++cpu) cpus.push_back(static_cast<int>(cpu));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return cpus;
}

} // namespace sparkle
