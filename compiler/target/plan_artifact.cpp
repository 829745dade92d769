#include <algorithm>
#include <optional>
#include <set>

#include "compiler/support/checked_math.h"
#include "compiler/support/match.h"
#include "compiler/target/target.h"
#include "compiler/target/workspace_layout.h"

namespace sparkle {
namespace {

void collect_writes(const Kernel &kernel, StmtId id, std::set<BufferId> &writes) {
  match(
      kernel.stmt(id),
      [&](const Block &block) {
        for (const StmtId stmt : block.stmts) collect_writes(kernel, stmt, writes);
      },
      [&](const For &loop) { collect_writes(kernel, loop.body, writes); },
      [&](const If &branch) {
        collect_writes(kernel, branch.then_body, writes);
        if (is_valid(branch.else_body)) collect_writes(kernel, branch.else_body, writes);
      },
      [&](const Store &store) { writes.insert(store.buffer); }, //
      [&](const Copy &copy) { writes.insert(copy.dst); },
      [&](const FragmentMove &move) {
        if (move.is_store) writes.insert(move.buffer);
      },
      [](const Let &) {}, [](const Load &) {}, [](const Prefetch &) {}, [](const Barrier &) {}, [](const Alloc &) {},
      [](const FragmentFill &) {}, [](const FragmentMma &) {});
}

/// The group loop that a statement is, or that stands directly in a block.
const For *find_group_loop(const Kernel &kernel, StmtId id) {
  if (const auto *loop = std::get_if<For>(&kernel.stmt(id))) return loop->kind == LoopKind::kGroup ? loop : nullptr;
  const auto *block = std::get_if<Block>(&kernel.stmt(id));
  if (!block) return nullptr;
  const For *found = nullptr;
  for (const StmtId stmt : block->stmts) {
    const For *loop = find_group_loop(kernel, stmt);
    SPARKLE_CHECK(!loop || !found, "two group loops side by side in kernel " + kernel.name);
    if (loop) found = loop;
  }
  return found;
}

std::optional<Extent> extent_of(const Kernel &kernel, const For &loop) {
  const auto begin = kernel.constant(loop.begin);
  const auto end = kernel.constant(loop.end);
  if (begin && end) {
    const auto count = checked_sub(*end, *begin);
    if (!count) return std::nullopt;
    return Extent{std::max<int64_t>(*count, 0), kNoId<SymbolId>};
  }
  const auto *ref = std::get_if<VarRef>(&kernel.expr(loop.end));
  if (begin != 0 || !ref || kernel.var(ref->var).kind != VarKind::kSymbol) return std::nullopt;
  return Extent{0, kernel.var(ref->var).symbol};
}

Result<std::vector<Extent>> group_extents(const Kernel &kernel) {
  std::vector<Extent> groups;
  for (const For *loop = find_group_loop(kernel, kernel.body); loop; loop = find_group_loop(kernel, loop->body)) {
    const auto extent = extent_of(kernel, *loop);
    if (!extent) {
      return Error{ErrorCode::kUnsupported, "the bounds of group loop `" + kernel.var(loop->var).name +
                                                "` of kernel `" + kernel.name +
                                                "` are neither constants nor one symbol"};
    }
    groups.push_back(*extent);
  }
  return groups;
}

Result<Launch> plan_launch(const Kernel &kernel) {
  Launch launch;
  launch.name = kernel.name;
  std::set<BufferId> writes;
  collect_writes(kernel, kernel.body, writes);
  for (const BufferId id : bound_buffers(kernel)) {
    SPARKLE_CHECK(is_valid(kernel.buffer(id).tensor), "far buffer " + kernel.buffer(id).name + " without a tensor");
    launch.buffers.push_back(kernel.buffer(id).tensor);
    launch.writes.push_back(writes.contains(id));
  }
  SPARKLE_TRY(launch.groups, group_extents(kernel));
  return launch;
}

Status plan_launches(const IdTable<TensorId, Tensor> &tensors, const std::vector<Kernel> &kernels,
                     std::vector<Launch> &launches) {
  for (const Kernel &kernel : kernels) {
    SPARKLE_TRY(Launch launch, plan_launch(kernel));
    for (const TensorId id : launch.buffers) SPARKLE_CHECK(tensors.contains(id), "tensor id of " + kernel.name);
    launches.push_back(std::move(launch));
  }
  return ok();
}

Error overflow(const Tensor &tensor) {
  return Error{ErrorCode::kShapeOverflow, "the size of `" + tensor.name + "` leaves 64 bits"};
}

/// The value of an extent; nothing: it is open.
std::optional<int64_t> value_of(const Extent &extent, const std::vector<int64_t> &symbols) {
  if (extent.is_constant()) return extent.value;
  const uint32_t at = index_of(extent.symbol);
  return at < symbols.size() ? std::optional(symbols[at]) : std::nullopt;
}

/// Bytes from the first element to behind the last one. Nothing: an extent is open.
Result<std::optional<int64_t>> bytes_of_tensor(const Tensor &tensor, const std::vector<int64_t> &symbols) {
  std::vector<int64_t> extents;
  for (const Extent &extent : tensor.extents) {
    const auto value = value_of(extent, symbols);
    if (!value) return std::optional<int64_t>{};
    if (*value < 0) return Error{ErrorCode::kShapeOverflow, "`" + tensor.name + "` has a negative extent"};
    extents.push_back(*value);
  }
  if (std::find(extents.begin(), extents.end(), 0) != extents.end()) return std::optional<int64_t>{0};
  std::optional<int64_t> elements = 1; ///< Dense: the product; strided: one more than the offset of the last element.
  for (size_t i = 0; i < extents.size() && elements; ++i) {
    const auto step =
        tensor.strides.empty() ? std::optional(extents[i]) : checked_mul(extents[i] - 1, tensor.strides[i]);
    if (!step) return overflow(tensor);
    elements = tensor.strides.empty() ? checked_mul(*elements, *step) : checked_add(*elements, *step);
  }
  const auto bytes = elements ? checked_mul(*elements, bytes_of(tensor.element)) : std::nullopt;
  if (!bytes) return overflow(tensor);
  return bytes;
}

/// First and last launch that binds each tensor, prepack launches counted first; {0, -1}: none does.
std::vector<LiveBlock> lifetimes(const Artifact &artifact) {
  std::vector<LiveBlock> blocks(artifact.tensors.size(), LiveBlock{0, 0, -1});
  int step = 0;
  for (const auto *launches : {&artifact.prepack, &artifact.launches}) {
    for (const Launch &launch : *launches) {
      for (const TensorId id : launch.buffers) {
        LiveBlock &block = blocks[index_of(id)];
        if (block.last < 0) block.first = step;
        block.last = step;
      }
      ++step;
    }
  }
  return blocks;
}

/// Tensors of `role` in memory of their own. `all` holds a block for every tensor.
Result<int64_t> place_role(const Artifact &artifact, Role role, const std::vector<LiveBlock> &all,
                           std::vector<int64_t> &offsets) {
  std::vector<LiveBlock> blocks;
  std::vector<uint32_t> indices;
  for (uint32_t i = 0; i < artifact.tensors.size(); ++i) {
    if (artifact.tensors[static_cast<TensorId>(i)].role != role || all[i].last < all[i].first) continue;
    indices.push_back(i);
    blocks.push_back(all[i]);
  }
  SPARKLE_TRY(const BlockLayout layout, lay_out_blocks(blocks));
  for (size_t i = 0; i < indices.size(); ++i) offsets[indices[i]] = layout.offsets[i];
  return layout.bytes;
}

} // namespace

std::vector<BufferId> bound_buffers(const Kernel &kernel) {
  std::vector<BufferId> bound;
  for (uint32_t i = 0; i < kernel.buffer_count(); ++i) {
    const auto id = static_cast<BufferId>(i);
    if (kernel.buffer(id).level == MemoryLevel::kFar) bound.push_back(id);
  }
  return bound;
}

/// Without symbols, what is open takes no room yet.
Result<TensorPlaces> place_tensors(const Artifact &artifact, const std::vector<int64_t> &symbols) {
  std::vector<LiveBlock> blocks = lifetimes(artifact);
  const int prepack_steps = static_cast<int>(artifact.prepack.size());
  const int steps = prepack_steps + static_cast<int>(artifact.launches.size());
  for (uint32_t i = 0; i < blocks.size(); ++i) {
    const Tensor &tensor = artifact.tensors[static_cast<TensorId>(i)];
    SPARKLE_TRY(const std::optional<int64_t> bytes, bytes_of_tensor(tensor, symbols));
    if (tensor.role == Role::kPacked && !bytes)
      return Error{ErrorCode::kUnsupported, "`" + tensor.name + "` is packed once and has an open extent"};
    blocks[i].bytes = bytes.value_or(0);
    const bool spans_both = blocks[i].first < prepack_steps && blocks[i].last >= prepack_steps;
    SPARKLE_CHECK(tensor.role != Role::kWorkspace || !spans_both,
                  "workspace kept from packing to the run: " + tensor.name);
    // What is packed once stays for all runs.
    if (tensor.role == Role::kPacked) blocks[i] = {blocks[i].bytes, 0, steps};
  }
  TensorPlaces places;
  places.offsets.assign(artifact.tensors.size(), 0);
  SPARKLE_TRY(places.workspace_bytes, place_role(artifact, Role::kWorkspace, blocks, places.offsets));
  SPARKLE_TRY(places.packed_bytes, place_role(artifact, Role::kPacked, blocks, places.offsets));
  return places;
}

Result<Artifact> plan_artifact(const Program &program, std::string_view target) {
  Artifact artifact;
  artifact.target = std::string(target);
  artifact.program_name = program.name;
  artifact.tensors = program.tensors;
  artifact.symbols = program.symbols;
  artifact.uniforms = program.uniforms;
  artifact.flops = program.flops;
  artifact.flops_executed = program.flops_executed;
  SPARKLE_TRY_STATUS(plan_launches(program.tensors, program.prepack, artifact.prepack));
  SPARKLE_TRY_STATUS(plan_launches(program.tensors, program.kernels, artifact.launches));
  SPARKLE_TRY(TensorPlaces places, place_tensors(artifact, {}));
  artifact.offsets = std::move(places.offsets);
  artifact.workspace_bytes = places.workspace_bytes;
  artifact.packed_bytes = places.packed_bytes;
  return artifact;
}

} // namespace sparkle
