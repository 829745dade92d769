// NumPy array files (.npy), format versions 1 and 2 (numpy/lib/format.py).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/tensor.h"

namespace sparkle {

inline constexpr int64_t kMaxNpyBytes = int64_t{1} << 36;
inline constexpr int64_t kMaxNpyHeaderBytes = 1 << 16;

/// f4, f2, i4, i8 (as index), i1, u1 and bool, little-endian. Arrays in Fortran order are read into row-major order.
/// kInvalidInput: not an array of these; the text names the file, the byte and what was seen. kIo: cannot be read.
Result<HostTensor> read_npy(const std::string &path);

/// The same from memory; `name` stands for the file in messages.
Result<HostTensor> parse_npy(std::span<const uint8_t> bytes, const std::string &name);

/// Version 1, C order. kUnsupported: bf16, which the format has no name for.
Status write_npy(const std::string &path, const HostTensor &tensor);
Result<std::vector<uint8_t>> format_npy(const HostTensor &tensor);

} // namespace sparkle
