// Private to the verifier: one walk over the body with what is in scope; types of expressions are checked once each.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/ir/verifier.h"

namespace sparkle {

/// What stands around a statement.
struct Surroundings {
  bool only_groups = true; ///< Nothing but group loops, each the only statement in the one around it.
  bool in_worker = false;
  bool in_lane = false;
  bool divergent = false; ///< A condition or bound around differs between workers.
};

class Verifier {
public:
  Verifier(const Kernel &kernel, std::vector<Violation> &out) : k_(kernel), out_(out) {}
  void run();

private:
  // verifier.cpp
  bool ids_are_valid();
  bool stmt_ids(StmtId id);
  void names();
  void buffers();
  void buffer(const Buffer &b);
  void imported_shape();
  void stmt(StmtId id, Surroundings around);
  void node(const Stmt &stmt, const Surroundings &around);

  // verifier_stmt.cpp
  void scoped(std::span<const StmtId> stmts, const Surroundings &around);
  void block(const Block &s, Surroundings around);
  void loop(const For &s, Surroundings around);
  void loop_kind(const For &s, const Surroundings &around);
  void branch(const If &s, Surroundings around);
  void let(const Let &s);
  void load(const Load &s);
  void store(const Store &s);
  void copy(const Copy &s);
  void barrier(const Surroundings &around);
  void alloc(const Alloc &s);
  void fragment_fill(const FragmentFill &s);
  void fragment_move(const FragmentMove &s);
  void fragment_mma(const FragmentMma &s);
  void access(BufferId buffer, const std::vector<ExprId> &indices, bool is_write);
  void rank(BufferId buffer, const std::vector<ExprId> &indices);
  void allocated(BufferId buffer);
  bool is_fragment(BufferId buffer, std::initializer_list<FragmentUse> uses);
  void mask_and_other(ExprId mask, ExprId other);
  void lanes_fit(const std::vector<ExprId> &indices, ExprId mask, int lanes);
  bool is_constant_from_zero(const For &s) const;
  void bind(VarId var, VarKind kind, uint64_t binder, bool varies);
  void unbind(VarId var) { in_scope_[index_of(var)] = false; }

  // verifier_expr.cpp
  /// What is remembered of an expression that was walked.
  struct Walk {
    uint32_t use = 0; ///< Number of the use in which it was walked; 0: never.
    bool varies = false;
    bool keeps = true;         ///< True as long as `last` is in scope: nothing in it was out of scope, no axes.
    VarId last = kNoId<VarId>; ///< Of its variables, the one that was bound last: scopes end in turn.
  };
  /// Checks scope and types; returns whether the value differs between workers.
  bool use(ExprId id);
  void use_typed(ExprId id, Type type, std::string_view what);
  Walk walk(ExprId id);
  void join(Walk &all, const Walk &part) const;
  void walk_var(const VarRef &ref, Walk &walked);
  void walk_reduce(ExprId id, const Reduce &e, Walk &walked);
  void types(const Expr &e);
  void int_const(const IntConst &e);
  void float_const(const FloatConst &e);
  void unary(const Unary &e);
  void binary(const Binary &e);
  void shuffle(const Shuffle &e);
  void dot(const Dot &e);
  void read(const Read &e);
  void arithmetic(Type type);
  void same_types(std::initializer_list<ExprId> ids, std::string_view what);
  bool is_static(ExprId id) const; ///< Over constants and symbols alone.

  void report(Rule rule, std::string text) { out_.push_back({rule, current_, std::move(text)}); }

  const Kernel &k_;
  std::vector<Violation> &out_;
  StmtId current_ = kNoId<StmtId>;
  uint64_t binder_ = 0;         ///< The statement that binds now, counted in order.
  std::vector<char> in_scope_;  ///< By variable.
  std::vector<char> varies_;    ///< By variable: differs between workers.
  std::vector<char> allocated_; ///< By buffer: an Alloc is in force.
  std::vector<char> ever_allocated_;
  std::vector<char> seen_;         ///< By statement: part of the body.
  std::vector<Walk> visited_;      ///< By expression.
  std::vector<char> checked_;      ///< By expression: types were checked.
  std::vector<uint64_t> binders_;  ///< By variable: what binds it; 0: nothing yet.
  std::vector<uint32_t> bound_at_; ///< By variable: the number of its binding.
  uint32_t bindings_ = 0;
  uint32_t use_ = 0;
};

} // namespace sparkle
