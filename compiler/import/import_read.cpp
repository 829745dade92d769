#include "compiler/import/import_impl.h"

namespace sparkle {

bool DefinitionImporter::Subscript::inside_above() const {
  if (!seen) return false;
  const auto past = dsl::SymInt::add(seen->greatest, 1);
  return past && dsl::SymInt::surely_le(*past, extent);
}

bool DefinitionImporter::Subscript::within(const dsl::SymInt &before, const dsl::SymInt &after) const {
  if (!seen) return false;
  const auto least = dsl::SymInt::add(seen->least, before);
  const auto past = dsl::SymInt::add(seen->greatest, 1);
  const auto end = dsl::SymInt::add(extent, after);
  return least && past && end && dsl::SymInt::surely_le(0, *least) && dsl::SymInt::surely_le(*past, *end);
}

ExprId DefinitionImporter::both(ExprId a, ExprId b) {
  if (!is_valid(a)) return b;
  return is_valid(b) ? b_.both(a, b) : a;
}

/// The expressions of a bound kernel are normal already: this finds the form they were made from.
Result<dsl::Linear> DefinitionImporter::linear(dsl::ExprId id) {
  const dsl::Expr &node = in_.exprs[id].expr;
  if (const auto *value = std::get_if<dsl::Literal>(&node)) return dsl::Linear{value->whole, {}};
  if (const auto *index = std::get_if<dsl::IndexRef>(&node)) return math_.of_index(index->index);
  if (const auto *open = std::get_if<dsl::IntRef>(&node)) return dsl::Linear{dsl::SymInt::of_symbol(open->name), {}};
  const auto *binary = std::get_if<dsl::Binary>(&node);
  SPARKLE_CHECK(binary, "a subscript is a sum of products");
  SPARKLE_TRY(const dsl::Linear a, linear(binary->lhs));
  SPARKLE_TRY(const dsl::Linear b, linear(binary->rhs));
  switch (binary->op) {
  case dsl::BinaryOp::kAdd: return math_.add(a, b);
  case dsl::BinaryOp::kSub: return math_.sub(a, b);
  case dsl::BinaryOp::kMul: return math_.mul(a, b);
  case dsl::BinaryOp::kDiv: return math_.div(a, b);
  case dsl::BinaryOp::kMod: return math_.mod(a, b);
  case dsl::BinaryOp::kMin: return math_.pick(dsl::AtomKind::kMin, a, b);
  case dsl::BinaryOp::kMax: return math_.pick(dsl::AtomKind::kMax, a, b);
  default: return Error{ErrorCode::kInternal, "a subscript with a logical operator"};
  }
}

DefinitionImporter::Subscript DefinitionImporter::subscript(const dsl::Read &e, size_t dim) {
  const dsl::IndexRange &range = in_.tensors[e.tensor].dims[dim].extent;
  Subscript s{b_.sub(expr(e.subscripts[dim]), size(range.begin)), *dsl::SymInt::sub(range.end, range.begin), {}};
  const auto form = linear(e.subscripts[dim]);
  if (!form) return s;
  const auto seen = math_.interval(*form);
  if (!seen) return s;
  const auto least = dsl::SymInt::sub(seen->least, range.begin);
  const auto greatest = dsl::SymInt::sub(seen->greatest, range.begin);
  if (least && greatest) s.seen = dsl::Interval{*least, *greatest};
  return s;
}

/// The comparisons that are not proven; kNoId when all are.
ExprId DefinitionImporter::inside(const Subscript &s) {
  ExprId condition = kNoId<ExprId>;
  if (!s.inside_below()) condition = b_.less_equal(b_.index(0), s.index);
  if (!s.inside_above()) condition = both(condition, b_.less(s.index, size(s.extent)));
  return condition;
}

ExprId DefinitionImporter::clamped(const Subscript &s) {
  ExprId index = s.index;
  if (!s.inside_above()) index = b_.min(index, b_.sub(size(s.extent), b_.index(1)));
  return s.inside_below() ? index : b_.max(index, b_.index(0));
}

/// x mod P, and from E on P - 1 - y (edge repeated, P = 2E) or P - y (P = 2E - 2). As y < E is the same as y being the
/// lesser of the two, a minimum decides. Within one period of the middle two reflections do without the division.
ExprId DefinitionImporter::mirrored(const Subscript &s, bool repeats_edge) {
  const int64_t shared = repeats_edge ? 0 : 1;
  const ExprId edge = b_.index(1 - shared);
  const ExprId period = b_.sub(b_.mul(size(s.extent), b_.index(2)), b_.index(2 * shared));
  const auto once = dsl::SymInt::sub(s.extent, shared);
  const auto reflected = [&](ExprId y) { return b_.min(y, b_.sub(b_.sub(period, edge), y)); };
  if (once && s.within(*once, *once)) {
    ExprId y = s.index;
    if (!s.inside_below()) y = b_.max(y, b_.sub(b_.sub(b_.index(0), edge), y));
    return s.inside_above() ? y : reflected(y);
  }
  // One element that is its own neighbour has period 0.
  return reflected(b_.mod(s.index, b_.max(period, b_.index(1))));
}

ExprId DefinitionImporter::rewritten(const Subscript &s, dsl::OutsideMode mode) {
  switch (mode) {
  case dsl::OutsideMode::kClamp: return clamped(s);
  case dsl::OutsideMode::kMirror: return mirrored(s, true);
  case dsl::OutsideMode::kReflect: return mirrored(s, false);
  case dsl::OutsideMode::kWrap: return b_.mod(s.index, size(s.extent));
  default: return s.index;
  }
}

ExprId DefinitionImporter::read(const dsl::Read &e) {
  const dsl::BoundTensor &tensor = in_.tensors[e.tensor];
  std::vector<ExprId> indices;
  ExprId guard = kNoId<ExprId>;
  ExprId other = b_.zero({scalar_of(tensor.elem), 1});
  for (size_t d = 0; d < e.subscripts.size(); ++d) {
    const Subscript s = subscript(e, d);
    const dsl::OutsideMode mode = e.access[d].mode;
    indices.push_back(rewritten(s, mode));
    if (mode == dsl::OutsideMode::kValue) other = expr(e.access[d].value);
    const bool guarded = mode == dsl::OutsideMode::kValue || (mode == dsl::OutsideMode::kSkip && in_filter_);
    if (guarded) guard = both(guard, inside(s));
  }
  if (tensor.role == dsl::TensorRole::kTable) {
    const ExprId value = table(tensor, indices);
    return is_valid(guard) ? b_.select(guard, value, other) : value;
  }
  return b_.read(buffer(e.tensor), std::move(indices), guard, is_valid(guard) ? other : kNoId<ExprId>);
}

/// A balanced tree of comparisons with the places where the value changes.
ExprId DefinitionImporter::table(const dsl::BoundTensor &tensor, const std::vector<ExprId> &indices) {
  const auto count = static_cast<int64_t>(tensor.values.size());
  if (count > kMaxTableValues)
    refuse(ErrorCode::kUnsupported, "table `" + tensor.name + "` has " + std::to_string(count) + " values, more than " +
                                        std::to_string(kMaxTableValues) + "; make it a `const` parameter");
  if (count == 0 || count > kMaxTableValues) return b_.zero({scalar_of(tensor.elem), 1});
  ExprId place = b_.index(0);
  for (size_t d = 0; d < indices.size(); ++d)
    place = b_.add(b_.mul(place, size(tensor.dims[d].extent.end)), indices[d]);
  struct Run {
    int64_t begin;
    ExprId value;
  };
  std::vector<Run> runs;
  for (int64_t i = 0; i < count; ++i) {
    const ExprId value = literal(tensor.values[static_cast<size_t>(i)], tensor.elem);
    if (runs.empty() || runs.back().value != value) runs.push_back({i, value});
  }
  const auto choose = [&](const auto &self, size_t first, size_t last) -> ExprId {
    if (last - first == 1) return runs[first].value;
    const size_t middle = (first + last) / 2;
    const ExprId below = self(self, first, middle);
    return b_.select(b_.less(place, b_.index(runs[middle].begin)), below, self(self, middle, last));
  };
  return choose(choose, 0, runs.size());
}

} // namespace sparkle
