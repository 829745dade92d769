#include "runtime/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "compiler/schedule/cost_model.h"
#include "runtime/executable_kinds.h"

namespace sparkle {
namespace {

std::string source_of_schedule(const Executable &executable) {
  if (executable.device.kind == DeviceKind::kReference) return "none";
  if (executable.has_user_schedule) return "user";
  return executable.is_automatic ? "automatic" : "neutral";
}

int64_t traffic(const Artifact &artifact, const BoundArguments &arguments) {
  const Result<std::vector<int64_t>> bytes = tensor_bytes(artifact, arguments);
  if (!bytes) return 0;
  int64_t sum = 0;
  for (const Launch &launch : artifact.launches)
    for (const TensorId id : launch.buffers) sum += (*bytes)[index_of(id)];
  return sum;
}

void add_prediction(RunReport &report, const Executable &executable) {
  double longest = 0;
  for (const auto &[kernel, prediction] : executable.pipeline.predictions) {
    if (!std::isfinite(prediction.seconds)) continue;
    report.predicted_ms += prediction.seconds * 1e3;
    if (prediction.seconds <= longest) continue;
    longest = prediction.seconds;
    report.bound = prediction.bound;
  }
}

void add_phases(RunReport &report, const Executable &executable) {
  for (const PassTime &time : executable.pipeline.times) {
    const auto same = [&](const PhaseTime &phase) { return phase.name == time.pass; };
    const auto found = std::ranges::find_if(report.phases, same);
    if (found != report.phases.end())
      found->ms += time.seconds * 1e3;
    else
      report.phases.push_back({std::string(time.pass), time.seconds * 1e3});
  }
  const CompileTimes &times = executable.times;
  report.phases.push_back({"lower", times.lower * 1e3});
  if (executable.device.kind == DeviceKind::kVulkan) report.phases.push_back({"load", times.load * 1e3});
  report.compile_ms = (times.passes + times.lower + times.load) * 1e3;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

} // namespace

RunReport describe(const Executable &executable, const BoundArguments &arguments) {
  RunReport report;
  report.kernel = executable.imported.name;
  report.device_used = executable.device.id;
  report.device_name = executable.device.name;
  report.device_driver = executable.device.driver;
  report.target = executable.artifact.target;
  report.target_reason = executable.target_reason;
  report.schedule_source = source_of_schedule(executable);
  if (executable.device.kind == DeviceKind::kCpu) report.threads = executable.machine->threads();
  report.flops = executable.artifact.flops;
  report.flops_executed = executable.artifact.flops_executed;
  report.bytes_moved = traffic(executable.artifact, arguments);
  add_prediction(report, executable);
  add_phases(report, executable);
  return report;
}

void add_times(RunReport &report, const RunTimes &times, double peak_gflops) {
  report.repeats = static_cast<int>(times.wall.size());
  report.wall = summarize(times.wall);
  report.kernel_time = summarize(times.kernel);
  const double seconds = report.kernel_time.count > 0 ? report.kernel_time.median : report.wall.median;
  if (!(seconds > 0)) return;
  report.gflops = static_cast<double>(report.flops) / seconds * 1e-9;
  report.peak_gflops = peak_gflops;
  if (!(peak_gflops > 0)) return;
  report.percent_of_peak = report.gflops / peak_gflops * 100;
  report.suspect = static_cast<double>(report.flops_executed) / seconds * 1e-9 > kSuspectShare * peak_gflops;
}

void add_times(RunReport &report, const PairedTimes &paired) {
  add_times(report, paired.times, paired.peak_gflops);
  report.percent_of_peak = paired.percent_of_peak;
  report.pairs = paired.pairs;
  report.pairs_dropped = paired.dropped;
  report.disturbed = paired.disturbed;
  if (report.flops > 0)
    report.suspect =
        paired.percent_of_peak * static_cast<double>(report.flops_executed) / static_cast<double>(report.flops) >
        kSuspectShare * 100;
}

void add_verification(RunReport &report, const VerifyReport &verification) {
  report.verified = verification.passed;
  report.verify_mode = name_of(verification.mode);
  report.verify_exact = verification.exact;
  report.max_abs_error = verification.max_abs_error;
  report.verify_text = verification.text();
}

std::string to_text(const RunReport &report) {
  std::string text;
  const auto line = [&text](std::string key, const std::string &value) {
    if (value.empty()) return;
    key.resize(std::max<size_t>(key.size(), 12) + 2, ' ');
    text += key + value + "\n";
  };
  line("kernel", report.kernel);
  line("device", report.device_used + " (" + report.device_name + "), asked for " + report.device_requested);
  line("chosen", report.device_why);
  line("fallback", report.fallback_reason);
  line("target", report.target + ", schedule " + report.schedule_source);
  line("not by", report.target_reason);
  line("threads", report.threads > 0 ? std::to_string(report.threads) : "");
  line("verified", report.verify_text);
  line("compile", number(report.compile_ms) + " ms");
  line("kernel time", report.kernel_time.count > 0 ? number(report.kernel_time.median * 1e3) + " ms, spread " +
                                                         number(report.kernel_time.spread * 100) + "%"
                                                   : "");
  line("wall time", number(report.wall.median * 1e3) + " ms, median of " + std::to_string(report.repeats));
  line("speed", number(report.gflops) + " GFLOPS");
  line("peak", report.peak_gflops > 0
                   ? number(report.percent_of_peak) + "% of " + number(report.peak_gflops) + " GFLOPS measured"
                   : "");
  line("suspect", report.suspect ? "more than 105% of the measured peak: do not trust these times" : "");
  line("bound", report.bound);
  line("bytes", std::to_string(report.bytes_moved));
  return text;
}

} // namespace sparkle
