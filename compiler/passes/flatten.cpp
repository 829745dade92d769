#include "compiler/passes/flatten.h"

#include "compiler/analysis/index_width.h"
#include "compiler/analysis/linear.h"
#include "compiler/ir/rewriter.h"
#include "compiler/passes/simplify.h"
#include "compiler/support/match.h"

namespace sparkle {

namespace {

class Flattener {
public:
  explicit Flattener(const Kernel &in) : rw_(in) {
    rw_.on_stmt = [this](StmtId id) { return visit(id); };
  }

  Result<Kernel> run() {
    Kernel out = rw_.run();
    if (moves_fragment_)
      return Error{ErrorCode::kUnsupported, "a fragment is moved by a row pitch, which a flat buffer does not have"};
    for (uint32_t i = 0; i < out.buffer_count(); ++i) flatten_buffer(out, static_cast<BufferId>(i));
    out.stage = Stage::kLowerable;
    return out;
  }

private:
  std::optional<StmtId> visit(StmtId id) {
    const Stmt &stmt = rw_.in().stmt(id);
    if (std::holds_alternative<Block>(stmt) || std::holds_alternative<For>(stmt) || std::holds_alternative<If>(stmt))
      return std::nullopt;
    const StmtId fresh = rw_.clone(id);
    Stmt &flat = rw_.out().stmt(fresh); // Only expressions are added below.
    if (auto *load = std::get_if<Load>(&flat)) flatten_indices(load->buffer, load->indices);
    if (auto *store = std::get_if<Store>(&flat)) flatten_indices(store->buffer, store->indices);
    if (auto *hint = std::get_if<Prefetch>(&flat)) flatten_indices(hint->buffer, hint->indices);
    moves_fragment_ |= std::holds_alternative<FragmentMove>(flat);
    return fresh;
  }

  /// Buffers of the output keep their dimensions until everything is rewritten, so their strides are at hand here.
  void flatten_indices(BufferId id, std::vector<ExprId> &indices) {
    Builder &b = rw_.build();
    const std::vector<ExprId> &strides = rw_.out().buffer(id).strides;
    SPARKLE_CHECK(strides.size() == indices.size(), "an access has one index per dimension");
    ExprId sum = kNoId<ExprId>;
    for (size_t i = 0; i < indices.size(); ++i) {
      if (rw_.out().constant(indices[i]) == 0) continue;
      const ExprId term = b.mul(indices[i], strides[i]);
      sum = is_valid(sum) ? b.add(sum, term) : term;
    }
    indices.assign(1, is_valid(sum) ? sum : b.index(0));
  }

  /// 1 + the offset of the last element.
  static void flatten_buffer(Kernel &out, BufferId id) {
    Buffer buffer = out.buffer(id);
    if (buffer.fragment != FragmentUse::kNone) return;
    Builder b(out);
    ExprId span = b.index(1);
    bool is_empty = false;
    for (size_t i = 0; i < buffer.extents.size(); ++i) {
      is_empty |= out.constant(buffer.extents[i]) == 0;
      // Distributed, so that terms of symbolic extents cancel: (N - 1)*S as N*S - S.
      ExprId reach = b.sub(b.mul(buffer.extents[i], buffer.strides[i]), buffer.strides[i]);
      span = b.add(span, reach);
    }
    if (is_empty) span = b.index(0);
    buffer.extents = {from_linear(b, to_linear(out, span))};
    buffer.strides = {b.index(1)};
    out.buffer(id) = std::move(buffer);
  }

  Rewriter rw_;
  bool moves_fragment_ = false;
};

} // namespace

Result<Kernel> flatten(const Kernel &in, const FlattenOptions &options, const TargetInfo &info) {
  if (in.stage != Stage::kScheduled)
    return Error{ErrorCode::kInternal, "flatten got stage " + std::string(name_of(in.stage)) + ", it needs scheduled"};
  SPARKLE_TRY(Kernel flat, Flattener(in).run());
  SPARKLE_TRY(Kernel out, simplify(flat, {.keep_grid = true}, info));
  out.index_bits = !options.wide_indices && fits_in_32_bits(out) ? 32 : 64;
  return out;
}

} // namespace sparkle
