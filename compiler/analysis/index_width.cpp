#include "compiler/analysis/index_width.h"

#include <set>

#include "compiler/analysis/walk.h"

namespace sparkle {

namespace {

class WidthCheck {
public:
  WidthCheck(const Kernel &kernel, const Ranges &ranges) : k_(kernel), ranges_(ranges) {}

  bool buffer_fits(const Buffer &buffer) {
    Interval last = Interval::point(1);
    for (size_t i = 0; i < buffer.extents.size(); ++i) {
      Interval reach = multiply(add(bounds(k_, buffer.extents[i], ranges_), Interval::point(-1)),
                                bounds(k_, buffer.strides[i], ranges_));
      last = add(last, reach);
    }
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
    std::set<ExprId> outside = checked_;
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
      if (!fits || k_.type_of(id).scalar != Scalar::kIndex || checked_.contains(id)) return;
      checked_.insert(id);
      Interval range = bounds(k_, id, ranges_);
      fits = range.is_bounded() && *range.lo >= INT32_MIN && *range.hi <= INT32_MAX;
    });
    return fits;
  }

  const Kernel &k_;
  Ranges ranges_;
  std::set<ExprId> checked_; ///< Known to fit here.
};

} // namespace

bool fits_in_32_bits(const Kernel &kernel, const Ranges &ranges) {
  WidthCheck check(kernel, ranges);
  for (uint32_t i = 0; i < kernel.buffer_count(); ++i)
    if (!check.buffer_fits(kernel.buffer(static_cast<BufferId>(i)))) return false;
  return !is_valid(kernel.body) || check.stmt_fits(kernel.body);
}

} // namespace sparkle
