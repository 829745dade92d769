// Lanes from and to memory: whole vectors where lanes are neighbours, a splat where they are alike, vectors shuffled
// where they lie close together, else gathers and scatters, else lane by lane. Nothing outside the lanes is touched.
#include <algorithm>
#include <limits>

#include "compiler/support/check.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {
namespace {

constexpr int kLeastBytes = 16;
constexpr VReg kNone = kNoId<VReg>;
/// Vectors loaded whole and shuffled into one, for lanes that lie within them; further ones take an element at a time.
constexpr int64_t kMostShuffledVectors = 4;
constexpr int kLeastShuffledLanes = 4;

bool is_short(Scalar scalar) { return scalar != Scalar::kF32 && scalar != Scalar::kI32 && scalar != Scalar::kIndex; }
bool is_half(Scalar scalar) { return scalar == Scalar::kF16 || scalar == Scalar::kBF16; }
bool is_aligned_size(int lanes) { return lanes == 4 || lanes == 8 || lanes == 16; }

} // namespace

// ---- Loads

Value Selector::load_lanes(const Place &place, Type type, const Value *mask, const Value *other) {
  if (!type.is_vector()) return load_scalar(place.first, type);
  if (mask) return load_masked(place, type, *mask, *other);
  if (type.scalar == Scalar::kIndex) return load_each(place, type, nullptr);
  if (place.stride == 0) return load_alike(place, type);
  if (place.stride == 1) {
    return each_part(type, nullptr, [&](size_t part, int, VReg) {
      const int first = static_cast<int>(part) * b_.isa().vector_lanes();
      return load_part(element(place, first), type.scalar, part_lanes(b_.isa(), type.lanes, static_cast<int>(part)),
                       kNone);
    });
  }
  if (is_shuffled(place, type)) return load_shuffled(place, type, ~uint64_t{0});
  return can_gather(place, type) ? gather(place, type, nullptr, nullptr) : load_each(place, type, nullptr);
}

Value Selector::load_alike(const Place &place, Type type) {
  if (is_short(type.scalar)) return widen(load_scalar(place.first, type.with_lanes(1)), type.lanes);
  const int bytes = part_bytes(part_lanes(b_.isa(), type.lanes, 0));
  const auto count = static_cast<size_t>(part_count(b_.isa(), type.lanes));
  return {type, Parts(count, b_.vector_load(Op::kVBroadcast, bytes, place.first))};
}

Value Selector::load_masked(const Place &place, Type type, const Value &mask, const Value &other) {
  const Value active = widen(mask, type.lanes), rest = widen(other, type.lanes);
  if (active.known == all_lanes(type.lanes)) return load_lanes(place, type, nullptr, nullptr);
  if (active.known == uint64_t{0}) return rest;
  const bool is_apart = place.stride != 0 && place.stride != 1 && type.scalar != Scalar::kIndex;
  if (active.known && is_apart && is_shuffled(place, type))
    return select_lanes(active, load_shuffled(place, type, *active.known), rest, nullptr);
  if (place.stride == 0) return load_alike_masked(place, type, active, rest);
  if (can_gather(place, type) && place.stride != 1) return gather(place, type, &active, &rest);
  const bool has_instruction =
      place.stride == 1 && type.scalar != Scalar::kIndex && (b_.isa().has_masks() || !is_short(type.scalar));
  Value loaded = has_instruction ? Value{type} : load_each(place, type, &active);
  if (has_instruction)
    loaded = each_part(type, nullptr, [&](size_t part, int, VReg) {
      const int first = static_cast<int>(part) * b_.isa().vector_lanes();
      return load_part(element(place, first), type.scalar, part_lanes(b_.isa(), type.lanes, static_cast<int>(part)),
                       active.parts[part]);
    });
  return rest.bits == 0u ? loaded : select_lanes(active, loaded, rest, nullptr);
}

/// One element for all lanes: read where any of them is active, as some are of a known mask.
Value Selector::load_alike_masked(const Place &place, Type type, const Value &mask, const Value &other) {
  if (mask.known) return select_lanes(mask, load_alike(place, type), other, nullptr);
  const Type one = type.with_lanes(1);
  Value value{one, {b_.function().add_register(class_of(one))}};
  if (is_float(type.scalar)) {
    b_.vector(Op::kVMove, kLeastBytes, lanes_of(0, kLeastBytes), kNone, kNone, value.parts[0]);
  } else {
    b_.constant(0, value.parts[0]);
  }
  VReg any = kNone;
  for (size_t part = 0; part < mask.parts.size(); ++part) {
    const int lanes = part_lanes(b_.isa(), type.lanes, static_cast<int>(part));
    VReg bits = bits_of(mask.parts[part], part_bytes(lanes));
    bits = b_.general(Op::kGAnd, 4, bits, (int64_t{1} << lanes) - 1);
    any = part == 0 ? bits : b_.general(Op::kGOr, 4, any, bits);
  }
  const Label skip = b_.function().add_label();
  b_.jump_if(Condition::kEq, 4, any, int64_t{0}, skip);
  move(load_scalar(place.first, one), value.parts);
  b_.place(skip);
  return select_lanes(mask, widen(value, type.lanes), other, nullptr);
}

Value Selector::load_scalar(const Address &at, Type type) {
  switch (type.scalar) {
  case Scalar::kF32: return {type, {b_.vector_load(Op::kVLoad, 4, at)}};
  case Scalar::kF16: {
    const VReg half = b_.vector(Op::kVFromG, 4, b_.general_load(Op::kGLoad, 2, at));
    return {type, {b_.vector(Op::kHToF, kLeastBytes, half)}};
  }
  case Scalar::kBF16: {
    const VReg upper = b_.general(Op::kGShiftLeft, 4, b_.general_load(Op::kGLoad, 2, at), int64_t{16});
    return {type, {b_.vector(Op::kVFromG, 4, upper)}};
  }
  case Scalar::kI8: return {type, {b_.general_load(Op::kGLoadSigned, 1, at)}};
  default: break;
  }
  return {type, {b_.general_load(Op::kGLoad, static_cast<int>(bytes_of(type.scalar)), at)}};
}

/// Worth loading whole vectors for: lanes at known places, close together.
bool Selector::is_shuffled(const Place &place, Type type) const {
  if (place.steps.size() != type.lanes || type.lanes < kLeastShuffledLanes) return false;
  const auto [least, greatest] = std::ranges::minmax(place.steps);
  return greatest - least < kMostShuffledVectors * type.lanes;
}

/// Whole vectors from the first element read to the last one, of which the last vector ends with the last element, so
/// that nothing beyond is read. Of active lanes alone.
Value Selector::load_shuffled(const Place &place, Type type, uint64_t active) {
  const auto is_active = [&](size_t lane) { return lane >= 64 || (active >> lane & 1) != 0; };
  int64_t least = std::numeric_limits<int64_t>::max(), greatest = std::numeric_limits<int64_t>::min();
  for (size_t i = 0; i < place.steps.size(); ++i) {
    if (!is_active(i)) continue;
    least = std::min(least, place.steps[i]);
    greatest = std::max(greatest, place.steps[i]);
  }
  const int64_t span = greatest - least + 1;
  int width = b_.isa().vector_lanes();
  while (width > span) width /= 2;
  const bool is_bool = type.scalar == Scalar::kBool;
  const Scalar scalar = is_bool ? Scalar::kU8 : type.scalar;
  std::vector<Lane> lanes(type.lanes, Lane{kNone, 0});
  for (int64_t chunk = 0; chunk < span; chunk += width) {
    const int64_t first = least + std::min(chunk, span - width);
    VReg vector = kNone;
    for (size_t i = 0; i < lanes.size(); ++i) {
      const int64_t at = place.steps[i] - first;
      if (!is_active(i) || is_valid(lanes[i].part) || at < 0 || at >= width) continue;
      if (!is_valid(vector)) vector = load_part(element(place, 0, first - place.steps[0]), scalar, width, kNone);
      lanes[i] = {vector, static_cast<int>(at)};
    }
  }
  return each_part(type, nullptr, [&](size_t part, int bytes, VReg) {
    const auto first = lanes.begin() + static_cast<ptrdiff_t>(part) * b_.isa().vector_lanes();
    const int count = part_lanes(b_.isa(), type.lanes, static_cast<int>(part));
    const bool is_empty = std::all_of(first, first + count, [](const Lane &lane) { return !is_valid(lane.part); });
    const VReg own = is_empty ? lanes_of(0, bytes) : gather_lanes({first, first + count}, bytes, kNone);
    return is_bool ? mask_of_ones(bytes, own) : own;
  });
}

// ---- Stores

void Selector::store_lanes(const Place &place, const Value &value, const Value *mask, bool streaming) {
  const int lanes =
      std::max({int{value.type.lanes}, static_cast<int>(place.steps.size()), int{place.lanes.type.lanes}});
  const Value all = widen(value, lanes);
  const Type type = all.type;
  if (lanes == 1) return store_scalar(place.first, all);
  std::optional<Value> active;
  if (mask) active = widen(*mask, lanes);
  if (active && active->known == uint64_t{0}) return;
  if (active && active->known == all_lanes(lanes)) active.reset();
  const bool is_contiguous = place.stride == 1 && type.scalar != Scalar::kIndex;
  if (is_contiguous && (!active || b_.isa().has_masks() || !is_short(type.scalar))) {
    for (size_t part = 0; part < all.parts.size(); ++part) {
      const int first = static_cast<int>(part) * b_.isa().vector_lanes();
      const Address at = element(place, first);
      const int count = part_lanes(b_.isa(), lanes, static_cast<int>(part));
      if (streaming && !is_short(type.scalar) && is_aligned_size(count)) {
        b_.vector_store(Op::kVStream, part_bytes(count), at, all.parts[part]);
      } else {
        store_part(at, type.scalar, count, all.parts[part], active ? active->parts[part] : kNone);
      }
    }
    return;
  }
  const bool is_worth = active || place.steps.empty();
  if (is_worth && can_gather(place, type)) return scatter(place, all, active ? &*active : nullptr);
  store_each(place, all, active ? &*active : nullptr);
}

void Selector::store_scalar(const Address &at, const Value &value) {
  const Scalar scalar = value.type.scalar;
  if (!is_float(scalar)) return b_.vector_store(Op::kGStore, static_cast<int>(bytes_of(scalar)), at, general(value));
  if (!is_half(scalar)) return b_.vector_store(Op::kVStore, 4, at, value.parts[0]);
  VReg bits = kNone;
  if (scalar == Scalar::kF16) {
    bits = b_.vector(Op::kVToG, 4, half_of(kLeastBytes, value.parts[0]));
  } else {
    bits = b_.general(Op::kGShiftRight, 4, b_.vector(Op::kVToG, 4, value.parts[0]), int64_t{16});
  }
  b_.vector_store(Op::kGStore, 2, at, bits);
}

/// f16 in the low half.
VReg Selector::half_of(int bytes, VReg real) {
  const auto known = halves_.find(real);
  return known != halves_.end() ? known->second : b_.vector(Op::kFToH, std::max(bytes, kLeastBytes), real);
}

} // namespace sparkle::x86
