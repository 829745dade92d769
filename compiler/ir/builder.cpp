#include "compiler/ir/builder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "compiler/ir/numeric.h"
#include "compiler/support/checked_math.h"

namespace sparkle {

ExprId Builder::integer(Type type, int64_t value) {
  SPARKLE_CHECK(!is_float(type.scalar), "integer constant of a floating type");
  return broadcast(k_.intern(IntConst{type.with_lanes(1), value}), type.lanes);
}

ExprId Builder::real(Type type, double value) {
  SPARKLE_CHECK(is_float(type.scalar), "floating constant of an integer type");
  return broadcast(k_.intern(FloatConst{type.with_lanes(1), round_to(type.scalar, value)}), type.lanes);
}

ExprId Builder::zero(Type type) { return is_float(type.scalar) ? real(type, 0.0) : integer(type, 0); }

void Builder::match_lanes(ExprId &a, ExprId &b) {
  const int lanes = std::max(k_.type_of(a).lanes, k_.type_of(b).lanes);
  a = broadcast(a, lanes);
  b = broadcast(b, lanes);
}

ExprId Builder::fma(ExprId a, ExprId b, ExprId c) {
  match_lanes(a, b);
  match_lanes(b, c);
  match_lanes(a, b);
  const Type type = k_.type_of(a);
  SPARKLE_CHECK(is_float(type.scalar) && type == k_.type_of(b) && type == k_.type_of(c), "fma of " + to_string(type));
  const auto *x = std::get_if<FloatConst>(&k_.expr(a));
  const auto *y = std::get_if<FloatConst>(&k_.expr(b));
  const auto *z = std::get_if<FloatConst>(&k_.expr(c));
  if (x && y && z && type.scalar == Scalar::kF32) {
    const float value =
        std::fma(static_cast<float>(x->value), static_cast<float>(y->value), static_cast<float>(z->value));
    if (!std::isnan(value)) return real(type, value);
  }
  return k_.intern(Fma{a, b, c});
}

ExprId Builder::select(ExprId cond, ExprId a, ExprId b) {
  SPARKLE_CHECK(k_.type_of(cond).scalar == Scalar::kBool, "condition of a select is not bool");
  SPARKLE_CHECK(k_.type_of(a).scalar == k_.type_of(b).scalar, "branches of a select differ in type");
  match_lanes(a, b);
  const int lanes = std::max(k_.type_of(a).lanes, k_.type_of(cond).lanes);
  a = broadcast(a, lanes);
  b = broadcast(b, lanes);
  if (a == b) return a;
  const auto *splat = std::get_if<Broadcast>(&k_.expr(cond));
  if (const auto value = k_.constant(splat ? splat->a : cond)) return *value ? a : b;
  return k_.intern(Select{broadcast(cond, lanes), a, b});
}

ExprId Builder::cast(Type type, ExprId a) {
  const Type from = k_.type_of(a);
  SPARKLE_CHECK(type.lanes == from.lanes, "conversion of " + to_string(from) + " to " + to_string(type));
  if (type == from) return a;
  if (const auto *splat = std::get_if<Broadcast>(&k_.expr(a))) {
    const int lanes = splat->lanes;
    return broadcast(cast(type.with_lanes(1), splat->a), lanes);
  }
  if (const auto *value = std::get_if<FloatConst>(&k_.expr(a))) {
    if (is_integer(type.scalar)) return integer(type, *fold_float_to_int(type.scalar, value->value));
    const double rounded = round_to(type.scalar, value->value);
    if (is_float(type.scalar) && std::isfinite(rounded)) return real(type, rounded);
  }
  if (const auto *value = std::get_if<IntConst>(&k_.expr(a))) {
    if (is_integer(type.scalar))
      return integer(type, std::clamp(value->value, least_value(type.scalar), greatest_value(type.scalar)));
    const auto rounded = is_float(type.scalar) ? fold_int_to_float(type.scalar, value->value) : std::nullopt;
    if (rounded) return real(type, *rounded);
  }
  return k_.intern(Cast{type, a});
}

ExprId Builder::bitcast(Type type, ExprId a) {
  const Type from = k_.type_of(a);
  const bool is_real = from.scalar == Scalar::kF32;
  SPARKLE_CHECK(type == (is_real ? kI32Type : kF32Type).with_lanes(from.lanes) &&
                    (is_real || from.scalar == Scalar::kI32),
                "bit cast of " + to_string(from) + " to " + to_string(type));
  if (const auto *splat = std::get_if<Broadcast>(&k_.expr(a))) {
    const int lanes = splat->lanes;
    return broadcast(bitcast(type.with_lanes(1), splat->a), lanes);
  }
  if (const auto *value = std::get_if<FloatConst>(&k_.expr(a)); value && !std::isnan(value->value))
    return integer(type, std::bit_cast<int32_t>(static_cast<float>(value->value)));
  if (const auto bits = k_.constant(a)) {
    const float value = std::bit_cast<float>(static_cast<int32_t>(*bits));
    if (!std::isnan(value)) return real(type, value); // Which NaN it is would be lost.
  }
  if (const auto *inner = std::get_if<Bitcast>(&k_.expr(a))) return inner->a;
  return k_.intern(Bitcast{type, a});
}

ExprId Builder::ramp(ExprId base, int64_t stride, int lanes) {
  if (lanes == 1 || stride == 0) return broadcast(base, lanes);
  return k_.intern(Ramp{base, stride, lanes});
}

ExprId Builder::broadcast(ExprId a, int lanes) {
  const Type type = k_.type_of(a);
  if (type.lanes == lanes) return a;
  SPARKLE_CHECK(type.lanes == 1, "broadcast of " + to_string(type) + " to " + std::to_string(lanes) + " lanes");
  return k_.intern(Broadcast{a, lanes});
}

ExprId Builder::read(BufferId buffer, std::vector<ExprId> indices, ExprId guard, ExprId other) {
  if (is_valid(guard)) {
    const auto value = k_.constant(guard);
    if (value && !*value) return other;
    if (value) guard = other = kNoId<ExprId>;
  }
  return k_.intern(Read{buffer, std::move(indices), guard, other});
}

ExprId Builder::reduce(ReduceOp op, std::vector<ReduceAxis> axes, ExprId body, ExprId filter) {
  if (const auto value = k_.constant(filter)) {
    if (!*value) return identity(op, k_.type_of(body));
    filter = kNoId<ExprId>;
  }
  for (const ReduceAxis &axis : axes) {
    const auto begin = k_.constant(axis.begin);
    const auto end = k_.constant(axis.end);
    if (begin && end && *end <= *begin) return identity(op, k_.type_of(body));
  }
  return k_.intern(Reduce{op, std::move(axes), body, filter});
}

ExprId Builder::identity(ReduceOp op, Type type) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const bool real_type = is_float(type.scalar);
  switch (op) {
  case ReduceOp::kSum: return zero(type);
  case ReduceOp::kProd: return real_type ? real(type, 1.0) : integer(type, 1);
  case ReduceOp::kMin: return real_type ? real(type, kInfinity) : integer(type, greatest_value(type.scalar));
  case ReduceOp::kMax: return real_type ? real(type, -kInfinity) : integer(type, least_value(type.scalar));
  }
  return zero(type);
}

ExprId Builder::combine(ReduceOp op, ExprId a, ExprId b) { return binary(step_of(op), a, b); }

StmtId Builder::block(std::vector<StmtId> stmts) {
  const auto is_block = [&](StmtId id) { return std::holds_alternative<Block>(k_.stmt(id)); };
  if (std::ranges::none_of(stmts, is_block))
    return stmts.size() == 1 ? stmts.front() : k_.add_stmt(Block{std::move(stmts)});
  std::vector<StmtId> flat;
  for (StmtId id : stmts) {
    if (const auto *inner = std::get_if<Block>(&k_.stmt(id)))
      flat.insert(flat.end(), inner->stmts.begin(), inner->stmts.end());
    else
      flat.push_back(id);
  }
  if (flat.size() == 1) return flat.front();
  return k_.add_stmt(Block{std::move(flat)});
}

StmtId Builder::loop(VarId var, ExprId begin, ExprId end, LoopKind kind, StmtId body) {
  return k_.add_stmt(For{var, begin, end, kind, body});
}

StmtId Builder::when(ExprId cond, StmtId then_body, StmtId else_body) {
  const auto value = k_.constant(cond);
  if (!value) return k_.add_stmt(If{cond, then_body, else_body});
  if (*value) return then_body;
  return is_valid(else_body) ? else_body : block({});
}

BufferId Builder::local(std::string name, Scalar element, std::span<const int64_t> extents, MemoryLevel level,
                        int64_t pitch_skew) {
  Buffer buffer;
  buffer.name = std::move(name);
  buffer.element = element;
  buffer.level = level;
  buffer.alignment = 64;
  std::vector<int64_t> strides = dense_strides({extents.begin(), extents.end()});
  if (!strides.empty()) strides.front() += pitch_skew;
  for (int64_t extent : extents) buffer.extents.push_back(index(extent));
  for (int64_t stride : strides) buffer.strides.push_back(index(stride));
  return k_.add_buffer(std::move(buffer));
}

} // namespace sparkle
