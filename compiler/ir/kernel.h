// Kernel: one launch, owner of its nodes. Program: what is compiled (DESIGN 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
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

  Type type_of(ExprId id) const;
  /// The value of an IntConst (of any integer type or bool), else nothing.
  std::optional<int64_t> constant(ExprId id) const;
  /// The constant extent or stride of a dimension of a buffer, else nothing.
  std::optional<int64_t> extent(BufferId id, int dim) const;
  std::optional<int64_t> stride(BufferId id, int dim) const;

private:
  std::string unique_name(std::string name);
  Type compute_type(const Expr &expr) const;
  size_t slot_of(const Expr &expr, uint32_t hash) const;
  void grow_slots();

  IdTable<ExprId, Expr> exprs_;
  IdTable<ExprId, Type> types_;
  IdTable<StmtId, Stmt> stmts_;
  IdTable<StmtId, SourceRange> ranges_;
  IdTable<VarId, Variable> vars_;
  IdTable<BufferId, Buffer> buffers_;
  IdTable<ExprId, uint32_t> hashes_;
  std::vector<ExprId> slots_; ///< Open addressing by hash; a power of two of them, kNoId where free.
  std::unordered_set<std::string> names_;
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
