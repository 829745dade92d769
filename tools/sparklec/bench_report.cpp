#include "tools/sparklec/bench_report.h"

#include <cstdio>
#include <cstdlib>
#include <set>

#include <nlohmann/json.hpp>

#include "compiler/support/diagnostics.h"

namespace sparkle::cli {
namespace {

using bench::RowResult;
using Json = nlohmann::ordered_json;

template <class... Values> std::string format(const char *pattern, Values... values) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, pattern, values...);
  return buffer;
}

/// Four digits: more say nothing.
Json rounded(double value) { return value == 0 ? 0 : std::strtod(format("%.4g", value).c_str(), nullptr); }
Json rounded_or_null(double value, bool is_there) { return is_there ? rounded(value) : Json(nullptr); }
Json text_or_null(const std::string &text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string name_of_row(const RowResult &row) {
  const ConvolutionShape &shape = row.bench.shape;
  const std::string name = shape.name.empty() ? "line " + std::to_string(shape.line) : shape.name;
  return shape.repeats > 1 ? name + "*" + std::to_string(shape.repeats) : name;
}

bool has_times(const RowResult &row) { return row.failure.empty(); }
bool has_ratio(const RowResult &row) { return has_times(row) && row.timing.ratio > 0; }

Json row_json(const RowResult &row) {
  const bool timed = has_times(row), compared = has_ratio(row);
  const bench::PairTiming &t = row.timing;
  return {{"name", row.bench.shape.name},
          {"shape", to_text(row.bench.shape)},
          {"count", row.bench.shape.repeats},
          {"gflops", rounded_or_null(row.gflops, timed)},
          {"percent_of_peak", rounded_or_null(row.percent_of_peak, timed)},
          {"peer_gflops", rounded_or_null(row.peer_gflops, compared)},
          {"ratio", rounded_or_null(t.ratio, compared)},
          {"ratio_low", rounded_or_null(t.ratio_low, compared)},
          {"ratio_high", rounded_or_null(t.ratio_high, compared)},
          {"wall_s", rounded_or_null(t.ours_wall, timed)},
          {"seconds", rounded_or_null(t.ours, timed)},
          {"peer_seconds", rounded_or_null(t.theirs, compared)},
          {"gb_per_s", rounded_or_null(row.gb_per_s, timed)},
          {"compile_ms", rounded_or_null(row.compile_ms, timed)},
          {"peer_code", text_or_null(row.peer_code)},
          {"peer_why", text_or_null(row.peer_why)},
          {"failure", text_or_null(row.failure)},
          {"compared", row.is_compared},
          {"right", row.is_compared ? Json(!row.is_wrong) : Json(nullptr)},
          {"pairs", t.pairs},
          {"pairs_dropped", t.dropped},
          {"disturbed", t.disturbed}};
}

double median_peak(const std::vector<RowResult> &rows) {
  std::vector<double> peaks;
  for (const RowResult &row : rows)
    if (has_times(row)) peaks.push_back(row.timing.peak);
  return bench::quantile(std::move(peaks), 0.5);
}

} // namespace

std::string bench_head(const BenchHeader &header, const BenchCommand &command) {
  std::string text = header.machine + ", " + std::to_string(command.threads) +
                     (command.threads == 1 ? " thread" : " threads") +
                     (command.isa.empty() ? "" : ", at most " + command.isa) + ": " + header.list + ", " + command.op +
                     ", " + command.layout + ", " + std::to_string(command.pairs) + " pairs" +
                     (header.peer.empty() ? "" : " with " + header.peer) + "\n";
  return text + format("%-22s %-24s %9s %7s %6s", "name", "shape", "ms", "GFLOPS", "%peak") +
         (header.peer.empty() ? "" : format(" %9s %6s  %s", "peer", "ratio", "interval")) + "\n";
}

std::string bench_line(const RowResult &row) {
  std::string text = format("%-22s %-24s", name_of_row(row).c_str(), summary(row.bench).c_str());
  if (!has_times(row)) return text + " " + row.failure + "\n";
  text += format(" %9.4f %7.1f %6.1f", row.timing.ours * 1e3, row.gflops, row.percent_of_peak);
  if (has_ratio(row))
    text += format(" %9.1f %6.2f  %.2f to %.2f", row.peer_gflops, row.timing.ratio, row.timing.ratio_low,
                   row.timing.ratio_high);
  if (row.timing.disturbed) text += "  disturbed";
  return text + (row.peer_why.empty() ? "" : "  peer: " + escape_control(row.peer_why)) + "\n";
}

std::string bench_foot(const std::vector<RowResult> &rows) {
  std::string text = format("peak of multiply-adds: %.1f GFLOPS\n", median_peak(rows));
  std::set<std::string> codes;
  for (const RowResult &row : rows)
    if (!row.peer_code.empty() && codes.insert(row.peer_code).second)
      text += "peer: " + escape_control(row.peer_code) + "\n";
  const double mean = bench::geomean_ratio(rows);
  if (mean > 0)
    text += format("geometric mean of the peer's time over ours, each layer as often as it occurs: %.3f\n", mean);
  return text;
}

std::string bench_json(const BenchHeader &header, const BenchCommand &command, const std::vector<RowResult> &rows) {
  const double mean = bench::geomean_ratio(rows);
  Json out = {{"machine", header.machine},
              {"peak_gflops", rounded(median_peak(rows))},
              {"threads", command.threads},
              {"isa", text_or_null(command.isa)},
              {"target", text_or_null(command.target)},
              {"commit", command.commit},
              {"list", header.list},
              {"op", command.op},
              {"layout", command.layout},
              {"batch", command.batch > 0 ? Json(command.batch) : Json(nullptr)},
              {"pairs", command.pairs},
              {"clock", command.threads == 1 ? "thread" : "wall"},
              {"peer", text_or_null(header.peer)},
              {"peer_layout", header.peer.empty() ? Json(nullptr) : Json(command.peer_layout)},
              {"geomean_ratio", rounded_or_null(mean, mean > 0)},
              {"rows", Json::array()}};
  for (const RowResult &row : rows) out["rows"].push_back(row_json(row));
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace sparkle::cli
