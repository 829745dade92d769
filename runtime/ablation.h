// Runs an ablation: every variant of a plan compiled, compared with the reference, and timed in rounds that go through
// all of them, so that a machine whose speed drifts slows all alike.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/ablation_plan.h"
#include "runtime/executable.h"
#include "runtime/timer.h"
#include "runtime/verify.h"

namespace sparkle {

struct AblationOptions {
  Schedule schedule; ///< Kernels without an entry are scheduled by the cost model.
  std::string isa;   ///< As in CompileOptions.
  bool refit = true;
  bool plain_c = true;
  int rounds = 9;
  double seconds_each = 2; ///< Timing of one variant, about: slow ones take part in fewer rounds, but in one at least.
  VerifyOptions verification{VerifyMode::kAuto, 20'000'000, 512, 1};
  std::function<void()> restore_inouts;                   ///< Before each run that is compared; absent: none there.
  std::function<void(const std::string &what)> on_change; ///< Told what is done next.
};

/// Long runs lose more time to others than short ones: with less of a core than this, ratios say too much.
inline constexpr double kDisturbedShare = 0.9;

struct AblationRow {
  AblationVariant variant;
  std::string name;    ///< variant.name(), or the C compiler's command.
  std::string refusal; ///< Why there is no result; empty: there is one (with `same_as` that of the other row).
  VerifyReport verification;
  TimeSummary times;           ///< In seconds, of the kernels alone where the device has a clock.
  std::vector<double> samples; ///< By round; negative: it took no part.
  std::vector<double> shares;  ///< By sample, on one thread of the CPU: time computed over time passed.
  double cpu_share = 0;        ///< Their median; 0: not known. Below kDisturbedShare others had the core too often.
  double slowdown = 0;         ///< Over the full schedule: median of the ratios within a round. 0: no result.
  double speedup = 0;          ///< Over the row before, on the ladder. 0: none.
  bool is_timed() const { return refusal.empty() && !variant.same_as; }
};

struct DeviceAblation {
  DeviceInfo device;
  std::string target;
  int threads = 0;
  int64_t flops = 0;
  int64_t bytes = 0; ///< Of all arguments, each once.
  PatternSet used;
  std::vector<AblationRow> rows; ///< In the order of the plan; plain C at the end.
  bool all_verified() const;
};

/// `arguments` outlive the call; results hold those of the last run. Errors: of the plan; variants that fail are rows.
Result<DeviceAblation> ablate(const Program &imported, const std::shared_ptr<Machine> &machine,
                              const DeviceInfo &device, const Arguments &arguments, const AblationOptions &options);

/// Median over the rounds that both took part in of a / b; without such rounds the ratio of the medians. 0: no samples.
double paired_ratio(const std::vector<double> &a, const std::vector<double> &b);

/// Whether a variant that takes part in `wanted` of `rounds` rounds runs in this one: they are spread evenly.
bool takes_part(int round, int wanted, int rounds);

} // namespace sparkle
