// Another implementation, in a process of its own: what it does to its process (threads, crashes, endless loops) it
// does not do to ours.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/bench/child_process.h"
#include "tools/bench/peer_protocol.h"

namespace sparkle::bench {

struct PeerOptions {
  std::string path;                     ///< Of the program.
  std::vector<std::string> environment; ///< `NAME=VALUE`, in addition to ours.
  std::string layout = "any";           ///< PrepareRequest::peer_layout.
  double timeout_seconds = 60;          ///< For each answer.
};

/// What caps the instruction sets of peers as `isa` caps ours, for PeerOptions::environment: `ONEDNN_MAX_CPU_ISA=AVX2`
/// and the like.
std::vector<std::string> instruction_caps(const std::string &isa);

/// Errors of all: kUnsupported is what the peer says, and it goes on. kIo, kTimeout: it has ended, or is ended for its
/// silence; the next `prepare` starts another one.
class PeerProcess {
public:
  explicit PeerProcess(PeerOptions options) : options_(std::move(options)) {}

  /// Which code it runs.
  Result<std::string> prepare(const BenchCase &bench, int threads, const std::map<std::string, FillSpec> &fills);
  Result<Elapsed> run(int64_t times);
  Result<std::vector<double>> values(const std::vector<int64_t> &at);
  /// False after several processes in a row that died or were silent.
  bool is_usable() const { return failures_ < kMostFailures; }

private:
  static constexpr int kMostFailures = 3;
  Result<std::string> ask(const PeerRequest &request);
  template <class Reply> Result<Reply> checked(Result<Reply> reply);

  PeerOptions options_;
  std::unique_ptr<ChildProcess> process_;
  int failures_ = 0; ///< Since the last row that went well.
};

} // namespace sparkle::bench
