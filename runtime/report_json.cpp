#include <nlohmann/json.hpp>

#include "runtime/report.h"

namespace sparkle {
namespace {

using Json = nlohmann::ordered_json;

Json milliseconds(const TimeSummary &times) {
  if (times.count == 0) return nullptr;
  return {{"median", times.median * 1e3}, {"min", times.min * 1e3}, {"p5", times.p5 * 1e3},
          {"p95", times.p95 * 1e3},       {"max", times.max * 1e3}, {"spread", times.spread}};
}

Json verification(const RunReport &report) {
  if (report.verify_mode.empty()) return nullptr;
  return {{"mode", report.verify_mode},
          {"exact", report.verify_exact},
          {"max_abs_error", report.max_abs_error},
          {"text", report.verify_text}};
}

Json phases(const RunReport &report) {
  Json out = Json::object();
  for (const PhaseTime &phase : report.phases) out[phase.name] = phase.ms;
  return out;
}

Json left_out(const RunReport &report) {
  Json out = Json::array();
  for (const DeviceLeftOut &entry : report.left_out) out.push_back({{"name", entry.name}, {"reason", entry.reason}});
  return out;
}

} // namespace

std::string to_json(const RunReport &report, int indent) {
  Json out{{"kernel", report.kernel},
           {"device_requested", report.device_requested},
           {"device_used", report.device_used},
           {"device_name", report.device_name},
           {"device_driver", report.device_driver},
           {"device_why", report.device_why},
           {"fallback_reason", report.fallback_reason},
           {"left_out", left_out(report)},
           {"target", report.target},
           {"target_reason", report.target_reason},
           {"schedule_source", report.schedule_source},
           {"threads", report.threads},
           {"verified", report.verified},
           {"verification", verification(report)},
           {"flops", report.flops},
           {"flops_executed", report.flops_executed},
           {"repeats", report.repeats},
           {"wall_ms", milliseconds(report.wall)},
           {"kernel_ms", milliseconds(report.kernel_time)},
           {"gflops", report.gflops},
           {"peak_gflops", report.peak_gflops},
           {"percent_of_peak", report.percent_of_peak},
           {"suspect", report.suspect},
           {"pairs", report.pairs},
           {"pairs_dropped", report.pairs_dropped},
           {"disturbed", report.disturbed},
           {"bytes_moved", report.bytes_moved},
           {"predicted_ms", report.predicted_ms},
           {"bound", report.bound},
           {"compile_ms", report.compile_ms},
           {"phases_ms", phases(report)}};
  // Names come from drivers and files: what is no UTF-8 is replaced, not thrown about.
  return out.dump(indent, ' ', false, Json::error_handler_t::replace);
}

} // namespace sparkle
