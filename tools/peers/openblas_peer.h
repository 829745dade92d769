// OpenBLAS as a peer: convolutions as a matrix of windows (im2col) times the weights (sgemm). Built only where it is
// found.
#pragma once

#include "tools/peers/peer.h"

namespace sparkle::bench {

/// Making the matrix of windows is part of a run, image by image; 1x1 windows of stride 1 are a matrix as they lie.
/// Weights are in the order of their matrix before the first run. Images are in the layout of the case, whatever
/// `options` ask for. kUnsupported: pooling, groups of one channel, more than a matrix of OpenBLAS holds.
Result<std::unique_ptr<Peer>> make_openblas_peer(const BenchCase &bench, const PeerInputs &inputs,
                                                 const PeerConditions &options);

} // namespace sparkle::bench
