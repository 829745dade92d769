// Expressions that combine lanes: shuffles, reductions, dot products.
#include <algorithm>

#include "compiler/ir/numeric.h"
#include "compiler/support/check.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {
namespace {

constexpr int kLeastBytes = 16;
constexpr VReg kNone = kNoId<VReg>;

Op float_op(ReduceOp op) {
  switch (op) {
  case ReduceOp::kSum: return Op::kFAdd;
  case ReduceOp::kProd: return Op::kFMul;
  case ReduceOp::kMin: return Op::kFMin;
  case ReduceOp::kMax: return Op::kFMax;
  }
  SPARKLE_CHECK(false, "unknown reduction");
}

} // namespace

VReg Selector::quad(VReg part, int bytes, int number) {
  if (bytes <= kLeastBytes || number == 0) return part;
  return b_.vector_immediate(Op::kExtract, kLeastBytes, number, part);
}

Value Selector::lane(const Value &value, int number) {
  const Type type = value.type.with_lanes(1);
  if (value.number || !value.type.is_vector()) return value;
  if (value.is_apart) return {type, {value.parts[static_cast<size_t>(number)]}};
  const int wide = b_.isa().vector_lanes(), part = number / wide, at = number % wide;
  const VReg own = value.parts[static_cast<size_t>(part)];
  const int bytes = part_bytes(part_lanes(b_.isa(), value.type.lanes, part));
  if (type.scalar == Scalar::kBool && b_.isa().has_masks()) {
    const VReg bits = b_.general(Op::kGShiftRight, 4, bits_of(own, bytes), int64_t{at});
    return {type, {b_.general(Op::kGAnd, 4, bits, int64_t{1})}};
  }
  const VReg four = quad(own, bytes, at / 4);
  if (is_float(type.scalar)) {
    if (at % 4 == 0) return {type, {four}};
    return {type, {b_.vector_immediate(Op::kPermuteQuads, kLeastBytes, at % 4 * 0x55, four)}};
  }
  VReg out = at % 4 == 0 ? b_.vector(Op::kVToG, 4, four) : b_.vector_immediate(Op::kLaneToG, 4, at % 4, four);
  if (type.scalar == Scalar::kBool) out = b_.general(Op::kGAnd, 4, out, int64_t{1});
  if (type.scalar == Scalar::kIndex) out = b_.general(Op::kGSignExtend, 8, out, kNone);
  return {type, {out}};
}

VReg Selector::join(const Parts &lanes, int bytes) {
  const bool is_general = b_.function().registers[lanes[0]] == RegClass::kGeneral;
  VReg out = kNone;
  for (size_t first = 0; first < lanes.size(); first += 4) {
    VReg four = is_general ? b_.vector(Op::kVFromG, 4, lanes[first]) : lanes[first];
    for (size_t i = 1; i < 4 && first + i < lanes.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      four = is_general ? b_.vector_immediate(Op::kLaneFromG, kLeastBytes, at, four, lanes[first + i])
                        : b_.vector_immediate(Op::kInsertLane, kLeastBytes, at << 4, four, lanes[first + i]);
    }
    out = first == 0 ? four : b_.vector_immediate(Op::kInsert, bytes, static_cast<int64_t>(first / 4), out, four);
  }
  return out;
}

// ---- Shuffles

/// Register and lane of every lane of a value; scalars and masks become vectors first.
void Selector::list_lanes(const Value &value, std::vector<Lane> &out) {
  const int wide = b_.isa().vector_lanes();
  if (!value.type.is_vector()) {
    const bool is_real = is_float(value.type.scalar);
    out.push_back({is_real ? value.parts[0] : widen(value, 4).parts[0], 0});
    return;
  }
  for (int i = 0; i < value.type.lanes; ++i) out.push_back({value.parts[static_cast<size_t>(i / wide)], i % wide});
}

Value Selector::shuffle(const Shuffle &e, const Parts *into) {
  const Scalar scalar = k_.type_of(e.inputs[0]).scalar;
  const Type type{scalar, static_cast<uint16_t>(e.indices.size())};
  std::vector<Value> inputs;
  for (ExprId input : e.inputs) inputs.push_back(emit(input));
  if (!type.is_vector() || is_apart(type)) return pick_lanes(inputs, e.indices, type);
  const bool as_numbers = scalar == Scalar::kBool && b_.isa().has_masks();
  std::vector<Lane> lanes;
  for (Value &input : inputs) {
    into = unless_crossed(into, {&input});
    if (as_numbers) input = cast(input, Type{Scalar::kI32, input.type.lanes});
    list_lanes(input, lanes);
  }
  if (into && into->size() > 1) into = nullptr; // Parts of the inputs are read after parts are written.
  return each_part(type, into, [&](size_t part, int bytes, VReg to) {
    std::vector<Lane> own;
    const int first = static_cast<int>(part) * b_.isa().vector_lanes();
    for (int i = 0; i < part_lanes(b_.isa(), type.lanes, static_cast<int>(part)); ++i)
      own.push_back(lanes[static_cast<size_t>(e.indices[static_cast<size_t>(first + i)])]);
    if (!as_numbers) return gather_lanes(own, bytes, to);
    return mask_of_ones(bytes, gather_lanes(own, bytes, kNone), to);
  });
}

/// Of lanes that lie in general registers, or of one lane.
Value Selector::pick_lanes(const std::vector<Value> &inputs, const std::vector<int> &indices, Type type) {
  Value out{type, {}, {}, type.is_vector()};
  for (int index : indices) {
    size_t input = 0;
    while (index >= inputs[input].type.lanes) index -= inputs[input++].type.lanes;
    const Value one = lane(inputs[input], index);
    if (!type.is_vector()) return one;
    out.parts.push_back(general(one));
  }
  return out;
}

/// Every way is one instruction for each register that lanes come from, and on kAvx2 one more to join them.
VReg Selector::gather_lanes(const std::vector<Lane> &lanes, int bytes, VReg into) {
  const auto is_at_home = [&](VReg part) {
    for (size_t i = 0; i < lanes.size(); ++i)
      if (lanes[i].part == part && lanes[i].number != static_cast<int>(i)) return false;
    return true;
  };
  Parts sources;
  for (const Lane &lane : lanes)
    if (is_valid(lane.part) && std::ranges::find(sources, lane.part) == sources.end()) sources.push_back(lane.part);
  SPARKLE_CHECK(!sources.empty(), "a shuffle of nothing");
  if (sources.size() == 1 && is_at_home(sources[0])) return sources[0];
  if (sources.size() == 1) return permute(lanes, bytes, into);
  const std::vector<Lane> first = only(lanes, sources[0]);
  VReg out = is_at_home(sources[0]) ? sources[0] : b_.isa().has_masks() ? sources[0] : permute(first, bytes, kNone);
  std::vector<Lane> done = b_.isa().has_masks() ? first : std::vector<Lane>{};
  for (size_t s = 1; s < sources.size(); ++s) {
    const VReg to = s + 1 == sources.size() ? into : kNone;
    const std::vector<Lane> own = only(lanes, sources[s]);
    if (b_.isa().has_masks()) {
      out = permute_two(done, own, bytes, to);
      for (size_t i = 0; i < lanes.size(); ++i)
        if (is_valid(done[i].part) || is_valid(own[i].part)) done[i] = {out, static_cast<int>(i)};
      continue;
    }
    int64_t chosen = 0;
    for (size_t i = 0; i < own.size(); ++i)
      if (is_valid(own[i].part)) chosen |= int64_t{1} << i;
    const VReg other = is_at_home(sources[s]) ? sources[s] : permute(own, bytes, kNone);
    out = b_.vector_immediate(Op::kBlendFixed, std::max(bytes, kLeastBytes), chosen, out, other, to);
  }
  return out;
}

std::vector<Selector::Lane> Selector::only(std::vector<Lane> lanes, VReg part) {
  for (Lane &lane : lanes)
    if (lane.part != part) lane = {kNone, 0};
  return lanes;
}

/// Lanes of one register.
VReg Selector::permute(const std::vector<Lane> &lanes, int bytes, VReg into) {
  VReg part = kNone;
  int greatest = 0;
  bool are_alike = true, stay_in_quads = true;
  std::vector<uint32_t> numbers(lanes.size(), 0);
  std::optional<int> one;
  std::array<int, 4> of_quad = {-1, -1, -1, -1};
  for (size_t i = 0; i < lanes.size(); ++i) {
    if (!is_valid(lanes[i].part)) continue;
    part = lanes[i].part;
    const int number = lanes[i].number;
    numbers[i] = static_cast<uint32_t>(number);
    greatest = std::max(greatest, number);
    are_alike = are_alike && one.value_or(number) == number;
    one = number;
    int &known = of_quad[i % 4];
    stay_in_quads = stay_in_quads && number / 4 == static_cast<int>(i) / 4 && (known < 0 || known == number % 4);
    known = number % 4;
  }
  bytes = std::max(bytes, kLeastBytes);
  if (are_alike && one == 0) return b_.vector(Op::kVSplat, bytes, part, kNone, kNone, into);
  if (stay_in_quads) {
    int64_t immediate = 0;
    for (int i = 0; i < 4; ++i) immediate |= int64_t{std::max(of_quad[static_cast<size_t>(i)], 0)} << 2 * i;
    return b_.vector_immediate(Op::kPermuteQuads, bytes, immediate, part, kNone, into);
  }
  const int wide = std::max({bytes, part_bytes(greatest + 1), 32});
  return b_.vector(Op::kPermute, wide, b_.vector_constant(numbers, wide), part, kNone, into);
}

/// Lanes of two registers (kAvx512).
VReg Selector::permute_two(const std::vector<Lane> &a, const std::vector<Lane> &b, int bytes, VReg into) {
  VReg first = kNone, second = kNone;
  int greatest = 0;
  for (const std::vector<Lane> *lanes : {&a, &b})
    for (const Lane &lane : *lanes) {
      if (!is_valid(lane.part)) continue;
      (lanes == &a ? first : second) = lane.part;
      greatest = std::max(greatest, lane.number);
    }
  const int wide = std::max({bytes, kLeastBytes, part_bytes(greatest + 1)});
  std::vector<uint32_t> numbers(a.size(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    if (is_valid(a[i].part)) numbers[i] = static_cast<uint32_t>(a[i].number);
    if (is_valid(b[i].part)) numbers[i] = static_cast<uint32_t>(b[i].number + wide / 4);
  }
  const VReg constant = b_.vector_constant(numbers, wide);
  const VReg out = into == first || into == second ? kNone : into;
  const VReg table = copy(first, wide, out); // The instruction overwrites it.
  return b_.vector(Op::kPermute2, wide, constant, table, second, table);
}

// ---- Reductions

Value Selector::reduce_lanes(const ReduceLanes &e) {
  const Value a = emit(e.a);
  const Type type = a.type.with_lanes(1);
  if (!is_float(type.scalar)) return reduce_whole(e.op, a);
  const Op op = float_op(e.op);
  const bool swaps = e.op == ReduceOp::kMin || e.op == ReduceOp::kMax;
  VReg out = lane(a, 0).parts[0];
  for (int i = 1; i < a.type.lanes; ++i) {
    const VReg next = lane(a, i).parts[0];
    out = b_.vector(op, 4, swaps ? next : out, swaps ? out : next);
  }
  return {type, {out}};
}

/// Sums that wrap and extrema do not depend on the order: by halves, where lanes are a power of two.
Value Selector::reduce_whole(ReduceOp op, const Value &a) {
  const Type type = a.type.with_lanes(1);
  const int lanes = a.type.lanes;
  if (a.is_apart || lanes < 4 || (lanes & (lanes - 1)) != 0) {
    Value out = lane(a, 0);
    for (int i = 1; i < lanes; ++i) out = whole_binary(step_of(op), out, lane(a, i), {}, nullptr);
    return out;
  }
  const int wide = std::min(lanes, b_.isa().vector_lanes());
  const auto step = [&](int own, VReg x, VReg y) {
    const Type own_type = type.with_lanes(own);
    return whole_binary(step_of(op), Value{own_type, {x}}, Value{own_type, {y}}, {}, nullptr).parts[0];
  };
  VReg out = a.parts[0];
  for (size_t i = 1; i < a.parts.size(); ++i) out = step(wide, out, a.parts[i]);
  for (int own = wide / 2; own >= 4; own /= 2)
    out = step(own, out, b_.vector_immediate(Op::kExtract, part_bytes(own), 1, out));
  for (int64_t swapped : {0x4E, 0xB1}) // Halves of the quad, then neighbours.
    out = step(4, out, b_.vector_immediate(Op::kPermuteQuads, kLeastBytes, swapped, out));
  return lane(Value{type.with_lanes(4), {out}}, 0);
}

/// acc + a0*b0 + a1*b1 + ..., in this order.
Value Selector::dot(const Dot &e, const Parts *into) {
  const Value acc = emit(e.acc);
  const Type wide = acc.type.with_lanes(k_.type_of(e.a).lanes);
  const Value products = multiply_or_add(BinaryOp::kMul, cast(emit(e.a), wide), cast(emit(e.b), wide), nullptr);
  const int terms = wide.lanes / acc.type.lanes;
  Value sum = acc;
  for (int j = 0; j < terms; ++j) {
    const Value term = terms == 1 ? products : every(products, terms, j);
    const Parts *to = j + 1 == terms ? unless_crossed(into, {&sum, &term}) : nullptr;
    sum = multiply_or_add(BinaryOp::kAdd, sum, term, to);
  }
  return sum;
}

/// Lanes first, first + step...
Value Selector::every(const Value &value, int step, int first) {
  const Type type = value.type.with_lanes(value.type.lanes / step);
  if (!type.is_vector()) return lane(value, first);
  if (value.is_apart) {
    Value out{type, {}, {}, true};
    for (int i = first; i < value.type.lanes; i += step) out.parts.push_back(value.parts[static_cast<size_t>(i)]);
    return out;
  }
  std::vector<Lane> lanes;
  list_lanes(value, lanes);
  return each_part(type, nullptr, [&](size_t part, int bytes, VReg to) {
    std::vector<Lane> own;
    const int begin = static_cast<int>(part) * b_.isa().vector_lanes();
    for (int i = 0; i < part_lanes(b_.isa(), type.lanes, static_cast<int>(part)); ++i)
      own.push_back(lanes[static_cast<size_t>((begin + i) * step + first)]);
    return gather_lanes(own, bytes, to);
  });
}

Value Selector::multiply_or_add(BinaryOp op, const Value &a, const Value &b, const Parts *into) {
  if (!is_float(a.type.scalar)) return whole_binary(op, a, b, {}, into);
  return each_part(a.type, into, [&](size_t i, int bytes, VReg to) {
    return b_.vector(op == BinaryOp::kMul ? Op::kFMul : Op::kFAdd, bytes, a.parts[i], b.parts[i], kNone, to);
  });
}

} // namespace sparkle::x86
