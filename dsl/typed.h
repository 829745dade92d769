// Typed expressions, and a kernel whose names, ranks and types are checked but whose dimensions are still names
// (text time). bind.h turns it into a BoundKernel, which uses the same expression nodes with every size filled in.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/support/diagnostics.h"
#include "compiler/support/id.h"
#include "dsl/ast.h"

namespace sparkle::dsl {

enum class ExprId : uint32_t {};
enum class TensorId : uint32_t {}; ///< Parameters, outputs, tables and intermediates (`let`).
enum class IndexId : uint32_t {};  ///< One per place that introduces an index: a statement or a reduction.
enum class IntId : uint32_t {};    ///< Dimensions and `int` parameters.
enum class ScalarId : uint32_t {}; ///< Run-time scalar parameters.
enum class CallId : uint32_t {};   ///< Calls of kernels. kNoId: what stands in the kernel's own text.

/// Of the node's type: `whole` for i32, i8, u8, int and bool, `number` (a value of that type) for f32, f16, bf16.
struct Literal {
  double number = 0;
  int64_t whole = 0;
};
struct IndexRef {
  IndexId index;
};
/// Before bind: any dimension or `int` parameter. After: only dimensions left open.
struct IntRef {
  IntId name;
};
struct ScalarRef {
  ScalarId scalar;
};

/// What happens along one dimension of a read. kNone: the subscript stays inside (after bind: proven).
struct Access {
  OutsideMode mode = OutsideMode::kNone;
  ExprId value = kNoId<ExprId>; ///< With kValue; of the tensor's element type.
};
/// The node's type is the tensor's element type. A view is resolved: `tensor` is what it shows, `access` its rules.
/// kSkip refers to the innermost enclosing Reduce: the whole term (its filter too) is left out.
struct Read {
  TensorId tensor;
  std::vector<ExprId> subscripts; ///< One per dimension, of type int.
  std::vector<Access> access;     ///< One per dimension.
};
struct Unary {
  UnaryOp op;
  ExprId operand;
};
/// Operands have equal types, except that comparisons give bool. On int, `/` and `%` round down.
/// On data: i32 wraps, `max(a, b)` is `a < b ? b : a`, `min(a, b)` is `b < a ? b : a`.
struct Binary {
  BinaryOp op;
  ExprId lhs, rhs;
};
struct Select {
  ExprId condition, if_true, if_false;
};
enum class Function { kExp, kLog, kSqrt, kRsqrt, kTanh, kSigmoid, kErf, kAbs, kFloor, kCeil, kRound, kTrunc };
struct Apply {
  Function function; ///< On f32; kAbs also on i32. kRound goes to the nearest even.
  ExprId operand;
};
/// To the node's type. Float to float: nearest even, overflow to infinity. To integers: saturating, NaN to 0 (the
/// operand is whole by construction). From int: i32 as is, f32 to nearest.
struct Cast {
  ExprId operand;
};
/// The node's type is the accumulator's; the body has it too. Of no terms: 0, 1, the least value, the greatest, NaN.
struct Reduce {
  ReduceOp op;
  std::vector<IndexId> indices;
  ExprId filter = kNoId<ExprId>; ///< bool, or none.
  ExprId body;
};
using Expr = std::variant<Literal, IndexRef, IntRef, ScalarRef, Read, Unary, Binary, Select, Apply, Cast, Reduce>;

struct ExprNode {
  Expr expr;
  Elem type = Elem::kF32;
  SourceRange range;
  bool has_index = false;    ///< An index occurs that is bound outside of this node.
  bool compile_time = false; ///< Literals and `int`s only, no index.
  bool constant = true;      ///< No data that may change between runs.
  bool whole = false;        ///< A float that is a whole number (or not finite) by construction.
  CallId call = kNoId<CallId>;
};

std::string_view name_of(Function function);
std::optional<Function> function_named(std::string_view name);

enum class TensorRole { kInput, kConst, kInOut, kOutput, kTable, kLet };
std::string_view name_of(TensorRole role);

struct IntName {
  std::string name;
  bool is_parameter = false;         ///< An `int` parameter; else a dimension.
  ExprId definition = kNoId<ExprId>; ///< Default of a parameter, or the formula after `where`.
  SourceRange range;
  CallId call = kNoId<CallId>;
};
struct ScalarParam {
  std::string name;
  Elem elem = Elem::kF32;
  bool constant = false;
  ExprId default_value = kNoId<ExprId>; ///< A Literal.
  SourceRange range;
};
struct CheckedIndex {
  std::string name;
  RangeKind kind = RangeKind::kNone;
  ExprId begin = kNoId<ExprId>, end = kNoId<ExprId>; ///< int; with kHalfOpen and kClosed.
  SourceRange range;
  CallId call = kNoId<CallId>;
};
struct CheckedTensor {
  std::string name;
  Elem elem = Elem::kF32;
  TensorRole role = TensorRole::kInput;
  std::vector<ExprId> extents;        ///< int; empty for kLet.
  std::vector<IndexId> indices;       ///< Of kLet, one per dimension.
  std::vector<std::string> dim_names; ///< What `on (...)` may say; empty where the extent is not a bare name.
  std::vector<Access> rules;          ///< What its name says about outside, per dimension.
  std::vector<Literal> values;        ///< Of kTable, row-major.
  std::vector<size_t> table_shape;    ///< Of kTable, as written; the extents must agree.
  SourceRange range;
  uint32_t rules_end = 0; ///< Of a parameter: where another `outside` may be written. 0: nowhere.
  CallId call = kNoId<CallId>;
  size_t rank() const { return role == TensorRole::kLet ? indices.size() : extents.size(); }
};
/// target[indices] = value, for the whole box of the indices. `inout` targets may be read in `value` at exactly
/// `indices`: the old value (`+=` has become that).
struct Definition {
  TensorId target;
  std::vector<IndexId> indices;
  ExprId value;
  bool constant = false; ///< A `let` of constant data only: to be computed once, when constants are bound.
  SourceRange range;
  CallId call = kNoId<CallId>;
};
struct CheckedFact {
  ExprId condition; ///< bool, of ints.
  SourceRange range;
  CallId call = kNoId<CallId>;
};
/// `let y = conv2d(src, wei);`: the kernel's statements stand in the place of the call, and keep the ranges of its
/// text.
struct CallSite {
  SourceRange range;             ///< Of the call, in the text of the caller.
  std::string callee;            ///< Its name.
  CallId parent = kNoId<CallId>; ///< For which the caller stands in place itself.
};
/// Two ints that a call makes one: the extent that a parameter declares, and the one of the tensor that is given.
struct CheckedAgreement {
  ExprId wanted, given;
  std::string what;      ///< "`K` of `matmul`".
  std::string wanted_by; ///< "by `a`", "by its formula".
  std::string given_by;
  SourceRange range;           ///< In the text of the caller.
  SourceRange declared;        ///< In the text of the kernel that is called.
  CallId call = kNoId<CallId>; ///< Of the caller.
};

struct CheckedKernel {
  std::string name;
  SourceRange range; ///< Of the name.
  IdTable<ExprId, ExprNode> exprs;
  IdTable<IntId, IntName> ints;
  IdTable<ScalarId, ScalarParam> scalars;
  IdTable<IndexId, CheckedIndex> indices;
  IdTable<TensorId, CheckedTensor> tensors;
  std::vector<CheckedFact> facts;
  std::vector<CheckedAgreement> agreements;
  IdTable<CallId, CallSite> calls;
  std::vector<Definition> definitions; ///< In order of the text: a `let` stands before its readers.
};

struct CheckedFile {
  std::string source_name;
  std::vector<CheckedKernel> kernels;
};

/// Reports what is wrong at `range`. Of a kernel that is called: at the outermost call, with a note at each place on
/// the way down.
Diagnostic &report_error(Diagnostics &diagnostics, const CheckedKernel &kernel, CallId call, std::string_view code,
                         SourceRange range, std::string text);

/// An int or bool expression of the kernel as text: `(IH + 2*p - KH)/s + 1`.
std::string text_of(const CheckedKernel &kernel, ExprId expr);

} // namespace sparkle::dsl
