#include "runtime/ablation.h"

#include <algorithm>
#include <cmath>

#include <time.h>

#include "runtime/fill.h"
#include "runtime/plain_c.h"

namespace sparkle {
namespace {

constexpr double kUnwritten = -77;
constexpr double kShortestSample = 0.04; ///< Seconds: shorter runs are repeated within a sample, which is their median.
constexpr int kMostRuns = 50;            ///< In one sample.
constexpr double kWarmBelow = 0.05;      ///< Seconds: faster variants run once before, for the caches.
constexpr double kOnceAbove = 10;        ///< Seconds: the first run of slower variants is their only one.
constexpr int kFewSamples = 3;           ///< Made of every variant of which one run is within its time.

const std::vector<std::vector<std::string>> kCommands{{"-O3", "-march=native"},
                                                      {"-O3", "-march=native", "-ffast-math"}};

double median_of(const RunTimes &times) { return summarize(times.kernel.empty() ? times.wall : times.kernel).median; }

/// Of all threads of this process.
double computed_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::vector<double> taken(const std::vector<double> &samples) {
  std::vector<double> list;
  std::ranges::copy_if(samples, std::back_inserter(list), [](double seconds) { return seconds >= 0; });
  return list;
}

class Ablation {
public:
  Ablation(const Program &imported, const std::shared_ptr<Machine> &machine, const DeviceInfo &device,
           const Arguments &arguments, const AblationOptions &options)
      : imported_(imported), machine_(machine), device_(device), arguments_(arguments), options_(options) {}

  Result<DeviceAblation> run() {
    SPARKLE_TRY(AblationPlan plan, plan_ablation(imported_, device_.info, options_.schedule, options_.refit));
    out_.device = device_;
    out_.used = plan.used;
    out_.flops = imported_.flops;
    for (AblationVariant &variant : plan.variants) SPARKLE_TRY_STATUS(add_variant(std::move(variant)));
    if (options_.plain_c) add_plain_c();
    SPARKLE_TRY_STATUS(time_all());
    conclude();
    return std::move(out_);
  }

private:
  void say(const std::string &what) const {
    if (options_.on_change) options_.on_change(what);
  }

  /// An error only of the full schedule: without it there is nothing to compare with.
  Status add_variant(AblationVariant variant) {
    AblationRow row;
    row.name = variant.name();
    row.refusal = variant.refusal;
    row.variant = std::move(variant);
    bindings_.emplace_back();
    if (row.is_timed()) {
      say(row.name);
      CompileOptions options;
      options.schedule = row.variant.schedule;
      options.isa = options_.isa;
      prepare(compile(imported_, machine_, device_, options), row);
    }
    if (out_.rows.empty()) {
      if (!row.refusal.empty()) return failure_;
      out_.target = bindings_.back()->executable().artifact.target;
      out_.threads = device_.kind == DeviceKind::kCpu ? machine_->threads() : 0;
    }
    if (row.variant.same_as && !out_.rows[*row.variant.same_as].refusal.empty()) {
      row.refusal = out_.rows[*row.variant.same_as].refusal;
      row.variant.same_as.reset();
    }
    out_.rows.push_back(std::move(row));
    return ok();
  }

  void add_plain_c() {
    const Result<CCompiler> compiler = find_c_compiler();
    for (const std::vector<std::string> &flags : kCommands) {
      AblationRow row;
      row.variant.part = AblationPart::kPlainC;
      row.name = compiler ? compiler->name : "C compiler";
      for (const std::string &flag : flags) row.name += " " + flag;
      bindings_.emplace_back();
      if (compiler) {
        say(row.name);
        prepare(compile_plain_c(imported_, machine_, *compiler, flags), row);
      } else {
        row.refusal = compiler.error().text;
      }
      out_.rows.push_back(std::move(row));
    }
  }

  /// Binds, runs once, compares. The first run also says how long one takes.
  void prepare(const Result<std::shared_ptr<const Executable>> &executable, AblationRow &row) {
    const Status done = executable ? first_run(*executable, row) : Status(executable.error());
    if (done) return;
    failure_ = done.error();
    row.refusal = done.error().text;
    bindings_.back().reset();
  }

  Status first_run(const std::shared_ptr<const Executable> &executable, AblationRow &row) {
    SPARKLE_TRY(std::unique_ptr<Binding> binding, bind_program(executable, arguments_));
    clear_results(*binding);
    SPARKLE_TRY_STATUS(binding->refresh(false));
    SPARKLE_TRY(const Verifier verifier, Verifier::prepare(imported_, binding->arguments(), options_.verification));
    SPARKLE_TRY(const RunTimes times, binding->run());
    SPARKLE_TRY_STATUS(binding->fetch());
    SPARKLE_TRY(row.verification, verifier.check());
    row.times = summarize(times.kernel.empty() ? times.wall : times.kernel);
    if (row.times.median < kOnceAbove) {
      // Drivers finish their own compilation in the first run.
      SPARKLE_TRY(const RunTimes again, binding->run());
      row.times = summarize(again.kernel.empty() ? again.wall : again.kernel);
    }
    if (out_.rows.empty()) count_bytes(*binding);
    bindings_.back() = std::move(binding);
    return ok();
  }

  /// What a variant does not write must not look right.
  void clear_results(const Binding &binding) const {
    if (options_.restore_inouts) options_.restore_inouts();
    for (uint32_t t = 0; t < imported_.tensors.size(); ++t) {
      const auto id = static_cast<TensorId>(t);
      if (imported_.tensors[id].role == Role::kOutput) fill_constant(*binding.arguments().tensors[id], kUnwritten);
    }
  }

  void count_bytes(const Binding &binding) {
    for (const HostTensor *tensor : binding.arguments().tensors)
      if (tensor) out_.bytes += tensor->span_bytes();
  }

  Status time_all() {
    std::vector<int> wanted, runs;
    for (const AblationRow &row : out_.rows) {
      const double once = std::max(row.times.median, 1e-7);
      wanted.push_back(wanted_samples(once));
      const double sample = std::min(kShortestSample, options_.seconds_each / options_.rounds);
      runs.push_back(std::clamp(static_cast<int>(sample / once), 1, kMostRuns));
    }
    for (AblationRow &row : out_.rows) row.samples.assign(static_cast<size_t>(options_.rounds), -1);
    for (int round = 0; round < options_.rounds; ++round) {
      say("round " + std::to_string(round + 1) + " of " + std::to_string(options_.rounds));
      for (size_t i = 0; i < out_.rows.size(); ++i)
        if (bindings_[i] && takes_part(round, wanted[i], options_.rounds))
          SPARKLE_TRY_STATUS(sample(i, static_cast<size_t>(round), runs[i]));
    }
    return ok();
  }

  int wanted_samples(double once) const {
    if (once >= kOnceAbove) return 0;
    const int fewest = once <= options_.seconds_each ? std::min(kFewSamples, options_.rounds) : 1;
    return static_cast<int>(
        std::clamp<double>(options_.seconds_each / once, fewest, std::max(fewest, options_.rounds)));
  }

  Status sample(size_t i, size_t round, int runs) {
    RunOptions options;
    options.repeats = runs;
    options.warmups = out_.rows[i].times.median < kWarmBelow ? 1 : 0;
    const double before = computed_seconds();
    const Stopwatch watch;
    SPARKLE_TRY(const RunTimes times, bindings_[i]->run(options));
    AblationRow &row = out_.rows[i];
    if (has_one_thread(row)) row.shares.push_back((computed_seconds() - before) / watch.seconds());
    row.samples[round] = median_of(times);
    return ok();
  }

  bool has_one_thread(const AblationRow &row) const {
    return row.variant.part == AblationPart::kPlainC || (device_.kind == DeviceKind::kCpu && machine_->threads() == 1);
  }

  void conclude() {
    const AblationRow *before = nullptr;
    bool is_refitted = false;
    for (AblationRow &row : out_.rows) {
      // Too slow for a second run: the first one has to do.
      if (row.is_timed() && taken(row.samples).empty()) row.samples.front() = row.times.median;
      if (row.is_timed()) row.times = summarize(taken(row.samples));
      row.cpu_share = std::min(1.0, summarize(row.shares).median);
      const AblationRow &timed = timed_row(row);
      if (!row.refusal.empty()) continue;
      row.slowdown = paired_ratio(timed.samples, out_.rows.front().samples);
      if (row.variant.part != AblationPart::kLadder) continue;
      if (before && is_refitted == row.variant.refitted && row.variant.pattern)
        row.speedup = paired_ratio(before->samples, timed.samples);
      before = &timed;
      is_refitted = row.variant.refitted;
    }
  }

  const AblationRow &timed_row(const AblationRow &row) const {
    return row.variant.same_as ? out_.rows[*row.variant.same_as] : row;
  }

  const Program &imported_;
  const std::shared_ptr<Machine> &machine_;
  const DeviceInfo &device_;
  const Arguments &arguments_;
  const AblationOptions &options_;
  DeviceAblation out_;
  std::vector<std::unique_ptr<Binding>> bindings_; ///< By row; absent: not timed.
  Error failure_;
};

} // namespace

bool DeviceAblation::all_verified() const {
  return std::ranges::all_of(rows, [](const AblationRow &row) { return !row.is_timed() || row.verification.passed; });
}

double paired_ratio(const std::vector<double> &a, const std::vector<double> &b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (a[i] >= 0 && b[i] > 0) ratios.push_back(a[i] / b[i]);
  if (!ratios.empty()) return summarize(ratios).median;
  const double divisor = summarize(taken(b)).median;
  return divisor > 0 ? summarize(taken(a)).median / divisor : 0;
}

bool takes_part(int round, int wanted, int rounds) { return (round + 1) * wanted / rounds > round * wanted / rounds; }

Result<DeviceAblation> ablate(const Program &imported, const std::shared_ptr<Machine> &machine,
                              const DeviceInfo &device, const Arguments &arguments, const AblationOptions &options) {
  return Ablation(imported, machine, device, arguments, options).run();
}

} // namespace sparkle
