#include <cstdio>
#include <nlohmann/json.hpp>

#include "tests/bench/examples.h"

namespace sparkle::bench {
namespace {

double rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return std::strtod(text, nullptr);
}

double gbs(const ExampleResult &r) { return static_cast<double>(r.bytes) / r.timing.ours * 1e-9; }
double gflops(const ExampleResult &r) { return static_cast<double>(r.flops) / r.timing.ours * 1e-9; }
/// Of what one thread reads from memory in the same time.
double percent_of_bandwidth(const ExampleResult &r) {
  return static_cast<double>(r.bytes) * 1e-9 / r.timing.memory_time * 100;
}

} // namespace

std::string to_text(const ExampleResult &r) {
  char line[256];
  const PairTiming &t = r.timing;
  std::snprintf(line, sizeof line, "%-34s %10.4f %10.4f %6.2f [%5.2f, %5.2f] %8.1f %5.0f %7.1f %d/%d%s\n",
                r.example.name().c_str(), t.ours * 1e3, t.theirs * 1e3, t.ratio, t.ratio_low, t.ratio_high, gbs(r),
                percent_of_bandwidth(r), gflops(r), t.dropped, t.pairs, t.disturbed ? " disturbed" : "");
  return line;
}

std::string to_text(const ExamplesReport &report) {
  char line[256];
  std::snprintf(line, sizeof line, ", one thread, reads memory at %.1f GB/s; plain C: ", report.one_thread_gbs);
  std::string text = report.cpu + line + report.peer + "\n";
  std::snprintf(line, sizeof line, "%-34s %10s %10s %6s %-15s %7s %5s %7s %s\n", "example", "ms", "plain ms", "ratio",
                "  interval", "GB/s", "%band", "GFLOPS", "dropped");
  text += line;
  for (const ExampleResult &r : report.cases) text += to_text(r);
  return text;
}

std::string to_json(const ExamplesReport &report) {
  nlohmann::ordered_json out = {{"list", report.list},     {"cpu", report.cpu},
                                {"commit", report.commit}, {"threads", 1},
                                {"plain_c", report.peer},  {"one_thread_read_gbs", rounded(report.one_thread_gbs)},
                                {"pairs", report.pairs}};
  out["cases"] = nlohmann::ordered_json::array();
  for (const ExampleResult &r : report.cases) {
    const PairTiming &t = r.timing;
    out["cases"].push_back({{"name", r.example.name()},
                            {"ours_ms", rounded(t.ours * 1e3)},
                            {"plain_c_ms", rounded(t.theirs * 1e3)},
                            {"ratio", rounded(t.ratio)},
                            {"ratio_low", rounded(t.ratio_low)},
                            {"ratio_high", rounded(t.ratio_high)},
                            {"gbps", rounded(gbs(r))},
                            {"read_gbs", rounded(t.memory)},
                            {"percent_of_bandwidth", rounded(percent_of_bandwidth(r))},
                            {"gflops", rounded(gflops(r))},
                            {"pairs_dropped", t.dropped},
                            {"disturbed", t.disturbed}});
  }
  return out.dump(1) + "\n";
}

} // namespace sparkle::bench
