#include "compiler/analysis/index_width.h"

#include <algorithm>

#include "compiler/analysis/walk.h"
#include "compiler/ir/operands.h"
#include "compiler/support/checked_math.h"
#include "compiler/support/id_map.h"

namespace sparkle {

namespace {

/// What an index can be, all of it within 32 bits: sums and products of two such ends never leave 64.
struct Span {
  int64_t lo, hi;
};

/// The common case in one pass: each expression's span from its operands' alone, without conditions. Where a span
/// leaves 32 bits or is not known, nothing is said.
class PlainCheck {
public:
  explicit PlainCheck(const Kernel &kernel) : k_(kernel) {}

  bool stmt_fits(StmtId id) {
    const Stmt &stmt = k_.stmt(id);
    if (auto *copy = std::get_if<Copy>(&stmt))
      for (const CopyAxis &axis : copy->axes) vars_.set(axis.var, {0, axis.extent - 1});
    bool fits = true;
    for_each_root_expr(stmt, [&](ExprId root) { fits = fits && visit(root); });
    if (!fits) return false;
    if (auto *block = std::get_if<Block>(&stmt))
      return std::all_of(block->stmts.begin(), block->stmts.end(), [&](StmtId child) { return stmt_fits(child); });
    if (auto *loop = std::get_if<For>(&stmt)) return loop_fits(*loop);
    if (auto *branch = std::get_if<If>(&stmt))
      return stmt_fits(branch->then_body) && (!is_valid(branch->else_body) || stmt_fits(branch->else_body));
    if (auto *let = std::get_if<Let>(&stmt); let && k_.type_of(let->value).scalar == Scalar::kIndex)
      vars_.set(let->var, *spans_.find(let->value));
    return true;
  }

private:
  bool loop_fits(const For &loop) {
    const int64_t lo = spans_.find(loop.begin)->lo;
    vars_.set(loop.var, {lo, std::max(lo, spans_.find(loop.end)->hi - 1)});
    return stmt_fits(loop.body);
  }

  bool visit(ExprId id) {
    if (!seen_.insert(id)) return true;
    bool fits = true;
    for_each_operand(k_.expr(id), [&](ExprId operand) { fits = fits && visit(operand); });
    if (!fits || k_.type_of(id).scalar != Scalar::kIndex) return fits;
    const std::optional<Span> span = span_of(id);
    if (!span || span->lo < INT32_MIN || span->hi > INT32_MAX) return false;
    spans_.set(id, *span);
    return true;
  }

  std::optional<Span> span_of(ExprId id) const {
    const Expr &expr = k_.expr(id);
    if (auto *constant = std::get_if<IntConst>(&expr)) return Span{constant->value, constant->value};
    if (auto *ref = std::get_if<VarRef>(&expr)) {
      const Span *known = vars_.find(ref->var);
      return known ? std::optional(*known) : std::nullopt;
    }
    if (auto *e = std::get_if<Binary>(&expr)) return span_of(e->op, *spans_.find(e->a), *spans_.find(e->b));
    if (auto *e = std::get_if<Broadcast>(&expr)) return *spans_.find(e->a);
    if (auto *e = std::get_if<Select>(&expr)) {
      const Span a = *spans_.find(e->a), b = *spans_.find(e->b);
      return Span{std::min(a.lo, b.lo), std::max(a.hi, b.hi)};
    }
    auto *e = std::get_if<Ramp>(&expr);
    const auto reach = e ? checked_mul(e->stride, e->lanes - 1) : std::nullopt;
    if (!reach || *reach < INT32_MIN || *reach > INT32_MAX) return std::nullopt;
    const Span base = *spans_.find(e->base);
    return Span{base.lo + std::min<int64_t>(*reach, 0), base.hi + std::max<int64_t>(*reach, 0)};
  }

  static std::optional<Span> span_of(BinaryOp op, Span a, Span b) {
    const bool by_constant = b.lo == b.hi && b.lo > 0;
    switch (op) {
    case BinaryOp::kAdd: return Span{a.lo + b.lo, a.hi + b.hi};
    case BinaryOp::kSub: return Span{a.lo - b.hi, a.hi - b.lo};
    case BinaryOp::kMul: {
      const auto [lo, hi] = std::minmax({a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi});
      return Span{lo, hi};
    }
    case BinaryOp::kMin: return Span{std::min(a.lo, b.lo), std::min(a.hi, b.hi)};
    case BinaryOp::kMax: return Span{std::max(a.lo, b.lo), std::max(a.hi, b.hi)};
    case BinaryOp::kDiv:
      return by_constant ? std::optional(Span{floor_div(a.lo, b.lo), floor_div(a.hi, b.lo)}) : std::nullopt;
    case BinaryOp::kMod: return by_constant ? std::optional(Span{0, b.lo - 1}) : std::nullopt;
    case BinaryOp::kAnd:
    case BinaryOp::kOr: return std::nullopt;
    }
    return std::nullopt;
  }

  const Kernel &k_;
  IdSet<ExprId, 16> seen_;
  IdMap<ExprId, Span> spans_; ///< Of indices that were seen.
  IdMap<VarId, Span> vars_;
};

class WidthCheck {
public:
  WidthCheck(const Kernel &kernel, const Ranges &ranges) : k_(kernel), ranges_(ranges) {}

  bool buffer_fits(const Buffer &buffer) {
    Interval last = Interval::point(1);
    for (size_t i = 0; i < buffer.extents.size(); ++i)
      last = add(last, multiply(add(size(buffer.extents[i]), Interval::point(-1)), size(buffer.strides[i])));
    Interval bytes = scale(last, bytes_of(buffer.element));
    return bytes.hi && *bytes.hi <= INT32_MAX;
  }

  bool stmt_fits(StmtId id) {
    bool fits = true;
    const Stmt &stmt = k_.stmt(id);
    RangesScope scope(ranges_);
    if (auto *copy = std::get_if<Copy>(&stmt))
      for (const CopyAxis &axis : copy->axes) ranges_.push(axis.var, {0, axis.extent - 1});
    for_each_root_expr(stmt, [&](ExprId root) { fits = fits && expr_fits(root); });
    return fits && children_fit(stmt);
  }

private:
  Interval size(ExprId extent) const {
    if (const auto constant = k_.constant(extent)) return Interval::point(*constant);
    return bounds(k_, extent, ranges_);
  }

  bool children_fit(const Stmt &stmt) {
    if (auto *block = std::get_if<Block>(&stmt)) return block_fits(*block);
    if (auto *loop = std::get_if<For>(&stmt)) {
      ranges_.push_loop(k_, *loop);
      return stmt_fits(loop->body);
    }
    auto *branch = std::get_if<If>(&stmt);
    if (!branch) return true;
    if (is_valid(branch->else_body) && !stmt_fits(branch->else_body)) return false;
    ranges_.push_condition(k_, branch->cond);
    // What was found under the condition may not hold behind it.
    IdSet<ExprId> outside = checked_;
    bool fits = stmt_fits(branch->then_body);
    checked_ = std::move(outside);
    return fits;
  }

  bool block_fits(const Block &block) {
    for (StmtId child : block.stmts) {
      if (!stmt_fits(child)) return false;
      if (auto *let = std::get_if<Let>(&k_.stmt(child))) ranges_.push_value(k_, let->var, let->value);
    }
    return true;
  }

  bool expr_fits(ExprId root) {
    bool fits = true;
    for_each_expr(k_, root, [&](ExprId id) {
      if (!fits || k_.type_of(id).scalar != Scalar::kIndex || !checked_.insert(id)) return;
      Interval range = bounds(k_, id, ranges_);
      fits = range.is_bounded() && *range.lo >= INT32_MIN && *range.hi <= INT32_MAX;
    });
    return fits;
  }

  const Kernel &k_;
  Ranges ranges_;
  IdSet<ExprId> checked_; ///< Known to fit here.
};

} // namespace

bool fits_in_32_bits(const Kernel &kernel, const Ranges &ranges) {
  WidthCheck check(kernel, ranges);
  for (uint32_t i = 0; i < kernel.buffer_count(); ++i)
    if (!check.buffer_fits(kernel.buffer(static_cast<BufferId>(i)))) return false;
  return !is_valid(kernel.body) || PlainCheck(kernel).stmt_fits(kernel.body) || check.stmt_fits(kernel.body);
}

} // namespace sparkle
