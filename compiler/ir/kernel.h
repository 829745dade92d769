// Kernel: one launch, owner of its nodes. Program: what is compiled (DESIGN 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "compiler/ir/nodes.h"
#include "compiler/support/diagnostics.h"

namespace sparkle {

enum class TensorId : uint32_t {};
enum class SymbolId : uint32_t {};
enum class UniformId : uint32_t {};

/// What passes may rely on; the verifier checks each (verifier.h lists the rules).
enum class Stage : uint8_t {
  kImported,   ///< Serial loops around one Store; Read and Reduce in its value.
  kTiled,      ///< Explicit loops of every kind, loads as statements; Copy and lane loops allowed.
  kVectorized, ///< No lane loops.
  kScheduled,  ///< No Copy.
  kLowerable,  ///< Every far, near and register buffer is one-dimensional with stride 1.
};

enum class VarKind : uint8_t {
  kLoop,    ///< Bound by For.
  kAxis,    ///< Bound by Reduce or Copy.
  kValue,   ///< Bound by Let or Load.
  kSymbol,  ///< An extent known at the call; bound by the program (Variable::symbol).
  kUniform, ///< A run-time scalar parameter; bound by the program (Variable::uniform).
};

struct Variable {
  /// For people; unique in the kernel. With a `dim` it is `dim.split`, perhaps with a suffix (`oc.0_2`), else without a
  /// dot.
  std::string name;
  Type type;
  VarKind kind;
  /// Loops made from a dimension: its name and which of its splits (schedules refer to `dim.split`), else empty and 0.
  std::string dim;
  int split = 0;
  SymbolId symbol = kNoId<SymbolId>;
  UniformId uniform = kNoId<UniformId>;
};

enum class Role : uint8_t {
  kInput,
  kConst, ///< An input that does not change between runs (weights).
  kOutput,
  kInout,
  kWorkspace, ///< Written and read by kernels of one run.
  kPacked,    ///< Written by prepack kernels, once per binding of the constants.
  kLocal,     ///< Lives inside a kernel (registers, near memory).
};

struct Buffer {
  std::string name; ///< Unique in the kernel.
  Scalar element = Scalar::kF32;
  std::vector<ExprId> extents; ///< index expressions over constants and symbols, outermost first.
  std::vector<ExprId> strides; ///< In elements, likewise.
  MemoryLevel level = MemoryLevel::kFar;
  Role role = Role::kLocal;
  TensorId tensor = kNoId<TensorId>; ///< The program's tensor behind a far buffer.
  std::string origin;                ///< For staged copies: name of the tensor whose elements they hold.
  int alignment = 4;                 ///< Bytes; of the first element.
  bool no_alias = true;
  FragmentUse fragment = FragmentUse::kNone;
};

/// The bit that stands for a variable in Kernel::var_bits.
constexpr uint64_t var_bit(VarId id) { return uint64_t{1} << index_of(id) % 64; }

/// One launch. Copyable; ids are valid in this kernel and its copies alone.
class Kernel {
public:
  std::string name;
  Stage stage = Stage::kImported;
  int index_bits = 64;
  bool strict = false;
  StmtId body = kNoId<StmtId>;

  /// The id of an equal expression, or of this one, newly added. No folding: Builder does that.
  ExprId intern(Expr expr);
  template <class Node>
  requires(!std::is_same_v<Node, Expr>) ExprId intern(Node node);
  StmtId add_stmt(Stmt stmt, SourceRange range = {});
  /// Makes `variable.name` unique by a suffix `_2`, `_3`... where it is taken. A variable with a `dim` is named
  /// `dim.split`; dots in other names become underscores.
  VarId add_var(Variable variable);
  /// Likewise for buffers.
  BufferId add_buffer(Buffer buffer);

  const Expr &expr(ExprId id) const { return exprs_[id]; }
  const Stmt &stmt(StmtId id) const { return stmts_[id]; }
  Stmt &stmt(StmtId id) { return stmts_[id]; }
  void set_range(StmtId id, SourceRange range) { ranges_[id] = range; }
  /// The type of a variable and the element of a buffer must not change once an expression refers to them.
  const Variable &var(VarId id) const { return vars_[id]; }
  Variable &var(VarId id) { return vars_[id]; }
  const Buffer &buffer(BufferId id) const { return buffers_[id]; }
  Buffer &buffer(BufferId id) { return buffers_[id]; }
  SourceRange range(StmtId id) const { return ranges_[id]; }

  size_t expr_count() const { return exprs_.size(); }
  size_t stmt_count() const { return stmts_.size(); }
  size_t var_count() const { return vars_.size(); }
  size_t buffer_count() const { return buffers_.size(); }
  /// Makes room for the nodes of a kernel like `other`.
  void reserve_like(const Kernel &other);

  Type type_of(ExprId id) const { return facts_[id].type; }
  /// The value of an IntConst (of any integer type or bool), else nothing.
  std::optional<int64_t> constant(ExprId id) const {
    if (!is_valid(id)) return std::nullopt;
    const auto *value = std::get_if<IntConst>(&exprs_[id]);
    return value ? std::optional(value->value) : std::nullopt;
  }
  /// `var_bit` of every variable that occurs in an expression, axes of reductions included. Variables may share a bit:
  /// only its absence says something for sure.
  uint64_t var_bits(ExprId id) const { return facts_[id].vars; }
  /// The constant extent or stride of a dimension of a buffer, else nothing.
  std::optional<int64_t> extent(BufferId id, int dim) const;
  std::optional<int64_t> stride(BufferId id, int dim) const;

private:
  /// What is known of an expression from its operands.
  struct Facts {
    Type type;
    uint32_t hash;
    uint64_t vars;
  };
  /// A variable or a buffer in the table of names.
  enum class NameId : uint32_t {};

  // kernel_intern.cpp
  template <class Node> ExprId find_or_add(Node node);
  void grow_slots(size_t count);

  // kernel.cpp
  std::string unique_name(std::string name);
  const std::string &name_of(NameId id) const;
  size_t name_slot(std::string_view name) const;
  void claim_name(NameId id);

  IdTable<ExprId, Expr> exprs_;
  IdTable<ExprId, Facts> facts_;
  IdTable<StmtId, Stmt> stmts_;
  IdTable<StmtId, SourceRange> ranges_;
  IdTable<VarId, Variable> vars_;
  IdTable<BufferId, Buffer> buffers_;
  std::vector<ExprId> slots_; ///< Open addressing by hash; a power of two of them, kNoId where free.
  std::vector<NameId> names_; ///< Likewise, by hash of the name.
  std::unordered_map<std::string, int> next_suffix_; ///< By name without suffix.
};

/// An extent of a tensor: a number, or a symbol bound at the call.
struct Extent {
  int64_t value = 0;
  SymbolId symbol = kNoId<SymbolId>;
  bool is_constant() const { return !is_valid(symbol); }
  bool operator==(const Extent &) const = default;
};

struct Tensor {
  std::string name;
  Scalar element = Scalar::kF32;
  std::vector<Extent> extents;  ///< Outermost first.
  std::vector<int64_t> strides; ///< In elements; empty: dense row-major.
  Role role = Role::kInput;
  int alignment =
      4; ///< Bytes; promised by the caller for arguments, given by the runtime for workspace and packed tensors.
};

struct Symbol {
  std::string name;
  int64_t minimum = 0; ///< The smallest value a call may give; checked there.
};

struct Uniform {
  std::string name;
  Scalar type = Scalar::kF32;
};

/// What is compiled: constants are packed once by `prepack`, then `kernels` run in order.
struct Program {
  std::string name;
  IdTable<TensorId, Tensor> tensors;
  IdTable<SymbolId, Symbol> symbols;
  IdTable<UniformId, Uniform> uniforms;
  std::vector<Kernel> prepack;
  std::vector<Kernel> kernels;
  /// Operations of the source over whole boxes (LANGUAGE 9.9): nominal, exact. With open symbols: at their minimum.
  int64_t flops = 0;
  /// The same without the terms that filters and `outside skip` leave out.
  int64_t flops_executed = 0;
};

/// Dense row-major strides of constant extents, in elements.
std::vector<int64_t> dense_strides(const std::vector<int64_t> &extents);

std::string_view name_of(Stage stage);
std::string_view name_of(LoopKind kind);
std::string_view name_of(MemoryLevel level);
std::string_view name_of(Role role);
std::string_view name_of(UnaryOp op);
std::string_view name_of(BinaryOp op);
std::string_view name_of(CompareOp op);
std::string_view name_of(ReduceOp op);
std::string_view name_of(FragmentUse use);
std::string_view name_of(StoreKind kind);
std::string_view name_of(BarrierScope scope);

/// The enumerator whose name_of is `text`, for each of the enumerations above.
template <class Enum> std::optional<Enum> parse_name(std::string_view text);

/// The stages at which a node may occur (nodes.def), and its name there.
struct NodeInfo {
  std::string_view name;
  Stage first;
  Stage last;
};
const NodeInfo &node_info(const Expr &expr);
const NodeInfo &node_info(const Stmt &stmt);

} // namespace sparkle
