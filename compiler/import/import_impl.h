// The state of the import of one definition. Private to import*.cpp.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "compiler/import/import.h"
#include "compiler/ir/builder.h"

namespace sparkle {

Scalar scalar_of(dsl::Elem elem);
/// The type in which arithmetic on `scalar` is done: i32 for i8 and u8, f32 for f16 and bf16.
Scalar wide(Scalar scalar);

/// Entries of the program by id of the bound kernel.
struct ImportTables {
  std::vector<TensorId> tensors;   ///< kNoId: a table.
  std::vector<SymbolId> symbols;   ///< By dsl::IntId; kNoId: a number.
  std::vector<UniformId> uniforms; ///< By dsl::ScalarId.
};

class DefinitionImporter {
public:
  DefinitionImporter(const dsl::BoundKernel &in, const Program &program, const ImportTables &tables, bool strict);
  Result<Kernel> run(const dsl::Definition &definition);

private:
  /// A subscript relative to the first element, and what is known of it.
  struct Subscript {
    ExprId index;
    dsl::SymInt extent;
    std::optional<dsl::Interval> seen;
    bool inside_below() const { return seen && dsl::SymInt::surely_le(0, seen->least); }
    bool inside_above() const;
    /// Proven to lie in [-before, extent + after).
    bool within(const dsl::SymInt &before, const dsl::SymInt &after) const;
  };
  using Memo = std::unordered_map<dsl::ExprId, ExprId>;

  // import_expr.cpp
  ExprId expr(dsl::ExprId id);
  ExprId node(const dsl::ExprNode &node);
  ExprId literal(const dsl::Literal &value, dsl::Elem type);
  ExprId unary(const dsl::Unary &e);
  ExprId binary(const dsl::Binary &e, dsl::Elem type);
  ExprId compare(dsl::BinaryOp op, ExprId a, ExprId b);
  ExprId apply(const dsl::Apply &e);
  ExprId reduce(const dsl::Reduce &e, const dsl::ExprNode &node);
  ExprId count(const dsl::Reduce &e, bool filtered);
  std::vector<ReduceAxis> bind_axes(const dsl::Reduce &e);
  ExprId filter_of(const dsl::Reduce &e);
  void collect_skips(dsl::ExprId id, std::unordered_map<dsl::ExprId, bool> &seen, std::vector<ExprId> &conditions);
  ExprId widened(ExprId value);

  // import_read.cpp
  ExprId read(const dsl::Read &e);
  ExprId table(const dsl::BoundTensor &tensor, const std::vector<ExprId> &indices);
  Subscript subscript(const dsl::Read &e, size_t dim);
  ExprId inside(const Subscript &s);
  ExprId rewritten(const Subscript &s, dsl::OutsideMode mode);
  ExprId clamped(const Subscript &s);
  ExprId mirrored(const Subscript &s, bool repeats_edge);
  Result<dsl::Linear> linear(dsl::ExprId id);
  ExprId both(ExprId a, ExprId b);

  // import.cpp
  ExprId size(const dsl::SymInt &value);
  BufferId buffer(dsl::TensorId id);
  ExprId scalar(dsl::ScalarId id);
  VarId symbol(dsl::IntId id);
  void refuse(ErrorCode code, std::string text);

  const dsl::BoundKernel &in_;
  const Program &program_;
  const ImportTables &tables_;
  Kernel out_;
  Builder b_;
  std::vector<std::optional<dsl::IndexRange>> ranges_;
  dsl::IndexMath math_;
  std::unordered_map<dsl::IndexId, ExprId> indices_;
  std::unordered_map<dsl::TensorId, BufferId> buffers_;
  std::unordered_map<dsl::IntId, VarId> symbols_;
  std::unordered_map<dsl::ScalarId, VarId> scalars_;
  bool in_filter_ = false; ///< There, a read that skips has its guard too: a filter is evaluated as a whole.
  Memo memo_, filter_memo_;
  std::optional<Error> refusal_; ///< The first one.
};

} // namespace sparkle
