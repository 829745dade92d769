// SHA-256 (FIPS 180-4), for content hashes in descriptions that other tools check.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace sparkle::aot {

/// In lower-case hexadecimal, as `sha256sum` prints it.
std::string sha256(std::span<const uint8_t> bytes);

} // namespace sparkle::aot
