// Values in registers while a kernel is selected. Internal to this folder.
//
// Values. Lanes are 32 bits wide in registers: i8 and u8 are carried as i32, f16 and bf16 as the f32 of the same value.
// A vector of n lanes has one register for each `Isa::vector_lanes()` lanes, the last one as narrow as its lanes allow
// (part_bytes). Scalars: f32, f16, bf16 in lane 0 of a vector; the others in general registers, index with 64 bits,
// i32, i8, u8 with 32 whose upper half is undefined, bool as 0 or 1. Vectors of bool: a mask for each part (kAvx512),
// or lanes of ones and zeros (kAvx2). Vectors of index: lanes of 32 bits where Kernel::index_bits is 32, else one
// general register for each lane (`is_apart`).
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "compiler/ir/kernel.h"
#include "targets/x86/vreg.h"

namespace sparkle::x86 {

/// Registers; a few without memory of their own, for values are copied with every use.
class Parts {
public:
  Parts() = default;
  Parts(std::initializer_list<VReg> parts) {
    for (const VReg part : parts) push_back(part);
  }
  Parts(size_t count, VReg part) {
    while (size_ < count) push_back(part);
  }
  void push_back(VReg part) {
    if (size_ < kNear) {
      near_[size_] = part;
    } else {
      if (size_ == kNear) far_.assign(near_.begin(), near_.end());
      far_.push_back(part);
    }
    ++size_;
  }
  void clear() {
    size_ = 0;
    far_.clear();
  }
  VReg back() const { return begin()[size_ - 1]; }
  void reserve(size_t count) {
    if (count > kNear) far_.reserve(count);
  }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  VReg *begin() { return size_ <= kNear ? near_.data() : far_.data(); }
  const VReg *begin() const { return size_ <= kNear ? near_.data() : far_.data(); }
  VReg *end() { return begin() + size_; }
  const VReg *end() const { return begin() + size_; }
  VReg &operator[](size_t i) { return begin()[i]; }
  VReg operator[](size_t i) const { return begin()[i]; }
  bool operator==(const Parts &other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

private:
  static constexpr size_t kNear = 4;
  size_t size_ = 0;
  std::array<VReg, kNear> near_;
  std::vector<VReg> far_; ///< All of them, where they are more.
};

struct Value {
  Type type;
  Parts parts = {};
  std::optional<int64_t> number = {}; ///< A whole scalar known here; then without parts.
  bool is_apart = false;
  std::optional<uint32_t> bits = {};  ///< Of each lane, where known here and alike; parts are there all the same.
  std::optional<uint64_t> known = {}; ///< Of vectors of bool: bit i is lane i, where known here; parts are there, too.
  bool is_splat = false;              ///< A scalar whose register has it in all lanes of the machine's vectors.
};

/// Values of expressions.
class Memo {
public:
  explicit Memo(size_t expr_count) : places_(expr_count) {}
  /// Until something is added; nullptr: not there.
  const Value *find(ExprId id) const {
    const uint32_t place = places_[index_of(id)];
    return place == 0 ? nullptr : &values_[place - 1].second;
  }
  void add(ExprId id, const Value &value) {
    if (places_[index_of(id)] != 0) return;
    values_.emplace_back(id, value);
    places_[index_of(id)] = static_cast<uint32_t>(values_.size());
  }
  void clear() {
    for (const auto &[id, value] : values_) places_[index_of(id)] = 0;
    values_.clear();
  }

private:
  std::vector<uint32_t> places_; ///< By ExprId: number in `values_` from 1; 0: none.
  std::vector<std::pair<ExprId, Value>> values_;
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
