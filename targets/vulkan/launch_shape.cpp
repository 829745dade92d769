#include "targets/vulkan/launch_shape.h"

#include <algorithm>

#include "compiler/analysis/walk.h"
#include "compiler/support/match.h"

namespace sparkle::vulkan {
namespace {

Error refuse(std::string text) { return {ErrorCode::kUnsupported, std::move(text)}; }

bool is_parallel(LoopKind kind) { return kind == LoopKind::kTeam || kind == LoopKind::kWorker; }

class ShapeFinder {
public:
  ShapeFinder(Builder &builder, int near_element_bytes) : build_(builder), k_(builder.kernel()) {
    shape_.near_element_bytes = near_element_bytes;
  }

  Result<LaunchShape> run() {
    SPARKLE_TRY_STATUS(find_groups());
    SPARKLE_TRY(shape_.local_size, width(k_.body));
    SPARKLE_TRY_STATUS(place(k_.body, shape_.local_size));
    for_each_stmt(k_, k_.body, [&](StmtId id) {
      auto *alloc = std::get_if<Alloc>(&k_.stmt(id));
      if (!alloc || k_.buffer(alloc->buffer).level != MemoryLevel::kNear) return;
      shape_.near_bytes += local_length(k_, alloc->buffer).value_or(0) * element_bytes(k_.buffer(alloc->buffer));
    });
    return std::move(shape_);
  }

private:
  Status find_groups() {
    for_each_stmt(k_, k_.body, [&](StmtId id) {
      auto *loop = std::get_if<For>(&k_.stmt(id));
      if (loop && loop->kind == LoopKind::kGroup) shape_.group_loops.push_back(id);
    });
    ExprId product = build_.index(1);
    for (size_t i = shape_.group_loops.size(); i-- > 0;) {
      StmtId id = shape_.group_loops[i];
      if (loops_around(k_, id).size() != i)
        return refuse("the group loops of `" + k_.name + "` are not one nest, outermost");
      For loop = std::get<For>(k_.stmt(id));
      ExprId extent = build_.sub(loop.end, loop.begin);
      shape_.groups[id] = {product, extent, i == 0};
      product = build_.mul(product, extent);
    }
    shape_.total_groups = k_.constant(product);
    return ok();
  }

  /// Workers that the statement asks for.
  Result<int64_t> width(StmtId id) {
    int64_t widest = 1;
    for (StmtId child : children(id)) {
      SPARKLE_TRY(int64_t w, width(child));
      widest = std::max(widest, w);
    }
    auto *loop = std::get_if<For>(&k_.stmt(id));
    if (!loop || !is_parallel(loop->kind)) return widest;
    auto begin = k_.constant(loop->begin), end = k_.constant(loop->end);
    if (!begin || !end || *end <= *begin) {
      return refuse("the number of workers of `" + k_.var(loop->var).name + "` is not a positive constant");
    }
    return widest * (*end - *begin);
  }

  Status place(StmtId id, int64_t span) {
    auto *loop = std::get_if<For>(&k_.stmt(id));
    if (loop && is_parallel(loop->kind)) {
      SPARKLE_TRY(int64_t inner, width(loop->body));
      WorkerDigit digit{span, *k_.constant(loop->end) - *k_.constant(loop->begin), inner};
      shape_.workers[id] = digit;
      if (digit.extent * digit.divisor < span && has_barrier(loop->body)) {
        return refuse("a barrier inside `" + k_.var(loop->var).name + "` is not reached by all workers of the group");
      }
      return place(loop->body, inner);
    }
    for (StmtId child : children(id)) SPARKLE_TRY_STATUS(place(child, span));
    return ok();
  }

  int64_t element_bytes(const Buffer &buffer) const {
    if (is_narrow(buffer, shape_.near_element_bytes)) return bytes_of(buffer.element);
    return std::max<int64_t>(bytes_of(buffer.element), 4);
  }

  bool has_barrier(StmtId root) const {
    bool found = false;
    for_each_stmt(k_, root, [&](StmtId id) { found |= std::holds_alternative<Barrier>(k_.stmt(id)); });
    return found;
  }

  std::vector<StmtId> children(StmtId id) const {
    const Stmt &stmt = k_.stmt(id);
    if (auto *block = std::get_if<Block>(&stmt)) return block->stmts;
    if (auto *loop = std::get_if<For>(&stmt)) return {loop->body};
    auto *branch = std::get_if<If>(&stmt);
    if (!branch) return {};
    if (!is_valid(branch->else_body)) return {branch->then_body};
    return {branch->then_body, branch->else_body};
  }

  Builder &build_;
  Kernel &k_;
  LaunchShape shape_;
};

} // namespace

Result<LaunchShape> launch_shape(Builder &builder, int near_element_bytes) {
  return ShapeFinder(builder, near_element_bytes).run();
}

bool is_narrow(const Buffer &buffer, int near_element_bytes) {
  int64_t bytes = bytes_of(buffer.element);
  bool is_short = bytes < 4 && buffer.element != Scalar::kBool;
  if (buffer.level == MemoryLevel::kNear) return is_short && bytes >= near_element_bytes;
  return is_short && buffer.level == MemoryLevel::kFar;
}

std::optional<int64_t> local_length(const Kernel &kernel, BufferId id) {
  const Buffer &buffer = kernel.buffer(id);
  std::optional<int64_t> elements = kernel.extent(id, 0);
  if (!elements) return std::nullopt;
  bool whole_vectors = buffer.level == MemoryLevel::kNear;
  return whole_vectors ? (*elements + 3) / 4 * 4 : *elements;
}

} // namespace sparkle::vulkan
