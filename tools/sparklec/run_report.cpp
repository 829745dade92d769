#include "tools/sparklec/run_report.h"

#include <nlohmann/json.hpp>

#include "tools/sparklec/format.h"

namespace sparkle::cli {
namespace {

using Json = nlohmann::ordered_json;

Json positive_or_null(double value) { return value > 0 ? Json(value) : Json(nullptr); }

class Table {
public:
  void line(const std::string &key, const std::string &value) { text_ += table_line(key, value); }
  const std::string &text() const { return text_; }

private:
  std::string text_;
};

void add_device(Table &table, const RunReport &report) {
  std::string device = report.device_used;
  if (!report.device_name.empty()) device += " (" + report.device_name + ")";
  if (report.threads > 0)
    device += ", " + std::to_string(report.threads) + (report.threads == 1 ? " thread" : " threads");
  table.line("device", device);
  table.line("asked for", report.device_requested + (report.device_why.empty() ? "" : ": " + report.device_why));
  table.line("fell back", report.fallback_reason);
  for (const DeviceLeftOut &out : report.left_out) table.line("left out", out.name + ": " + out.reason);
  table.line("code", report.target + ", schedule: " + report.schedule_source);
  table.line("not by", report.target_reason);
}

void add_speed(Table &table, const RunReport &report) {
  const bool has_clock = report.kernel_time.count > 0;
  const TimeSummary &times = has_clock ? report.kernel_time : report.wall;
  if (has_clock) table.line("kernel time", format_seconds(report.kernel_time.median));
  table.line("wall time", format_seconds(report.wall.median) + ", median of " + std::to_string(report.repeats) +
                              ", spread " + format_number(times.spread * 100, "%"));
  std::string operations = format_number(static_cast<double>(report.flops) * 1e-9, " GFLOP");
  if (report.flops_executed != report.flops)
    operations += ", " + format_number(static_cast<double>(report.flops_executed) * 1e-9, " without what lies outside");
  table.line("operations", operations);
  std::string speed = format_number(report.gflops, " GFLOPS");
  if (report.peak_gflops > 0)
    speed += ", " + format_number(report.percent_of_peak, "%") + " of the measured peak of " +
             format_number(report.peak_gflops, "");
  table.line("speed", speed);
  if (report.pairs > 0)
    table.line("measured in", std::to_string(report.pairs) + " pairs with a probe of the peak, " +
                                  std::to_string(report.pairs_dropped) + " dropped" +
                                  (report.disturbed ? ": disturbed, the figures say little" : ""));
  table.line("suspect", report.suspect ? "above 105% of the peak: do not trust these times" : "");
  table.line("memory",
             format_bytes(report.bytes_moved) + " at least" +
                 (times.median > 0
                      ? ", " + format_number(static_cast<double>(report.bytes_moved) / times.median * 1e-9, " GB/s")
                      : ""));
  table.line("bound by", report.bound);
}

} // namespace

std::string report_json(const RunReport &report) {
  Json out = Json::parse(to_json(report));
  const bool compared = !report.verify_mode.empty(), has_clock = report.kernel_time.count > 0;
  for (const char *key : {"device_name", "device_driver", "device_why", "fallback_reason", "bound"})
    if (out[key] == "") out[key] = nullptr;
  out["verify_mode"] = compared ? Json(report.verify_mode) : Json(nullptr);
  out["max_abs_error"] = compared ? Json(report.max_abs_error) : Json(nullptr);
  out["wall_s"] = report.wall.median;
  out["kernel_s"] = has_clock ? Json(report.kernel_time.median) : Json(nullptr);
  out["spread"] = has_clock ? report.kernel_time.spread : report.wall.spread;
  out["peak_gflops"] = positive_or_null(report.peak_gflops);
  out["percent_of_peak"] = report.peak_gflops > 0 ? Json(report.percent_of_peak) : Json(nullptr);
  out["threads"] = report.threads > 0 ? Json(report.threads) : Json(nullptr);
  Json phases = std::move(out["phases_ms"]);
  out.erase("phases_ms");
  out["phases"] = std::move(phases);
  return out.dump(2) + "\n";
}

std::string report_table(const RunReport &report) {
  Table table;
  table.line("kernel", report.kernel);
  add_device(table, report);
  table.line("compiled in", format_number(report.compile_ms, " ms"));
  table.line("verified",
             report.verify_text.empty() ? "" : std::string(report.verified ? "yes: " : "NO: ") + report.verify_text);
  add_speed(table, report);
  return table.text();
}

} // namespace sparkle::cli
