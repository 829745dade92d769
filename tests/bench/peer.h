// Other implementations of a case, on the same data.
#pragma once

#include <memory>
#include <string>

#include "runtime/tensor.h"
#include "tests/bench/bench_case.h"

namespace sparkle::bench {

class Peer {
public:
  virtual ~Peer() = default;
  /// Once, in the calling thread.
  virtual void run() = 0;
  /// The result of the last run, in the layout of the case.
  virtual Status fetch(HostTensor &dst) = 0;
  /// Which code, in which layouts.
  virtual std::string description() const = 0;
};

/// Inputs by name: `src`, and of convolutions `wei` and `bias`. They outlive the peer.
struct PeerInputs {
  const HostTensor *src = nullptr;
  const HostTensor *wei = nullptr;
  const HostTensor *bias = nullptr;
  const HostTensor *dst = nullptr; ///< For its shape.
};

/// oneDNN with one thread, in the formats that it prefers for data and weights; what it takes to bring data there is
/// not counted. kUnsupported: not in this build, or no such primitive.
Result<std::unique_ptr<Peer>> make_onednn_peer(const BenchCase &bench, const PeerInputs &inputs);

/// The loops as anyone would write them in C, with all sizes known, by `clang -O3 -march=native -ffast-math`.
/// kUnsupported: no compiler.
Result<std::unique_ptr<Peer>> make_plain_peer(const BenchCase &bench, const PeerInputs &inputs);

} // namespace sparkle::bench
