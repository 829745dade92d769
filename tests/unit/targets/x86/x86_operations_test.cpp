// Every operation of ops.def in every legal form is run and compared with the model of what it does.
#include <random>

#include "targets/x86/operands.h"
#include "targets/x86/text.h"
#include "tests/unit/targets/x86/machine_model.h"
#include "tests/unit/targets/x86/operation_cases.h"
#include "tests/unit/targets/x86/run_code.h"

namespace sparkle::x86 {
namespace {

constexpr size_t kTarget = 256; ///< Where in CaseState::data memory operands lie.
constexpr int kRounds = 2;      ///< First values that matter, then random bits.
constexpr int kMostFailures = 20;

class Inputs {
public:
  explicit Inputs(uint32_t seed) : random_(seed) {}

  void fill(const OperationCase &c, int round, CaseState &state) {
    for (auto &slot : state.in) words(slot, 64, round);
    words(state.data, sizeof state.data, round);
    for (auto &slot : state.frame) words(slot, 64, round);
    const Inst &inst = c.inst();
    if (inst.op == Op::kBlend) masks(state.in[kFirstSlot]);
    const bool shares_mask = inst.op == Op::kBlend && (c.number(kFirstSlot) == c.number(kSecondSlot) ||
                                                       c.number(kFirstSlot) == c.number(kThirdSlot));
    if (shares_mask) masks(state.in[kSecondSlot]), masks(state.in[kThirdSlot]);
    if (is_valid(inst.mask)) masks(state.in[kMaskSlot]);
    if (is_valid(inst.mask) && c.function.isa.has_masks()) words(state.in[kMaskSlot], 4, 1);
    if (inst.op == Op::kGDiv || inst.op == Op::kGMod) positive(state.in[kSecondSlot]);
    if (inst.op == Op::kGSelect && round == 0) std::memset(state.in[kFirstSlot], 0, 4); // but not the upper half
    if (is_valid(inst.memory.base)) address(c, state);
  }

private:
  void words(uint8_t *to, size_t bytes, int round) {
    constexpr uint32_t kSpecial[] = {0,          0x80000000, 0x3F800000, 0xBF800000, 0x40200000, 0xC0200000,
                                     0x3F000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0x00000001, 0x7F7FFFFF,
                                     0x4F000000, 0xCF000000, 1,          2,          255,        0xFFFFFFFF,
                                     0x7FFFFFFF, 0x477FE000, 0x38800000};
    for (size_t i = 0; i < bytes; i += 4) {
      uint32_t word = random_();
      if (round == 0) word = kSpecial[word % std::size(kSpecial)];
      std::memcpy(to + i, &word, 4);
    }
  }
  void masks(uint8_t *to) {
    for (size_t i = 0; i < 64; i += 4) std::memset(to + i, random_() % 2 ? 0xFF : 0, 4);
  }
  void positive(uint8_t *to) {
    const uint64_t value = random_() % 1000 + 1 + (random_() % 2 ? uint64_t{random_() % 1000} << 32 : 0);
    std::memcpy(to, &value, 8);
  }
  /// The base such that the address is the target's.
  void address(const OperationCase &c, CaseState &state) {
    const Inst &inst = c.inst();
    const bool is_indexed = inst.op == Op::kGather || inst.op == Op::kScatter;
    int64_t index = is_valid(inst.memory.index) && !is_indexed ? static_cast<int64_t>(random_() % 1000) - 500 : 0;
    if (is_indexed) {
      for (int i = 0; i < 16; ++i) {
        const int32_t lane = static_cast<int32_t>(random_() % 32) - 16;
        std::memcpy(state.in[kIndexSlot] + i * 4, &lane, 4);
      }
    } else {
      std::memcpy(state.in[kIndexSlot], &index, 8);
    }
    const uint64_t base = reinterpret_cast<uint64_t>(state.data + kTarget) -
                          static_cast<uint64_t>(index * inst.memory.scale + inst.memory.displacement);
    std::memcpy(state.in[kBaseSlot], &base, 8);
  }

  std::mt19937 random_;
};

/// The registers by class and number, as the loads before the operation leave them.
struct RegisterFile {
  std::array<std::array<Lanes, 32>, 3> registers;
  Lanes &at(const OperationCase &c, VReg reg) {
    return registers[static_cast<size_t>(c.function.registers[reg])][c.allocation.registers[reg]];
  }
};

uint8_t *memory_of(const OperationCase &c, CaseState &state, std::vector<uint8_t> &pool) {
  const Address &memory = c.inst().memory;
  if (memory.kind == Address::Kind::kFrame) return state.frame[memory.number];
  if (memory.kind == Address::Kind::kPool) return pool.data() + memory.displacement;
  return state.data + kTarget;
}

/// What `out`, `data` and `frame` should hold.
void expect(const OperationCase &c, const CaseState &before, CaseState &after) {
  RegisterFile file;
  const auto load = [&](size_t slot) {
    Lanes &to = file.at(c, c.registers[slot]);
    const RegClass reg_class = c.function.registers[c.registers[slot]];
    const size_t bytes = reg_class == RegClass::kVector ? 64 : reg_class == RegClass::kMask ? 2 : 8;
    to = {};
    std::memcpy(to.bytes.data(), before.in[slot], bytes);
  };
  for (size_t slot = 0; slot < CaseState::kSlots; ++slot) {
    if (is_valid(c.registers[slot])) load(slot);
  }
  const Inst &inst = c.inst();
  std::vector<uint8_t> pool = c.function.pool;
  ModelState s;
  for (size_t i = 0; i < 3; ++i) {
    if (!is_valid(inst.src[i])) continue;
    s.vectors[i] = file.at(c, inst.src[i]);
    s.generals[i] = s.vectors[i].get<uint64_t>(0);
    s.masks[i] = s.vectors[i].get<uint16_t>(0);
  }
  if (is_valid(inst.mask)) s.mask_lanes = file.at(c, inst.mask), s.mask = s.mask_lanes.get<uint16_t>(0);
  if (is_valid(inst.memory.index)) s.index = file.at(c, inst.memory.index);
  if (is_valid(inst.dst)) s.vector = file.at(c, inst.dst);
  s.memory = memory_of(c, after, pool);
  s.address = reinterpret_cast<uint64_t>(before.data + kTarget);
  model(inst, c.function.isa, s);
  const Operand result = info_of(inst.op).dst;
  if (result == Operand::kV) file.at(c, inst.dst) = s.vector;
  if (result == Operand::kG) file.at(c, inst.dst).put(0, s.general);
  if (result == Operand::kK) file.at(c, inst.dst).put(0, uint64_t{s.mask_result});
  for (size_t slot = 0; slot < CaseState::kSlots; ++slot) {
    if (is_valid(c.registers[slot])) std::memcpy(after.out[slot], file.at(c, c.registers[slot]).bytes.data(), 64);
  }
}

bool is_nan(uint16_t half) { return (half & 0x7C00) == 0x7C00 && (half & 0x3FF) != 0; }

/// `bytes`: 4, or the 2 of one f16.
bool is_same_lane(Op op, const uint8_t *a, const uint8_t *b, size_t bytes) {
  if (std::memcmp(a, b, bytes) == 0) return true;
  if (is_float_result(op)) {
    float x, y;
    std::memcpy(&x, a, sizeof x), std::memcpy(&y, b, sizeof y);
    return x != x && y != y;
  }
  for (size_t i = 0; op == Op::kFToH && i < bytes; i += 2) {
    uint16_t x, y;
    std::memcpy(&x, a + i, sizeof x), std::memcpy(&y, b + i, sizeof y);
    if (x != y && !(is_nan(x) && is_nan(y))) return false;
  }
  return op == Op::kFToH;
}

/// Bytes of the operand in a slot that are compared.
int compared_bytes(const OperationCase &c, size_t slot) {
  const Inst &inst = c.inst();
  const RegClass reg_class = c.function.registers[c.registers[slot]];
  if (reg_class == RegClass::kGeneral) return 8;
  const bool is_result = is_valid(inst.dst) && c.function.registers[inst.dst] == reg_class &&
                         c.allocation.registers[inst.dst] == c.number(slot);
  if (reg_class == RegClass::kMask) return 2;
  return is_result ? defined_bytes(inst) : c.function.isa.vector_bytes();
}

bool is_same(const OperationCase &c, size_t slot, const CaseState &is, const CaseState &should) {
  const int bytes = compared_bytes(c, slot);
  const uint8_t *a = is.out[slot], *b = should.out[slot];
  if (c.inst().op == Op::kICompareK && c.inst().bytes == 4 && slot == kResultSlot) return (a[0] & 1) == (b[0] & 1);
  const bool is_vector = c.function.registers[c.registers[slot]] == RegClass::kVector;
  const size_t step = is_vector ? 4 : static_cast<size_t>(bytes);
  for (size_t i = 0, end = static_cast<size_t>(bytes); i < end; i += step) {
    const size_t part = std::min(step, end - i);
    const bool is_equal = is_vector ? is_same_lane(c.inst().op, a + i, b + i, part) : std::memcmp(a, b, part) == 0;
    if (!is_equal) return false;
  }
  return true;
}

std::string numbers(const OperationCase &c) {
  std::string text;
  for (size_t slot = 0; slot < CaseState::kSlots; ++slot)
    text += is_valid(c.registers[slot]) ? " " + std::to_string(c.number(slot)) : " -";
  return text;
}

class Operations {
public:
  explicit Operations(Isa isa) : isa_(isa), inputs_(20251123) {}

  void run() {
    for_each_case(isa_, [&](const OperationCase &c) {
      if (failures_ < kMostFailures) run_case(c);
    });
    std::printf("%d functions\n", count_);
  }
  int count() const { return count_; }

private:
  void run_case(const OperationCase &c) {
    ++count_;
    // The model knows neither where the frame lies nor the pool.
    if (c.inst().op == Op::kGAddress && c.inst().memory.kind != Address::Kind::kRegisters) return;
    const Runnable code = make_runnable(c.function, c.allocation);
    if (!code.entry) return fail(c, "it was not made");
    for (int round = 0; round < kRounds; ++round) {
      CaseState is = {};
      inputs_.fill(c, round, is);
      CaseState should = is;
      expect(c, is, should);
      code.entry(reinterpret_cast<const SparkleArguments *>(&is), 0, 0, nullptr);
      for (size_t slot = 0; slot < CaseState::kSlots; ++slot) {
        if (is_valid(c.registers[slot]) && !is_same(c, slot, is, should)) return differ(c, slot, is, should);
      }
      if (std::memcmp(is.data, should.data, sizeof is.data) != 0) return fail(c, "memory differs");
      if (std::memcmp(is.frame, should.frame, sizeof is.frame) != 0) return fail(c, "the frame differs");
    }
  }
  void differ(const OperationCase &c, size_t slot, const CaseState &is, const CaseState &should) {
    std::string text = "operand " + std::to_string(slot) + " is, should be:";
    for (int i = 0; i < 16; ++i) {
      char words[32];
      uint32_t a, b;
      std::memcpy(&a, is.out[slot] + i * 4, 4), std::memcpy(&b, should.out[slot] + i * 4, 4);
      std::snprintf(words, sizeof words, " %x/%x", a, b);
      text += words;
    }
    fail(c, text);
  }
  void fail(const OperationCase &c, const std::string &text) {
    ++failures_;
    ADD_FAILURE() << to_text(c.inst(), c.function) << " in registers" << numbers(c) << ": " << text;
  }

  Isa isa_;
  Inputs inputs_;
  int count_ = 0, failures_ = 0;
};

TEST(X86Operations, Avx2DoWhatTheyShould) {
  if (!has_family(Family::kAvx2)) GTEST_SKIP();
  Operations operations({Family::kAvx2, false});
  operations.run();
  EXPECT_GT(operations.count(), 5000);
}

TEST(X86Operations, Avx512DoWhatTheyShould) {
  if (!has_family(Family::kAvx512)) GTEST_SKIP();
  Operations operations(*host_isa("avx512"));
  operations.run();
  EXPECT_GT(operations.count(), 15000);
}

} // namespace
} // namespace sparkle::x86
