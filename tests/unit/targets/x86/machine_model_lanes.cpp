// Lanes of vectors: arithmetic, moves, memory.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/unit/targets/x86/machine_model.h"

namespace sparkle::x86 {
namespace {

int lanes_of(const Inst &inst) { return std::max(inst.bytes / 4, 1); }

template <class T> T load(const uint8_t *from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

bool is_selected(const Inst &inst, const Isa &isa, const ModelState &s, int lane) {
  if (!is_valid(inst.mask)) return true;
  return isa.has_masks() ? (s.mask >> lane & 1) != 0 : (s.mask_lanes.word(lane) >> 31) != 0;
}

float round_real(float value, int64_t mode) {
  switch (mode) {
  case 1: return std::floor(value);
  case 2: return std::ceil(value);
  case 3: return std::trunc(value);
  default: return std::nearbyint(value);
  }
}

bool float_lane(const Inst &inst, ModelState &s, int i) {
  const float a = s.vectors[0].real(i), b = s.vectors[1].real(i), c = s.vectors[2].real(i);
  const auto give = [&](float value) {
    s.vector.put(i, value);
    return true;
  };
  switch (inst.op) {
  case Op::kFAdd: return give(a + b);
  case Op::kFSub: return give(a - b);
  case Op::kFMul: return give(a * b);
  case Op::kFDiv: return give(a / b);
  case Op::kFMin: return give(a < b ? a : b);
  case Op::kFMax: return give(a > b ? a : b);
  case Op::kFSqrt: return give(std::sqrt(a));
  case Op::kFRound: return give(round_real(a, inst.immediate));
  case Op::kFMulAdd: return give(std::fma(a, b, c));
  case Op::kFNegMulAdd: return give(std::fma(-a, b, c));
  case Op::kFMulAddMem: return give(std::fma(a, load<float>(s.memory + (inst.broadcast ? 0 : i * 4)), b));
  case Op::kIToF: return give(static_cast<float>(s.vectors[0].number(i)));
  case Op::kHToF: return give(half_to_float(s.vectors[0].get<uint16_t>(i)));
  default: return false;
  }
}

uint32_t dot(uint32_t a, uint32_t b, uint32_t sum) {
  for (int i = 0; i < 32; i += 8)
    sum += static_cast<uint32_t>(static_cast<int>(a >> i & 255) * static_cast<int8_t>(b >> i & 255));
  return sum;
}

uint32_t multiply_halves(uint32_t a, uint32_t b) {
  const auto product = [&](int at) { return static_cast<int16_t>(a >> at) * static_cast<int16_t>(b >> at); };
  return static_cast<uint32_t>(product(0)) + static_cast<uint32_t>(product(16));
}

bool whole_lane(const Inst &inst, ModelState &s, int i) {
  const uint32_t a = s.vectors[0].word(i), b = s.vectors[1].word(i), c = s.vectors[2].word(i);
  const auto sa = static_cast<int32_t>(a), sb = static_cast<int32_t>(b);
  const auto give = [&](auto value) {
    s.vector.put(i, static_cast<uint32_t>(value));
    return true;
  };
  const auto give_mask = [&](bool value) { return give(value ? ~0u : 0u); };
  switch (inst.op) {
  case Op::kIAdd: return give(a + b);
  case Op::kISub: return give(a - b);
  case Op::kIMul: return give(a * b);
  case Op::kIMulHalves: return give(multiply_halves(a, b));
  case Op::kIMin: return give(std::min(sa, sb));
  case Op::kIMax: return give(std::max(sa, sb));
  case Op::kUMin: return give(std::min(a, b));
  case Op::kUMax: return give(std::max(a, b));
  case Op::kIAbs: return give(sa < 0 ? 0u - a : a);
  case Op::kIAnd: return give(a & b);
  case Op::kIAndNot: return give(~a & b);
  case Op::kIOr: return give(a | b);
  case Op::kIXor: return give(a ^ b);
  case Op::kIShiftLeft: return give(a << inst.immediate);
  case Op::kIShiftRight: return give(a >> inst.immediate);
  case Op::kIShiftSigned: return give(sa >> inst.immediate);
  case Op::kFToI: return give(real_to_number(s.vectors[0].real(i)));
  case Op::kDotBytes: return give(dot(a, b, c));
  case Op::kICompareEq: return give_mask(a == b);
  case Op::kICompareGt: return give_mask(sa > sb);
  case Op::kFCompare:
    return give_mask(compare_reals(static_cast<int>(inst.immediate), s.vectors[0].real(i), s.vectors[1].real(i)));
  case Op::kU8ToI: return give(s.vectors[0].get<uint8_t>(i));
  case Op::kS8ToI: return give(int32_t{s.vectors[0].get<int8_t>(i)});
  case Op::kU16ToI: return give(s.vectors[0].get<uint16_t>(i));
  default: return false;
  }
}

/// Within each 16 bytes.
uint32_t quad_lane(const Inst &inst, const ModelState &s, int i) {
  const int base = i & ~3, n = i & 3;
  const auto chosen = static_cast<int>(inst.immediate >> (2 * n) & 3);
  switch (inst.op) {
  case Op::kPermuteQuads: return s.vectors[0].word(base + chosen);
  case Op::kShuffle: return s.vectors[n < 2 ? 0 : 1].word(base + chosen);
  case Op::kUnpackLow: return s.vectors[static_cast<size_t>(n & 1)].word(base + n / 2);
  default: return s.vectors[static_cast<size_t>(n & 1)].word(base + 2 + n / 2);
  }
}

uint32_t insert_lane(const Inst &inst, const ModelState &s, int i) {
  const int from = inst.memory.kind == Address::Kind::kNone ? static_cast<int>(inst.immediate >> 6 & 3) : 0;
  if (inst.immediate >> i & 1) return 0;
  return (inst.immediate >> 4 & 3) == i ? s.vectors[1].word(from) : s.vectors[0].word(i);
}

bool moved_lane(const Inst &inst, const Isa &isa, ModelState &s, int i) {
  const int lanes = lanes_of(inst);
  const Lanes &a = s.vectors[0], &b = s.vectors[1], &c = s.vectors[2];
  const auto give = [&](uint32_t value) {
    s.vector.put(i, value);
    return true;
  };
  const auto part = static_cast<int>(inst.immediate);
  switch (inst.op) {
  case Op::kVZero: return give(0);
  case Op::kVOnes: return give(~0u);
  case Op::kVBroadcast: return give(load<uint32_t>(s.memory));
  case Op::kVSplat: return give(a.word(0));
  case Op::kVSplatG: return give(static_cast<uint32_t>(s.generals[0]));
  case Op::kBlend: return give(a.word(i) ? b.word(i) : c.word(i));
  case Op::kBlendK: return give(s.masks[0] >> i & 1 ? b.word(i) : c.word(i));
  case Op::kBlendFixed: return give(inst.immediate >> i & 1 ? b.word(i) : a.word(i));
  case Op::kPermute: return give(b.word(static_cast<int>(a.word(i)) & (lanes - 1)));
  case Op::kPermute2: {
    const int table = std::max(lanes, 4), from = static_cast<int>(a.word(i)) & (2 * table - 1);
    return give(from < table ? b.word(from) : c.word(from - table));
  }
  case Op::kPermuteQuads:
  case Op::kShuffle:
  case Op::kUnpackLow:
  case Op::kUnpackHigh: return give(quad_lane(inst, s, i));
  case Op::kExtract: return give(a.word(part * lanes + i));
  case Op::kInsert: return give(i / 4 == part ? b.word(i % 4) : a.word(i));
  case Op::kInsertHalf: return give(i / 8 == part ? b.word(i % 8) : a.word(i));
  case Op::kLaneFromG: return give(i == part ? static_cast<uint32_t>(s.generals[1]) : a.word(i));
  case Op::kInsertLane: return give(insert_lane(inst, s, i));
  case Op::kGather:
    return give(is_selected(inst, isa, s, i) ? load<uint32_t>(s.memory + int64_t{s.index.number(i)} * inst.memory.scale)
                                             : a.word(i));
  default: return false;
  }
}

/// Lane i under a mask, from memory or not; false: another operation.
bool loaded_lane(const Inst &inst, const Isa &isa, ModelState &s, int i) {
  uint32_t value = 0;
  const bool is_read = is_selected(inst, isa, s, i);
  const uint8_t *m = s.memory;
  switch (inst.op) {
  case Op::kVMove: value = s.vectors[0].word(i); break;
  case Op::kFMulAddK:
    value = std::bit_cast<uint32_t>(std::fma(s.vectors[0].real(i), s.vectors[1].real(i), s.vectors[2].real(i)));
    break;
  case Op::kVLoad: value = is_read ? load<uint32_t>(m + i * 4) : 0; break;
  case Op::kVLoadH: value = std::bit_cast<uint32_t>(half_to_float(load<uint16_t>(m + i * 2))); break;
  case Op::kVLoadU8: value = load<uint8_t>(m + i); break;
  case Op::kVLoadS8: value = static_cast<uint32_t>(int32_t{load<int8_t>(m + i)}); break;
  case Op::kVLoadU16: value = load<uint16_t>(m + i * 2); break;
  default: return false;
  }
  if (is_read)
    s.vector.put(i, value);
  else if (inst.zeroing)
    s.vector.put(i, 0u);
  return true;
}

bool stored_lane(const Inst &inst, const Isa &isa, ModelState &s, int i) {
  const uint32_t value = s.vectors[0].word(i);
  const bool is_written = is_selected(inst, isa, s, i);
  const auto put = [&](int64_t at, size_t bytes) {
    if (is_written) std::memcpy(s.memory + at, &value, bytes);
    return true;
  };
  switch (inst.op) {
  case Op::kVStore:
  case Op::kVStream: return put(i * 4, 4);
  case Op::kVStoreBytes: return put(i, 1);
  case Op::kVStoreWords: return put(i * 2, 2);
  case Op::kScatter: return put(int64_t{s.index.number(i)} * inst.memory.scale, 4);
  default: return false;
  }
}

} // namespace

bool compare_reals(int predicate, float a, float b) {
  enum : unsigned { kLess = 1, kEqual = 2, kGreater = 4, kUnordered = 8 };
  const unsigned relation = std::isunordered(a, b) ? kUnordered : a < b ? kLess : a == b ? kEqual : kGreater;
  // The second 16 differ in what they signal.
  constexpr unsigned kTrueFor[] = {2, 1, 3, 8, 13, 14, 12, 7, 10, 9, 11, 0, 5, 6, 4, 15};
  return (kTrueFor[predicate & 15] & relation) != 0;
}

int32_t real_to_number(float value) {
  return value >= -2147483648.0f && value < 2147483648.0f ? static_cast<int32_t>(value)
                                                          : std::numeric_limits<int32_t>::min();
}

bool model_packed(const Inst &inst, ModelState &s) {
  const auto saturate = [](int value, int most) { return std::clamp(value, 0, most); };
  const Lanes a = s.vectors[0], b = s.vectors[1];
  const int lanes = lanes_of(inst);
  switch (inst.op) {
  case Op::kFToH:
    for (int i = 0; i < lanes; ++i) s.vector.put(i, float_to_half(a.real(i)));
    return true;
  case Op::kIToBytes:
    for (int i = 0; i < lanes; ++i) s.vector.put(i, static_cast<uint8_t>(a.word(i)));
    return true;
  case Op::kIToWords:
    for (int i = 0; i < lanes; ++i) s.vector.put(i, static_cast<uint16_t>(a.word(i)));
    return true;
  case Op::kPackU32:
    for (int i = 0; i < lanes * 2; ++i) {
      const int from = i / 8 * 4 + i % 4;
      s.vector.put(i, static_cast<uint16_t>(saturate((i % 8 < 4 ? a : b).number(from), 65535)));
    }
    return true;
  case Op::kPackU16:
    for (int i = 0; i < lanes * 4; ++i) {
      const int from = i / 16 * 8 + i % 8;
      s.vector.put(i, static_cast<uint8_t>(saturate((i % 16 < 8 ? a : b).get<int16_t>(from), 255)));
    }
    return true;
  case Op::kIMulEven:
    for (int i = 0; i < lanes; i += 2) s.vector.put(i / 2, uint64_t{a.word(i)} * b.word(i));
    return true;
  case Op::kShuffleBytes:
    for (int i = 0; i < lanes * 4; ++i) {
      const uint8_t which = b.get<uint8_t>(i);
      s.vector.put(i, which & 0x80 ? uint8_t{0} : a.get<uint8_t>((i & ~15) + (which & 15)));
    }
    return true;
  default: return false;
  }
}

bool model_lane(const Inst &inst, const Isa &isa, ModelState &s, int i) {
  return float_lane(inst, s, i) || whole_lane(inst, s, i) || moved_lane(inst, isa, s, i) ||
         loaded_lane(inst, isa, s, i) || stored_lane(inst, isa, s, i);
}

} // namespace sparkle::x86
