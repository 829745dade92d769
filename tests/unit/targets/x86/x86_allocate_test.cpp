#include "targets/x86/allocate.h"

#include "targets/x86/liveness.h"
#include "targets/x86/operands.h"
#include "tests/unit/targets/x86/flat_code.h"
#include "tests/unit/targets/x86/random_runs.h"

namespace sparkle::x86 {
namespace {

/// Who holds each register of the machine; of one class.
class Holders {
public:
  Holders(const Function &function, const Allocation &allocation) : function_(function), allocation_(allocation) {}

  void add(VReg reg) {
    VReg &holder = holder_of(reg);
    if (holder != reg) conflicts += is_valid(holder);
    holder = reg;
  }
  void remove(VReg reg) { holder_of(reg) = kNoId<VReg>; }
  int conflicts = 0;

private:
  VReg &holder_of(VReg reg) {
    return holders_.at(32 * static_cast<size_t>(function_.registers[reg]) + allocation_.registers[reg]);
  }
  const Function &function_;
  const Allocation &allocation_;
  std::vector<VReg> holders_ = std::vector<VReg>(96, kNoId<VReg>);
};

/// Registers that live at one time and share a register of the machine.
int conflicts(const Function &function, const Allocation &allocation) {
  const Liveness liveness(function);
  int count = 0;
  for (size_t b = 0; b < liveness.graph().blocks.size(); ++b) {
    const FlowGraph::Block &block = liveness.graph().blocks[b];
    Holders holders(function, allocation);
    liveness.for_each_live_out(b, [&](VReg reg) { holders.add(reg); });
    for (uint32_t i = block.end; i-- > block.first;) {
      const Inst &inst = function.code[i];
      if (is_valid(inst.dst)) {
        holders.add(inst.dst);
        holders.remove(inst.dst);
      }
      for_each_read(inst, [&](VReg reg) { holders.add(reg); });
    }
    count += holders.conflicts;
  }
  return count;
}

/// Numbers that the allocator must not hand out.
bool uses_reserved(const Function &function, const Allocation &allocation) {
  bool divides = false;
  for (const Inst &inst : function.code) divides |= inst.op == Op::kGDiv || inst.op == Op::kGMod;
  const auto is_wrong = [&](VReg reg) {
    const uint8_t machine = allocation.registers[reg];
    switch (function.registers[reg]) {
    case RegClass::kGeneral: return machine > 15 || machine == 0 || machine == 4 || (divides && machine == 2);
    case RegClass::kVector: return machine >= function.isa.vector_registers();
    case RegClass::kMask: return machine < 2 || machine > 7;
    }
    return true;
  };
  bool found = false;
  for (const Inst &inst : function.code) {
    for_each_read(inst, [&](VReg reg) { found |= is_wrong(reg); });
    if (is_valid(inst.dst)) found |= is_wrong(inst.dst);
  }
  return found;
}

Allocation allocated(Function &function) {
  expect_valid(function);
  Result<Allocation> allocation = allocate(function);
  EXPECT_TRUE(allocation) << (allocation ? "" : allocation.error().text);
  expect_valid(function);
  EXPECT_EQ(conflicts(function, *allocation), 0);
  EXPECT_FALSE(uses_reserved(function, *allocation));
  return std::move(*allocation);
}

using X86AllocateRandom = X86Random;

TEST_P(X86AllocateRandom, KeepsWhatTheCodeDoes) {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    const Function before = random_code(random_of(GetParam(), seed));
    Function after = before;
    const Allocation allocation = allocated(after);
    ASSERT_EQ(memory_after(before, nullptr, 1), memory_after(after, &allocation, 2)) << to_text(before);
  }
}

INSTANTIATE_TEST_SUITE_P(All, X86AllocateRandom, testing::ValuesIn(kPressures), name_of_pressure);

/// A convolution's inner loop: rows x columns of sums, a vector of weights a column, a broadcast a row.
std::string tile(const std::string &isa, int rows, int columns) {
  const std::string bytes = isa == "avx2" ? ".32" : ".64";
  std::string text = "function @tile " + isa + "\n g0 = arg 0\n g1 = arg 1\n g2 = arg 2\n";
  const auto sum = [&](int i) { return "v" + std::to_string(100 + i); };
  for (int i = 0; i < rows * columns; ++i) text += " " + sum(i) + " = vzero" + bytes + "\n";
  text += "L0:\n";
  for (int unrolled = 0; unrolled < 2; ++unrolled) {
    for (int c = 0; c < columns; ++c) {
      text += " v" + std::to_string(10 + c) + " = vload" + bytes + " [g0 + " + std::to_string(64 * c) + "]\n";
    }
    for (int r = 0; r < rows; ++r) {
      text += " v20 = vbroadcast" + bytes + " [g1 + " + std::to_string(4 * r) + "]\n";
      for (int c = 0; c < columns; ++c) {
        const std::string at = sum(r * columns + c);
        text += " " + at + " = vfma" + bytes + " v20, v" + std::to_string(10 + c) + ", " + at + "\n";
      }
    }
  }
  text += " g0 = gadd.8 g0, 128\n g1 = gadd.8 g1, 8\n jump_if.lt.8 g1, g2, L0\n";
  for (int i = 0; i < rows * columns; ++i) text += " vstore" + bytes + " " + sum(i) + ", [g0 + 8]\n";
  return text + " ret\n";
}

TEST(X86Allocate, FullTilesNeedNoFrame) {
  for (const auto &[isa, rows, columns] :
       {std::tuple("avx512", 14, 2), std::tuple("avx2", 6, 2), std::tuple("avx512", 28, 1), std::tuple("avx2", 4, 3)}) {
    Function function = flat_code(tile(isa, rows, columns));
    const size_t size = function.code.size();
    EXPECT_EQ(allocated(function).spills_in_hot_loops, 0);
    EXPECT_EQ(function.frame_slots, 0u);
    EXPECT_EQ(function.code.size(), size);
  }
}

TEST(X86Allocate, CountsWhatDoesNotFitInInnermostLoops) {
  Function function = flat_code(tile("avx2", 7, 2));
  const Allocation allocation = allocated(function);
  EXPECT_GT(allocation.spills_in_hot_loops, 0);
  EXPECT_GT(function.frame_slots, 0u);
}

/// So many vectors, loaded, then all stored.
Function many_vectors(int count) {
  std::string text = "function @f avx512\n g0 = arg 0\n";
  for (int i = 0; i < count; ++i) text += " v" + std::to_string(1 + i) + " = vload.64 [g0 + 64]\n";
  for (int i = 0; i < count; ++i) text += " vstore.64 v" + std::to_string(1 + i) + ", [g0]\n";
  return flat_code(text + " ret\n");
}

TEST(X86Allocate, FrameHasALimit) {
  Function fitting = many_vectors(512);
  EXPECT_TRUE(allocate(fitting));
  EXPECT_GE(fitting.frame_slots, 480u);
  Function large = many_vectors(600);
  const Result<Allocation> allocation = allocate(large);
  ASSERT_FALSE(allocation);
  EXPECT_EQ(allocation.error().code, ErrorCode::kUnsupported);
}

TEST(X86Allocate, SlotsAreSharedByWhatDoesNotLiveTogether) {
  std::string text = "function @f avx2\n g0 = arg 0\n";
  for (int part = 0; part < 4; ++part) {
    for (int i = 0; i < 20; ++i) text += " v" + std::to_string(1 + 20 * part + i) + " = vload.32 [g0]\n";
    for (int i = 0; i < 20; ++i) text += " vstore.32 v" + std::to_string(1 + 20 * part + i) + ", [g0]\n";
  }
  Function function = flat_code(text + " ret\n");
  allocated(function);
  EXPECT_GE(function.frame_slots, 4u);
  EXPECT_LE(function.frame_slots, 5u);
}

TEST(X86Allocate, GeneralRegistersShareSlots) {
  std::string text = "function @f avx2\n g0 = arg 0\n";
  for (int i = 0; i < 30; ++i) text += " g" + std::to_string(1 + i) + " = gload.8 [g0]\n";
  for (int i = 0; i < 30; ++i) text += " gstore.8 g" + std::to_string(1 + i) + ", [g0]\n";
  Function function = flat_code(text + " ret\n");
  allocated(function);
  EXPECT_GE(function.frame_slots, 2u);
  EXPECT_LE(function.frame_slots, 3u);
}

TEST(X86Allocate, KeepsTheSlotsThatAFunctionHas) {
  Function function = many_vectors(40);
  function.frame_slots = 7;
  allocated(function);
  for (const Inst &inst : function.code) {
    EXPECT_TRUE(inst.memory.kind != Address::Kind::kFrame || inst.memory.number >= 7u);
  }
  EXPECT_GT(function.frame_slots, 7u);
}

} // namespace
} // namespace sparkle::x86
