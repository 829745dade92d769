// Lanes that lie anywhere in memory: gathers and scatters where the machine has them, else one by one.
#include <algorithm>

#include "compiler/support/check.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {
namespace {

constexpr int kLeastBytes = 16;

} // namespace

/// Elements of 4 bytes at distances of 32 bits.
bool Selector::can_gather(const Place &place, Type type) const {
  if (!b_.isa().has_masks() || place.element_bytes != 4 || type.lanes < 2) return false;
  return place.steps.empty() ? !place.lanes.is_apart : place.stride != 0;
}

Address Selector::vector_address(const Place &place, size_t part, int lanes) {
  Address at = place.first;
  if (is_valid(at.index)) {
    at = Address{Address::Kind::kRegisters};
    at.base = b_.general_load(Op::kGAddress, 8, place.first);
  }
  at.scale = static_cast<uint8_t>(place.element_bytes);
  if (place.steps.empty()) {
    at.index = place.lanes.parts[part];
    return at;
  }
  std::vector<uint32_t> steps;
  const size_t first = part * static_cast<size_t>(b_.isa().vector_lanes());
  for (size_t i = 0; i < static_cast<size_t>(lanes); ++i)
    steps.push_back(static_cast<uint32_t>(place.steps[place.steps.size() == 1 ? 0 : first + i]));
  at.index = b_.vector_constant(steps, std::max(part_bytes(lanes), kLeastBytes));
  return at;
}

VReg Selector::active_lanes(const Value *mask, size_t part, int lanes) {
  const int bytes = std::max(part_bytes(lanes), kLeastBytes);
  if (!mask) return first_lanes(lanes, bytes);
  const bool is_full = lanes * 4 == bytes;
  return is_full ? mask->parts[part] : both_masks(bytes, mask->parts[part], first_lanes(lanes, bytes));
}

Value Selector::gather(const Place &place, Type type, const Value *mask, const Value *other) {
  return each_part(type, nullptr, [&](size_t part, int bytes, VReg) {
    const int lanes = part_lanes(b_.isa(), type.lanes, static_cast<int>(part));
    bytes = std::max(bytes, kLeastBytes);
    Inst inst;
    inst.op = Op::kGather;
    inst.bytes = static_cast<uint8_t>(bytes);
    inst.memory = vector_address(place, part, lanes);
    inst.mask = active_lanes(mask, part, lanes);
    inst.dst = copy(other ? other->parts[part] : lanes_of(0, bytes), bytes);
    inst.src[0] = inst.dst;
    b_.add(inst);
    return inst.dst;
  });
}

void Selector::scatter(const Place &place, const Value &value, const Value *mask) {
  for (size_t part = 0; part < value.parts.size(); ++part) {
    const int lanes = part_lanes(b_.isa(), value.type.lanes, static_cast<int>(part));
    const Address at = vector_address(place, part, lanes);
    b_.vector_store(Op::kScatter, std::max(part_bytes(lanes), kLeastBytes), at, value.parts[part],
                    active_lanes(mask, part, lanes));
  }
}

/// Of one lane, wherever it lies.
Address Selector::lane_address(const Place &place, int number) {
  if (!place.steps.empty()) return element(place, number);
  Address at = place.first;
  if (is_valid(at.index)) {
    at = Address{Address::Kind::kRegisters};
    at.base = b_.general_load(Op::kGAddress, 8, place.first);
  }
  at.index = general(lane(place.lanes, number));
  at.scale = static_cast<uint8_t>(place.element_bytes);
  return at;
}

/// Bits of each part of a mask, in general registers.
Parts Selector::tests_of(const Value *mask) {
  Parts out;
  if (!mask) return out;
  for (size_t part = 0; part < mask->parts.size(); ++part)
    out.push_back(
        bits_of(mask->parts[part], part_bytes(part_lanes(b_.isa(), mask->type.lanes, static_cast<int>(part)))));
  return out;
}

/// Jumps to `to` where lane `number` is masked off.
void Selector::jump_unless_active(const Parts &tests, int number, Label to) {
  const int wide = b_.isa().vector_lanes();
  const VReg bits = tests[static_cast<size_t>(number / wide)];
  b_.jump_if(Condition::kEq, 4, b_.general(Op::kGAnd, 4, bits, int64_t{1} << number % wide), int64_t{0}, to);
}

/// Lanes that are masked off are 0.
Value Selector::load_each(const Place &place, Type type, const Value *mask) {
  const Parts tests = tests_of(mask);
  const Op op = type.scalar == Scalar::kI8 ? Op::kGLoadSigned : Op::kGLoad;
  const bool stays_apart = type.scalar == Scalar::kIndex && k_.index_bits == 64;
  Value out{type, {}, {}, stays_apart};
  Parts lanes;
  for (int i = 0; i < type.lanes; ++i) {
    if (type.scalar == Scalar::kF32 && !mask) {
      lanes.push_back(b_.vector_load(Op::kVLoad, 4, lane_address(place, i)));
    } else if (!mask) {
      lanes.push_back(b_.general_load(op, place.element_bytes, lane_address(place, i)));
    } else {
      const Label skip = b_.function().add_label();
      lanes.push_back(b_.constant(0));
      jump_unless_active(tests, i, skip);
      b_.general_load(op, place.element_bytes, lane_address(place, i), lanes.back());
      b_.place(skip);
    }
    const bool ends_part = static_cast<int>(lanes.size()) == b_.isa().vector_lanes() || i + 1 == type.lanes;
    if (stays_apart || !ends_part) continue;
    const int bytes = part_bytes(static_cast<int>(lanes.size()));
    out.parts.push_back(from_loaded(type.scalar, join(lanes, bytes), bytes));
    lanes.clear();
  }
  if (stays_apart) out.parts = std::move(lanes);
  return out;
}

/// Lanes of 32 bits whose low bits are elements of memory.
VReg Selector::from_loaded(Scalar scalar, VReg lanes, int bytes) {
  bytes = std::max(bytes, kLeastBytes);
  if (scalar == Scalar::kBool) return mask_of_ones(bytes, lanes);
  if (scalar == Scalar::kBF16) return b_.vector_immediate(Op::kIShiftLeft, bytes, 16, lanes);
  if (scalar != Scalar::kF16) return lanes;
  const VReg halves = b_.isa().has_masks()
                          ? b_.vector(Op::kIToWords, bytes, lanes)
                          : b_.vector(Op::kPackU32, kLeastBytes, lanes, quad(lanes, bytes, bytes / 32));
  return b_.vector(Op::kHToF, bytes, halves);
}

void Selector::store_each(const Place &place, const Value &value, const Value *mask) {
  const Parts tests = tests_of(mask);
  for (int i = 0; i < value.type.lanes; ++i) {
    const Label skip = mask ? b_.function().add_label() : Label{};
    if (mask) jump_unless_active(tests, i, skip);
    store_scalar(lane_address(place, i), lane(value, i));
    if (mask) b_.place(skip);
  }
}

} // namespace sparkle::x86
