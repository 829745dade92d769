// Lists of convolution shapes, one a line, in the widespread text form `g4ic20oc20_ih8oh4kh3ph1sh2_n"grouped"`:
//   g groups (1)   mb batch   ic oc channels   id ih iw input   od oh ow output   kd kh kw kernel
//   sd sh sw stride (1)   pd ph pw padding before (0)   dd dh dw further dilation (0: dense)   n"name"
// `_` separates, `#` starts a comment line, `*N` at the end of a name says how often the layer occurs. Lines without
// any width are square (cubes: without heights and widths); lines with widths alone are one-dimensional. An output
// extent that is not given is that of equal padding on both sides; one that is given decides the padding behind.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/support/result.h"

namespace sparkle {

struct SpatialShape {
  int64_t in = 1;
  int64_t out = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t pad = 0;      ///< Before; may be negative.
  int64_t dilation = 1; ///< Distance of taps: 1 is dense.
  bool operator==(const SpatialShape &) const = default;
};

struct ConvolutionShape {
  std::string name; ///< Without `*N`; empty: none.
  int64_t repeats = 1;
  int64_t groups = 1;
  int64_t batch = 2;
  int64_t ic = 0; ///< Of all groups.
  int64_t oc = 0;
  int rank = 2;                          ///< Spatial dimensions: 1, 2 or 3.
  std::array<SpatialShape, 3> spatial{}; ///< d, h, w; those that `rank` leaves out are neutral.
  int line = 0;                          ///< In the list, from 1.
  const SpatialShape &d() const { return spatial[0]; }
  const SpatialShape &h() const { return spatial[1]; }
  const SpatialShape &w() const { return spatial[2]; }
};

/// `default_batch`: where a line has no `mb`. kInvalidInput, naming the line: an unknown key, a number that is missing
/// or out of range, a key twice, channels that the groups do not divide, an extent without kernel, an empty output.
Result<std::vector<ConvolutionShape>> parse_shape_list(std::string_view text, int64_t default_batch = 2);

/// The same line back, every field written out.
std::string to_text(const ConvolutionShape &shape);

/// Multiplications and additions of all taps, those in the padding included; 0 when they leave 63 bits.
int64_t nominal_flops(const ConvolutionShape &shape);

} // namespace sparkle
