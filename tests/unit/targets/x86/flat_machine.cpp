#include "tests/unit/targets/x86/flat_machine.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

namespace sparkle::x86 {
namespace {

constexpr size_t kSlotBytes = 64;

uint64_t low(uint64_t value, int bytes) { return bytes == 8 ? value : value & ((uint64_t{1} << (8 * bytes)) - 1); }

int64_t low_signed(uint64_t value, int bytes) {
  const int shift = 64 - 8 * bytes;
  return static_cast<int64_t>(value << shift) >> shift;
}

/// Which NaN an operation gives is open.
uint32_t bits_of(float value) { return std::isnan(value) ? 0x7FC00000U : std::bit_cast<uint32_t>(value); }
float float_of(uint32_t bits) { return std::bit_cast<float>(bits); }

bool holds(Condition condition, int64_t a, int64_t b) {
  switch (condition) {
  case Condition::kEq: return a == b;
  case Condition::kNe: return a != b;
  case Condition::kLt: return a < b;
  case Condition::kLe: return a <= b;
  case Condition::kGt: return a > b;
  case Condition::kGe: return a >= b;
  case Condition::kBelow: return static_cast<uint64_t>(a) < static_cast<uint64_t>(b);
  case Condition::kAtLeast: return static_cast<uint64_t>(a) >= static_cast<uint64_t>(b);
  }
  return false;
}

} // namespace

FlatMachine::FlatMachine(const Function &function, const Allocation *allocation, uint32_t rubbish)
    : function_(function), allocation_(allocation), pool_(function.pool), labels_(function.labels) {
  std::mt19937 random(rubbish);
  const size_t size = std::max<size_t>(function.registers.size(), 32);
  for (size_t i = 0; i < size; ++i) {
    general_.push_back(random());
    vectors_.emplace_back();
    for (uint32_t &lane : vectors_.back()) lane = random();
    masks_.push_back(static_cast<uint16_t>(random()));
  }
  for (size_t i = 0; i < function.frame_slots * kSlotBytes; ++i) frame_.push_back(static_cast<uint8_t>(random()));
  pool_.resize((pool_.size() + kSlotBytes) / kSlotBytes * kSlotBytes);
  for (size_t i = 0; i < function.code.size(); ++i) {
    if (function.code[i].op == Op::kLabel) labels_[index_of(function.code[i].label)] = i;
  }
}

size_t FlatMachine::place(VReg reg) const {
  return allocation_ == nullptr ? index_of(reg) : allocation_->registers[reg];
}

uint8_t *FlatMachine::address(const Inst &inst) {
  const Address &at = inst.memory;
  if (at.kind == Address::Kind::kPool) return pool_.data() + at.displacement;
  if (at.kind == Address::Kind::kFrame) return frame_.data() + at.number * kSlotBytes + at.displacement;
  uint64_t offset = static_cast<uint64_t>(int64_t{at.displacement});
  if (is_valid(at.base)) offset += general(at.base);
  if (is_valid(at.index)) offset += general(at.index) * at.scale;
  return offset + kSlotBytes <= memory.size() ? memory.data() + offset : nullptr;
}

uint64_t FlatMachine::load(const Inst &inst, int bytes) {
  uint64_t value = 0;
  std::memcpy(&value, address(inst), static_cast<size_t>(bytes));
  return value;
}

/// The last of two sources, which may be memory or an immediate.
uint64_t FlatMachine::last_general(const Inst &inst) {
  if (inst.has_immediate) return static_cast<uint64_t>(inst.immediate);
  if (inst.memory.kind != Address::Kind::kNone) return load(inst, inst.bytes);
  return is_valid(inst.src[1]) ? general(inst.src[1]) : 0;
}

FlatMachine::Vector FlatMachine::last_vector(const Inst &inst, size_t source) {
  if (is_valid(inst.src[source])) return vector(inst.src[source]);
  Vector value{};
  if (inst.memory.kind == Address::Kind::kNone) return value;
  std::memcpy(value.data(), address(inst), inst.broadcast ? 4 : inst.bytes);
  if (inst.broadcast) value.fill(value[0]);
  return value;
}

uint64_t FlatMachine::arithmetic(const Inst &inst, uint64_t a, uint64_t b) const {
  const int64_t sa = low_signed(a, inst.bytes), sb = low_signed(b, inst.bytes);
  switch (inst.op) {
  case Op::kGAdd: return a + b;
  case Op::kGSub: return a - b;
  case Op::kGMul: return a * b;
  case Op::kGAnd: return a & b;
  case Op::kGOr: return a | b;
  case Op::kGXor: return a ^ b;
  case Op::kGShiftLeft: return a << inst.immediate;
  case Op::kGShiftRight: return low(a, inst.bytes) >> inst.immediate;
  case Op::kGShiftSigned: return static_cast<uint64_t>(sa >> inst.immediate);
  case Op::kGNeg: return 0 - a;
  case Op::kGMin: return static_cast<uint64_t>(std::min(sa, sb));
  case Op::kGMax: return static_cast<uint64_t>(std::max(sa, sb));
  case Op::kGSet: return holds(inst.condition, sa, sb);
  default: return a; // gmove
  }
}

bool FlatMachine::step_general(const Inst &inst) {
  switch (inst.op) {
  case Op::kArg: return general(inst.dst) = arguments_[static_cast<size_t>(inst.immediate)], true;
  case Op::kGConst: return general(inst.dst) = static_cast<uint64_t>(inst.immediate), true;
  case Op::kGLoad: return general(inst.dst) = load(inst, inst.bytes), true;
  case Op::kGLoadSigned:
    return general(inst.dst) = static_cast<uint64_t>(low_signed(load(inst, inst.bytes), inst.bytes)), true;
  case Op::kGAddress: return general(inst.dst) = static_cast<uint64_t>(address(inst) - memory.data()), true;
  case Op::kGSignExtend: return general(inst.dst) = static_cast<uint64_t>(low_signed(general(inst.src[0]), 4)), true;
  case Op::kGSelect: {
    const bool first = low(general(inst.src[0]), 4) != 0;
    return general(inst.dst) = low(general(inst.src[first ? 1 : 2]), inst.bytes), true;
  }
  case Op::kVToG: return general(inst.dst) = vector(inst.src[0])[0], true;
  case Op::kKToG: return general(inst.dst) = mask(inst.src[0]), true;
  default: break;
  }
  general(inst.dst) = low(arithmetic(inst, general(inst.src[0]), last_general(inst)), inst.bytes);
  return true;
}

uint32_t FlatMachine::lane_of(const Inst &inst, uint32_t a, uint32_t b, uint32_t c) const {
  const float fa = float_of(a), fb = float_of(b), fc = float_of(c);
  const auto sa = static_cast<int32_t>(a), sb = static_cast<int32_t>(b);
  switch (inst.op) {
  case Op::kFAdd: return bits_of(fa + fb);
  case Op::kFSub: return bits_of(fa - fb);
  case Op::kFMul: return bits_of(fa * fb);
  case Op::kFMin: return fa < fb ? a : b;
  case Op::kFMax: return fa > fb ? a : b;
  case Op::kFSqrt: return bits_of(std::sqrt(fa));
  case Op::kFMulAdd:
  case Op::kFMulAddK: return bits_of(std::fma(fa, fb, fc));
  case Op::kFMulAddMem: return bits_of(std::fma(fa, fc, fb));
  case Op::kFNegMulAdd: return bits_of(std::fma(-fa, fb, fc));
  case Op::kIAdd: return a + b;
  case Op::kISub: return a - b;
  case Op::kIMul: return a * b;
  case Op::kIMin: return static_cast<uint32_t>(std::min(sa, sb));
  case Op::kIMax: return static_cast<uint32_t>(std::max(sa, sb));
  case Op::kIAnd: return a & b;
  case Op::kIAndNot: return ~a & b;
  case Op::kIOr: return a | b;
  case Op::kIXor: return a ^ b;
  case Op::kICompareGt: return sa > sb ? ~0U : 0;
  case Op::kBlend: return (a >> 31) != 0 ? b : c;
  case Op::kVZero: return 0;
  case Op::kVOnes: return ~0U;
  default: return a; // vmove, vsplat
  }
}

/// Lanes beyond become rubbish.
void FlatMachine::write(const Inst &inst, const Vector &lanes) {
  Vector &to = vector(inst.dst);
  const bool has_mask = is_valid(inst.mask);
  const uint16_t kept = has_mask ? static_cast<uint16_t>(~mask(inst.mask)) : 0;
  for (size_t i = 0; i < to.size(); ++i) {
    const bool is_inside = i < static_cast<size_t>(this->lanes(inst));
    const uint32_t masked = inst.zeroing ? 0 : to[i];
    if (!is_inside) to[i] = 0xDEADBEEF + general_[0] % 7;
    if (is_inside) to[i] = (kept >> i & 1) != 0 ? masked : lanes[i];
  }
}

void FlatMachine::load_vector(const Inst &inst) {
  Vector value{};
  const size_t bytes = inst.op == Op::kVBroadcast ? 4 : inst.bytes;
  std::memcpy(value.data(), address(inst), bytes);
  if (inst.op == Op::kVBroadcast) value.fill(value[0]);
  write(inst, value);
}

void FlatMachine::store_vector(const Inst &inst) {
  uint8_t *to = address(inst);
  for (int i = 0; i < lanes(inst); ++i) {
    if (is_valid(inst.mask) && (mask(inst.mask) >> i & 1) == 0) continue;
    std::memcpy(to + 4 * i, &vector(inst.src[0])[static_cast<size_t>(i)], 4);
  }
}

bool FlatMachine::step_vector(const Inst &inst) {
  const OpInfo &info = info_of(inst.op);
  const auto operand = [&](size_t source) {
    const bool is_vector = info.src[source] == Operand::kV;
    return is_vector || (source == 2 && inst.op == Op::kFMulAddMem) ? last_vector(inst, source) : Vector{};
  };
  const Vector a = operand(0), b = operand(1), c = operand(2);
  const bool is_splat = inst.op == Op::kVSplat;
  Vector result{};
  for (size_t i = 0; i < result.size(); ++i) result[i] = lane_of(inst, is_splat ? a[0] : a[i], b[i], c[i]);
  if (inst.op == Op::kVSplatG) result.fill(static_cast<uint32_t>(general(inst.src[0])));
  if (inst.op == Op::kBlendK) {
    for (size_t i = 0; i < result.size(); ++i) result[i] = (mask(inst.src[0]) >> i & 1) != 0 ? b[i] : c[i];
  }
  write(inst, result);
  return true;
}

bool FlatMachine::step_masks(const Inst &inst) {
  const auto source = [&](size_t i) { return is_valid(inst.src[i]) ? place(inst.src[i]) : 0; };
  const unsigned a = masks_[source(0)], b = masks_[source(1)];
  unsigned result = 0;
  switch (inst.op) {
  case Op::kKMove: result = a; break;
  case Op::kKAnd: result = a & b; break;
  case Op::kKOr: result = a | b; break;
  case Op::kKXor: result = a ^ b; break;
  case Op::kKNot: result = ~a; break;
  case Op::kKFromG: result = static_cast<unsigned>(general(inst.src[0])); break;
  case Op::kKLoad: result = static_cast<unsigned>(load(inst, 2)); break;
  case Op::kICompareK: { // gt
    const Vector va = vector(inst.src[0]), vb = last_vector(inst, 1);
    for (int i = 0; i < lanes(inst); ++i) {
      const auto lane = static_cast<size_t>(i);
      result |= (static_cast<int32_t>(va[lane]) > static_cast<int32_t>(vb[lane]) ? 1U : 0U) << i;
    }
    break;
  }
  default: return false;
  }
  mask(inst.dst) = static_cast<uint16_t>(result);
  return true;
}

bool FlatMachine::step_moves(const Inst &inst) {
  switch (inst.op) {
  case Op::kVLoad:
  case Op::kVBroadcast: return load_vector(inst), true;
  case Op::kVStore: return store_vector(inst), true;
  case Op::kGStore: return std::memcpy(address(inst), &general(inst.src[0]), inst.bytes), true;
  case Op::kKStore: return std::memcpy(address(inst), &mask(inst.src[0]), 2), true;
  case Op::kJump: return at_ = labels_[index_of(inst.label)], true;
  case Op::kJumpIf: {
    const int64_t a = low_signed(general(inst.src[0]), inst.bytes), b = low_signed(last_general(inst), inst.bytes);
    if (holds(inst.condition, a, b)) at_ = labels_[index_of(inst.label)];
    return true;
  }
  default: return false;
  }
}

bool FlatMachine::step(const Inst &inst) {
  if (inst.op == Op::kLabel || inst.op == Op::kPrefetch || inst.op == Op::kStoreFence) return true;
  const Operand dst = info_of(inst.op).dst;
  if (inst.memory.kind != Address::Kind::kNone && address(inst) == nullptr) return false;
  if (dst == Operand::kG) return step_general(inst);
  if (dst == Operand::kK) return step_masks(inst);
  if (dst == Operand::kV && inst.op != Op::kVLoad && inst.op != Op::kVBroadcast) return step_vector(inst);
  return step_moves(inst);
}

bool FlatMachine::run(const std::array<uint64_t, 4> &arguments, size_t max_steps) {
  arguments_ = arguments;
  at_ = 0;
  for (size_t steps = 0; steps < max_steps; ++steps) {
    const Inst &inst = function_.code[at_++];
    if (inst.op == Op::kReturn) return true;
    if (!step(inst)) return false;
  }
  return false;
}

} // namespace sparkle::x86
