// oneDNN 2.x as a peer. Built only where it is found.
#pragma once

#include "tools/peers/peer.h"

namespace sparkle::bench {

/// Weights are in its own formats in any case: they are packed once, as ours are. What it takes to bring data to its
/// formats is not counted. `inputs` outlive it. Pooling: images of the case. kUnsupported: no such primitive.
Result<std::unique_ptr<Peer>> make_onednn_peer(const BenchCase &bench, const PeerInputs &inputs,
                                               const PeerConditions &options = {});

} // namespace sparkle::bench
