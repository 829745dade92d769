// The checker's state. Private to check*.cpp.
// A value that could not be checked is kInvalid: its mistake has been reported, and nothing more is said about it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dsl/check.h"

namespace sparkle::dsl {

/// An expression while it is checked: a literal has no type until one meets it.
struct Typed {
  enum class State { kInvalid, kLiteral, kValue };
  State state = State::kInvalid;
  Rational literal;
  int infinite = 0; ///< -1 or 1: a literal infinity.
  ExprId id = kNoId<ExprId>;
  SourceRange range;

  bool valid() const { return state != State::kInvalid; }
  bool is_literal() const { return state == State::kLiteral; }
};

struct Symbol {
  enum class Kind { kBad, kInt, kScalar, kTensor, kView, kIndex, kValue, kFn, kKernel, kConst };
  Kind kind = Kind::kBad;
  uint32_t id = 0; ///< Of the table that the kind names; of kFn, kKernel and kConst the item's place in the file.
  SourceRange range;
  Typed value; ///< Of kValue: an argument, or a scalar constant.
};

/// What `let v outside ... = t;` makes: another set of rules for the same data.
struct View {
  TensorId base;
  std::vector<Access> rules;
  std::vector<std::string> dim_names;
};

/// What a kernel that stands in the place of its call writes: an intermediate of the caller.
struct CallResult {
  Ident name; ///< In the caller, qualified.
  Elem elem = Elem::kF32;
  std::vector<ExprId> extents;
  std::vector<std::string> dim_names;
  TensorId old = kNoId<TensorId>; ///< Of an `inout`: the tensor that was given.
  TensorId made = kNoId<TensorId>;
};

/// The value that a call gives to a parameter: one of both.
struct CallValue {
  ExprId expr = kNoId<ExprId>;
  TensorId tensor = kNoId<TensorId>;
};

/// What a name means depends on the kernel whose text is read: swapped as a whole around a call.
struct CallScope {
  std::map<std::string, Symbol, std::less<>> names;
  std::vector<std::string> order;
  std::set<std::string, std::less<>> pending;
  size_t item = 0;
  CallId call = kNoId<CallId>;
  std::string prefix; ///< Of the names of intermediates: `y.`.
  std::map<std::string, CallResult, std::less<>> results;
  std::map<std::string, CallValue, std::less<>> given; ///< By parameter or dimension.
  std::map<uint32_t, std::string> said_by;             ///< By IntId: "by `src`".
};

/// Names of a file's items; made first, so that a kernel's own names can be held against all of them.
struct FileScope {
  explicit FileScope(const File &file) : file(file) {}
  const File &file;
  std::map<std::string, Symbol, std::less<>> items;
  std::set<size_t> bad_items; ///< Items that had errors: their uses are not reported again.
};

/// Checks one kernel, or (on a scratch kernel) one file-level function or constant.
class Checker {
public:
  /// Only items before `item` may be used.
  Checker(FileScope &scope, size_t item, Diagnostics &diagnostics)
      : scope_(scope), file_(scope.file), diagnostics_(diagnostics), item_(item) {}

  CheckedKernel check_kernel(const KernelDecl &decl);
  /// False when it can't be used, whether or not a mistake of its own was reported.
  bool check_fn(const FnDecl &decl);
  Symbol check_const(const ConstDecl &decl);

private:
  struct ExprContext {
    bool in_subscript = false; ///< Data is refused as `index-depends-on-data`.
    bool in_outside = false;   ///< Only literals and scalar parameters.
  };
  using Expected = std::optional<Elem>; ///< The type that a literal should take when nothing nearer says one.

  // Names: check_names.cpp.
  bool declare(const Ident &name, Symbol symbol);
  const Symbol *find(std::string_view name) const;
  Symbol lookup(std::string_view name, SourceRange range);
  std::vector<std::string> visible_names() const;
  void error_unknown(std::string_view name, SourceRange range);
  Diagnostic &error(std::string_view code, SourceRange range, std::string text);

  // Signature: check_signature.cpp.
  void declare_params(const KernelDecl &decl);
  void declare_param(const Param &param);
  void declare_scalar(const Param &param);
  void check_int_default(const Param &param);
  void declare_dimensions(const TypeText &type);
  void declare_outs(const KernelDecl &decl);
  void declare_facts(const KernelDecl &decl);
  void check_shapes(const KernelDecl &decl);
  void check_shape(const Ident &name, const TypeText &type);
  bool tensor_type_allowed(const Ident &name, const TypeText &type);
  std::vector<Access> check_outside(const std::vector<OutsideClause> &clauses, const std::vector<std::string> &dims,
                                    Elem elem, const Ident &name);
  ExprId check_outside_value(const OutsideClause &clause, Elem elem);
  bool apply_clause(const OutsideClause &clause, const Access &access, const std::vector<std::string> &dims,
                    std::vector<Access> &rules, const Ident &name);

  // Statements: check_body.cpp.
  void check_statement(const StatementText &statement);
  void check_let(const LetText &let);
  bool check_view(const LetText &let);
  void check_def(const DefText &def);
  bool check_target(const DefText &def, TensorId target, std::vector<IndexId> &indices);
  void check_all_defined(const KernelDecl &decl);
  std::optional<IndexId> declare_index(const Bind &bind, bool may_demand);
  ExprId check_range_end(AstId expr);
  void close_scope(size_t names);

  // Expressions: check_expr.cpp. A fn's body is checked in the place of its call.
  Typed check_expr(AstId ast, Expected expected);
  Typed check_node(AstId ast, Expected expected);
  Typed check_name(const AstName &name, SourceRange range);
  Typed check_read(const AstRead &read, SourceRange range);
  bool check_inout_read(TensorId tensor, const std::vector<ExprId> &subscripts, SourceRange range);
  Typed check_unary(const AstUnary &unary, SourceRange range, Expected expected);
  Typed check_reduce(const AstReduce &reduce, SourceRange range, Expected expected);
  Typed reduce_body(const AstReduce &reduce, SourceRange range, Expected expected, std::vector<IndexId> indices);
  std::optional<Elem> accumulator_of(const AstReduce &reduce, Elem term, SourceRange range);
  ExprId check_int(AstId ast);
  ExprId check_condition(AstId ast);

  // Operators and literals: check_ops.cpp.
  Typed check_binary(const AstBinary &binary, SourceRange range, Expected expected);
  Typed fold(BinaryOp op, const Typed &a, const Typed &b, SourceRange range);
  Typed logical(BinaryOp op, const Typed &a, const Typed &b, SourceRange range);
  Typed arithmetic(BinaryOp op, Typed a, Typed b, SourceRange range);
  bool unify(BinaryOp op, Typed &a, Typed &b);
  bool operands_allowed(BinaryOp op, const Typed &a, const Typed &b, SourceRange range);
  bool int_operands_allowed(BinaryOp op, const Typed &a, const Typed &b, SourceRange range);
  bool divisor_allowed(const Typed &divisor, SourceRange range);
  ExprId coerce(const Typed &value, Elem type);
  ExprId literal_of(const Typed &value, Elem type);
  ExprId widen(ExprId id);
  Typed add_value(Expr expr, Elem type, SourceRange range, const std::vector<ExprId> &children);
  Typed literal(Rational value, SourceRange range);
  Elem type_of(const Typed &value) const { return kernel_.exprs[value.id].type; }
  void error_types(const Typed &a, const Typed &b, SourceRange range, std::string_view what);

  // Calls: check_calls.cpp.
  Typed check_call(const AstCall &call, SourceRange range, Expected expected);
  Typed check_cast(Elem to, const AstCall &call, SourceRange range);
  bool cast_allowed(Elem to, ExprId operand, SourceRange argument, SourceRange range);
  Typed check_function(Function function, const AstCall &call, SourceRange range, Expected expected);
  Typed check_min_max(BinaryOp op, const AstCall &call, SourceRange range, Expected expected);
  Typed check_clamp(const AstCall &call, SourceRange range, Expected expected);
  Typed check_select(const AstCall &call, SourceRange range, Expected expected);
  Typed check_ceil_div(const AstCall &call, SourceRange range);
  Typed inline_fn(const FnDecl &fn, size_t item, const AstCall &call, SourceRange range);
  bool arguments_allowed(const AstCall &call, size_t count);

  // Calls of kernels: check_kernel_call.cpp, and check_call_sizes.cpp for what they make of sizes.
  bool check_kernel_let(const LetText &let);
  std::optional<size_t> kernel_called(AstId ast);
  std::vector<TensorId> put_in_place(size_t item, const AstCall &call, SourceRange range,
                                     const std::vector<Ident> &names);
  bool match_arguments(const KernelDecl &callee, const AstCall &call, CallScope &inner);
  bool check_argument(const KernelDecl &callee, const std::string &name, AstId value, CallScope &inner);
  bool check_tensor_argument(const Param &param, AstId value, CallScope &inner);
  bool check_scalar_argument(const Param &param, AstId value, CallScope &inner);
  bool tensor_may_be_given(const Param &param, TensorId tensor, SourceRange range);
  void swap_scope(CallScope &other);
  std::vector<TensorId> check_called(const KernelDecl &callee, const std::vector<Ident> &names);
  void check_call_def(const DefText &def);
  bool declare_called(const KernelDecl &callee);
  bool declare_called_param(const Param &param, std::set<AstId> &introduced);
  void declare_called_view(const Param &param);
  void declare_value(const Ident &name, ExprId id);
  void declare_called_dimensions(const Param &param, std::set<AstId> &introduced);
  bool check_called_shapes(const KernelDecl &callee, const std::set<AstId> &introduced);
  bool declare_called_facts(const KernelDecl &callee);
  bool declare_called_results(const KernelDecl &callee, const std::vector<Ident> &names);
  bool declare_result(const Ident &declared, const TypeText &type, const Ident &name);
  void declare_called_int(const std::string &name, ExprId value, SourceRange range, std::string by);
  ExprId extent_of(TensorId tensor, size_t dim);
  ExprId extent_of_index(TensorId let, IndexId index);
  bool any_below(ExprId expr, bool (*is_it)(const Expr &)) const;

  // Tables: check_table.cpp.
  bool flatten(const Table &table, size_t level, Elem elem, CheckedTensor &tensor);
  ExprId check_leaf(AstId leaf, Elem elem);

  FileScope &scope_;
  const File &file_;
  Diagnostics &diagnostics_;
  size_t item_;
  CheckedKernel kernel_;
  std::map<std::string, Symbol, std::less<>> names_;
  std::vector<std::string> order_; ///< Names in order of declaration, for closing scopes.
  std::map<size_t, Symbol> file_consts_;
  std::vector<View> views_;
  std::set<std::string, std::less<>> pending_; ///< Names that a later fact or parameter defines.
  std::set<uint32_t> defined_;                 ///< Outputs and inouts that have their statement.
  const std::vector<IndexId> *target_indices_ = nullptr;
  TensorId target_ = kNoId<TensorId>;
  ExprContext context_;
  CallScope own_; ///< The part that names_, order_, pending_ and item_ are not: of the kernel whose text is read.
  int call_depth_ = 0;
  int depth_ = 0;
  bool too_large_ = false;
};

} // namespace sparkle::dsl
