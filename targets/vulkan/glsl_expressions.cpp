#include "targets/vulkan/glsl_expressions.h"

#include <bit>
#include <limits>

#include "compiler/support/match.h"

namespace sparkle::vulkan {
namespace {

std::string join(const std::vector<std::string> &parts) {
  std::string out;
  for (const std::string &part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

/// The constant that a scalar or a broadcast is, when it is negative: `x + -4` is written `x - 4`.
std::optional<Text> negated_constant(const Kernel &kernel, ExprId id) {
  auto scalar = uniform_lane(kernel, id);
  if (!scalar) return std::nullopt;
  if (auto *value = std::get_if<IntConst>(&kernel.expr(*scalar))) {
    if (value->value < 0 && value->value > INT32_MIN) return int_literal(-value->value);
  }
  if (auto *value = std::get_if<FloatConst>(&kernel.expr(*scalar))) {
    if (value->value < 0) return float_literal(static_cast<float>(-value->value));
  }
  return std::nullopt;
}

std::optional<int> log2_of(const Kernel &kernel, ExprId id) {
  auto scalar = uniform_lane(kernel, id);
  auto value = scalar ? kernel.constant(*scalar) : std::nullopt;
  if (!value || *value <= 0 || !std::has_single_bit(static_cast<uint64_t>(*value))) return std::nullopt;
  return std::countr_zero(static_cast<uint64_t>(*value));
}

} // namespace

Text ExpressionWriter::write(ExprId id) {
  auto named = c_.named.find(id);
  return named != c_.named.end() ? named->second : write_expr(id);
}

Text ExpressionWriter::write_expr(ExprId id) {
  const Expr expr = k_.expr(id); // A copy: folding of subscripts adds to the table.
  return match(
      expr,
      [&](const IntConst &e) -> Text {
        if (e.type.scalar == Scalar::kBool) return {e.value ? "true" : "false", Precedence::kPrimary};
        return int_literal(e.value);
      },
      [&](const FloatConst &e) {
        if (e.type.scalar != Scalar::kF32) return small_float_literal(e.type.scalar, e.value);
        return float_literal(static_cast<float>(e.value));
      },
      [&](const VarRef &e) { return write_var(e.var); }, [&](const Unary &e) { return write_unary(e); },
      [&](const Binary &e) { return write_binary(id, e); }, [&](const Compare &e) { return write_compare(e); },
      [&](const Select &e) { return write_select(id, e); },
      [&](const Fma &e) {
        return call("fma", {e.a, e.b, e.c});
      },
      [&](const Cast &e) { return write_cast(e); },
      [&](const Bitcast &e) {
        return call(e.type.scalar == Scalar::kF32 ? "intBitsToFloat" : "floatBitsToInt", {e.a});
      },
      [&](const Ramp &e) { return write_ramp(id, e); },
      [&](const Broadcast &e) -> Text { return {c_.type_name(k_.type_of(id)) + "(" + text(e.a) + ")"}; },
      [&](const Shuffle &e) { return write_shuffle(id, e); },
      [&](const ReduceLanes &e) { return write_reduce_lanes(e); }, [&](const Dot &e) { return write_dot(e); },
      [&](const Read &) -> Text { check_failed("stage", __FILE__, __LINE__, "Read at stage kLowerable"); },
      [&](const Reduce &) -> Text { check_failed("stage", __FILE__, __LINE__, "Reduce at stage kLowerable"); });
}

Text ExpressionWriter::write_var(VarId var) { return {c_.name_of_var(var)}; }

Text ExpressionWriter::pick(const Text &vector, int lane) {
  return {vector.at_least(Precedence::kPrimary) + std::string(component(lane))};
}

ExprId ExpressionWriter::unsplat(ExprId id) const {
  auto *splat = std::get_if<Broadcast>(&k_.expr(id));
  return splat && !c_.named.contains(id) ? splat->a : id;
}

Text ExpressionWriter::infix(ExprId a, std::string_view op, ExprId b, Precedence precedence) {
  return infix(write(a), op, write(b), precedence);
}

Text ExpressionWriter::infix(const Text &a, std::string_view op, const Text &b, Precedence precedence) {
  auto tighter = static_cast<Precedence>(static_cast<int>(precedence) + 1);
  std::string right = b.at_least(tighter);
  if (right.starts_with('-')) right = "(" + right + ")";
  return {a.at_least(precedence) + " " + std::string(op) + " " + right, precedence};
}

Text ExpressionWriter::call(std::string_view function, std::initializer_list<ExprId> arguments) {
  std::vector<std::string> parts;
  for (ExprId argument : arguments) parts.push_back(text(argument));
  return {std::string(function) + "(" + join(parts) + ")"};
}

Text ExpressionWriter::helper(HelperKind kind, std::initializer_list<ExprId> arguments) {
  Type type = k_.type_of(*arguments.begin());
  if (type.scalar == Scalar::kIndex && k_.index_bits == 32) type.scalar = Scalar::kI32;
  c_.helpers.insert({kind, type});
  return call(helper_name(kind), arguments);
}

Text ExpressionWriter::write_unary(const Unary &e) {
  switch (e.op) {
  case UnaryOp::kNeg: {
    std::string operand = write(e.a).at_least(Precedence::kUnary);
    return {operand.starts_with('-') ? "-(" + operand + ")" : "-" + operand, Precedence::kUnary};
  }
  case UnaryOp::kNot:
    if (k_.type_of(e.a).is_vector()) return call("not", {e.a});
    return {"!" + write(e.a).at_least(Precedence::kUnary), Precedence::kUnary};
  case UnaryOp::kAbs: return call("abs", {e.a});
  case UnaryOp::kFloor: return call("floor", {e.a});
  case UnaryOp::kCeil: return call("ceil", {e.a});
  case UnaryOp::kRound: return call("roundEven", {e.a});
  case UnaryOp::kTrunc: return call("trunc", {e.a});
  case UnaryOp::kSqrt: return helper(HelperKind::kSqrt, k_.type_of(e.a), write(e.a));
  case UnaryOp::kRsqrt: return call("inversesqrt", {e.a});
  case UnaryOp::kExp: return call("exp", {e.a});
  case UnaryOp::kLog: return call("log", {e.a});
  case UnaryOp::kTanh: return call("tanh", {e.a});
  case UnaryOp::kSigmoid:
    return {"1.0 / (1.0 + exp(-" + write(e.a).at_least(Precedence::kPrimary) + "))", Precedence::kMultiplicative};
  case UnaryOp::kErf: break;
  }
  check_failed("operation", __FILE__, __LINE__, "an operation that check_kernel refuses");
}

Text ExpressionWriter::write_binary(ExprId id, const Binary &e) {
  Type type = k_.type_of(id);
  switch (e.op) {
  case BinaryOp::kAdd:
  case BinaryOp::kSub:
  case BinaryOp::kMul: return write_arithmetic(id, e);
  case BinaryOp::kDiv:
    if (is_float(type.scalar)) return write_arithmetic(id, e);
    [[fallthrough]];
  case BinaryOp::kMod:
    // Shifts and masks take vectors; of 64 bits, not with an operand of 32.
    if (type.is_vector() && !(type.scalar == Scalar::kI32 && log2_of(k_, e.b))) return by_lanes(id);
    return write_division(e, type);
  case BinaryOp::kMin:
  case BinaryOp::kMax: return write_min_max(e, type);
  case BinaryOp::kAnd:
  case BinaryOp::kOr: return write_logical(id, e);
  }
  check_failed("operation", __FILE__, __LINE__, "unknown binary operation");
}

Text ExpressionWriter::write_arithmetic(ExprId id, const Binary &e) {
  ExprId a = unsplat(e.a);
  ExprId b = unsplat(e.b);
  bool lost_lanes = k_.type_of(id).is_vector() && !k_.type_of(a).is_vector() && !k_.type_of(b).is_vector();
  if (lost_lanes) a = e.a;
  if (e.op == BinaryOp::kMul) return infix(a, "*", b, Precedence::kMultiplicative);
  if (e.op == BinaryOp::kDiv) return infix(a, "/", b, Precedence::kMultiplicative);
  bool adds = e.op == BinaryOp::kAdd;
  if (auto positive = negated_constant(k_, b); positive && !c_.named.contains(b)) {
    return {write(a).at_least(Precedence::kAdditive) + (adds ? " - " : " + ") + positive->text, Precedence::kAdditive};
  }
  return infix(a, adds ? "+" : "-", b, Precedence::kAdditive);
}

/// Division that rounds down. A shift and a mask do so for all numbers; GLSL's own operators only where nothing is
/// negative.
Text ExpressionWriter::write_division(const Binary &e, Type type) {
  bool is_div = e.op == BinaryOp::kDiv;
  if (auto shift = log2_of(k_, e.b); shift && *shift < 31) {
    std::string left = write(e.a).at_least(Precedence::kMultiplicative);
    if (is_div) return {left + " >> " + std::to_string(*shift), Precedence::kShift};
    return {left + " & " + std::to_string((int64_t{1} << *shift) - 1), Precedence::kBitAnd};
  }
  Interval range = type.scalar == Scalar::kIndex ? bounds(k_, e.a, c_.ranges) : Interval{};
  bool is_plain = range.lo && *range.lo >= 0;
  // 64 bits only where the numbers need them: it is slow, and a driver was seen to compute other quotients.
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  std::optional<int64_t> divisor = k_.constant(e.b);
  if (is_plain && k_.index_bits == 64 && !type.is_vector() && range.hi && *range.hi <= kMost && divisor &&
      *divisor <= kMost)
    return {"int64_t(int(" + text(e.a) + ") " + (is_div ? "/ " : "% ") + std::to_string(*divisor) + ")"};
  if (is_plain) return infix(e.a, is_div ? "/" : "%", e.b, Precedence::kMultiplicative);
  return helper(is_div ? HelperKind::kFloorDiv : HelperKind::kFloorMod, {e.a, e.b});
}

/// GLSL's min and max leave open what they do with NaN; ours is exact.
Text ExpressionWriter::write_min_max(const Binary &e, Type type) {
  bool is_min = e.op == BinaryOp::kMin;
  if (is_float(type.scalar)) return helper(is_min ? HelperKind::kMin : HelperKind::kMax, {e.a, e.b});
  bool wide = type.scalar == Scalar::kIndex && k_.index_bits == 64;
  if (!wide) return call(is_min ? "min" : "max", {e.a, e.b});
  // Overloads are not chosen by conversion: both arguments must be int64_t already.
  std::string name = c_.type_name(type);
  auto argument = [&](ExprId id) { return k_.constant(id) ? name + "(" + text(id) + ")" : text(id); };
  return {std::string(is_min ? "min(" : "max(") + argument(e.a) + ", " + argument(e.b) + ")"};
}

Text ExpressionWriter::write_logical(ExprId id, const Binary &e) {
  if (k_.type_of(id).is_vector()) return by_lanes(id);
  if (e.op == BinaryOp::kAnd) return infix(e.a, "&&", e.b, Precedence::kLogicalAnd);
  // `a && b || c` is right but makes readers stop: parentheses around `&&`.
  auto operand = [&](ExprId part) {
    Text text = write(part);
    return text.precedence == Precedence::kLogicalAnd ? "(" + text.text + ")" : text.at_least(Precedence::kLogicalOr);
  };
  return {operand(e.a) + " || " + operand(e.b), Precedence::kLogicalOr};
}

Text ExpressionWriter::write_select(ExprId id, const Select &e) {
  ExprId cond = unsplat(e.cond);
  if (k_.type_of(cond).is_vector()) {
    bool has_mix = k_.type_of(id).scalar == Scalar::kF32;
    return has_mix ? call("mix", {e.b, e.a, e.cond}) : by_lanes(id);
  }
  std::string text = write(cond).at_least(Precedence::kLogicalOr) + " ? " + write(e.a).at_least(Precedence::kLogicalOr);
  return {text + " : " + write(e.b).text, Precedence::kConditional};
}

Text ExpressionWriter::write_ramp(ExprId id, const Ramp &e) {
  std::vector<std::string> steps;
  for (int lane = 0; lane < e.lanes; ++lane) steps.push_back(int_literal(e.stride * lane).text);
  std::string offsets = c_.type_name(k_.type_of(id)) + "(" + join(steps) + ")";
  if (k_.constant(e.base) == 0) return {offsets};
  return {write(e.base).at_least(Precedence::kAdditive) + " + " + offsets, Precedence::kAdditive};
}

Text ExpressionWriter::by_lanes(ExprId id) {
  Type type = k_.type_of(id);
  std::vector<std::string> parts;
  for (int lane = 0; lane < type.lanes; ++lane) parts.push_back(text(lane_of(c_.build, id, lane)));
  return {c_.type_name(type) + "(" + join(parts) + ")"};
}

Text ExpressionWriter::write_shuffle(ExprId id, const Shuffle &e) {
  bool whole = true; // All lanes of all inputs, in order.
  std::vector<std::pair<ExprId, int>> lanes;
  for (ExprId input : e.inputs)
    for (int lane = 0; lane < k_.type_of(input).lanes; ++lane) lanes.emplace_back(input, lane);
  for (size_t i = 0; i < e.indices.size(); ++i) whole = whole && e.indices[i] == static_cast<int>(i);
  whole = whole && e.indices.size() == lanes.size();

  if (e.inputs.size() == 1 && k_.type_of(e.inputs[0]).is_vector()) {
    if (whole) return write(e.inputs[0]);
    std::string swizzle = write(e.inputs[0]).at_least(Precedence::kPrimary) + ".";
    for (int index : e.indices) swizzle += component(index).substr(1);
    return {swizzle};
  }
  std::vector<std::string> parts;
  for (size_t i = 0; i < (whole ? e.inputs.size() : e.indices.size()); ++i) {
    if (whole) {
      parts.push_back(text(e.inputs[i]));
      continue;
    }
    auto [input, lane] = lanes[e.indices[i]];
    parts.push_back(k_.type_of(input).is_vector() ? pick(write(input), lane).text : text(input));
  }
  if (parts.size() == 1) return {"(" + parts[0] + ")"};
  return {c_.type_name(k_.type_of(id)) + "(" + join(parts) + ")"};
}

Text ExpressionWriter::write_reduce_lanes(const ReduceLanes &e) {
  static constexpr BinaryOp kOps[] = {BinaryOp::kAdd, BinaryOp::kMul, BinaryOp::kMin, BinaryOp::kMax};
  ExprId sum = lane_of(c_.build, e.a, 0);
  for (int lane = 1; lane < k_.type_of(e.a).lanes; ++lane) {
    ExprId next = lane_of(c_.build, e.a, lane);
    sum = k_.intern(Binary{kOps[static_cast<int>(e.op)], sum, next});
  }
  return write(sum);
}

Text ExpressionWriter::write_dot(const Dot &e) {
  Type type = k_.type_of(e.acc);
  int terms = k_.type_of(e.a).lanes / type.lanes;
  std::vector<std::string> parts;
  for (int lane = 0; lane < type.lanes; ++lane) {
    ExprId sum = lane_of(c_.build, e.acc, lane);
    for (int j = lane * terms; j < (lane + 1) * terms; ++j) {
      ExprId a = c_.build.cast(type.with_lanes(1), lane_of(c_.build, e.a, j));
      ExprId b = c_.build.cast(type.with_lanes(1), lane_of(c_.build, e.b, j));
      sum = c_.build.add(sum, c_.build.mul(a, b));
    }
    if (!type.is_vector()) return write(sum);
    parts.push_back(text(sum));
  }
  return {c_.type_name(type) + "(" + join(parts) + ")"};
}

} // namespace sparkle::vulkan
