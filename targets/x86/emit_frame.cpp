// Prologue, epilogue, arguments; labels and jumps; the pool. System V AMD64 ABI 1.0, 3.2.
#include <algorithm>
#include <utility>

#include "targets/x86/emitter.h"

namespace sparkle::x86 {
namespace {

constexpr int kSlotBytes = 64;
constexpr int kPageBytes = 4096;
constexpr int kArgumentRegisters[] = {7, 6, 2, 1}; // rdi, rsi, rdx, rcx
constexpr int kCalleeSaved[] = {3, 5, 12, 13, 14, 15};
/// Of instructions in loops of kernels; used for guesses alone.
constexpr size_t kTypicalBytes = 7;
constexpr size_t kShortJumpInstructions = 127 / 12;
/// A loop within one fetch window is delivered from it whole; more than two gain nothing.
constexpr uint8_t kNarrowAlignment = 32, kWideAlignment = 64;

} // namespace

void Emitter::find_saved_registers() {
  std::vector<bool> used(16, false);
  for (const Inst &inst : f_.code) {
    if (is_valid(inst.dst) && f_.registers[inst.dst] == RegClass::kGeneral) used[general(inst.dst, 8).getIdx()] = true;
  }
  for (const int reg : kCalleeSaved) {
    if (used[static_cast<size_t>(reg)]) saved_.push_back(reg);
  }
}

void Emitter::prologue() {
  endbr64();
  for (const int reg : saved_) push(Xbyak::Reg64(reg));
  if (f_.frame_slots == 0) return;
  const int bytes = static_cast<int>(f_.frame_slots) * kSlotBytes;
  mov(rax, rsp);
  // Each page is touched in turn, so that a stack that is too small ends at its guard page.
  for (int below = kPageBytes; below < bytes + kSlotBytes; below += kPageBytes) or_(dword[rsp - below], 0);
  sub(rsp, bytes + kSlotBytes);
  and_(rsp, -kSlotBytes);
  mov(qword[rsp + bytes], rax);
}

void Emitter::epilogue() {
  if (has_wide_vectors_) vzeroupper();
  if (f_.frame_slots != 0) mov(rsp, qword[rsp + static_cast<int>(f_.frame_slots) * kSlotBytes]);
  for (auto reg = saved_.rbegin(); reg != saved_.rend(); ++reg) pop(Xbyak::Reg64(*reg));
  ret();
}

size_t Emitter::arguments(size_t first) {
  size_t end = first;
  std::vector<std::pair<int, int>> moves; // to, from
  for (; end < f_.code.size() && f_.code[end].op == Op::kArg; ++end) {
    const Inst &inst = f_.code[end];
    SPARKLE_CHECK(inst.immediate >= 0 && inst.immediate < 4, "the function has no such argument");
    moves.emplace_back(general(inst.dst, 8).getIdx(), kArgumentRegisters[inst.immediate]);
  }
  std::erase_if(moves, [](const auto &move) { return move.first == move.second; });
  while (!moves.empty()) {
    const auto free = std::find_if(moves.begin(), moves.end(), [&](const auto &move) {
      return std::none_of(moves.begin(), moves.end(), [&](const auto &other) { return other.second == move.first; });
    });
    if (free != moves.end()) {
      mov(Xbyak::Reg64(free->first), Xbyak::Reg64(free->second));
      moves.erase(free);
      continue;
    }
    // All that is left are circles: what the first move would overwrite waits in rax.
    const int held = moves.front().first;
    mov(rax, Xbyak::Reg64(held));
    for (auto &move : moves) move.second = move.second == held ? rax.getIdx() : move.second;
  }
  return end;
}

void Emitter::find_loop_heads() {
  for (size_t i = 0; i < f_.code.size(); ++i) {
    if (f_.code[i].op == Op::kLabel) label_at_[index_of(f_.code[i].label)] = i;
  }
  size_t last_head = 0; // of a loop that ends before
  for (size_t i = 0; i < f_.code.size(); ++i) {
    const Inst &inst = f_.code[i];
    if (inst.op != Op::kJump && inst.op != Op::kJumpIf) continue;
    const size_t head = label_at_.at(index_of(inst.label));
    if (head >= i || head < last_head) continue;
    last_head = head;
    label_alignment_[index_of(inst.label)] =
        (i - head) * kTypicalBytes <= kNarrowAlignment ? kNarrowAlignment : kWideAlignment;
  }
}

Xbyak::CodeGenerator::LabelType Emitter::reach(size_t from, Label to) const {
  const size_t aim = label_at_.at(index_of(to));
  if (aim <= from) return T_AUTO;
  const auto is_aligned = [&](const Inst &inst) {
    return inst.op == Op::kLabel && label_alignment_[index_of(inst.label)] != 0;
  };
  const auto begin = f_.code.begin() + static_cast<ptrdiff_t>(from);
  const bool is_far = aim - from > kShortJumpInstructions ||
                      std::any_of(begin, f_.code.begin() + static_cast<ptrdiff_t>(aim) + 1, is_aligned);
  return short_jumps_ && !is_far ? T_SHORT : T_NEAR;
}

bool Emitter::control(const Inst &inst) {
  switch (inst.op) {
  case Op::kArg: refuse("arguments come first"); return true;
  case Op::kLabel:
    if (const int alignment = label_alignment_[index_of(inst.label)]) align(static_cast<size_t>(alignment));
    L(labels_.at(index_of(inst.label)));
    return true;
  case Op::kJump: jmp(labels_.at(index_of(inst.label)), reach(at_, inst.label)); return true;
  case Op::kJumpIf: jump_if(inst); return true;
  case Op::kReturn: epilogue(); return true;
  default: return false;
  }
}

void Emitter::jump_if(const Inst &inst) {
  compare(inst);
  using Jump = void (Code::*)(const Xbyak::Label &, LabelType);
  constexpr Jump kJumps[] = {&Code::je, &Code::jne, &Code::jl, &Code::jle,
                             &Code::jg, &Code::jge, &Code::jb, &Code::jae};
  (this->*kJumps[static_cast<size_t>(inst.condition)])(labels_.at(index_of(inst.label)), reach(at_, inst.label));
}

void Emitter::pool() {
  if (f_.pool.empty()) return;
  while (getSize() % kSlotBytes != 0) int3(); // never reached
  L(pool_);
  db(f_.pool.data(), f_.pool.size());
}

} // namespace sparkle::x86
