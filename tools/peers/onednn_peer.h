// oneDNN 2.x as a peer. Built only where it is found.
#pragma once

#include "tools/peers/peer.h"

namespace sparkle::bench {

struct OnednnOptions {
  int threads = 1;
  /// Images of convolutions in oneDNN's formats, or in those of the case. Weights are in its own in any case: they are
  /// packed once, as ours are. Pooling: those of the case.
  bool plain_images = false;
};

/// What it takes to bring data to its formats is not counted. `inputs` outlive it. kUnsupported: no such primitive.
Result<std::unique_ptr<Peer>> make_onednn_peer(const BenchCase &bench, const PeerInputs &inputs,
                                               const OnednnOptions &options = {});

} // namespace sparkle::bench
