// Numbers for people: four digits, with a unit that fits.
#pragma once

#include <cstdint>
#include <string>

namespace sparkle::cli {

/// `1.234`, with `unit` behind.
std::string format_number(double value, const char *unit = "");
/// `12.3 us`, `1.2 ms`, `3 s`.
std::string format_seconds(double seconds);
/// `32 KiB`, `1.5 MiB`, `80 GiB`.
std::string format_bytes(int64_t bytes);

/// A line of a table: `key`, padded to one width, and `value`; nothing where there is no value.
std::string table_line(std::string key, const std::string &value);

} // namespace sparkle::cli
