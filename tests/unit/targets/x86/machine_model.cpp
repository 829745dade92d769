#include "tests/unit/targets/x86/machine_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "targets/x86/operands.h"

namespace sparkle::x86 {
namespace {

int lanes_of(const Inst &inst) { return std::max(inst.bytes / 4, 1); }

template <class T> T load(const uint8_t *from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// The last source comes from memory where that stands in its place.
void fetch_last(const Inst &inst, ModelState &s) {
  const OpInfo &info = info_of(inst.op);
  const bool is_general = info.src[0] == Operand::kG;
  if (inst.has_immediate && info.immediate == OpInfo::Immediate::kLast)
    s.generals[1] = static_cast<uint64_t>(inst.immediate);
  if (inst.memory.kind == Address::Kind::kNone || info.memory != OpInfo::Memory::kLast) return;
  const auto last = static_cast<size_t>(last_source(info));
  if (is_general) {
    s.generals[last] = inst.bytes == 4 ? load<uint32_t>(s.memory) : load<uint64_t>(s.memory);
    return;
  }
  Lanes &to = s.vectors[last];
  const int step = inst.broadcast ? 0 : 4;
  const int count = inst.op == Op::kInsertLane ? 1 : lanes_of(inst);
  for (int i = 0; i < count; ++i) to.put(i, load<uint32_t>(s.memory + i * step));
}

template <class T> bool holds(Condition condition, T a, T b, uint64_t ua, uint64_t ub) {
  switch (condition) {
  case Condition::kEq: return a == b;
  case Condition::kNe: return a != b;
  case Condition::kLt: return a < b;
  case Condition::kLe: return a <= b;
  case Condition::kGt: return a > b;
  case Condition::kGe: return a >= b;
  case Condition::kBelow: return ua < ub;
  case Condition::kAtLeast: return ua >= ub;
  }
  return false;
}

/// In T, int32_t or int64_t.
template <class T> bool general_arithmetic(const Inst &inst, ModelState &s) {
  using U = std::make_unsigned_t<T>;
  const auto a = static_cast<T>(s.generals[0]), b = static_cast<T>(s.generals[1]);
  const auto ua = static_cast<U>(a), ub = static_cast<U>(b);
  const auto floor_div = [](T x, T y) { return static_cast<T>(x / y - (x % y < 0 ? 1 : 0)); };
  const auto give = [&](auto value) {
    s.general = static_cast<U>(value);
    return true;
  };
  switch (inst.op) {
  case Op::kGMove: return give(ua);
  case Op::kGAdd: return give(ua + ub);
  case Op::kGSub: return give(ua - ub);
  case Op::kGMul: return give(ua * ub);
  case Op::kGAnd: return give(ua & ub);
  case Op::kGOr: return give(ua | ub);
  case Op::kGXor: return give(ua ^ ub);
  case Op::kGShiftLeft: return give(ua << inst.immediate);
  case Op::kGShiftRight: return give(ua >> inst.immediate);
  case Op::kGShiftSigned: return give(a >> inst.immediate);
  case Op::kGNeg: return give(U{0} - ua);
  case Op::kGMin: return give(std::min(a, b));
  case Op::kGMax: return give(std::max(a, b));
  case Op::kGDiv: return give(floor_div(a, b));
  case Op::kGMod: return give(ua - ub * static_cast<U>(floor_div(a, b)));
  case Op::kGSet: return give(holds(inst.condition, a, b, ua, ub) ? 1 : 0);
  case Op::kGSelect: return give(static_cast<uint32_t>(s.generals[0]) != 0 ? ub : static_cast<U>(s.generals[2]));
  default: return false;
  }
}

bool general(const Inst &inst, ModelState &s) {
  switch (inst.op) {
  case Op::kGConst: s.general = static_cast<uint64_t>(inst.immediate); return true;
  case Op::kGAddress: s.general = s.address; return true;
  case Op::kGSignExtend: s.general = static_cast<uint64_t>(int64_t{static_cast<int32_t>(s.generals[0])}); return true;
  case Op::kGLoad:
    s.general = 0;
    std::memcpy(&s.general, s.memory, inst.bytes);
    return true;
  case Op::kGLoadSigned:
    s.general = static_cast<uint64_t>(inst.bytes == 1   ? int64_t{load<int8_t>(s.memory)}
                                      : inst.bytes == 2 ? int64_t{load<int16_t>(s.memory)}
                                                        : int64_t{load<int32_t>(s.memory)});
    return true;
  case Op::kGStore: std::memcpy(s.memory, &s.generals[0], inst.bytes); return true;
  default: return inst.bytes == 4 ? general_arithmetic<int32_t>(inst, s) : general_arithmetic<int64_t>(inst, s);
  }
}

bool compare_numbers(int predicate, int32_t a, int32_t b) {
  const bool results[] = {a == b, a<b, a <= b, false, a != b, a >= b, a> b, true};
  return results[predicate];
}

uint64_t real_to_general(float value, int bytes) {
  if (bytes == 4) return static_cast<uint32_t>(real_to_number(value));
  return value >= -0x1p63f && value < 0x1p63f ? static_cast<uint64_t>(static_cast<int64_t>(value)) : uint64_t{1} << 63;
}

bool mask_operation(const Inst &inst, ModelState &s) {
  const auto give = [&](auto value) {
    s.mask_result = static_cast<uint16_t>(value);
    return true;
  };
  switch (inst.op) {
  case Op::kKFromG: return give(s.generals[0]);
  case Op::kKToG: s.general = s.masks[0]; return true;
  case Op::kKMove: return give(s.masks[0]);
  case Op::kKAnd: return give(s.masks[0] & s.masks[1]);
  case Op::kKOr: return give(s.masks[0] | s.masks[1]);
  case Op::kKXor: return give(s.masks[0] ^ s.masks[1]);
  case Op::kKNot: return give(~s.masks[0]);
  case Op::kKLoad: return give(load<uint16_t>(s.memory));
  case Op::kKStore: std::memcpy(s.memory, &s.masks[0], 2); return true;
  default: return false;
  }
}

bool across(const Inst &inst, ModelState &s) {
  switch (inst.op) {
  case Op::kFToG: s.general = real_to_general(s.vectors[0].real(0), inst.bytes); return true;
  case Op::kGToF:
    s.vector.put(0, inst.bytes == 4 ? static_cast<float>(static_cast<int32_t>(s.generals[0]))
                                    : static_cast<float>(static_cast<int64_t>(s.generals[0])));
    return true;
  case Op::kVFromG:
    s.vector = {};
    std::memcpy(s.vector.bytes.data(), &s.generals[0], inst.bytes);
    return true;
  case Op::kVToG:
    s.general = 0;
    std::memcpy(&s.general, s.vectors[0].bytes.data(), inst.bytes);
    return true;
  case Op::kLaneToG: s.general = s.vectors[0].word(static_cast<int>(inst.immediate)); return true;
  case Op::kSignsToG:
    s.general = 0;
    for (int i = 0; i < lanes_of(inst); ++i) s.general |= uint64_t{s.vectors[0].word(i) >> 31} << i;
    return true;
  case Op::kFCompareK:
  case Op::kICompareK:
    s.mask_result = 0;
    for (int i = 0; i < lanes_of(inst); ++i) {
      const int how = static_cast<int>(inst.immediate);
      const bool is_set = inst.op == Op::kFCompareK
                              ? compare_reals(how, s.vectors[0].real(i), s.vectors[1].real(i))
                              : compare_numbers(how, s.vectors[0].number(i), s.vectors[1].number(i));
      s.mask_result = static_cast<uint16_t>(s.mask_result | is_set << i);
    }
    return true;
  default: return false;
  }
}

/// `vload` and `vstore` of 4 and 8 bytes; loads leave zeros above, to 16.
bool narrow_move(const Inst &inst, ModelState &s) {
  if (inst.bytes >= 16) return false;
  if (inst.op == Op::kVStore)
    std::memcpy(s.memory, s.vectors[0].bytes.data(), inst.bytes);
  else if (inst.op != Op::kVLoad)
    return false;
  else
    s.vector = {}, std::memcpy(s.vector.bytes.data(), s.memory, inst.bytes);
  return true;
}

} // namespace

float half_to_float(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float sign = bits & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 31) return fraction ? std::numeric_limits<float>::quiet_NaN() : sign * HUGE_VALF;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

uint16_t float_to_half(float value) {
  const int sign = std::signbit(value) ? 0x8000 : 0;
  const double size = std::fabs(static_cast<double>(value));
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7E00);
  if (size >= 65520) return static_cast<uint16_t>(sign | 0x7C00);
  if (size < std::ldexp(1.0, -14))
    return static_cast<uint16_t>(sign | static_cast<int>(std::nearbyint(std::ldexp(size, 24))));
  const int exponent = std::ilogb(size);
  const int fraction = static_cast<int>(std::nearbyint(std::ldexp(size, 10 - exponent))); // 1024 to 2048
  return static_cast<uint16_t>(sign | (((exponent + 15) << 10) + fraction - 1024));
}

int defined_bytes(const Inst &inst) {
  switch (inst.op) {
  case Op::kFToH:
  case Op::kIToWords: return inst.bytes / 2;
  case Op::kIToBytes: return inst.bytes / 4;
  case Op::kVLoad: return std::max<int>(inst.bytes, 16);
  case Op::kVFromG: return 16;
  case Op::kGToF: return 4;
  default: return inst.bytes;
  }
}

bool is_float_result(Op op) {
  switch (op) {
  case Op::kFAdd:
  case Op::kFSub:
  case Op::kFMul:
  case Op::kFDiv:
  case Op::kFMin:
  case Op::kFMax:
  case Op::kFSqrt:
  case Op::kFRound:
  case Op::kFMulAdd:
  case Op::kFMulAddMem:
  case Op::kFMulAddK:
  case Op::kFNegMulAdd:
  case Op::kHToF:
  case Op::kVLoadH: return true;
  default: return false;
  }
}

void model(const Inst &inst, const Isa &isa, ModelState &s) {
  if (inst.op == Op::kStoreFence || inst.op == Op::kPrefetch) return;
  fetch_last(inst, s);
  if (general(inst, s) || mask_operation(inst, s) || narrow_move(inst, s) || model_packed(inst, s) || across(inst, s))
    return;
  for (int i = 0; i < lanes_of(inst); ++i) SPARKLE_CHECK(model_lane(inst, isa, s, i), "the model lacks an operation");
}

} // namespace sparkle::x86
