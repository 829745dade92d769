#include <algorithm>

#include "targets/x86/spill.h"

namespace sparkle::x86 {

namespace {

constexpr uint32_t kSmallBytes = 8, kSmallPerSlot = 8;

/// Places that are taken until some instruction.
class Places {
public:
  uint32_t take(uint32_t first, uint32_t last) {
    const auto free = std::find_if(last_.begin(), last_.end(), [&](uint32_t at) { return at < first; });
    const auto place = static_cast<uint32_t>(free - last_.begin());
    if (free == last_.end()) last_.push_back(0);
    last_[place] = last;
    return place;
  }
  uint32_t size() const { return static_cast<uint32_t>(last_.size()); }

private:
  std::vector<uint32_t> last_;
};

} // namespace

void Spiller::place_slots() {
  if (slots_.empty()) return;
  std::vector<uint32_t> order(slots_.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return std::pair(slots_[a].first, a) < std::pair(slots_[b].first, b); });
  Places wide, small;
  std::vector<uint32_t> place(slots_.size());
  for (const uint32_t slot : order) {
    place[slot] = (slots_[slot].is_small ? small : wide).take(slots_[slot].first, slots_[slot].last);
  }
  for (Inst &inst : function_.code) {
    Address &memory = inst.memory;
    if (memory.kind != Address::Kind::kFrame || memory.number < first_slot_) continue;
    const uint32_t slot = memory.number - first_slot_;
    const bool is_small = slots_[slot].is_small;
    memory.number = first_slot_ + (is_small ? wide.size() + place[slot] / kSmallPerSlot : place[slot]);
    if (is_small) memory.displacement = static_cast<int32_t>(place[slot] % kSmallPerSlot * kSmallBytes);
  }
  function_.frame_slots = first_slot_ + wide.size() + (small.size() + kSmallPerSlot - 1) / kSmallPerSlot;
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
