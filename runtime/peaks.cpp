#include "runtime/peaks.h"

#include <algorithm>

#include "compiler/ir/builder.h"
#include "runtime/fill.h"
#include "runtime/peak_probe.h"
#include "targets/registry.h"

namespace sparkle {
namespace {

constexpr int64_t kChains = 8; ///< More than the latency of an fma in issue slots, few enough for registers.
constexpr int64_t kStepsUnrolled = 16;
constexpr int64_t kMostWorkers = 256;
constexpr int64_t kGroupsPerUnit = 8; ///< Fills every unit and evens out the last wave.
constexpr double kProbeSeconds = 0.004;
constexpr double kCpuProbeSeconds = 0.0016; ///< Short: it stands before and after each timed run.
constexpr int64_t kMostRounds = 1 << 20;
constexpr int kRepeats = 3;

BufferId add_tensor(PeakProgram &out, Builder &b, const char *name, int64_t elements, Role role) {
  Tensor tensor;
  tensor.name = name;
  tensor.extents = {{elements, kNoId<SymbolId>}};
  tensor.role = role;
  Buffer buffer;
  buffer.name = name;
  buffer.extents = {b.index(elements)};
  buffer.strides = {b.index(1)};
  buffer.role = role;
  buffer.tensor = out.program.tensors.add(tensor);
  return b.kernel().add_buffer(buffer);
}

/// The body of one worker, and what its chains start from and end in.
class PeakBody {
public:
  PeakBody(Builder &b, BufferId src, BufferId dst) : b_(b), src_(src), dst_(dst) {
    const int64_t shape[] = {kChains};
    chains_ = b_.local("chains", Scalar::kF32, shape, MemoryLevel::kRegister);
  }

  StmtId build(ExprId worker, ExprId global_worker, ExprId rounds) {
    const VarId a = b_.value_var("a", kF32Type), c = b_.value_var("c", kF32Type);
    std::vector<StmtId> stmts{b_.kernel().add_stmt(Alloc{chains_}), load(a, src_, worker),
                              load(c, src_, b_.add(worker, b_.index(1)))};
    stmts.push_back(each_chain("start", [&](ExprId chain) {
      const VarId value = b_.value_var("v", kF32Type);
      return b_.block({load(value, src_, b_.add(worker, chain)), b_.store(chains_, {chain}, b_.var(value))});
    }));
    stmts.push_back(b_.loop(b_.loop_var("round"), b_.index(0), rounds, LoopKind::kSerial, steps(a, c)));
    stmts.push_back(each_chain("end", [&](ExprId chain) {
      const VarId value = b_.value_var("v", kF32Type);
      const ExprId to = b_.add(b_.mul(global_worker, b_.index(kChains)), chain);
      return b_.block({load(value, chains_, chain), b_.store(dst_, {to}, b_.var(value))});
    }));
    return b_.block(std::move(stmts));
  }

private:
  StmtId load(VarId var, BufferId buffer, ExprId index) { return b_.kernel().add_stmt(Load{var, buffer, {index}}); }

  template <class F> StmtId each_chain(const char *name, F &&body) {
    const VarId chain = b_.loop_var(name);
    return b_.loop(chain, kChains, LoopKind::kUnrolled, body(b_.var(chain)));
  }

  StmtId steps(VarId a, VarId c) {
    const StmtId step = each_chain("chain", [&](ExprId chain) {
      const VarId value = b_.value_var("v", kF32Type);
      const ExprId next = b_.fma(b_.var(value), b_.var(a), b_.var(c));
      return b_.block({load(value, chains_, chain), b_.store(chains_, {chain}, next)});
    });
    return b_.loop(b_.loop_var("step"), kStepsUnrolled, LoopKind::kUnrolled, step);
  }

  Builder &b_;
  BufferId src_, dst_, chains_;
};

struct Probe {
  const PeakProgram &peak;
  std::shared_ptr<const Executable> executable;
  HostTensor src, dst;

  Result<double> seconds(int64_t rounds) {
    Arguments arguments{{"src", &src}, {"dst", &dst}};
    arguments.symbols = {{"rounds", rounds}};
    SPARKLE_TRY(const std::unique_ptr<Binding> binding, bind_program(executable, arguments));
    RunOptions options;
    options.repeats = kRepeats;
    options.warmups = 1;
    options.batched = true;
    SPARKLE_TRY(const RunTimes times, binding->run(options));
    const std::vector<double> &best = times.kernel.empty() ? times.wall : times.kernel;
    return *std::ranges::min_element(best);
  }
};

/// Doubles the rounds until a run takes long enough to be timed, then the best counts.
Result<double> run_probe(Probe &probe) {
  for (int64_t rounds = 4;; rounds = std::min(rounds * 4, probe.peak.most_rounds)) {
    SPARKLE_TRY(const double seconds, probe.seconds(rounds));
    if (seconds >= kProbeSeconds || rounds >= probe.peak.most_rounds)
      return seconds > 0 ? probe.peak.flops_per_round * static_cast<double>(rounds) / seconds * 1e-9 : 0;
  }
}

Result<double> measure_vulkan(Machine &machine, const DeviceInfo &device) {
  const PeakProgram peak = peak_program(device.info);
  auto executable = std::make_shared<Executable>();
  // Not owned: the caller holds the machine for as long as the probe runs.
  executable->machine = std::shared_ptr<Machine>(std::shared_ptr<void>(), &machine);
  executable->device = device;
  SPARKLE_TRY(const Target *target, find_target("vulkan"));
  SPARKLE_TRY(executable->artifact, target->lower(peak.program, device.info, {}));
  SPARKLE_TRY(HostTensor src, HostTensor::allocate(Scalar::kF32, {peak.src_elements}));
  SPARKLE_TRY(HostTensor dst, HostTensor::allocate(Scalar::kF32, {peak.dst_elements}));
  fill_constant(src, 0.5); // x -> x/2 + 1/2 stays in [0, 1]
  Probe probe{peak, executable, std::move(src), std::move(dst)};
  return run_probe(probe);
}

} // namespace

PeakProgram peak_program(const TargetInfo &info) {
  PeakProgram out;
  const int64_t workers = std::min<int64_t>(kMostWorkers, info.max_workers);
  const int64_t groups = info.units * kGroupsPerUnit;
  out.src_elements = workers + kChains;
  out.dst_elements = groups * workers * kChains;
  out.flops_per_round = 2.0 * static_cast<double>(groups * workers * kChains * kStepsUnrolled);
  // One round more finds the end of the loop.
  out.most_rounds = info.max_loop_rounds > 0 ? std::min(kMostRounds, info.max_loop_rounds - 1) : kMostRounds;
  out.program.name = "peak";
  Kernel kernel;
  kernel.name = "peak";
  kernel.stage = Stage::kLowerable;
  kernel.index_bits = 32;
  Builder b(kernel);
  const BufferId src = add_tensor(out, b, "src", out.src_elements, Role::kInput);
  const BufferId dst = add_tensor(out, b, "dst", out.dst_elements, Role::kOutput);
  Variable rounds{"rounds", kIndexType, VarKind::kSymbol, {}, 0};
  rounds.symbol = out.program.symbols.add({"rounds", 1});
  const ExprId most = b.min(b.var(kernel.add_var(rounds)), b.index(out.most_rounds));
  const VarId group = b.loop_var("group"), worker = b.loop_var("worker");
  const ExprId global = b.add(b.mul(b.var(group), b.index(workers)), b.var(worker));
  const StmtId body = PeakBody(b, src, dst).build(b.var(worker), global, most);
  kernel.body = b.loop(group, groups, LoopKind::kGroup, b.loop(worker, workers, LoopKind::kWorker, body));
  out.program.kernels.push_back(std::move(kernel));
  return out;
}

Result<double> measure_peak(Machine &machine, const DeviceInfo &device, const WorkerPool &pool) {
  if (device.kind == DeviceKind::kReference) return 0;
  if (device.kind == DeviceKind::kCpu) {
    PeakOptions options;
    options.seconds = kCpuProbeSeconds;
    options.isa = device.info.lanes >= 16  ? ProbeIsa::kAvx512
                  : device.info.lanes >= 8 ? ProbeIsa::kAvx2
                                           : ProbeIsa::kSse;
    return probe_fma_peak(pool, options).gflops;
  }
  if (const double known = machine.known_peak(device.id); known > 0) return known;
  SPARKLE_TRY(const double peak, measure_vulkan(machine, device));
  machine.remember_peak(device.id, peak);
  return peak;
}

} // namespace sparkle
