// Arithmetic on vectors of i32 in as many bits as its values take. The IR computes with bytes as i32; where what is
// read, and constants, prove that results fit 16 or 8 bits, two or four times as many lanes go into a register.
//
//   sum = 1*zext(a) + 4*zext(b) + 6*zext(c), all of <16 x i8>    ->    the same on <16 x i16>, then zext
//   trunc (smin (smax (sum >> 8, 0), 255))                       ->    trunc (sum >> 8)
//
// Needs values, not register buffers: after SROA. Comes before common expressions are joined, which forgets what is
// known of values (`kRangeMetadata`). Results keep every bit. Pinned by tests/unit/targets/llvm/llvm_narrow_test.cpp.
#pragma once

#include <map>

#include <llvm/IR/ConstantRange.h>

namespace llvm {
class Function;
}

namespace sparkle::llvm_target {

/// Of an extension: its least and greatest value, two i64.
inline constexpr char kRangeMetadata[] = "sparkle.range";
/// Of a store: the number of the buffer, one i32.
inline constexpr char kBufferMetadata[] = "sparkle.buffer";

void narrow_integers(llvm::Function &function);

/// By number of the buffer, what the stores that name one may store: ranges of i32.
std::map<uint32_t, llvm::ConstantRange> stored_ranges(llvm::Function &function);

/// Bits that hold every value of the range, 8 or 16; nothing when it takes more. `is_signed`: how they are extended.
struct NarrowType {
  unsigned bits;
  bool is_signed;
};
std::optional<NarrowType> narrow_type(const llvm::ConstantRange &range);

} // namespace sparkle::llvm_target
