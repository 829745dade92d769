// Whole files as bytes or text, bounded.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/support/result.h"

namespace sparkle {

/// kIo: cannot be opened or read, or is a folder (text: name and reason); kInvalidInput: longer than `max_bytes`.
Result<std::vector<uint8_t>> read_file(const std::string &path, int64_t max_bytes);
Result<std::string> read_text_file(const std::string &path, int64_t max_bytes);

/// Writes beside `path` and renames, so that a reader never sees half a file. kIo on failure; nothing is left behind.
Status write_file(const std::string &path, std::span<const uint8_t> bytes);

} // namespace sparkle
