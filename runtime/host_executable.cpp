// Bindings in host memory: machine code, or kernels for the interpreter.
#include <cstring>

#include "compiler/target/workspace_layout.h"
#include "runtime/executable_kinds.h"
#include "runtime/timer.h"

namespace sparkle {
namespace {

constexpr int64_t kScratchAlignment = 64;

/// A launch with its memory.
struct BoundLaunch {
  const Launch *launch = nullptr;
  std::vector<void *> buffers;
  std::vector<int64_t> bytes;
  int64_t tasks = 0;
};

/// What one call of a CPU kernel needs, shared by all workers.
struct Call {
  SparkleCpuEntry entry;
  SparkleArguments arguments;
  std::byte *scratch;
  int64_t scratch_stride;
};

void run_tasks(void *context, int worker, int64_t first, int64_t last) {
  const Call &call = *static_cast<const Call *>(context);
  call.entry(&call.arguments, first, last, call.scratch + worker * call.scratch_stride);
}

class HostBinding : public Binding {
public:
  HostBinding(std::shared_ptr<const Executable> executable, BoundArguments arguments)
      : Binding(std::move(executable), std::move(arguments)) {}

  /// `packed`: the caller's memory for packed constants; nullptr: memory of its own.
  Status prepare(void *packed);
  Status run_prepack() { return run_all(prepack_, executable_->machine->pool()); }
  Status refresh(bool constants) override;
  Result<RunTimes> run(const RunOptions &options) override;
  Status fetch() override { return ok(); }

private:
  Result<std::vector<BoundLaunch>> bind_launches(const std::vector<Launch> &launches,
                                                 const std::vector<int64_t> &bytes);
  void *address(TensorId id);
  Status reserve_scratch(int workers);
  Status run_all(const std::vector<BoundLaunch> &launches, const WorkerPool &pool);
  Status run_one(const BoundLaunch &launch, const WorkerPool &pool);

  TensorPlaces places_; ///< With the extents of this call.
  std::optional<HostTensor> workspace_, packed_, scratch_;
  std::vector<BoundLaunch> prepack_, launches_;
};

/// 64-byte aligned memory; absent for 0 bytes.
Result<std::optional<HostTensor>> allocate_block(int64_t bytes) {
  if (bytes == 0) return std::optional<HostTensor>{};
  SPARKLE_TRY(HostTensor block, HostTensor::allocate(Scalar::kU8, {bytes}));
  return std::optional<HostTensor>(std::move(block));
}

Status HostBinding::prepare(void *packed) {
  const Artifact &artifact = executable_->artifact;
  SPARKLE_TRY(places_, place_tensors(artifact, arguments_.symbols));
  SPARKLE_TRY(workspace_, allocate_block(places_.workspace_bytes));
  if (packed && artifact.packed_bytes > 0) {
    SPARKLE_TRY(packed_, HostTensor::borrow(packed, Scalar::kU8, {artifact.packed_bytes}));
  } else {
    SPARKLE_TRY(packed_, allocate_block(artifact.packed_bytes));
  }
  SPARKLE_TRY(const std::vector<int64_t> bytes, tensor_bytes(artifact, arguments_));
  SPARKLE_TRY(prepack_, bind_launches(artifact.prepack, bytes));
  SPARKLE_TRY(launches_, bind_launches(artifact.launches, bytes));
  return ok();
}

void *HostBinding::address(TensorId id) {
  const Artifact &artifact = executable_->artifact;
  const Role role = artifact.tensors[id].role;
  if (is_argument(role)) return arguments_.tensors[id] ? arguments_.tensors[id]->data() : nullptr;
  std::optional<HostTensor> &block = role == Role::kPacked ? packed_ : workspace_;
  return block ? block->as<std::byte>() + places_.offsets[index_of(id)] : nullptr;
}

Result<std::vector<BoundLaunch>> HostBinding::bind_launches(const std::vector<Launch> &launches,
                                                            const std::vector<int64_t> &bytes) {
  std::vector<BoundLaunch> bound;
  for (const Launch &launch : launches) {
    BoundLaunch one;
    one.launch = &launch;
    for (const TensorId id : launch.buffers) {
      one.buffers.push_back(address(id));
      one.bytes.push_back(bytes[index_of(id)]);
    }
    SPARKLE_TRY(one.tasks, task_count(launch, arguments_));
    bound.push_back(std::move(one));
  }
  return bound;
}

Status HostBinding::refresh(bool constants) { return constants && !arguments_.packed ? run_prepack() : ok(); }

Status HostBinding::reserve_scratch(int workers) {
  int64_t most = 0;
  for (const auto *launches : {&prepack_, &launches_})
    for (const BoundLaunch &launch : *launches) most = std::max(most, launch.launch->scratch_bytes);
  const int64_t stride = (most + kScratchAlignment - 1) / kScratchAlignment * kScratchAlignment;
  if (scratch_ && scratch_->span_bytes() >= stride * workers) return ok();
  SPARKLE_TRY(scratch_, allocate_block(stride * workers));
  return ok();
}

Status HostBinding::run_one(const BoundLaunch &bound, const WorkerPool &pool) {
  const Launch &launch = *bound.launch;
  const auto *code = std::get_if<CpuCode>(&launch.code);
  if (!code) return run_interpreted(launch, bound.buffers, bound.bytes, arguments_);
  Call call{code->entry, {bound.buffers.data(), arguments_.symbols.data(), arguments_.uniforms.data()}, nullptr, 0};
  if (scratch_ && launch.scratch_bytes > 0) {
    call.scratch = scratch_->as<std::byte>();
    call.scratch_stride = (launch.scratch_bytes + kScratchAlignment - 1) / kScratchAlignment * kScratchAlignment;
  }
  parallel_for(pool, bound.tasks, run_tasks, &call);
  return ok();
}

Status HostBinding::run_all(const std::vector<BoundLaunch> &launches, const WorkerPool &pool) {
  SPARKLE_TRY_STATUS(reserve_scratch(pool.workers));
  for (const BoundLaunch &launch : launches) SPARKLE_TRY_STATUS(run_one(launch, pool));
  return ok();
}

/// There is no queue between the caller and the kernels: both times are one.
Result<RunTimes> HostBinding::run(const RunOptions &options) {
  const WorkerPool pool = options.pool ? *options.pool : executable_->machine->pool();
  RunTimes times;
  for (int i = 0; i < options.warmups + options.repeats; ++i) {
    const Stopwatch watch;
    SPARKLE_TRY_STATUS(run_all(launches_, pool));
    if (i >= options.warmups) times.wall.push_back(watch.seconds());
  }
  times.kernel = times.wall;
  return times;
}

} // namespace

Result<std::unique_ptr<Binding>> bind_host(std::shared_ptr<const Executable> executable, BoundArguments arguments) {
  void *const packed = const_cast<void *>(arguments.packed); // Read alone: `refresh` leaves the caller's memory alone.
  auto binding = std::make_unique<HostBinding>(std::move(executable), std::move(arguments));
  SPARKLE_TRY_STATUS(binding->prepare(packed));
  SPARKLE_TRY_STATUS(binding->refresh(true));
  return std::unique_ptr<Binding>(std::move(binding));
}

Status pack_host(std::shared_ptr<const Executable> executable, BoundArguments arguments, void *packed) {
  HostBinding binding(std::move(executable), std::move(arguments));
  SPARKLE_TRY_STATUS(binding.prepare(packed));
  return binding.run_prepack();
}

} // namespace sparkle
