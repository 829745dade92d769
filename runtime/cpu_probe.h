// Parts of detect_cpu, private to the cpu_*.cpp files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cpu_info.h"

namespace sparkle {

/// Caches of logical processor `cpu`: from sysfs, else from CPUID leaf 4 or (AMD) 0x8000001D. Sorted by level.
std::vector<CpuCache> probe_caches(const CpuReader &reader, int cpu, std::string_view vendor);

/// Processors' worth of time that the control groups of this process grant (versions 1 and 2); 0: no limit.
double probe_cpu_quota(const CpuReader &reader);

/// The first line of a file, without blanks around it.
std::optional<std::string> read_line(const CpuReader &reader, const std::string &path);
std::string_view trim(std::string_view text);
/// A decimal number with an optional suffix K, M or G (1024 each).
std::optional<int64_t> parse_bytes(std::string_view text);
std::optional<double> parse_real(std::string_view text);
/// `0-3,8`: the numbers listed. Empty when malformed.
std::vector<int> parse_cpu_list(std::string_view text);

} // namespace sparkle
