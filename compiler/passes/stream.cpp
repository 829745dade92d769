#include "compiler/passes/stream.h"

#include "compiler/analysis/linear.h"
#include "compiler/analysis/walk.h"
#include "compiler/ir/rewriter.h"

namespace sparkle {
namespace {

/// The least that machines write past the caches; stores that follow one another are gathered to whole lines.
constexpr int64_t kLeastBytes = 16;

/// Every store of the row starts on a multiple of the vector: the base, the strides of outer dimensions.
bool is_aligned(const Kernel &kernel, const Store &store, const Ramp &ramp) {
  const Buffer &buffer = kernel.buffer(store.buffer);
  const int64_t lanes = ramp.lanes;
  if (!is_multiple_of(kernel, ramp.base, lanes)) return false;
  for (size_t d = 0; d + 1 < store.indices.size(); ++d)
    if (!is_multiple_of(kernel, buffer.strides[d], lanes) && !is_multiple_of(kernel, store.indices[d], lanes))
      return false;
  return true;
}

bool is_whole_vector(const Kernel &kernel, const Store &store, const TargetInfo &info) {
  const Buffer &buffer = kernel.buffer(store.buffer);
  if (is_valid(store.mask) || store.indices.empty()) return false;
  for (size_t d = 0; d + 1 < store.indices.size(); ++d)
    if (kernel.type_of(store.indices[d]).is_vector()) return false;
  const auto *ramp = std::get_if<Ramp>(&kernel.expr(store.indices.back()));
  if (!ramp || ramp->stride != 1 || kernel.constant(buffer.strides.back()) != 1) return false;
  const int64_t bytes = ramp->lanes * bytes_of(buffer.element);
  return info.access_lanes > 1 && bytes % kLeastBytes == 0 && is_aligned(kernel, store, *ramp);
}

} // namespace

Result<Kernel> stream(Kernel in, const StreamOptions &options, const TargetInfo &info) {
  if (in.stage < Stage::kVectorized)
    return Error{ErrorCode::kBadSchedule,
                 "stream needs stage vectorized or later, not " + std::string(name_of(in.stage))};
  if (options.store == StoreKind::kPlain) return in;
  const auto read = buffers_read_by(in, in.body);
  Rewriter rw(in);
  rw.on_stmt = [&](StmtId id) -> std::optional<StmtId> {
    const auto *store = std::get_if<Store>(&in.stmt(id));
    if (!store || in.buffer(store->buffer).role != Role::kOutput) return std::nullopt;
    if (read.contains(store->buffer) || !is_whole_vector(in, *store, info)) return std::nullopt;
    const StmtId fresh = rw.clone(id);
    std::get<Store>(rw.out().stmt(fresh)).kind = StoreKind::kStreaming;
    return fresh;
  };
  return rw.run();
}

} // namespace sparkle
