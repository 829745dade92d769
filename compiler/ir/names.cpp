// Tables of names: one per enumeration, in the order of its enumerators, and nodes.def.
#include <algorithm>
#include <array>

#include "compiler/ir/kernel.h"

namespace sparkle {
namespace {

template <class Enum> struct Names;

#define SPARKLE_NAMES(Enum, ...)                                                                                       \
  template <> struct Names<Enum> { static constexpr auto kTable = std::to_array<std::string_view>({__VA_ARGS__}); }

SPARKLE_NAMES(Stage, "imported", "tiled", "vectorized", "scheduled", "lowerable");
SPARKLE_NAMES(LoopKind, "group", "team", "worker", "serial", "unrolled", "lane");
SPARKLE_NAMES(MemoryLevel, "register", "near", "far");
SPARKLE_NAMES(Role, "input", "const", "output", "inout", "workspace", "packed", "local");
SPARKLE_NAMES(UnaryOp, "neg", "not", "abs", "floor", "ceil", "round", "trunc", "sqrt", "rsqrt", "exp", "log", "tanh",
              "sigmoid", "erf");
SPARKLE_NAMES(BinaryOp, "+", "-", "*", "/", "%", "min", "max", "and", "or");
SPARKLE_NAMES(CompareOp, "==", "!=", "<", "<=");
SPARKLE_NAMES(ReduceOp, "sum", "prod", "min", "max");
SPARKLE_NAMES(FragmentUse, "none", "a", "b", "accumulator");
SPARKLE_NAMES(StoreKind, "plain", "streaming");
SPARKLE_NAMES(BarrierScope, "team", "group");

#undef SPARKLE_NAMES

template <class Enum> std::string_view lookup(Enum value) {
  const auto index = static_cast<size_t>(value);
  return index < Names<Enum>::kTable.size() ? Names<Enum>::kTable[index] : std::string_view("?");
}

// The tables follow the variants: a node that is missing in nodes.def, or in another place there, does not compile.
template <class Variant, class Node, size_t kAt>
inline constexpr bool kInPlace = std::is_same_v<std::variant_alternative_t<kAt, Variant>, Node>;

constexpr NodeInfo kExprInfo[] = {
#define SPARKLE_EXPR(node, text, first, last) {text, Stage::first, Stage::last},
#define SPARKLE_STMT(node, text, first, last)
#include "compiler/ir/nodes.def"
};

constexpr NodeInfo kStmtInfo[] = {
#define SPARKLE_EXPR(node, text, first, last)
#define SPARKLE_STMT(node, text, first, last) {text, Stage::first, Stage::last},
#include "compiler/ir/nodes.def"
};

enum class ExprPlace : size_t {
#define SPARKLE_EXPR(node, text, first, last) node,
#define SPARKLE_STMT(node, text, first, last)
#include "compiler/ir/nodes.def"
};

enum class StmtPlace : size_t {
#define SPARKLE_EXPR(node, text, first, last)
#define SPARKLE_STMT(node, text, first, last) node,
#include "compiler/ir/nodes.def"
};

#define SPARKLE_EXPR(node, text, first, last) static_assert(kInPlace<Expr, node, static_cast<size_t>(ExprPlace::node)>);
#define SPARKLE_STMT(node, text, first, last) static_assert(kInPlace<Stmt, node, static_cast<size_t>(StmtPlace::node)>);
#include "compiler/ir/nodes.def"

static_assert(std::size(kExprInfo) == std::variant_size_v<Expr>);
static_assert(std::size(kStmtInfo) == std::variant_size_v<Stmt>);

} // namespace

const NodeInfo &node_info(const Expr &expr) { return kExprInfo[expr.index()]; }
const NodeInfo &node_info(const Stmt &stmt) { return kStmtInfo[stmt.index()]; }

template <class Enum> std::optional<Enum> parse_name(std::string_view text) {
  const auto &table = Names<Enum>::kTable;
  const auto found = std::find(table.begin(), table.end(), text);
  if (found == table.end()) return std::nullopt;
  return static_cast<Enum>(found - table.begin());
}

#define SPARKLE_NAMED(Enum)                                                                                            \
  std::string_view name_of(Enum value) { return lookup(value); }                                                       \
  template std::optional<Enum> parse_name<Enum>(std::string_view)

SPARKLE_NAMED(Stage);
SPARKLE_NAMED(LoopKind);
SPARKLE_NAMED(MemoryLevel);
SPARKLE_NAMED(Role);
SPARKLE_NAMED(UnaryOp);
SPARKLE_NAMED(BinaryOp);
SPARKLE_NAMED(CompareOp);
SPARKLE_NAMED(ReduceOp);
SPARKLE_NAMED(FragmentUse);
SPARKLE_NAMED(StoreKind);
SPARKLE_NAMED(BarrierScope);

#undef SPARKLE_NAMED

} // namespace sparkle
