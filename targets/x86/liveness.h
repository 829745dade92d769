// Which registers hold what may still be read: backward data flow over basic blocks, and the ranges it makes.
#pragma once

#include <limits>

#include "targets/x86/flow_graph.h"

namespace sparkle::x86 {

/// From where to where a register is kept, without holes. Instruction i reads at point 2 i and writes at 2 i + 1.
struct LiveRange {
  static constexpr uint32_t kNever = std::numeric_limits<uint32_t>::max();
  uint32_t first = kNever; ///< kNever: neither read nor written.
  uint32_t last = 0;
  uint32_t writes = 0; ///< Instructions.
  float uses = 0;      ///< Reads and writes, each 10 times as much a loop around it.
};

using LiveRanges = std::vector<LiveRange>; ///< By register.

/// At the borders of blocks. Most registers live within one block; only those that some block reads before it writes
/// them have a bit, so the sets stay short.
class Liveness {
public:
  explicit Liveness(const Function &function);

  const FlowGraph &graph() const { return graph_; }
  std::vector<VReg> live_in(size_t block) const;
  const LiveRanges &ranges() const { return ranges_; }

  template <class Visit> void for_each_live_in(size_t block, Visit &&visit) const {
    for (size_t w = 0; w < words_; ++w) visit_word(in_[block * words_ + w], w, visit);
  }
  template <class Visit> void for_each_live_out(size_t block, Visit &&visit) const {
    for (size_t w = 0; w < words_; ++w) visit_word(out_word(block, w), w, visit);
  }

private:
  template <class Visit> void visit_word(uint64_t word, size_t w, Visit &visit) const {
    for (; word != 0; word &= word - 1) visit(crossing_[w * 64 + static_cast<size_t>(__builtin_ctzll(word))]);
  }
  uint64_t out_word(size_t block, size_t w) const {
    uint64_t word = 0;
    for (const uint32_t next : graph_.blocks[block].next) {
      if (next != FlowGraph::kNoBlock) word |= in_[next * words_ + w];
    }
    return word;
  }
  void scan(const Function &function);
  void extend_ranges();
  uint32_t number_of(VReg reg);
  void find_writes(const Function &function);
  void solve();

  FlowGraph graph_;
  LiveRanges ranges_;
  size_t words_ = 0;              ///< Of 64 bits, of one set.
  std::vector<VReg> crossing_;    ///< By number of the bit.
  std::vector<uint32_t> number_;  ///< By register: its bit.
  std::vector<uint64_t> in_;      ///< Set by set; at first what the block reads before it writes it.
  std::vector<uint64_t> written_; ///< Likewise.
};

} // namespace sparkle::x86
