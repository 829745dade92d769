// A list of shapes, each compiled for this CPU as users do and timed beside a peer (pairs.h).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/executable.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/bench_tensors.h"
#include "tools/bench/pairs.h"
#include "tools/bench/peer_process.h"

namespace sparkle::bench {

struct ListOptions {
  BenchCase like;              ///< Operator, layout and element of all rows.
  CompileOptions compile;      ///< Target, instruction set, schedule.
  int threads = 1;             ///< Of both sides.
  int pairs = 30;              ///< Of each row.
  PeerProcess *peer = nullptr; ///< nullptr: there is none.
};

struct RowResult {
  BenchCase bench;
  std::string failure; ///< Why there are no times of ours; empty: there are.
  PairTiming timing;
  double compile_ms = 0;
  double gflops = 0, percent_of_peak = 0;
  double gb_per_s = 0;      ///< Bytes of all arguments, each once, over our time.
  double peer_gflops = 0;   ///< 0: not measured.
  std::string peer_code;    ///< What the peer runs.
  std::string peer_why;     ///< Why there is no ratio; empty: there is, or there is no peer.
  bool is_compared = false; ///< Some results of both were.
  bool is_wrong = false;    ///< And they differ.
};

/// Parsed, checked, bound and imported. The error holds the rendered diagnostics.
Result<Program> import_case(const BenchCase &bench);

class ListRunner {
public:
  ListRunner(ListOptions options, std::shared_ptr<Machine> machine)
      : options_(std::move(options)), machine_(std::move(machine)) {}

  RowResult run(const ConvolutionShape &shape);
  Clock clock() const { return options_.threads == 1 ? Clock::kThread : Clock::kWall; }

private:
  Status time_row(RowResult &row);
  /// Empty: it says in `row` why not. Refers to `row`.
  Runs start_peer(RowResult &row, const Tensors &tensors) const;
  PairOptions pair_options() const;

  ListOptions options_;
  std::shared_ptr<Machine> machine_;
};

/// Of the rows with a ratio, each as often as its layer occurs; 0: there is none.
double geomean_ratio(const std::vector<RowResult> &rows);

} // namespace sparkle::bench
