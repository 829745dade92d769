// Other implementations of a case, on the same data, in this process.
#pragma once

#include <memory>
#include <string>

#include "runtime/tensor.h"
#include "tools/bench/bench_case.h"

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
  const HostTensor *dst = nullptr; ///< For its element count.
};

struct PeerConditions {
  int threads = 1;
  /// Images of convolutions in the layout of the case, not in the peer's own.
  bool plain_images = false;
};

} // namespace sparkle::bench
