// The binder's state, in the order in which it is filled. Private to bind*.cpp.
#pragma once

#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "dsl/bind.h"
#include "dsl/linear.h"

namespace sparkle::dsl {

/// One dimension of one read.
struct Place {
  TensorId tensor;
  size_t dim;
  ExprId subscript;
  IndexId alone; ///< The index that is the whole subscript, or kNoId.
  OutsideMode mode;
  size_t definition; ///< The statement that reads.
};

/// A place in the text: of the kernel itself, or of one that stands in the place of a call.
struct Origin {
  SourceRange range;
  CallId call = kNoId<CallId>;
};
/// Of an expression, an index, a dimension, a tensor, a fact or a definition.
template <class Node> Origin origin_of(const Node &node) { return {node.range, node.call}; }

class Binder {
public:
  Binder(const CheckedKernel &in, const BindRequest &request, Diagnostics &diagnostics);
  Result<BoundKernel> run();

private:
  // Dimensions, shapes, facts: bind.cpp.
  bool bind_ints();
  void bind_given();
  void bind_shape(const CheckedTensor &tensor, const std::vector<int64_t> &shape);
  void set_int(IntId id, int64_t value, const std::string &origin, const Origin &at);
  bool resolve(IntId id);
  bool resolve_definition(IntId id);
  bool check_extent(const std::string &name, const SymInt &value, ExprId formula, const Origin &at);
  void bind_tensors();
  IndexRange bind_extent(const CheckedTensor &tensor, size_t dim);
  void check_given_shape(const CheckedTensor &tensor, const BoundTensor &bound);
  void check_volume(const BoundTensor &tensor);
  void check_facts();
  void check_agreement(const CheckedAgreement &agreement);
  std::optional<bool> holds(ExprId condition);
  std::optional<bool> compare(const Binary &binary, const Origin &at);

  // Ranges of indices: bind_ranges.cpp.
  void collect_places();
  void collect_places(ExprId expr, size_t definition, std::vector<bool> &seen);
  void bind_written_ranges();
  bool find_ranges();
  bool range_from_reads_inside(IndexId index);
  bool range_from_readers(TensorId let, size_t dim);
  void check_range_agreement();
  void report_open_indices();
  void report_range_choice(TensorId let, size_t dim, const Place &place);
  std::string likely_extent(const Place &place) const;
  bool holds_index(ExprId subscript, IndexId index) const;
  void report_readers(TensorId let, size_t dim);
  void bind_demand();
  void bind_demand(TensorId let, size_t dim);
  std::optional<IndexRange> range_of(const Place &place) const;
  bool takes_range_from_reads(IndexId index) const;
  void error_conflict(IndexId index, const Place &a, const Place &b);

  // Expressions: bind_expr.cpp.
  Result<Linear> linear(ExprId expr);
  Result<Linear> linear_binary(const Binary &binary);
  void report_math(ExprId expr, const Error &error);
  void bind_definitions();
  ExprId rewrite(ExprId expr);
  ExprId rewrite_node(const ExprNode &node);
  ExprId rewrite_read(const Read &read, const ExprNode &node);
  ExprId rewrite_reduce(const Reduce &reduce, const ExprNode &node);
  ExprId rewrite_int(ExprId expr);
  ExprId rewrite_binary(const Binary &binary, const ExprNode &node);
  Access prove(const Read &read, size_t dim, const Linear &form);
  void report_bounds(const Read &read, size_t dim, const Interval &seen);
  ExprId emit(const Linear &form, SourceRange range);
  ExprId emit_atom(const Atom &atom, SourceRange range);
  ExprId emit_product(ExprId atom, int64_t factor, SourceRange range);
  ExprId emit_literal(int64_t value, SourceRange range);
  ExprId add_node(Expr expr, Elem type, const ExprNode &like);

  std::string text(const SymInt &value) const { return text_of(out_, value); }
  std::string text(const IndexRange &range) const { return text(range.begin) + ".." + text(range.end); }
  Diagnostic *error(std::string_view code, const Origin &at, std::string text);

  const CheckedKernel &in_;
  const BindRequest &request_;
  Diagnostics &diagnostics_;
  BoundKernel out_;
  std::set<std::tuple<std::string, uint32_t, CallId>> reported_;
  Diagnostic again_;                                ///< Takes what is said about a mistake that was reported before.
  std::vector<std::optional<std::string>> origins_; ///< Of each int that was given: who said so.
  std::vector<bool> resolved_, resolving_;
  std::vector<std::optional<IndexRange>> ranges_;
  IndexMath math_;
  std::vector<std::optional<Linear>> forms_;
  std::vector<Place> places_;
  std::unordered_map<uint32_t, ExprId> rewritten_; ///< Memo of the reduction that is being rewritten.
  int reductions_ = 0;                             ///< Enclosing ones.
  bool dead_ = false;                              ///< An enclosing index has no values: nothing here is ever read.
};

} // namespace sparkle::dsl
