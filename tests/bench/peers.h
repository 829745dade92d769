// The peers of sparkle_bench: oneDNN where it is found, and plain C.
#pragma once

#include "runtime/executable.h"
#include "tools/peers/peer.h"

namespace sparkle::bench {

/// `name`: `onednn` (one thread, formats of its choice) or `plain`: the program of `ours` as the text has it, with all
/// sizes known, in C, by the first of clang-19, clang-14, clang and cc with `-O3 -march=native -ffast-math`.
/// kUnsupported: not in this build, or no such primitive; kNoDevice: no compiler.
Result<std::unique_ptr<Peer>> make_peer(const std::string &name, const BenchCase &bench, const PeerInputs &inputs,
                                        const Executable &ours, const Arguments &tensors);

} // namespace sparkle::bench
