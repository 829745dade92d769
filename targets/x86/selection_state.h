// What selection keeps of sums, loops, slices of registers and loads. Internal to this folder.
#pragma once

#include <compare>
#include <optional>
#include <span>
#include <vector>

#include "targets/x86/code_builder.h"
#include "targets/x86/index_forms.h"
#include "targets/x86/value.h"

namespace sparkle::x86 {

enum class SumId : uint32_t {};
/// parent + coefficient * atom; the first one of a chain is the address of a buffer, or 0.
struct Sum {
  SumId parent = kNoId<SumId>;
  AtomId atom = kNoId<AtomId>;
  int64_t coefficient = 0;
  int depth = 0;
  VReg reg = kNoId<VReg>; ///< Where it is now; none: nowhere.
};
struct SumKey {
  uint32_t parent, atom;
  int64_t coefficient;
  auto operator<=>(const SumKey &) const = default;
};
/// A loop around the code at hand that is not expanded. The first is the function, the second the loop over tasks.
struct Level {
  Region::Loop *loop = nullptr;
  VarId var = kNoId<VarId>;
  size_t scope = 0;
  IndexForm begin, end;
  VReg begin_register = kNoId<VReg>, end_register = kNoId<VReg>; ///< Where they are not constant.
  std::vector<SumId> counters;                                   ///< Sums that its latch advances.
};
/// What is known while some code runs, in a loop or under a condition.
struct Scope {
  std::vector<SumId> sums;
  size_t loads = 0;      ///< Length of loads_ at its start.
  size_t first_load = 0; ///< Of those that may be used again.
};
/// Where a value that changes at some depth is computed.
struct Spot {
  Region *region;
  size_t scope;
};
/// Address of a buffer's first element.
struct Base {
  SumId sum = kNoId<SumId>;
  int64_t offset = 0; ///< Bytes.
};
/// The sum that an index stands for, but for its constant.
struct AccessSum {
  SumId base = kNoId<SumId>;
  int64_t element_bytes = 0;
  SumId sum = kNoId<SumId>;
};
/// What the lanes of an index add to lane 0.
struct Steps {
  bool is_tried = false;
  std::optional<std::vector<int64_t>> steps;
  std::optional<int64_t> stride;
};
/// A register buffer, cut into slices that are read and written whole. Without slices it lies in scratch memory.
struct Slice {
  int64_t offset = 0; ///< In elements.
  int lanes = 1;
  bool is_sure = false; ///< Written on all ways from the allocation on.
  Parts parts;
  std::optional<uint32_t> bits = {}; ///< What its lanes hold, all of them f32, where that is known and `known_in` is
  uint32_t known_in = 0;             ///< the piece of straight code that is being selected.
};
struct Slices {
  std::vector<int32_t> slice_at; ///< By element; -1: none.
  std::vector<Slice> slices;
  int conditions = 0; ///< Around the allocation.
};
struct Loaded {
  BufferId buffer;
  Address first;
  std::optional<int64_t> stride;
  std::span<const int64_t> steps; ///< Where there is no stride.
  Value value;
  int64_t begin, end;         ///< Bytes touched, from `first`.
  uint64_t lanes = kAllLanes; ///< Bit i: lane i is read; others are 0.
  bool is_there = true;
  static constexpr uint64_t kAllLanes = ~uint64_t{0};
};
/// A comparison that a jump makes.
struct Test {
  Condition condition;
  VReg a;
  VReg b = kNoId<VReg>; ///< None: `number`.
  int64_t number = 0;
  int bytes = 8;
};

} // namespace sparkle::x86
