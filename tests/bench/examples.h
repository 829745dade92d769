// The kernels of examples/ at the sizes of a list, beside the same text written down as plain C: what the schedules of
// the cost model are worth for kernels of every kind. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/schedule/schedule.h"
#include "tools/bench/pairs.h"

namespace sparkle::bench {

struct ExampleCase {
  std::string file; ///< `softmax.spk`.
  std::map<std::string, int64_t> values;
  std::string name() const;
};

struct ExampleResult {
  ExampleCase example;
  PairTiming timing;
  int64_t bytes = 0; ///< Compulsory traffic: each tensor once.
  int64_t flops = 0; ///< Nominal.
};

struct ExamplesReport {
  std::string list, cpu, peer;
  std::string commit;        ///< Of the tree that was measured.
  double one_thread_gbs = 0; ///< Of reading memory, measured before the first row.
  int pairs = 0;
  std::vector<ExampleResult> cases;
};

struct ExamplesOptions {
  std::string list;   ///< A file: lines `softmax.spk N=8192 C=4096`, `#` starts a comment.
  std::string folder; ///< Of the kernels. One that no line names is an error.
  std::string filter; ///< Lines that have it only.
  int pairs = 30;
  Schedule schedule;               ///< In place of the cost model's choice, for the kernels it names.
  std::optional<Schedule> against; ///< Likewise, of what stands in the place of plain C.
  std::function<void(const ExampleResult &result)> on_result; ///< As soon as it is there.
};

/// kVerifyFailed: the two disagree. kNoDevice: there is no C compiler.
Result<ExamplesReport> run_examples(const ExamplesOptions &options);

std::string to_text(const ExampleResult &result); ///< A line.
std::string to_text(const ExamplesReport &report);
std::string to_json(const ExamplesReport &report);

} // namespace sparkle::bench
