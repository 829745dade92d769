// How each buffer of a kernel is declared in GLSL: scalars, vectors, or both views of the same memory.
#pragma once

#include <map>
#include <set>
#include <string>

#include "targets/vulkan/index_math.h"

namespace sparkle::vulkan {

/// What one load or store touches. Contiguous: lane i is at base + i.
struct Access {
  BufferId buffer;
  ExprId index;  ///< As written; may be a vector.
  int lanes = 1; ///< Of the value.
  bool contiguous = false;
  bool aligned = false; ///< Contiguous, and base a multiple of lanes (2 or 4): fits a vector of that many elements.
};

/// Of a statement at stage kLowerable. A mask that differs between lanes needs the lanes apart: never aligned.
Access access_of(const Kernel &kernel, const Divisors &divisors, const Load &load);
Access access_of(const Kernel &kernel, const Divisors &divisors, const Store &store);

struct BufferView {
  /// Names of the arrays; empty: not declared. Far buffers may have several, that overlay each other; others have one.
  std::string scalars, pairs, quads;
  bool is_read = false;
  bool is_written = false;
  bool is_narrow = false; ///< Elements take their 8 or 16 bits in memory (memory_type), not those of values.

  /// The array of vectors of `lanes` elements; empty where there is none.
  const std::string &array(int lanes) const { return lanes == 4 ? quads : lanes == 2 ? pairs : scalars; }
};

/// What a kernel does with a buffer.
struct BufferUse {
  bool is_read = false;
  bool is_written = false;
  std::set<int> aligned_widths; ///< 2, 4.
  std::set<int> loaded_widths;  ///< Those of loads.
  bool has_narrow = false;      ///< Some access does not fit a vector.
};

/// Every far buffer that is used and every local one that is allocated.
std::map<BufferId, BufferUse> buffer_uses(const Kernel &kernel, const Divisors &divisors);

/// Which of 1, 2 and 4 elements the arrays of a buffer are made of.
/// - Far: a vector view for each width that some access fits, and scalars if any does not.
/// - Near: vectors if any load fits, for there are more loads than stores; the other accesses go through components.
/// - Register: vectors only if every access fits, because a subscript that is constant after unrolling must stay
/// simple.
std::set<int> array_widths(const BufferUse &use, MemoryLevel level);

} // namespace sparkle::vulkan
