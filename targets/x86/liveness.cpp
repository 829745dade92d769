#include "targets/x86/liveness.h"

#include <algorithm>

#include "targets/x86/operands.h"

namespace sparkle::x86 {
namespace {

constexpr uint32_t kNoNumber = 0xFFFFFFFFu;

float uses_at_depth(int depth) {
  constexpr float kUses[] = {1, 10, 100, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F};
  return kUses[std::min(depth, 7)];
}

/// Points come in their order.
void touch(LiveRange &range, uint32_t point, float uses) {
  range.first = std::min(range.first, point);
  range.last = point;
  range.uses += uses;
}

} // namespace

Liveness::Liveness(const Function &function) : graph_(flow_graph(function)), ranges_(function.registers.size()) {
  scan(function);
  find_writes(function);
  solve();
  extend_ranges();
}

uint32_t Liveness::number_of(VReg reg) {
  uint32_t &number = number_[index_of(reg)];
  if (number == kNoNumber) {
    number = static_cast<uint32_t>(crossing_.size());
    crossing_.push_back(reg);
  }
  return number;
}

/// What blocks read before they write it, and the ranges as far as uses go.
void Liveness::scan(const Function &function) {
  struct Read {
    uint32_t block;
    uint32_t number;
  };
  std::vector<Read> reads;
  std::vector<uint32_t> writer(function.registers.size(), FlowGraph::kNoBlock); // the block that wrote it last
  number_.assign(function.registers.size(), kNoNumber);
  for (uint32_t b = 0; b < graph_.blocks.size(); ++b) {
    const FlowGraph::Block &block = graph_.blocks[b];
    const float uses = uses_at_depth(block.depth);
    for (uint32_t i = block.first; i < block.end; ++i) {
      for_each_read(function.code[i], [&](VReg reg) {
        touch(ranges_[index_of(reg)], 2 * i, uses);
        if (writer[index_of(reg)] != b) reads.push_back({b, number_of(reg)});
      });
      const VReg dst = function.code[i].dst;
      if (!is_valid(dst)) continue;
      touch(ranges_[index_of(dst)], 2 * i + 1, uses);
      ++ranges_[index_of(dst)].writes;
      writer[index_of(dst)] = b;
    }
  }
  words_ = (crossing_.size() + 63) / 64;
  in_.assign(graph_.blocks.size() * words_, 0);
  for (const Read &read : reads) in_[read.block * words_ + read.number / 64] |= uint64_t{1} << (read.number % 64);
}

void Liveness::find_writes(const Function &function) {
  written_.assign(in_.size(), 0);
  for (size_t b = 0; b < graph_.blocks.size(); ++b) {
    for (uint32_t i = graph_.blocks[b].first; i < graph_.blocks[b].end; ++i) {
      const VReg dst = function.code[i].dst;
      if (!is_valid(dst) || number_[index_of(dst)] == kNoNumber) continue;
      const uint32_t number = number_[index_of(dst)];
      written_[b * words_ + number / 64] |= uint64_t{1} << (number % 64);
    }
  }
}

void Liveness::solve() {
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    for (size_t b = graph_.blocks.size(); b-- > 0;) {
      for (size_t w = 0; w < words_; ++w) {
        uint64_t &in = in_[b * words_ + w];
        const uint64_t now = in | (out_word(b, w) & ~written_[b * words_ + w]);
        has_changed |= now != in;
        in = now;
      }
    }
  }
}

void Liveness::extend_ranges() {
  for (size_t b = 0; b < graph_.blocks.size(); ++b) {
    for_each_live_in(b, [&](VReg reg) {
      LiveRange &range = ranges_[index_of(reg)];
      range.first = std::min(range.first, 2 * graph_.blocks[b].first);
    });
    for_each_live_out(b, [&](VReg reg) {
      LiveRange &range = ranges_[index_of(reg)];
      range.last = std::max(range.last, 2 * graph_.blocks[b].end - 1);
    });
  }
}

std::vector<VReg> Liveness::live_in(size_t block) const {
  std::vector<VReg> live;
  for_each_live_in(block, [&](VReg reg) { live.push_back(reg); });
  return live;
}

} // namespace sparkle::x86
