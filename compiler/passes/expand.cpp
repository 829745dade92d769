#include "compiler/passes/expand.h"

#include "compiler/analysis/walk.h"
#include "compiler/ir/rewriter.h"
#include "compiler/passes/expand_function.h"

namespace sparkle {
namespace {

class Expander {
public:
  explicit Expander(const Kernel &in) : in_(in), rw_(in) {
    rw_.on_stmt = [this](StmtId id) { return visit(id); };
    rw_.on_expr = [this](ExprId id) { return replace(id); };
  }

  /// Nothing: there was nothing to expand.
  std::optional<Kernel> run() {
    bool found = false;
    for (uint32_t i = 0; i < in_.expr_count() && !found; ++i) found = call_at(ExprId{i}) != nullptr;
    if (!found) return std::nullopt;
    Kernel out = rw_.run();
    if (!expanded_) return std::nullopt;
    out.strict = true;
    return out;
  }

private:
  const Unary *call_at(ExprId id) const {
    const auto *unary = std::get_if<Unary>(&in_.expr(id));
    return unary && is_expanded(unary->op) && in_.type_of(id).scalar == Scalar::kF32 ? unary : nullptr;
  }

  std::optional<ExprId> replace(ExprId id) {
    const Unary *unary = call_at(id);
    if (!unary) return std::nullopt;
    expanded_ = true;
    return expand_function(rw_.build(), unary->op, rw_.expr(unary->a),
                           [this](std::string name, ExprId value) { return bind(std::move(name), value); });
  }

  bool needs_no_name(ExprId value) {
    const Expr &expr = rw_.out().expr(value);
    const auto *splat = std::get_if<Broadcast>(&expr);
    const Expr &scalar = splat ? rw_.out().expr(splat->a) : expr;
    return std::holds_alternative<FloatConst>(scalar) || std::holds_alternative<IntConst>(scalar) ||
           std::holds_alternative<VarRef>(scalar);
  }

  ExprId bind(std::string name, ExprId value) {
    if (needs_no_name(value)) return value;
    Builder &b = rw_.build();
    const VarId var = rw_.out().add_var({std::move(name), rw_.out().type_of(value), VarKind::kValue, "", 0});
    lets_.push_back(rw_.out().add_stmt(Let{var, value}));
    return b.var(var);
  }

  /// What a statement itself holds is expanded before it, what stands inside it in its place.
  std::optional<StmtId> visit(StmtId id) {
    if (std::holds_alternative<Block>(in_.stmt(id))) return std::nullopt;
    for_each_root_expr(in_.stmt(id), [&](ExprId root) { rw_.expr(root); });
    std::vector<StmtId> stmts = std::exchange(lets_, {});
    const StmtId fresh = rw_.clone(id);
    if (stmts.empty()) return fresh;
    stmts.push_back(fresh);
    rw_.forget(); // The names end with the block.
    return rw_.build().block(std::move(stmts));
  }

  const Kernel &in_;
  Rewriter rw_;
  std::vector<StmtId> lets_;
  bool expanded_ = false;
};

} // namespace

Result<Kernel> expand(Kernel in, const ExpandOptions &, const TargetInfo &) {
  if (in.stage < Stage::kScheduled)
    return Error{ErrorCode::kInternal,
                 "expand got stage " + std::string(name_of(in.stage)) + ", it needs scheduled or later"};
  std::optional<Kernel> out = Expander(in).run();
  return out ? std::move(*out) : std::move(in);
}

} // namespace sparkle
