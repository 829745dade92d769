#include <algorithm>

#include "targets/x86/spill.h"

namespace sparkle::x86 {

void Spiller::place_slots() {
  if (slots_.empty()) return;
  std::vector<uint32_t> order(slots_.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return std::pair(slots_[a].first, a) < std::pair(slots_[b].first, b); });
  std::vector<uint32_t> place(slots_.size());
  std::vector<uint32_t> last; // by place: the last instruction of those there
  for (const uint32_t slot : order) {
    const auto free = std::find_if(last.begin(), last.end(), [&](uint32_t at) { return at < slots_[slot].first; });
    place[slot] = static_cast<uint32_t>(free - last.begin());
    if (free == last.end()) last.push_back(0);
    last[place[slot]] = slots_[slot].last;
  }
  for (Inst &inst : function_.code) {
    if (inst.memory.kind != Address::Kind::kFrame || inst.memory.number < first_slot_) continue;
    inst.memory.number = first_slot_ + place[inst.memory.number - first_slot_];
  }
  function_.frame_slots = first_slot_ + static_cast<uint32_t>(last.size());
}

int Spiller::hot_accesses(const FlowGraph &graph) const {
  int count = 0;
  if (slots_.empty()) return count;
  for (const FlowGraph::Block &block : graph.blocks) {
    if (!block.is_innermost) continue;
    for (uint32_t i = block.first; i < block.end; ++i) {
      const Address &memory = function_.code[i].memory;
      count += memory.kind == Address::Kind::kFrame && memory.number >= first_slot_;
    }
  }
  return count;
}

} // namespace sparkle::x86
