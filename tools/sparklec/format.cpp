#include "tools/sparklec/format.h"

#include <algorithm>
#include <cstdio>

namespace sparkle::cli {
namespace {

constexpr size_t kKeyWidth = 13;

} // namespace

std::string format_number(double value, const char *unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.4g%s", value, unit);
  return text;
}

std::string format_seconds(double seconds) {
  if (seconds >= 1) return format_number(seconds, " s");
  return seconds >= 1e-3 ? format_number(seconds * 1e3, " ms") : format_number(seconds * 1e6, " us");
}

std::string format_bytes(int64_t bytes) {
  const double value = static_cast<double>(bytes);
  if (value >= 1 << 30) return format_number(value / (1 << 30), " GiB");
  return value >= 1 << 20 ? format_number(value / (1 << 20), " MiB") : format_number(value / (1 << 10), " KiB");
}

std::string table_line(std::string key, const std::string &value) {
  if (value.empty()) return {};
  key.resize(std::max(key.size(), kKeyWidth), ' ');
  return key + " " + value + "\n";
}

} // namespace sparkle::cli
