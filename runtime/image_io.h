// PNG images as tensors [H, W, C] with C = 1 (gray), 3 (RGB) or 4 (RGBA), 8 bits a channel; rows from the top.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/tensor.h"

namespace sparkle {

inline constexpr int64_t kMaxImageSide = 1 << 16;
inline constexpr int64_t kMaxImagePixels = int64_t{1} << 26;
inline constexpr int64_t kMaxPngBytes = int64_t{1} << 28;

struct ImageReadOptions {
  Scalar element = Scalar::kU8; ///< kU8, or kF32 with the same values 0..255.
  /// 0: as in the file, gray with transparency becoming RGBA. Asked for: RGB becomes gray by (299 R + 587 G + 114 B) /
  /// 1000, gray becomes three equal channels, transparency is added as 255 or dropped.
  int channels = 0;
};

/// Palettes and fewer than 8 bits are expanded, 16 bits reduced to 8; stored values are taken as they are (no gamma).
/// kInvalidInput: no or a damaged PNG, or beyond the limits above (checked before pixels are allocated). kIo: cannot be
/// read.
Result<HostTensor> read_png(const std::string &path, const ImageReadOptions &options = {});
/// The same from memory; `name` stands for the file in messages.
Result<HostTensor> decode_png(std::span<const uint8_t> bytes, const std::string &name,
                              const ImageReadOptions &options = {});

/// u8 or f32 (rounded to nearest, clamped to 0..255, NaN is 0); [H, W] is gray. kInvalidInput: any other tensor.
Status write_png(const std::string &path, const HostTensor &image);
Result<std::vector<uint8_t>> encode_png(const HostTensor &image);

} // namespace sparkle
