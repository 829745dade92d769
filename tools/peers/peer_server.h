// A peer as a program: tools/bench/peer_protocol.h on standard input and output.
#pragma once

#include <functional>

#include "tools/peers/peer.h"

namespace sparkle::bench {

/// Makes the peer of a case. `inputs` outlive it. kUnsupported: it has no code for the case.
using MakePeer = std::function<Result<std::unique_ptr<Peer>>(const BenchCase &bench, const PeerInputs &inputs,
                                                             const PeerConditions &options)>;

/// Answers until the input ends. The status that the program ends with.
int serve(const MakePeer &make);

} // namespace sparkle::bench
