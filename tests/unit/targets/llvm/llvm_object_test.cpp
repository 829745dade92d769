#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "compiler/target/object.h"
#include "tests/unit/targets/llvm/llvm_kernels.h"

namespace sparkle::test {
namespace {

/// y[i] = x[i] + 1, a task for each i; `is_open`: in a program with an open dimension.
Program add_one(bool is_open = false) {
  KernelMaker m;
  Builder &b = m.b;
  const BufferId x = m.tensor("x", Scalar::kF32, 16, Role::kInput), y = m.tensor("y", Scalar::kF32, 16, Role::kOutput);
  const VarId i = b.loop_var("i"), value = b.value_var("value", kF32Type);
  const StmtId load = m.load(value, x, b.var(i));
  const StmtId store = b.store(y, {b.var(i)}, b.add(b.var(value), b.real(kF32Type, 1)));
  if (is_open) m.program.symbols.add({"n", 1});
  return m.finish(b.loop(i, 16, LoopKind::kGroup, b.block({load, store})));
}

bool holds(const std::vector<uint8_t> &bytes, const std::string &text) {
  return std::search(bytes.begin(), bytes.end(), text.begin(), text.end()) != bytes.end();
}

uint16_t elf_machine(const std::vector<uint8_t> &bytes) { return static_cast<uint16_t>(bytes[18] | bytes[19] << 8); }

TEST(LlvmObject, IsAnElfFileForTheMachine) {
  constexpr uint16_t kX86 = 62, kAarch64 = 183; // ELF header, e_machine
  for (const auto &[machine, number] : {std::pair{"x86-64-v3", kX86}, {"x86-64-v4", kX86}, {"aarch64", kAarch64}}) {
    const auto code = llvm_target().emit_object(add_one(), {}, {machine, "add_one"});
    ASSERT_TRUE(code) << code.error().text;
    EXPECT_EQ(std::string(code->bytes.begin(), code->bytes.begin() + 4), "\x7f"
                                                                         "ELF");
    EXPECT_EQ(elf_machine(code->bytes), number) << machine;
    EXPECT_TRUE(holds(code->bytes, c_prefix("add_one", machine) + "_run_tasks")) << machine;
    EXPECT_EQ(code->plan.launches.size(), 1u);
    EXPECT_EQ(constant_tasks(code->plan.launches[0]), 16);
  }
}

TEST(LlvmObject, SameProgramSameBytes) {
  const auto one = llvm_target().emit_object(add_one(), {}, {"x86-64-v3", "k"});
  const auto two = llvm_target().emit_object(add_one(), {}, {"x86-64-v3", "k"});
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->bytes, two->bytes);
}

TEST(LlvmObject, RefusesWhatItCannotMake) {
  const auto unknown = llvm_target().emit_object(add_one(), {}, {"pdp11", "k"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidInput);
  for (const char *name : {"pdp11", "x86-64-v3", "x86-64-v4", "aarch64"})
    EXPECT_NE(unknown.error().text.find(name), std::string::npos) << name;
  const auto open = llvm_target().emit_object(add_one(true), {}, {"x86-64-v3", "k"});
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(open.error().text.find("`n`"), std::string::npos);
}

TEST(LlvmDispatcher, ChoosesAmongMachinesThatNeedAChoice) {
  const auto code = llvm_target().emit_object(add_one(), {}, {"x86-64-v3", "k"});
  ASSERT_TRUE(code) << code.error().text;
  const auto dispatcher = llvm_target().emit_dispatcher(code->plan, {{"x86-64-v4", "x86-64-v3"}, "k"});
  ASSERT_TRUE(dispatcher) << dispatcher.error().text;
  for (const char *name : {"k_machine", "k_x86_64_v4_tasks", "k_x86_64_v3_tasks"})
    EXPECT_TRUE(holds(*dispatcher, name));
  EXPECT_FALSE(llvm_target().emit_dispatcher(code->plan, {{}, "k"}));
  EXPECT_FALSE(llvm_target().emit_dispatcher(code->plan, {{"aarch64"}, "k"}));
  EXPECT_FALSE(llvm_target().emit_dispatcher(code->plan, {{"x86-64-v5"}, "k"}));
}

} // namespace
} // namespace sparkle::test
