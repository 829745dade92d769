#include "compiler/passes/partition.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "compiler/analysis/grid.h"
#include "compiler/analysis/imported.h"
#include "compiler/analysis/interval.h"
#include "compiler/analysis/walk.h"
#include "compiler/ir/rewriter.h"
#include "compiler/passes/clip.h"
#include "compiler/passes/simplify.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// Where in the range of one loop variable all guards that it can decide are true, and what keeps indices inside a
/// tensor (limits, reflections at its edges, periods) has no effect.
struct Interior {
  int64_t lo, hi; ///< [lo, hi), inside [begin, end).
  int64_t begin, end;
  bool is_proper() const { return lo < hi && (lo > begin || hi < end); }
};

class InteriorFinder {
public:
  InteriorFinder(const Kernel &kernel, VarId var, int64_t begin, int64_t end)
      : kernel_(kernel), var_(var), interior_{begin, end, begin, end} {}

  Interior find(StmtId body) {
    for_each_stmt(kernel_, body, [&](StmtId id) {
      for (ExprId cond : conditions_of(kernel_.stmt(id)))
        for (ExprId conjunct : conjuncts(kernel_, cond))
          if (uses_var(kernel_, conjunct, var_)) narrow(id, conjunct);
      if (!std::holds_alternative<Load>(kernel_.stmt(id)) && !std::holds_alternative<Let>(kernel_.stmt(id))) return;
      for_each_expr(kernel_, id, [&](ExprId e) { limited(id, e); });
    });
    return interior_;
  }

private:
  using Form = std::optional<LinearForm>;

  static std::vector<ExprId> conditions_of(const Stmt &stmt) {
    if (const auto *guard = std::get_if<If>(&stmt)) return {guard->cond};
    if (const auto *load = std::get_if<Load>(&stmt)) return {load->mask};
    if (const auto *store = std::get_if<Store>(&stmt)) return {store->mask};
    if (const auto *copy = std::get_if<Copy>(&stmt)) return {copy->guard};
    return {};
  }

  /// What `expr` is in the interior, which shrinks to where that is so: of min(x, hi) and max(x, lo) the x; of the
  /// two sides of a reflection, min(x, c - x), the one that is the result for more of the range; of x % c the x where
  /// most of the range lies in its first period. Nothing for other expressions.
  Form limited(StmtId id, ExprId expr) {
    const auto *e = std::get_if<Binary>(&kernel_.expr(expr));
    if (!e || kernel_.type_of(expr) != kIndexType || !uses_var(kernel_, expr, var_)) return std::nullopt;
    if (e->op == BinaryOp::kMod) return first_period(id, *e);
    if (e->op != BinaryOp::kMin && e->op != BinaryOp::kMax) return std::nullopt;
    const Form a = inside(id, e->a), b = inside(id, e->b);
    if (!a || !b) return std::nullopt;
    const Form a_over_b = subtract(*a, *b), b_over_a = subtract(*b, *a);
    const bool is_min = e->op == BinaryOp::kMin;
    const auto first = narrowed(id, is_min ? a_over_b : b_over_a, false);
    const auto second = narrowed(id, is_min ? b_over_a : a_over_b, false);
    const bool is_first = kernel_.constant(e->b) || (!kernel_.constant(e->a) && size_of(first) >= size_of(second));
    if (!(is_first ? first : second)) return std::nullopt;
    interior_ = is_first ? *first : *second;
    return is_first ? a : b;
  }

  Form first_period(StmtId id, const Binary &e) {
    const auto period = splat_constant(kernel_, e.b);
    const Form x = inside(id, e.a);
    if (!x || !period || *period <= 0) return std::nullopt;
    const Interior before = interior_;
    const auto from = narrowed(id, scale(*x, -1), false);
    if (from) interior_ = *from;
    const auto to = narrowed(id, subtract(*x, linear_constant(*period)), true);
    interior_ = before;
    if (!from || !to || 2 * size_of(to) <= before.hi - before.lo) return std::nullopt;
    interior_ = *to;
    return x;
  }

  /// `expr` with what stands in it as it is in the interior.
  Form inside(StmtId id, ExprId expr) {
    LinearForm form = to_linear(kernel_, expr);
    Form sum = form;
    for (const LinearTerm &term : form.terms) {
      const Form value = limited(id, term.atom);
      if (!value) continue;
      const Form replaced = scale(linear_atom(kernel_, term.atom), term.coefficient);
      const Form by = scale(*value, term.coefficient);
      sum = sum && by ? add(*sum, *by) : std::nullopt;
      if (sum && replaced) sum = subtract(*sum, *replaced);
    }
    return sum;
  }

  /// f < 0 (or <= 0) with f = c * var + g holds for all values of g's variables where c * var + max(g) does.
  void narrow(StmtId id, ExprId conjunct) {
    const auto *compare = std::get_if<Compare>(&kernel_.expr(conjunct));
    if (!compare || (compare->op != CompareOp::kLt && compare->op != CompareOp::kLe)) return;
    const Form form = subtract(to_linear(kernel_, compare->a), to_linear(kernel_, compare->b));
    // Guards on parts of fused dimensions are many, and variants for all of them more code than they are worth.
    for (size_t i = 0; form && i < form->terms.size(); ++i) {
      const ExprId atom = form->terms[i].atom;
      if (!std::holds_alternative<VarRef>(kernel_.expr(atom)) && uses_var(kernel_, atom, var_)) return;
    }
    if (const auto next = narrowed(id, form, compare->op == CompareOp::kLt)) interior_ = *next;
  }

  static int64_t size_of(const std::optional<Interior> &part) { return part ? part->hi - part->lo : -1; }

  /// The part of the interior where the form is at most 0, or less than that; nothing where none is known.
  std::optional<Interior> narrowed(StmtId id, Form form, bool strictly) const {
    if (!form || form->lanes > 1) return std::nullopt;
    std::optional<LinearTerm> self;
    for (const LinearTerm &term : form->terms) {
      if (!uses_var(kernel_, term.atom, var_)) continue;
      if (self) return std::nullopt;
      self = term;
    }
    if (self) form->drop(self->atom);
    if (ranges_of_ != id) ranges_ = ranges_at(kernel_, ranges_of_ = id);
    RangesScope scope(ranges_);
    if (const auto *copy = std::get_if<Copy>(&kernel_.stmt(id)))
      for (const CopyAxis &axis : copy->axes) ranges_.push(axis.var, {0, axis.extent - 1});
    Interval rest = bounds(kernel_, *form, ranges_);
    if (!rest.hi) return std::nullopt;
    const int64_t limit = -*rest.hi - (strictly ? 1 : 0);
    if (!self) return limit >= 0 ? std::optional(interior_) : std::nullopt;
    return narrowed(id, *self, limit);
  }

  /// The part where coefficient * atom <= limit, for the variable or, rounded down, a part of it.
  std::optional<Interior> narrowed(StmtId id, const LinearTerm &term, int64_t limit) const {
    const int64_t c = term.coefficient, most = c > 0 ? floor_div(limit, c) : 0,
                  least = c < 0 ? ceil_div(-limit, -c) : 0;
    if (std::holds_alternative<VarRef>(kernel_.expr(term.atom))) {
      Interior next = interior_;
      if (c > 0) next.hi = std::min(next.hi, most + 1);
      if (c < 0) next.lo = std::max(next.lo, least);
      return next.lo < next.hi ? std::optional(next) : std::nullopt;
    }
    const auto *e = std::get_if<Binary>(&kernel_.expr(term.atom));
    const auto divisor = e && e->op == BinaryOp::kDiv ? splat_constant(kernel_, e->b) : std::nullopt;
    if (!divisor || *divisor <= 0) return std::nullopt;
    const LinearForm x = to_linear(kernel_, e->a);
    if (c > 0) return narrowed(id, subtract(x, linear_constant(*divisor * most + *divisor - 1)), false);
    return narrowed(id, subtract(linear_constant(*divisor * least), x), false);
  }

  const Kernel &kernel_;
  VarId var_;
  Interior interior_;
  mutable Ranges ranges_; ///< Around statement `ranges_of_`.
  mutable StmtId ranges_of_ = kNoId<StmtId>;
};

bool is_listed(const Kernel &kernel, VarId var, const std::vector<std::string> &dims) {
  const Variable &variable = kernel.var(var);
  return !variable.dim.empty() && std::find(dims.begin(), dims.end(), variable.dim) != dims.end();
}

struct SplitKernel {
  Kernel kernel;
  std::vector<StmtId> parts; ///< Outside of them nothing changed.
};

/// The body once for each part of the range of a group variable, chosen by conditions on it.
SplitKernel split_group(const Kernel &in, const GridLoop &loop, const Interior &interior) {
  StmtId worker_body = grid_of(in).worker_body;
  SplitKernel out;
  Rewriter rw(in);
  rw.on_stmt = [&](StmtId id) -> std::optional<StmtId> {
    if (id != worker_body) return std::nullopt;
    Builder &b = rw.build();
    ExprId var = b.var(rw.var(loop.var));
    std::vector<StmtId> variants;
    auto variant = [&](int64_t begin, int64_t end) {
      if (begin >= end) return;
      ExprId cond = b.boolean(true);
      if (begin > interior.begin) cond = b.both(cond, b.less_equal(b.index(begin), var));
      if (end < interior.end) cond = b.both(cond, b.less(var, b.index(end)));
      if (end == begin + 1) rw.substitute(loop.var, b.index(begin));
      variants.push_back(b.when(cond, rw.clone(id)));
      rw.substitute(loop.var, var);
    };
    variant(interior.begin, interior.lo);
    variant(interior.lo, interior.hi);
    variant(interior.hi, interior.end);
    out.parts = variants;
    return b.block(std::move(variants));
  };
  out.kernel = rw.run();
  return out;
}

/// Each loop as two or three consecutive loops.
SplitKernel split_serial(const Kernel &in, const std::map<StmtId, Interior> &targets) {
  SplitKernel out;
  Rewriter rw(in);
  rw.on_stmt = [&](StmtId id) -> std::optional<StmtId> {
    const auto target = targets.find(id);
    if (target == targets.end()) return std::nullopt;
    const Interior &interior = target->second;
    Builder &b = rw.build();
    const For &loop = std::get<For>(in.stmt(id));
    std::vector<StmtId> parts;
    auto part = [&](int64_t begin, int64_t end) {
      if (begin >= end) return;
      VarId var = rw.bind(loop.var);
      parts.push_back(b.loop(var, b.index(begin), b.index(end), loop.kind, rw.stmt(loop.body)));
    };
    part(interior.begin, interior.lo);
    part(interior.lo, interior.hi);
    part(interior.hi, interior.end);
    out.parts.insert(out.parts.end(), parts.begin(), parts.end());
    return b.block(std::move(parts));
  };
  out.kernel = rw.run();
  return out;
}

class Partitioner {
public:
  Partitioner(const Kernel &in, const PartitionOptions &options, const TargetInfo &info)
      : kernel_(in), options_(options), info_(info) {}

  Result<Kernel> run() {
    SPARKLE_TRY_STATUS(tidy({}));
    for (size_t i = 0; i < grid_of(kernel_).groups.size(); ++i) {
      const GridLoop loop = grid_of(kernel_).groups[i];
      auto begin = kernel_.constant(loop.begin), end = kernel_.constant(loop.end);
      if (!begin || !end || !is_listed(kernel_, loop.var, options_.dims)) continue;
      Interior interior = InteriorFinder(kernel_, loop.var, *begin, *end).find(grid_of(kernel_).worker_body);
      if (!interior.is_proper()) continue;
      SPARKLE_TRY_STATUS(take(split_group(kernel_, loop, interior)));
    }
    for (int left = kMaxSerialSplits; left > 0;) {
      const auto found = serial_loops(left);
      if (found.empty()) break;
      SPARKLE_TRY_STATUS(take(split_serial(kernel_, found)));
      left -= static_cast<int>(found.size());
    }
    return Rewriter(kernel_).run(); // Without garbage.
  }

private:
  /// Bounds the code a mistaken list of dimensions can make.
  static constexpr int kMaxSerialSplits = 64;

  Status take(SplitKernel split) {
    kernel_ = std::move(split.kernel);
    return tidy(std::move(split.parts));
  }

  /// Simplifies within the given statements; empty: everything.
  Status tidy(std::vector<StmtId> within) {
    SPARKLE_TRY(kernel_, simplify(kernel_, {.keep_garbage = true, .within = std::move(within)}, info_));
    std::optional<Clipped> clipped = options_.clip ? clip_loops(kernel_) : std::nullopt;
    if (clipped) {
      SPARKLE_TRY(kernel_, simplify(clipped->kernel, {.keep_garbage = true, .within = clipped->loops}, info_));
    }
    return ok();
  }

  /// Loops that do not stand in one another, at most `most`.
  std::map<StmtId, Interior> serial_loops(int most) const {
    std::map<StmtId, Interior> found;
    find_loops(kernel_.body, found);
    while (static_cast<int>(found.size()) > most) found.erase(std::prev(found.end()));
    return found;
  }

  void find_loops(StmtId id, std::map<StmtId, Interior> &found) const {
    const Stmt &stmt = kernel_.stmt(id);
    if (const auto *block = std::get_if<Block>(&stmt))
      for (const StmtId child : block->stmts) find_loops(child, found);
    if (const auto *branch = std::get_if<If>(&stmt)) {
      find_loops(branch->then_body, found);
      if (is_valid(branch->else_body)) find_loops(branch->else_body, found);
    }
    const auto *loop = std::get_if<For>(&stmt);
    if (!loop) return;
    if (const auto interior = interior_of(*loop))
      found.emplace(id, *interior);
    else
      find_loops(loop->body, found);
  }

  std::optional<Interior> interior_of(const For &loop) const {
    if (loop.kind != LoopKind::kSerial || !is_listed(kernel_, loop.var, options_.dims)) return std::nullopt;
    const auto begin = kernel_.constant(loop.begin), end = kernel_.constant(loop.end);
    if (!begin || !end) return std::nullopt;
    const Interior interior = InteriorFinder(kernel_, loop.var, *begin, *end).find(loop.body);
    return interior.is_proper() ? std::optional(interior) : std::nullopt;
  }

  Kernel kernel_;
  const PartitionOptions &options_;
  const TargetInfo &info_;
};

} // namespace

Result<Kernel> partition(const Kernel &in, const PartitionOptions &options, const TargetInfo &info) {
  return Partitioner(in, options, info).run();
}

} // namespace sparkle
