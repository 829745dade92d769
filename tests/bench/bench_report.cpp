#include "tests/bench/bench_report.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

namespace sparkle::bench {
namespace {

struct Mean {
  std::string peer;
  double logs = 0;
  int count = 0;
  double value() const { return count ? std::exp(logs / count) : 0; }
};

/// Geometric means of the ratios, one a peer.
std::vector<Mean> means(const BenchReport &report) {
  std::vector<Mean> list;
  for (const CaseResult &result : report.cases)
    for (size_t p = 0; p < result.peers.size(); ++p) {
      if (list.size() <= p) list.push_back({result.peers[p].peer});
      if (result.peers[p].ratio <= 0) continue;
      list[p].logs += std::log(result.peers[p].ratio);
      ++list[p].count;
    }
  return list;
}

template <class... Values> std::string format(const char *pattern, Values... values) {
  char buffer[256];
  std::snprintf(buffer, sizeof buffer, pattern, values...);
  return buffer;
}

double rounded(double value) { return value == 0 ? 0 : std::strtod(format("%.4g", value).c_str(), nullptr); }

} // namespace

std::string to_text(const BenchReport &report) {
  std::string text = report.list + ", " + report.op + " " + report.layout + " " + report.element + "\n";
  text += format("%-22s %-22s %9s %6s %7s %6s %6s %6s %7s", "name", "shape", "ms", "+-%", "GFLOPS", "%peak", "GB/s",
                 "%band", "compile");
  for (const Mean &mean : means(report)) text += format(" %9s ratio", mean.peer.c_str());
  text += "\n";
  for (const CaseResult &r : report.cases) {
    text += format("%-22s %-22s %9.4f %6.0f %7.1f %6.1f %6.1f %6.0f %7.0f", r.name.c_str(), r.summary.c_str(), r.ms,
                   r.spread * 100, r.gflops, r.percent_of_peak, r.gb_per_s, r.percent_of_bandwidth, r.compile_ms);
    for (const PeerResult &p : r.peers)
      text += p.ratio > 0 ? format(" %9.4f %5.2f", p.ms, p.ratio) : format(" %15s", "-");
    text += "\n";
  }
  for (const Mean &mean : means(report))
    text +=
        format("geometric mean of the time of %s / ours: %.3f over %d\n", mean.peer.c_str(), mean.value(), mean.count);
  std::set<std::string> said;
  for (const CaseResult &r : report.cases)
    for (const PeerResult &p : r.peers)
      if (p.why.empty() && said.insert(p.peer + p.description).second) text += p.peer + ": " + p.description + "\n";
  for (const CaseResult &r : report.cases)
    for (const PeerResult &p : r.peers)
      if (!p.why.empty()) text += r.name + ": no " + p.peer + ": " + p.why + "\n";
  return text;
}

std::string to_json(const BenchReport &report) {
  nlohmann::ordered_json out = {{"list", report.list},
                                {"op", report.op},
                                {"layout", report.layout},
                                {"element", report.element},
                                {"cpu", report.cpu},
                                {"commit", report.commit},
                                {"threads", 1},
                                {"rounds", report.rounds},
                                {"batch", report.batch},
                                {"one_thread_read_gbs", rounded(report.one_thread_gbs)}};
  for (const Mean &mean : means(report)) out["geomean"][mean.peer] = rounded(mean.value());
  out["cases"] = nlohmann::ordered_json::array();
  for (const CaseResult &r : report.cases) {
    nlohmann::ordered_json one = {{"name", r.name},
                                  {"shape", r.summary},
                                  {"ms", rounded(r.ms)},
                                  {"spread", rounded(r.spread)},
                                  {"compile_ms", rounded(r.compile_ms)},
                                  {"gflops", rounded(r.gflops)},
                                  {"percent_of_peak", rounded(r.percent_of_peak)},
                                  {"gb_per_s", rounded(r.gb_per_s)},
                                  {"percent_of_bandwidth", rounded(r.percent_of_bandwidth)}};
    for (const PeerResult &p : r.peers) {
      nlohmann::ordered_json peer = {{"ms", rounded(p.ms)}, {"ratio", rounded(p.ratio)}, {"code", p.description}};
      if (!p.why.empty()) peer = {{"why_not", p.why}};
      one["peers"][p.peer] = peer;
    }
    out["cases"].push_back(one);
  }
  return out.dump(1) + "\n";
}

} // namespace sparkle::bench
