// What the text says, before any meaning: the grammar of docs/language.md as a closed variant of plain structs in id
// tables. Every node has its SourceRange; names are kept as written. Printed by printer.h, made by parser.h.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/support/diagnostics.h"
#include "compiler/support/id.h"
#include "dsl/elem.h"

namespace sparkle::dsl {

enum class AstId : uint32_t {};

struct Ident {
  std::string name;
  SourceRange range;
};

enum class UnaryOp { kNegate, kNot };
enum class BinaryOp { kOr, kAnd, kEq, kNe, kLt, kLe, kGt, kGe, kAdd, kSub, kMul, kDiv, kMod, kMin, kMax };
enum class ReduceOp { kSum, kProd, kMax, kMin, kMean };
enum class RangeKind { kNone, kDemand, kHalfOpen, kClosed };
enum class OutsideMode { kNone, kValue, kClamp, kMirror, kReflect, kWrap, kSkip };

/// As written in the text: `+`, `sum`, `clamp`.
std::string_view name_of(UnaryOp op);
std::string_view name_of(BinaryOp op);
std::string_view name_of(ReduceOp op);
std::string_view name_of(OutsideMode mode);
/// How tightly an infix operator holds together: 0 (`||`) to 4 (`*`).
int precedence_of(BinaryOp op);

/// `i`, `i in ..`, `i in a..b`, `i in a..=b`.
struct Bind {
  Ident index;
  RangeKind kind = RangeKind::kNone;
  AstId begin = kNoId<AstId>, end = kNoId<AstId>;
};

struct AstNumber {
  std::string digits; ///< As written.
};
struct AstInf {};
struct AstName {
  std::string name;
};
struct AstRead {
  Ident tensor;
  std::vector<AstId> subscripts;
};
struct AstArgument {
  std::optional<Ident> name; ///< `p = 1`, in calls of kernels only.
  AstId value;
};
/// A function, a cast (callee is an element type), `min` or `max` of values, or a kernel.
struct AstCall {
  Ident callee;
  std::vector<AstArgument> arguments;
};
struct AstUnary {
  UnaryOp op;
  AstId operand;
};
/// `op` is never kMin or kMax: those are calls.
struct AstBinary {
  BinaryOp op;
  AstId lhs, rhs;
};
struct AstReduce {
  ReduceOp op;
  std::optional<Elem> accumulator; ///< `sum.f16`.
  std::vector<Bind> binds;
  AstId filter = kNoId<AstId>; ///< After `where`, or none.
  AstId body;
};
using AstExpr = std::variant<AstNumber, AstInf, AstName, AstRead, AstCall, AstUnary, AstBinary, AstReduce>;

struct AstNode {
  AstExpr expr;
  SourceRange range;
  int depth = 1; ///< Height of the tree below, at most kMaxExpressionDepth.
};

struct TypeText {
  Elem elem = Elem::kF32;
  std::vector<AstId> extents;
  SourceRange range;
};

/// `outside` MODE [`on` (names)]; no names: every dimension.
struct OutsideClause {
  OutsideMode mode = OutsideMode::kValue;
  AstId value = kNoId<AstId>;
  std::vector<Ident> on;
  SourceRange range;
};

/// A nested list of values: either one expression or rows.
struct Table {
  AstId leaf = kNoId<AstId>;
  std::vector<Table> rows;
  SourceRange range;
};

struct ConstDecl {
  Ident name;
  TypeText type;
  Table table;
  SourceRange range;
};

struct FnParam {
  Ident name;
  Elem elem;
};
struct FnDecl {
  Ident name;
  std::vector<FnParam> params;
  Elem result;
  AstId body;
  SourceRange range;
};

enum class ParamKind { kInput, kConst, kInOut };
struct Param {
  ParamKind kind = ParamKind::kInput;
  Ident name;
  TypeText type;
  std::vector<OutsideClause> outside;
  AstId default_value = kNoId<AstId>;
  SourceRange range;
};
struct Out {
  Ident name;
  TypeText type;
};
/// `OH = expr` defines a dimension; an expression alone must hold.
struct Fact {
  std::optional<Ident> defines;
  AstId expr;
  SourceRange range;
};
/// Several names only for the results of a kernel call.
struct LetText {
  std::vector<Ident> names;
  bool has_indices = false; ///< Brackets were written.
  std::vector<Bind> binds;
  std::vector<OutsideClause> outside;
  AstId value;
  SourceRange range;
};
/// `subscripts` are expressions here, so that `h[src[i]] += 1` can be refused by name.
struct DefText {
  Ident target;
  std::vector<AstId> subscripts;
  bool accumulate = false;
  AstId value;
  SourceRange range;
};
using StatementText = std::variant<ConstDecl, LetText, DefText>;

struct KernelDecl {
  Ident name;
  std::vector<Param> params;
  std::vector<Out> outs;
  std::vector<Fact> facts;
  std::vector<StatementText> body;
  SourceRange range;
};

using Item = std::variant<ConstDecl, FnDecl, KernelDecl>;

struct File {
  std::string source_name;
  IdTable<AstId, AstNode> exprs;
  std::vector<Item> items;
};

} // namespace sparkle::dsl
