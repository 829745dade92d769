#include "targets/x86/flow_graph.h"

#include <algorithm>

#include "targets/x86/operands.h"

namespace sparkle::x86 {
namespace {

using Block = FlowGraph::Block;
constexpr uint32_t kNoBlock = FlowGraph::kNoBlock;

bool ends_block(Op op) { return is_jump(op) || op == Op::kReturn; }

std::vector<Block> cut(const std::vector<Inst> &code) {
  std::vector<Block> blocks;
  uint32_t first = 0;
  for (uint32_t i = 0; i < code.size(); ++i) {
    const bool is_last = i + 1 == code.size() || ends_block(code[i].op) || code[i + 1].op == Op::kLabel;
    if (!is_last) continue;
    Block block;
    block.first = first;
    block.end = i + 1;
    blocks.push_back(block);
    first = i + 1;
  }
  return blocks;
}

void link(const Function &function, std::vector<Block> &blocks) {
  std::vector<uint32_t> place(function.labels, kNoBlock);
  for (uint32_t b = 0; b < blocks.size(); ++b) {
    const Inst &first = function.code[blocks[b].first];
    if (first.op == Op::kLabel) place[index_of(first.label)] = b;
  }
  for (uint32_t b = 0; b < blocks.size(); ++b) {
    const Inst &last = function.code[blocks[b].end - 1];
    if (is_jump(last.op)) blocks[b].next[1] = place[index_of(last.label)];
    if (last.op != Op::kJump && last.op != Op::kReturn && b + 1 < blocks.size()) blocks[b].next[0] = b + 1;
  }
}

/// Natural loops (Aho, Lam, Sethi, Ullman 2006, 9.6): all that reaches the jump back without passing the header.
class Loops {
public:
  explicit Loops(std::vector<Block> &blocks) : blocks_(blocks), mark_(blocks.size(), kNoBlock) {
    find_predecessors();
    is_header_.assign(blocks.size(), false);
    for_each_back_edge([&](uint32_t, uint32_t header) { is_header_[header] = true; });
  }

  void run() {
    for (uint32_t header = 0; header < blocks_.size(); ++header) {
      if (is_header_[header]) visit(header);
    }
  }

private:
  template <class Visit> void for_each_back_edge(Visit &&visit) {
    for (uint32_t b = 0; b < blocks_.size(); ++b) {
      const uint32_t aim = blocks_[b].next[1];
      if (aim != kNoBlock && aim <= b) visit(b, aim);
    }
  }

  void find_predecessors() {
    first_.assign(blocks_.size() + 1, 0);
    for (const Block &block : blocks_) {
      for (const uint32_t next : block.next) first_[next == kNoBlock ? 0 : next + 1] += next != kNoBlock;
    }
    for (size_t b = 1; b < first_.size(); ++b) first_[b] += first_[b - 1];
    from_.resize(first_.back());
    std::vector<uint32_t> at(first_.begin(), first_.end() - 1);
    for (uint32_t b = 0; b < blocks_.size(); ++b) {
      for (const uint32_t next : blocks_[b].next) {
        if (next != kNoBlock) from_[at[next]++] = b;
      }
    }
  }

  void add(uint32_t block, uint32_t header) {
    if (mark_[block] == header) return;
    mark_[block] = header;
    body_.push_back(block);
  }

  void visit(uint32_t header) {
    body_.clear();
    add(header, header);
    for (uint32_t i = first_[header]; i < first_[header + 1]; ++i) {
      if (from_[i] >= header) add(from_[i], header);
    }
    for (size_t at = 1; at < body_.size(); ++at) {
      for (uint32_t i = first_[body_[at]]; i < first_[body_[at] + 1]; ++i) add(from_[i], header);
    }
    const bool holds_loop = std::any_of(body_.begin() + 1, body_.end(), [&](uint32_t b) { return is_header_[b]; });
    for (const uint32_t b : body_) {
      blocks_[b].depth = static_cast<uint8_t>(std::min(blocks_[b].depth + 1, 255));
      blocks_[b].is_innermost |= !holds_loop;
    }
  }

  std::vector<Block> &blocks_;
  std::vector<uint32_t> mark_; ///< By block: the header in whose loop it was seen last.
  std::vector<bool> is_header_;
  std::vector<uint32_t> first_; ///< Predecessors of b are from_[first_[b]] ... from_[first_[b + 1] - 1].
  std::vector<uint32_t> from_;
  std::vector<uint32_t> body_;
};

} // namespace

FlowGraph flow_graph(const Function &function) {
  FlowGraph graph{cut(function.code)};
  link(function, graph.blocks);
  Loops(graph.blocks).run();
  return graph;
}

} // namespace sparkle::x86
