// Bindings in device memory.
#include <algorithm>
#include <cstring>
#include <map>

#include "compiler/target/workspace_layout.h"
#include "runtime/executable_kinds.h"
#include "runtime/timer.h"

namespace sparkle {
namespace {

/// Shaders see memory as vectors of up to four words: the end of a buffer must not cut one.
constexpr int64_t kVectorBytes = 16;
/// What offsets in workspace and packed blocks are multiples of (Artifact::offsets).
constexpr int64_t kBlockAlignment = 64;
/// For each wait on a software driver: it compiles a shader at its first launch, and shares the processor with all
/// else.
constexpr double kSoftwareSeconds = 600;

int64_t whole_vectors(int64_t bytes) {
  return std::max<int64_t>((bytes + kVectorBytes - 1) / kVectorBytes, 1) * kVectorBytes;
}

int64_t push_bytes(const Artifact &artifact) {
  return static_cast<int64_t>(8 * artifact.symbols.size() + 4 * artifact.uniforms.size());
}

std::vector<std::byte> push_constants(const BoundArguments &arguments) {
  std::vector<std::byte> push(8 * arguments.symbols.size() + 4 * arguments.uniforms.size());
  std::byte *out = push.data();
  for (const int64_t symbol : arguments.symbols) {
    std::memcpy(out, &symbol, 8);
    out += 8;
  }
  for (const uint64_t uniform : arguments.uniforms) {
    const auto word = static_cast<uint32_t>(uniform);
    std::memcpy(out, &word, 4);
    out += 4;
  }
  return push;
}

Result<VulkanPipeline> make_pipeline(const Artifact &artifact, const Launch &launch, VulkanContext &context) {
  const auto *code = std::get_if<ShaderCode>(&launch.code);
  SPARKLE_CHECK(code, "launch " + launch.name + " has no shader");
  VulkanPipelineShape shape;
  shape.buffers = static_cast<int>(launch.buffers.size());
  shape.push_bytes = push_bytes(artifact);
  shape.near_bytes = launch.near_bytes;
  shape.name = launch.name;
  return context.create_pipeline(*code, shape);
}

VulkanRunOptions patient(const VulkanContext &context) {
  VulkanRunOptions options;
  if (context.limits().type == VulkanDeviceType::kCpu) options.timeout_seconds = kSoftwareSeconds;
  return options;
}

struct Place {
  VulkanBuffer buffer;
  int64_t offset = 0;
  int64_t bytes = 0; ///< In whole vectors.
};

struct DispatchList {
  std::vector<VulkanPipeline> pipelines; ///< Dispatches point into it.
  std::vector<VulkanDispatch> dispatches;
};

class DeviceBinding : public Binding {
public:
  DeviceBinding(std::shared_ptr<const Executable> executable, BoundArguments arguments)
      : Binding(std::move(executable), std::move(arguments)) {}

  Status prepare();
  Status refresh(bool constants) override;
  Result<RunTimes> run(const RunOptions &options) override;
  Status fetch() override;

private:
  Status place_tensors();
  Status place_in_block(Role role, int64_t block_bytes, const TensorPlaces &places, const std::vector<int64_t> &bytes);
  Result<DispatchList> list(const std::vector<Launch> &launches);
  Status upload(const HostTensor &tensor, const Place &place);

  std::shared_ptr<VulkanContext> context_;
  std::map<TensorId, Place> places_;
  DispatchList prepack_, launches_;
};

Status DeviceBinding::prepare() {
  SPARKLE_TRY(context_, executable_->machine->vulkan_context(executable_->device.index));
  SPARKLE_TRY_STATUS(place_tensors());
  SPARKLE_TRY(prepack_, list(executable_->artifact.prepack));
  SPARKLE_TRY(launches_, list(executable_->artifact.launches));
  return refresh(true);
}

Status DeviceBinding::place_tensors() {
  const Artifact &artifact = executable_->artifact;
  SPARKLE_TRY(const std::vector<int64_t> bytes, tensor_bytes(artifact, arguments_));
  for (uint32_t i = 0; i < artifact.tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    if (!is_argument(artifact.tensors[id].role)) continue;
    SPARKLE_TRY(VulkanBuffer buffer, context_->create_buffer(whole_vectors(bytes[i])));
    places_[id] = {std::move(buffer), 0, whole_vectors(bytes[i])};
  }
  SPARKLE_TRY(const TensorPlaces places, sparkle::place_tensors(artifact, arguments_.symbols));
  SPARKLE_TRY_STATUS(place_in_block(Role::kWorkspace, places.workspace_bytes, places, bytes));
  return place_in_block(Role::kPacked, places.packed_bytes, places, bytes);
}

/// One buffer for the block; on devices with coarser offsets than the block's, one for each tensor.
Status DeviceBinding::place_in_block(Role role, int64_t block_bytes, const TensorPlaces &places,
                                     const std::vector<int64_t> &bytes) {
  const Artifact &artifact = executable_->artifact;
  if (block_bytes == 0) return ok();
  const bool is_shared = kBlockAlignment % std::max<int64_t>(context_->limits().min_storage_offset_alignment, 1) == 0;
  VulkanBuffer block;
  // Rounding up the last tensor must not leave the block.
  if (is_shared) {
    SPARKLE_TRY(block, context_->create_buffer(whole_vectors(block_bytes)));
  }
  for (uint32_t i = 0; i < artifact.tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    if (artifact.tensors[id].role != role) continue;
    Place place{block, places.offsets[i], whole_vectors(bytes[i])};
    if (!is_shared) {
      SPARKLE_TRY(place.buffer, context_->create_buffer(place.bytes));
      place.offset = 0;
    }
    places_[id] = std::move(place);
  }
  return ok();
}

Result<DispatchList> DeviceBinding::list(const std::vector<Launch> &launches) {
  DispatchList out;
  for (const Launch &launch : launches) {
    SPARKLE_TRY(VulkanPipeline pipeline, make_pipeline(executable_->artifact, launch, *context_));
    out.pipelines.push_back(std::move(pipeline));
    VulkanDispatch dispatch;
    for (const TensorId id : launch.buffers) {
      const Place &place = places_.at(id);
      dispatch.bindings.push_back({&place.buffer, place.offset, place.bytes});
    }
    dispatch.push = push_constants(arguments_);
    SPARKLE_TRY(dispatch.groups, task_count(launch, arguments_));
    out.dispatches.push_back(std::move(dispatch));
  }
  for (size_t i = 0; i < out.pipelines.size(); ++i) out.dispatches[i].pipeline = &out.pipelines[i];
  return out;
}

Status DeviceBinding::upload(const HostTensor &tensor, const Place &place) {
  if (tensor.span_bytes() == 0) return ok();
  const auto *data = static_cast<const std::byte *>(tensor.data());
  return context_->upload(place.buffer, place.offset, {data, static_cast<size_t>(tensor.span_bytes())});
}

/// Results with gaps between their elements go up as well: what is fetched covers the gaps, which are the caller's.
Status DeviceBinding::refresh(bool constants) {
  const IdTable<TensorId, Tensor> &tensors = executable_->artifact.tensors;
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    const HostTensor *host = arguments_.tensors[id];
    if (!host || (tensors[id].role == Role::kConst && !constants)) continue;
    if (tensors[id].role == Role::kOutput && host->is_dense()) continue;
    SPARKLE_TRY_STATUS(upload(*host, places_.at(id)));
  }
  if (!constants || prepack_.dispatches.empty()) return ok();
  if (auto packed = context_->run(prepack_.dispatches, patient(*context_)); !packed) return packed.error();
  return ok();
}

Result<RunTimes> DeviceBinding::run(const RunOptions &options) {
  RunTimes times;
  VulkanRunOptions each = patient(*context_);
  each.warmups = options.warmups;
  each.repeats = options.batched ? options.repeats : 1;
  if (!options.batched && options.warmups > 0) {
    each.repeats = options.warmups;
    each.warmups = 0;
    if (auto warm = context_->run(launches_.dispatches, each); !warm) return warm.error();
    each.repeats = 1;
  }
  for (int i = 0; i < options.repeats; i += each.repeats) {
    SPARKLE_TRY(const VulkanRunTimes one, context_->run(launches_.dispatches, each));
    times.wall.insert(times.wall.end(), static_cast<size_t>(each.repeats), one.wall / (each.repeats + each.warmups));
    times.kernel.insert(times.kernel.end(), one.kernel.begin(), one.kernel.end());
  }
  return times;
}

/// All tensors that are input too, or none: where a download fails, another device starts from what they held.
Status DeviceBinding::fetch() {
  const IdTable<TensorId, Tensor> &tensors = executable_->artifact.tensors;
  std::vector<std::pair<HostTensor *, std::vector<std::byte>>> held_back;
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    HostTensor *host = arguments_.tensors[id];
    if (!host || !is_result(tensors[id].role) || host->span_bytes() == 0) continue;
    const Place &place = places_.at(id);
    std::span<std::byte> bytes(static_cast<std::byte *>(host->data()), static_cast<size_t>(host->span_bytes()));
    if (tensors[id].role == Role::kInout) bytes = held_back.emplace_back(host, bytes.size()).second;
    SPARKLE_TRY_STATUS(context_->download(place.buffer, place.offset, bytes));
  }
  for (const auto &[host, bytes] : held_back) std::memcpy(host->data(), bytes.data(), bytes.size());
  return ok();
}

} // namespace

Result<std::unique_ptr<Binding>> bind_vulkan(std::shared_ptr<const Executable> executable, BoundArguments arguments) {
  auto binding = std::make_unique<DeviceBinding>(std::move(executable), std::move(arguments));
  SPARKLE_TRY_STATUS(binding->prepare());
  return std::unique_ptr<Binding>(std::move(binding));
}

Status load_vulkan(const Artifact &artifact, Machine &machine, int index) {
  SPARKLE_TRY(const std::shared_ptr<VulkanContext> context, machine.vulkan_context(index));
  for (const auto *launches : {&artifact.prepack, &artifact.launches})
    for (const Launch &launch : *launches)
      if (auto pipeline = make_pipeline(artifact, launch, *context); !pipeline) return pipeline.error();
  return ok();
}

} // namespace sparkle
