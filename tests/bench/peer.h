// Other implementations of a case, on the same data.
#pragma once

#include <memory>
#include <string>

#include "runtime/executable.h"
#include "tests/bench/bench_case.h"

namespace sparkle::bench {

class Peer {
public:
  virtual ~Peer() = default;
  /// Once, in the calling thread.
  virtual Status run() = 0;
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

/// The program of `ours` as the text has it, with all sizes known, in C, by the first of clang-19, clang-14, clang and
/// cc with `-O3 -march=native -ffast-math`. Reads `tensors`; `dst`: for its shape. kNoDevice: no compiler.
Result<std::unique_ptr<Peer>> make_plain_peer(const Executable &ours, const Arguments &tensors, const HostTensor &dst);

} // namespace sparkle::bench
