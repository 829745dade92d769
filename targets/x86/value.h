// Values in registers while a kernel is selected. Internal to this folder.
//
// Values. Lanes are 32 bits wide in registers: i8 and u8 are carried as i32, f16 and bf16 as the f32 of the same value.
// A vector of n lanes has one register for each `Isa::vector_lanes()` lanes, the last one as narrow as its lanes allow
// (part_bytes). Scalars: f32, f16, bf16 in lane 0 of a vector; the others in general registers, index with 64 bits,
// i32, i8, u8 with 32 whose upper half is undefined, bool as 0 or 1. Vectors of bool: a mask for each part (kAvx512),
// or lanes of ones and zeros (kAvx2). Vectors of index: lanes of 32 bits where Kernel::index_bits is 32, else one
// general register for each lane (`is_apart`).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "compiler/ir/kernel.h"
#include "targets/x86/vreg.h"

namespace sparkle::x86 {

struct Value {
  Type type;
  std::vector<VReg> parts = {};
  std::optional<int64_t> number = {}; ///< A whole scalar known here; then without parts.
  bool is_apart = false;
  std::optional<uint32_t> bits = {}; ///< Of each lane, where known here and alike; parts are there all the same.
  bool is_splat = false;             ///< A scalar whose register has it in all lanes of the machine's vectors.
};

/// Bytes of operations on so many lanes: 4, 16, 32 or 64.
int part_bytes(int lanes);
/// Lanes of part `part` of a vector of so many.
int part_lanes(const Isa &isa, int lanes, int part);

/// Registers that vectors of so many lanes take.
int part_count(const Isa &isa, int lanes);
/// Of signed numbers.
Condition condition_of(CompareOp op);

/// Where lanes of an access lie.
struct Place {
  BufferId buffer;
  int element_bytes = 4;          ///< In memory.
  Address first;                  ///< Of lane 0; where steps are known.
  std::span<const int64_t> steps; ///< In elements, from lane 0; one for all lanes where the index is a scalar.
  std::optional<int64_t> stride;  ///< Between neighbouring lanes; 0: all lanes alike.
  Value lanes;                    ///< Element numbers, where steps are not known.
};

} // namespace sparkle::x86
