// Basic blocks of flat code in the order of the text, and the loops that their jumps back make.
#pragma once

#include "targets/x86/vreg.h"

namespace sparkle::x86 {

struct FlowGraph {
  static constexpr uint32_t kNoBlock = 0xFFFFFFFFu;
  struct Block {
    uint32_t first = 0; ///< Instructions [first, end).
    uint32_t end = 0;
    std::array<uint32_t, 2> next = {kNoBlock, kNoBlock}; ///< The one below, the aim of its jump.
    uint8_t depth = 0;                                   ///< Loops around it.
    bool is_innermost = false;                           ///< Of a loop that holds no other loop.
  };
  std::vector<Block> blocks;
};

FlowGraph flow_graph(const Function &function);

} // namespace sparkle::x86
