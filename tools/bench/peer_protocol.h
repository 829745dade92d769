// What a benchmark and a peer say to each other: one JSON object a line, a request on the peer's standard input, its
// reply on its standard output. docs/benchmarks.md has the whole of it.
//
//   > {"do": "prepare", "shape": "g1mb1_ic3ih224...", "op": "conv", "layout": "nhwc", "element": "f32",
//      "peer_layout": "any", "threads": 1, "fill": {"src": {"seed": 64, "low": -2, "high": 2}, ...}}
//   < {"code": "jit:avx512_core, formats of its choice"}
//   > {"do": "run", "times": 12}
//   < {"seconds": 0.0031, "wall": 0.0033}                   of all of them; `seconds`: by the clock that counts
//   > {"do": "values", "at": [0, 77]}
//   < {"values": [3, 0]}                                    of the last result, by number in the layout of the case
//   < {"error": "..."}                                      in place of any reply
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "tools/bench/bench_case.h"
#include "tools/bench/clock.h"

namespace sparkle::bench {

/// Contents of an input: runtime/fill.h.
struct FillSpec {
  uint64_t seed = 0;
  int64_t low = 0, high = 0;
};

struct PrepareRequest {
  BenchCase bench;
  std::string peer_layout = "any"; ///< Of images: `any` (the peer's choice) or `plain` (that of the case).
  int threads = 1;
  std::map<std::string, FillSpec> fills; ///< By tensor.
};
struct RunRequest {
  int64_t times = 1;
};
struct ValuesRequest {
  std::vector<int64_t> at;
};
using PeerRequest = std::variant<PrepareRequest, RunRequest, ValuesRequest>;

struct PrepareReply {
  std::string code; ///< Which code runs, in which layouts.
};
struct ValuesReply {
  std::vector<double> values;
};

/// Without the line's end.
std::string request_line(const PeerRequest &request);
std::string reply_line(const PrepareReply &reply);
std::string reply_line(const Elapsed &reply);
std::string reply_line(const ValuesReply &reply);
std::string reply_line(const Error &error);

/// kInvalidInput: no such request.
Result<PeerRequest> parse_request(const std::string &line);
/// kUnsupported: the peer's own error; kIo: not the reply that was asked for.
Result<PrepareReply> parse_prepare_reply(const std::string &line);
Result<Elapsed> parse_run_reply(const std::string &line);
Result<ValuesReply> parse_values_reply(const std::string &line);

} // namespace sparkle::bench
