// Loads and stores: of registers, where the slices of a register buffer are known, and of memory.
#include <algorithm>
#include <bit>

#include "compiler/support/check.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {
namespace {

/// Loads further back are made again: keeping what they loaded takes a register for as long.
constexpr size_t kLoadsRemembered = 64;

bool has_lanes_apart(const Place &place) { return !place.lanes.parts.empty(); }

/// From the first byte touched to behind the last one, less the address of lane 0.
std::pair<int64_t, int64_t> extent_of(const Place &place) {
  const auto [least, greatest] = std::ranges::minmax(place.steps);
  if (place.steps.size() == 1) return {0, place.element_bytes};
  return {least * place.element_bytes, (greatest + 1) * place.element_bytes};
}

} // namespace

RegClass Selector::class_of(Type type) const {
  if (type.is_vector()) {
    const bool is_mask = type.scalar == Scalar::kBool && b_.isa().has_masks();
    return is_mask ? RegClass::kMask : is_apart(type) ? RegClass::kGeneral : RegClass::kVector;
  }
  const bool is_real = type.scalar == Scalar::kF32 || type.scalar == Scalar::kF16 || type.scalar == Scalar::kBF16;
  return is_real ? RegClass::kVector : RegClass::kGeneral;
}

Parts Selector::new_parts(Type type) {
  Parts parts;
  const int count = is_apart(type) ? type.lanes : part_count(b_.isa(), type.lanes);
  for (int i = 0; i < count; ++i) parts.push_back(b_.function().add_register(class_of(type)));
  return parts;
}

Slice *Selector::slice_of(BufferId buffer, ExprId index) {
  std::optional<Slices> &slices = slices_[index_of(buffer)];
  if (!slices) return nullptr;
  const size_t slice = static_cast<size_t>(slices->slice_at[static_cast<size_t>(known_index(index).value())]);
  return &slices->slices[slice];
}

// ---- Loads

void Selector::load(const Load &load) {
  const Type type = k_.var(load.var).type;
  if (const Slice *slice = slice_of(load.buffer, load.indices.at(0))) {
    if (slice->bits && slice->known_in == straight_)
      return bind(load.var, real_constant({type.with_lanes(1), std::bit_cast<float>(*slice->bits)}, type.lanes));
    Value value{type, slice->parts};
    bind(load.var, needs_no_copy_.contains(&load) ? std::move(value) : move(value, new_parts(type)));
    return;
  }
  const std::optional<bool> mask = is_valid(load.mask) ? decide(load.mask) : true;
  if (mask == false) return bind(load.var, widen(emit(load.other), type.lanes));
  if (mask) return bind(load.var, load_plain(load, type));
  if (!k_.type_of(load.mask).is_vector()) return bind(load.var, load_if(load, type));
  const Value lanes = emit(load.mask), other = widen(emit(load.other), type.lanes);
  const Place where = place(load.buffer, load.indices.at(0));
  const bool may_share = lanes.known && other.bits == 0u && !has_lanes_apart(where);
  if (may_share)
    if (const Value *known = loaded(where, type, *lanes.known)) return bind(load.var, *known);
  const Value value = load_lanes(where, type, &lanes, &other);
  if (may_share) remember(where, value, *lanes.known);
  bind(load.var, value);
}

Value Selector::load_if(const Load &load, Type type) {
  const Label skip = b_.function().add_label();
  const Value value = move(widen(emit(load.other), type.lanes), new_parts(type));
  jump_unless(load.mask, skip);
  enter_scope();
  move(load_plain(load, type), value.parts);
  leave_scope();
  b_.place(skip);
  return value;
}

/// The same element, of a buffer not written since, is loaded once. Scalars that vectors are filled with are loaded
/// into all lanes at once.
Value Selector::load_plain(const Load &load, Type type) {
  const Place where = place(load.buffer, load.indices.at(0));
  const bool may_share = !has_lanes_apart(where);
  if (may_share)
    if (const Value *known = loaded(where, type, Loaded::kAllLanes)) return *known;
  Value value;
  if (is_broadcast_[index_of(load.var)] && k_.buffer(load.buffer).element == Scalar::kF32) {
    value.type = type;
    value.is_splat = true;
    value.parts = {b_.vector_load(Op::kVBroadcast, b_.isa().vector_bytes(), where.first)};
  } else {
    value = load_lanes(where, type, nullptr, nullptr);
  }
  if (may_share) remember(where, value, Loaded::kAllLanes);
  return value;
}

void Selector::remember(const Place &place, const Value &value, uint64_t lanes) {
  const auto [begin, end] = extent_of(place);
  loads_.push_back({place.buffer, place.first, place.stride, place.steps, value, begin, end, lanes});
}

const Value *Selector::loaded(const Place &place, Type type, uint64_t lanes) const {
  const size_t first = std::max(scopes_.back().first_load, loads_.size() - std::min(loads_.size(), kLoadsRemembered));
  for (size_t i = loads_.size(); i-- > first;) {
    const Loaded &load = loads_[i];
    if (load.first.displacement == place.first.displacement && load.is_there && load.first == place.first &&
        load.buffer == place.buffer && load.stride == place.stride && load.value.type == type && load.lanes == lanes &&
        (load.stride || std::ranges::equal(load.steps, place.steps)))
      return &load.value;
  }
  return nullptr;
}

bool Selector::may_alias(BufferId a, BufferId b) const {
  if (a == b) return true;
  const Buffer &one = k_.buffer(a), &other = k_.buffer(b);
  if (one.level != MemoryLevel::kFar || other.level != MemoryLevel::kFar) return false;
  return !one.no_alias || !other.no_alias || one.tensor == other.tensor;
}

/// What a store may have changed is loaded anew.
void Selector::forget_loads(const Place &place) {
  const bool is_known = !has_lanes_apart(place);
  const auto [begin, end] = is_known ? extent_of(place) : std::pair<int64_t, int64_t>{0, 0};
  for (Loaded &load : loads_) {
    if (!load.is_there || !may_alias(load.buffer, place.buffer)) continue;
    const bool is_comparable = is_known && load.buffer == place.buffer && load.first.base == place.first.base;
    const int64_t apart = int64_t{place.first.displacement} - load.first.displacement;
    if (is_comparable && (apart + begin >= load.end || apart + end <= load.begin)) continue;
    load.is_there = false;
  }
}

// ---- Stores

void Selector::store(const Store &store) {
  const ExprId index = store.indices.at(0);
  const int lanes = std::max<int>(k_.type_of(store.value).lanes, k_.type_of(index).lanes);
  if (Slice *slice = slice_of(store.buffer, index)) {
    return store_slice(store, k_.type_of(store.value).with_lanes(lanes), *slice);
  }
  const std::optional<bool> mask = is_valid(store.mask) ? decide(store.mask) : true;
  if (mask == false) return;
  if (mask) return store_plain(store, lanes, nullptr);
  if (k_.type_of(store.mask).is_vector()) {
    const Value active = emit(store.mask);
    return store_plain(store, lanes, &active);
  }
  const Label skip = b_.function().add_label();
  jump_unless(store.mask, skip);
  enter_scope();
  store_plain(store, lanes, nullptr);
  leave_scope();
  b_.place(skip);
}

/// A known value is written all the same: code beyond the next jump reads the register.
void Selector::store_slice(const Store &store, Type type, Slice &slice) {
  const bool is_whole = k_.type_of(store.value) == type;
  const Value value = is_whole ? emit(store.value, &slice.parts) : widen(emit(store.value), type.lanes);
  if (value.parts != slice.parts) move(value, slice.parts);
  slice.bits = type.scalar == Scalar::kF32 ? value.bits : std::nullopt;
  slice.known_in = straight_;
}

void Selector::store_plain(const Store &store, int lanes, const Value *mask) {
  const Value value = widen(emit(store.value), lanes);
  const Place where = place(store.buffer, store.indices.at(0));
  const bool streams = store.kind == StoreKind::kStreaming && !mask && lanes > 1 && where.stride == 1 &&
                       is_aligned(where, store.indices.at(0));
  streams_ |= streams;
  store_lanes(where, value, mask, streams);
  forget_loads(where);
}

/// Streaming stores take whole vectors at multiples of their bytes.
bool Selector::is_aligned(const Place &place, ExprId index) {
  const Buffer &buffer = k_.buffer(place.buffer);
  const int64_t bytes =
      std::min<int64_t>(b_.isa().vector_bytes(), int64_t{k_.type_of(index).lanes} * place.element_bytes);
  const auto *affine = forms_.affine(index);
  if (!affine || buffer.alignment % bytes != 0 || place.first.displacement % bytes != 0) return false;
  return std::ranges::all_of(
      affine->fixed.terms, [&](const IndexTerm &term) { return term.coefficient * place.element_bytes % bytes == 0; });
}

} // namespace sparkle::x86
