#include "tools/bench/bench_list.h"

#include <cmath>

#include "compiler/import/import.h"
#include "runtime/peak_probe.h"
#include "runtime/timer.h"
#include "tools/bench/bench_tensors.h"

namespace sparkle::bench {
namespace {

constexpr double kProbeSeconds = 0.002;
/// Workers of a pool look for work for some ten milliseconds after a run, and would take time from the other side.
constexpr double kSettleSeconds = 0.06;
constexpr int64_t kComparedValues = 101;

ProbeIsa probe_isa(const std::string &isa) {
  return isa == "avx2" ? std::min(widest_probe_isa(), ProbeIsa::kAvx2) : widest_probe_isa();
}

/// The first, the last and some between, at steps that no extent divides.
std::vector<int64_t> compared_places(int64_t count) {
  std::vector<int64_t> places;
  for (int64_t i = 0; i < kComparedValues; ++i) places.push_back(i * (count - 1) / (kComparedValues - 1));
  return places;
}

/// Looks at some results of both.
void compare(PeerProcess &peer, const HostTensor &ours, RowResult &row) {
  const std::vector<int64_t> places = compared_places(ours.element_count());
  const auto theirs = peer.values(places);
  if (!theirs) return; // A peer need not tell.
  row.is_compared = true;
  for (size_t i = 0; i < places.size() && !row.is_wrong; ++i) {
    const double mine = ours.get(places[i]), other = (*theirs)[i];
    // Inputs are whole and sums exact; peers may use algorithms that round.
    row.is_wrong = !(std::abs(mine - other) <= 1e-4 * std::abs(mine) + 1e-3);
    if (row.is_wrong)
      row.peer_why = "results differ: element " + std::to_string(places[i]) + " is " + std::to_string(mine) +
                     ", the peer's is " + std::to_string(other);
  }
}

void add_rates(RowResult &row, int64_t bytes) {
  const double operations = static_cast<double>(bench::operations(row.bench)) * 1e-9;
  const PairTiming &timing = row.timing;
  row.gflops = operations / timing.ours;
  row.percent_of_peak = timing.peak_time > 0 ? operations / timing.peak_time * 100 : 0;
  row.gb_per_s = static_cast<double>(bytes) / timing.ours * 1e-9;
  row.peer_gflops = timing.theirs > 0 ? operations / timing.theirs : 0;
}

} // namespace

Result<Program> import_case(const BenchCase &bench) {
  const CaseText kernel = kernel_text(bench);
  const Source source(bench.shape.name.empty() ? "shape" : bench.shape.name, kernel.text);
  ImportRequest request;
  request.values = kernel.values;
  Diagnostics diagnostics;
  Result<Program> program = import_source(source, request, diagnostics);
  if (!program) return Error{program.error().code, program.error().text + "\n" + render_text(diagnostics, source)};
  return program;
}

RowResult ListRunner::run(const ConvolutionShape &shape) {
  RowResult row;
  row.bench = options_.like;
  row.bench.shape = shape;
  if (const Status status = time_row(row); !status) row.failure = status.error().text;
  return row;
}

Status ListRunner::time_row(RowResult &row) {
  SPARKLE_TRY(const Program program, import_case(row.bench));
  SPARKLE_TRY(Tensors tensors, Tensors::make(program));
  const Stopwatch watch;
  SPARKLE_TRY(const auto executable, compile(program, machine_, machine_->cpu(), options_.compile));
  row.compile_ms = watch.seconds() * 1e3;
  SPARKLE_TRY(const auto binding, bind_program(executable, tensors.arguments()));
  const Runs ours = runs_of(
      [&]() -> Status {
        const auto times = binding->run();
        return times ? ok() : Status(times.error());
      },
      clock());
  const Runs theirs = start_peer(row, tensors);
  Result<PairTiming> timing = time_pairs(ours, theirs, pair_options());
  const bool has_peer = theirs && row.peer_why.empty();
  if (!timing && theirs && !has_peer) timing = time_pairs(ours, {}, pair_options());
  if (!timing) return timing.error();
  row.timing = *timing;
  add_rates(row, tensors.bytes());
  if (has_peer) compare(*options_.peer, *tensors.find("dst"), row);
  return ok();
}

Runs ListRunner::start_peer(RowResult &row, const Tensors &tensors) const {
  if (!options_.peer) return {};
  const Result<std::string> code = options_.peer->is_usable()
                                       ? options_.peer->prepare(row.bench, options_.threads, tensors.fills())
                                       : Error{ErrorCode::kUnsupported, "it has failed too often"};
  if (!code) {
    row.peer_why = code.error().text;
    return {};
  }
  row.peer_code = *code;
  return [&](int64_t times) {
    Result<Elapsed> elapsed = options_.peer->run(times);
    if (!elapsed) row.peer_why = elapsed.error().text;
    return elapsed;
  };
}

PairOptions ListRunner::pair_options() const {
  PairOptions options;
  options.pairs = options_.pairs;
  options.settle_seconds = options_.threads > 1 ? kSettleSeconds : 0;
  const PeakOptions peak = {probe_isa(options_.compile.isa), kProbeSeconds};
  options.probe = [this, peak] { return probe_fma_peak(machine_->pool(), peak).gflops; };
  return options;
}

double geomean_ratio(const std::vector<RowResult> &rows) {
  std::vector<WeightedRatio> ratios;
  for (const RowResult &row : rows)
    if (row.timing.ratio > 0 && !row.is_wrong) ratios.push_back({row.timing.ratio, row.bench.shape.repeats});
  return geometric_mean(ratios);
}

} // namespace sparkle::bench
