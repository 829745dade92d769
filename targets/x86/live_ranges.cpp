#include "targets/x86/live_ranges.h"

#include <algorithm>

#include "targets/x86/memory_operand.h"
#include "targets/x86/operands.h"

namespace sparkle::x86 {
namespace {

float uses_at_depth(int depth) {
  constexpr float kUses[] = {1, 10, 100, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F};
  return kUses[std::min(depth, 7)];
}

void extend(LiveRange &range, uint32_t point) {
  range.first = std::min(range.first, point);
  range.last = std::max(range.last, point);
}

/// Machine instructions that overwrite a source need no move where that is the result's register.
std::array<VReg, 2> hints_of(const Inst &inst) {
  switch (inst.op) {
  case Op::kFMulAdd:
  case Op::kFNegMulAdd: return {inst.src[2], inst.src[0]};
  case Op::kFMulAddMem: return {inst.src[1], inst.src[0]};
  case Op::kGSelect: return {inst.src[2], inst.src[1]};
  case Op::kGMin:
  case Op::kGMax: return {inst.src[0], inst.src[1]};
  case Op::kGMove:
  case Op::kVMove:
  case Op::kKMove: return {inst.src[0], kNoId<VReg>};
  default: break;
  }
  const OpInfo &info = info_of(inst.op);
  if (info.dst != Operand::kG || info.src[0] != Operand::kG) return {kNoId<VReg>, kNoId<VReg>};
  return {inst.src[0], is_commutative(inst.op) ? inst.src[1] : kNoId<VReg>};
}

void add_inst(LiveRanges &ranges, const Inst &inst, uint32_t number, float uses) {
  for_each_read(inst, [&](VReg reg) {
    extend(ranges[index_of(reg)], 2 * number);
    ranges[index_of(reg)].uses += uses;
  });
  if (!is_valid(inst.dst)) return;
  LiveRange &range = ranges[index_of(inst.dst)];
  if (range.first == LiveRange::kNever) range.hints = hints_of(inst);
  extend(range, 2 * number + 1);
  range.uses += uses;
}

} // namespace

LiveRanges live_ranges(const Function &function, const Liveness &liveness) {
  LiveRanges ranges(function.registers.size());
  for (size_t b = 0; b < liveness.graph().blocks.size(); ++b) {
    const FlowGraph::Block &block = liveness.graph().blocks[b];
    liveness.for_each_live_in(b, [&](VReg reg) { extend(ranges[index_of(reg)], 2 * block.first); });
    const float uses = uses_at_depth(block.depth);
    for (uint32_t i = block.first; i < block.end; ++i) add_inst(ranges, function.code[i], i, uses);
    liveness.for_each_live_out(b, [&](VReg reg) { extend(ranges[index_of(reg)], 2 * block.end - 1); });
  }
  return ranges;
}

} // namespace sparkle::x86
