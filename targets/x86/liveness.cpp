#include "targets/x86/liveness.h"

#include "targets/x86/operands.h"

namespace sparkle::x86 {
namespace {

constexpr uint32_t kNoNumber = 0xFFFFFFFFu;

} // namespace

Liveness::Liveness(const Function &function) : graph_(flow_graph(function)) {
  find_reads(function);
  find_writes(function);
  solve();
}

void Liveness::find_reads(const Function &function) {
  struct Read {
    uint32_t block;
    uint32_t number;
  };
  std::vector<Read> reads;
  std::vector<uint32_t> writer(function.registers.size(), FlowGraph::kNoBlock); // the block that wrote it last
  number_.assign(function.registers.size(), kNoNumber);
  for (uint32_t b = 0; b < graph_.blocks.size(); ++b) {
    const auto read = [&](VReg reg) {
      if (writer[index_of(reg)] == b) return;
      uint32_t &number = number_[index_of(reg)];
      if (number == kNoNumber) {
        number = static_cast<uint32_t>(crossing_.size());
        crossing_.push_back(reg);
      }
      reads.push_back({b, number});
    };
    for (uint32_t i = graph_.blocks[b].first; i < graph_.blocks[b].end; ++i) {
      for_each_read(function.code[i], read);
      if (is_valid(function.code[i].dst)) writer[index_of(function.code[i].dst)] = b;
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

std::vector<VReg> Liveness::live_in(size_t block) const {
  std::vector<VReg> live;
  for_each_live_in(block, [&](VReg reg) { live.push_back(reg); });
  return live;
}

} // namespace sparkle::x86
