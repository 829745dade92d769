// Expressions. nodes.h says what each means; every operation rounds as the IR says.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "compiler/support/check.h"
#include "compiler/support/match.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {
namespace {

constexpr uint32_t kSignBit = 0x80000000;
constexpr uint32_t kMagnitude = 0x7FFFFFFF;
constexpr int kLeastBytes = 16; ///< Of operations on bits.

/// Writing `into` part by part would overwrite what a later part reads.
bool crosses(const Parts &parts, const Parts &into) {
  for (size_t i = 0; i < into.size(); ++i)
    if (std::find(parts.begin() + static_cast<ptrdiff_t>(std::min(i + 1, parts.size())), parts.end(), into[i]) !=
        parts.end())
      return true;
  return false;
}

/// Instructions of floats; kMin and kMax take their operands the other way round: where neither is greater, or one is
/// no number, the machine answers with its second operand, the IR with its first.
Op float_op(BinaryOp op) {
  switch (op) {
  case BinaryOp::kAdd: return Op::kFAdd;
  case BinaryOp::kSub: return Op::kFSub;
  case BinaryOp::kMul: return Op::kFMul;
  case BinaryOp::kDiv: return Op::kFDiv;
  case BinaryOp::kMin: return Op::kFMin;
  case BinaryOp::kMax: return Op::kFMax;
  default: break;
  }
  SPARKLE_CHECK(false, "operation not defined for floats");
}

/// The sum, difference or product of constants, but for what is no number: its bits are the machine's matter.
std::optional<float> folded(BinaryOp op, const Value &a, const Value &b) {
  if (!a.bits || !b.bits) return std::nullopt;
  const float left = std::bit_cast<float>(*a.bits), right = std::bit_cast<float>(*b.bits);
  float out = std::numeric_limits<float>::quiet_NaN();
  if (op == BinaryOp::kAdd) out = left + right;
  if (op == BinaryOp::kSub) out = left - right;
  if (op == BinaryOp::kMul) out = left * right;
  return std::isnan(out) ? std::nullopt : std::optional(out);
}

} // namespace

int part_bytes(int lanes) {
  if (lanes == 1) return 4;
  return lanes <= 4 ? 16 : lanes <= 8 ? 32 : 64;
}

int part_count(const Isa &isa, int lanes) { return (lanes + isa.vector_lanes() - 1) / isa.vector_lanes(); }

int part_lanes(const Isa &isa, int lanes, int part) {
  return std::min(isa.vector_lanes(), lanes - part * isa.vector_lanes());
}

Value Selector::emit(ExprId id, const Parts *into) {
  if (const Value *known = memo_.find(id)) return into ? move(*known, *into) : *known;
  if (is_invariant(id)) {
    const auto [kept, is_new] = invariants_.try_emplace(id);
    if (is_new) {
      const CodeBuilder::Into before(b_, *spot(0).region);
      Value value = emit_new(id, nullptr);
      invariants_[id] = std::move(value); // Selecting it may have added others.
    }
    return into ? move(invariants_[id], *into) : invariants_[id];
  }
  Value value = emit_new(id, into);
  if (into) {
    const std::optional<uint32_t> bits = value.bits;
    value = move(value, *into);
    value.bits = bits;
    return value;
  }
  if (!std::holds_alternative<VarRef>(k_.expr(id))) memo_.add(id, value);
  return value;
}

Value Selector::emit_new(ExprId id, const Parts *into) {
  const Type type = k_.type_of(id);
  if (type == kIndexType) {
    if (const auto number = known_index(id)) return Value{type, {}, number};
    return Value{type, {index(id)}};
  }
  return node(id, into);
}

Value Selector::node(ExprId id, const Parts *into) {
  return match(
      k_.expr(id),
      [&](const IntConst &e) {
        return Value{e.type, {}, e.value};
      },
      [&](const FloatConst &e) { return real_constant(e, 1); }, [&](const VarRef &e) { return variable(e.var); },
      [&](const Unary &e) { return unary(e, emit(e.a), into); }, [&](const Binary &e) { return binary(id, e, into); },
      [&](const Compare &e) { return compare(e, into); }, [&](const Select &e) { return select(e, into); },
      [&](const Fma &e) { return fma(e, into); },
      [&](const Cast &e) { return cast_within(emit(e.a), i32_range(e.a), e.type, into); },
      [&](const Bitcast &e) { return bitcast(emit(e.a), e.type, into); }, [&](const Ramp &e) { return ramp(e); },
      [&](const Broadcast &e) {
        const auto *real = std::get_if<FloatConst>(&k_.expr(e.a));
        return real ? real_constant(*real, e.lanes) : widen(emit(e.a), e.lanes);
      },
      [&](const Shuffle &e) { return shuffle(e, into); }, [&](const ReduceLanes &e) { return reduce_lanes(e); },
      [&](const Dot &e) { return dot(e, into); },
      [&](const Read &) -> Value { SPARKLE_CHECK(false, "a read reached instruction selection"); },
      [&](const Reduce &) -> Value { SPARKLE_CHECK(false, "a reduction reached instruction selection"); });
}

const Parts *Selector::unless_crossed(const Parts *into, std::initializer_list<const Value *> operands) {
  if (!into || into->size() == 1) return into;
  for (const Value *operand : operands)
    if (crosses(operand->parts, *into)) return nullptr;
  return into;
}

VReg Selector::copy(VReg from, int bytes, VReg into) {
  constexpr VReg kNone = kNoId<VReg>;
  switch (b_.function().registers[from]) {
  case RegClass::kGeneral: return b_.general(Op::kGMove, 8, from, kNone, into);
  case RegClass::kMask: return b_.vector(Op::kKMove, 8, from, kNone, kNone, into);
  case RegClass::kVector: break;
  }
  return b_.vector(Op::kVMove, std::max(bytes, kLeastBytes), from, kNone, kNone, into);
}

/// Into registers that something else is to find it in.
Value Selector::move(const Value &value, const Parts &into) {
  Value out{value.type, into, {}, value.is_apart};
  if (!value.number && value.parts == into) return out;
  if (value.number) {
    b_.constant(*value.number, into[0]);
    return out;
  }
  const auto bytes = [&](size_t i) {
    return value.is_apart ? 4 : part_bytes(part_lanes(b_.isa(), value.type.lanes, static_cast<int>(i)));
  };
  Parts from = value.parts;
  if (crosses(from, into))
    for (size_t i = 0; i < into.size(); ++i) from[i] = copy(from[i], bytes(i));
  for (size_t i = 0; i < into.size(); ++i)
    if (from[i] != into[i]) copy(from[i], bytes(i), into[i]);
  return out;
}

Value Selector::variable(VarId id) {
  const std::optional<Value> &value = values_[index_of(id)];
  SPARKLE_CHECK(value.has_value(), "variable used outside its scope");
  return *value;
}

VReg Selector::general(const Value &value) { return value.number ? b_.constant(*value.number) : value.parts[0]; }

/// f16 and bf16 are carried as f32.
Value Selector::real_constant(const FloatConst &constant, int lanes) {
  const auto bits = std::bit_cast<uint32_t>(static_cast<float>(constant.value));
  Value out = each_part(constant.type.with_lanes(lanes), nullptr,
                        [&](size_t, int bytes, VReg) { return lanes_of(bits, bytes); });
  out.bits = bits;
  return out;
}

Value Selector::widen(const Value &value, int lanes) {
  if (value.type.lanes == lanes) return value;
  SPARKLE_CHECK(value.type.lanes == 1, "vectors of different lanes meet");
  const Type type = value.type.with_lanes(lanes);
  if (type.scalar == Scalar::kBool) return mask_of_scalar(value, lanes);
  if (is_apart(type)) return {type, Parts(static_cast<size_t>(lanes), general(value)), {}, true};
  const auto count = static_cast<size_t>(part_count(b_.isa(), lanes));
  if (is_float(type.scalar)) {
    if (value.bits) return real_constant({value.type, std::bit_cast<float>(*value.bits)}, lanes);
    if (value.is_splat) return {type, Parts(count, value.parts[0])};
    const int bytes = part_bytes(part_lanes(b_.isa(), lanes, 0));
    return {type, Parts(count, b_.vector(Op::kVSplat, bytes, value.parts[0]))};
  }
  if (!value.number) {
    const int bytes = part_bytes(part_lanes(b_.isa(), lanes, 0));
    return {type, Parts(count, b_.vector(Op::kVSplatG, bytes, value.parts[0]))};
  }
  const auto bits = static_cast<uint32_t>(*value.number);
  Value out = each_part(type, nullptr, [&](size_t, int bytes, VReg) { return lanes_of(bits, bytes); });
  out.bits = bits;
  return out;
}

Value Selector::unary(const Unary &e, const Value &a, const Parts *into) {
  const Type type = a.type;
  into = unless_crossed(into, {&a});
  if (type.scalar == Scalar::kBool) return negate(a, into);
  if (!is_float(type.scalar)) {
    const Value zero = widen(Value{type.with_lanes(1), {}, 0}, type.lanes);
    if (e.op == UnaryOp::kNeg) return whole_binary(BinaryOp::kSub, zero, a, {}, into);
    return whole_binary(BinaryOp::kMax, a, whole_binary(BinaryOp::kSub, zero, a, {}, nullptr), {}, into);
  }
  if (a.bits && e.op == UnaryOp::kNeg)
    return real_constant({type, std::bit_cast<float>(*a.bits ^ kSignBit)}, type.lanes);
  const auto bits = [&](Op op, uint32_t mask) {
    return each_part(type, into, [&](size_t i, int bytes, VReg to) {
      bytes = std::max(bytes, kLeastBytes);
      return b_.vector(op, bytes, a.parts[i], lanes_of(mask, bytes), kNoId<VReg>, to);
    });
  };
  const auto round = [&](int64_t mode) {
    return each_part(type, into, [&](size_t i, int bytes, VReg to) {
      return b_.vector_immediate(Op::kFRound, bytes, mode, a.parts[i], kNoId<VReg>, to);
    });
  };
  switch (e.op) {
  case UnaryOp::kNeg: return bits(Op::kIXor, kSignBit);
  case UnaryOp::kAbs: return bits(Op::kIAnd, kMagnitude);
  case UnaryOp::kRound: return round(0);
  case UnaryOp::kFloor: return round(1);
  case UnaryOp::kCeil: return round(2);
  case UnaryOp::kTrunc: return round(3);
  case UnaryOp::kSqrt:
  case UnaryOp::kRsqrt: break;
  default:
    refuse("takes " + std::string(name_of(e.op)) + " of floats, which passes expand before this target");
    return a;
  }
  const bool is_root = e.op == UnaryOp::kSqrt;
  return each_part(type, into, [&](size_t i, int bytes, VReg to) {
    const VReg none = kNoId<VReg>;
    const VReg root = b_.vector(Op::kFSqrt, bytes, a.parts[i], none, none, is_root ? to : none);
    if (is_root) return root;
    return b_.vector(Op::kFDiv, bytes, lanes_of(std::bit_cast<uint32_t>(1.0f), bytes), root, none, to);
  });
}

Value Selector::binary(ExprId id, const Binary &e, const Parts *into) {
  if (auto sum = known_sum(e, into)) return *sum;
  if (const auto multiple = known_multiple(id))
    if (auto product = known_product(*multiple, k_.type_of(id), into)) return *product;
  if (auto product = short_product(e, into)) return *product;
  Value a = emit(e.a), b = emit(e.b);
  const int lanes = std::max(a.type.lanes, b.type.lanes);
  a = widen(a, lanes);
  b = widen(b, lanes);
  into = unless_crossed(into, {&a, &b});
  if (a.type.scalar == Scalar::kBool) return logic(e.op, a, b, into);
  if (!is_float(a.type.scalar)) return whole_binary(e, a, b, into);
  SPARKLE_CHECK(a.type.scalar == Scalar::kF32, "arithmetic on a storage type");
  if (const auto number = folded(e.op, a, b)) return real_constant({a.type, *number}, lanes);
  if (e.op == BinaryOp::kDiv && b.bits)
    if (const auto how = cpu::constant_division(std::bit_cast<float>(*b.bits), k_.strict))
      return divide_by_constant(a, b, *how, into);
  if (lanes == 1 && e.op <= BinaryOp::kMul)
    if (auto filled = splat_binary(e.op, a, b)) return *filled;
  const Op op = float_op(e.op);
  const bool swaps = e.op == BinaryOp::kMin || e.op == BinaryOp::kMax;
  return each_part(a.type, into, [&](size_t i, int bytes, VReg to) {
    const VReg left = a.parts[i], right = b.parts[i];
    return b_.vector(op, bytes, swaps ? right : left, swaps ? left : right, kNoId<VReg>, to);
  });
}

/// Of scalars that all lanes hold, or may: filling vectors with the result takes no instruction.
std::optional<Value> Selector::splat_binary(BinaryOp op, const Value &a, const Value &b) {
  const auto may_fill = [](const Value &value) { return value.is_splat || value.bits; };
  if (!may_fill(a) || !may_fill(b)) return std::nullopt;
  const int bytes = b_.isa().vector_bytes();
  const auto filled = [&](const Value &value) {
    return value.is_splat ? value.parts[0] : lanes_of(*value.bits, bytes);
  };
  Value out{a.type, {b_.vector(float_op(op), bytes, filled(a), filled(b))}};
  out.is_splat = true;
  return out;
}

Value Selector::divide_by_constant(const Value &a, const Value &b, const cpu::ConstantDivision &how,
                                   const Parts *into) {
  return each_part(a.type, into, [&](size_t i, int bytes, VReg to) {
    const VReg x = a.parts[i], none = kNoId<VReg>;
    const VReg reciprocal = lanes_of(std::bit_cast<uint32_t>(how.reciprocal), bytes);
    const VReg quotient = b_.vector(Op::kFMul, bytes, x, reciprocal, none, how.is_product ? to : none);
    if (how.is_product) return quotient;
    const VReg rest = b_.vector(Op::kFNegMulAdd, bytes, quotient, b.parts[i], x);
    const VReg refined = b_.vector(Op::kFMulAdd, bytes, rest, reciprocal, quotient);
    return blend(bytes, is_rest(bytes, rest), refined, quotient, to);
  });
}

Value Selector::fma(const Fma &e, const Parts *into) {
  const auto *negated = std::get_if<Unary>(&k_.expr(e.a));
  const bool subtracts = negated && negated->op == UnaryOp::kNeg;
  Value a = emit(subtracts ? negated->a : e.a), b = emit(e.b), c = emit(e.c);
  const int lanes = std::max({a.type.lanes, b.type.lanes, c.type.lanes});
  a = widen(a, lanes);
  b = widen(b, lanes);
  c = widen(c, lanes);
  SPARKLE_CHECK(a.type.scalar == Scalar::kF32, "an fma of other than f32");
  into = unless_crossed(into, {&a, &b, &c});
  const Op op = subtracts ? Op::kFNegMulAdd : Op::kFMulAdd;
  return each_part(a.type, into, [&](size_t i, int bytes, VReg to) {
    return b_.vector(op, bytes, a.parts[i], b.parts[i], c.parts[i], to);
  });
}

Value Selector::ramp(const Ramp &e) {
  const Type type{Scalar::kIndex, static_cast<uint16_t>(e.lanes)};
  const Value base = emit(e.base);
  Value out{type, {}, {}, is_apart(type)};
  if (out.is_apart) {
    const VReg first = general(base);
    for (int i = 0; i < e.lanes; ++i)
      out.parts.push_back(i == 0 ? first : b_.general(Op::kGAdd, 8, first, int64_t{i} * e.stride));
    return out;
  }
  const VReg first = base.number ? kNoId<VReg> : widen(base, e.lanes).parts[0];
  return each_part(type, nullptr, [&](size_t part, int bytes, VReg) {
    const int lanes = part_lanes(b_.isa(), e.lanes, static_cast<int>(part));
    std::vector<uint32_t> steps;
    for (int i = 0; i < lanes; ++i) {
      const int64_t at = static_cast<int64_t>(part) * b_.isa().vector_lanes() + i;
      steps.push_back(static_cast<uint32_t>(base.number.value_or(0) + at * e.stride));
    }
    bytes = std::max(bytes, kLeastBytes);
    const VReg constant = b_.vector_constant(steps, bytes);
    return base.number ? constant : b_.vector(Op::kIAdd, bytes, first, constant);
  });
}

Value Selector::bitcast(const Value &a, Type to, const Parts *into) {
  const VReg target = into ? (*into)[0] : kNoId<VReg>, none = kNoId<VReg>;
  if (to.is_vector()) return {to, a.parts};
  if (is_float(to.scalar)) return {to, {b_.vector(Op::kVFromG, 4, general(a), none, none, target)}};
  return {to, {b_.vector(Op::kVToG, 4, a.parts[0], none, none, target)}};
}

} // namespace sparkle::x86
