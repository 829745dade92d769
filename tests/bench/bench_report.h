// Results of a list of cases: a table for people, JSON for docs/data.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/bench_case.h"

namespace sparkle::bench {

struct PeerResult {
  std::string peer;
  std::string description;
  double ms = 0;
  double ratio = 0; ///< Its time / ours: above 1 we are faster. 0: not measured.
  std::string why;  ///< Why it was not.
};

struct CaseResult {
  std::string name, summary;
  double ms = 0, spread = 0, compile_ms = 0;
  double gflops = 0, percent_of_peak = 0;
  double gb_per_s = 0, percent_of_bandwidth = 0; ///< Of what one thread reads from memory in the same round.
  std::vector<PeerResult> peers;
};

struct BenchReport {
  std::string list, op, layout, element, cpu;
  std::string commit; ///< Of the tree that was measured.
  int rounds = 0;
  int64_t batch = 1;         ///< Where a line has none.
  double one_thread_gbs = 0; ///< Of reading memory.
  std::vector<CaseResult> cases;
};

std::string to_text(const BenchReport &report);
std::string to_json(const BenchReport &report);

} // namespace sparkle::bench
