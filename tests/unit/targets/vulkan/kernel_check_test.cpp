#include "targets/vulkan/kernel_check.h"

#include <gtest/gtest.h>

#include "compiler/ir/parser.h"

namespace sparkle::vulkan {
namespace {

TargetInfo machine() {
  TargetInfo info;
  info.max_workers = 64;
  info.near_bytes = 1024;
  info.max_groups = 100;
  info.max_buffer_bytes = 4096;
  return info;
}

std::string refusal(const std::string &declarations, const std::string &body, std::string stage = "lowerable",
                    const TargetInfo &info = machine()) {
  Diagnostics diagnostics;
  Source source("test", "kernel @k stage " + stage + " {\n" + declarations + body + "}\n");
  auto kernel = parse_kernel(source, diagnostics);
  EXPECT_TRUE(kernel) << render_text(diagnostics, source);
  if (!kernel) return "";
  Status status = check_kernel(*kernel, info);
  if (status) return "accepted";
  EXPECT_EQ(status.error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(status.error().text.starts_with("kernel `k` cannot run as a compute shader: ")) << status.error().text;
  return status.error().text;
}

#define EXPECT_REFUSED(words, ...) EXPECT_PRED2(contains, refusal(__VA_ARGS__), words)
bool contains(const std::string &text, const std::string &words) { return text.find(words) != std::string::npos; }

const std::string kOut = "buffer @out: f32[64] far output = tensor #0\n";
const std::string kStore = "store @out[0] = 1.0\n";

TEST(KernelCheck, AcceptsWhatFits) {
  EXPECT_EQ(refusal(kOut, "for.group %g in 0..100 {\n for.worker %t in 0..64 {\n" + kStore + "}\n }\n"), "accepted");
}

TEST(KernelCheck, RefusesOtherStages) { EXPECT_REFUSED("not at stage lowerable", kOut, kStore, "tiled"); }

TEST(KernelCheck, RefusesTooManyWorkers) {
  EXPECT_REFUSED("a group has 65 workers, the machine allows 64", kOut, "for.worker %t in 0..65 {\n" + kStore + "}\n");
}

TEST(KernelCheck, RefusesTooManyGroups) {
  EXPECT_REFUSED("it has 101 groups, the machine launches 100", kOut, "for.group %t in 0..101 {\n" + kStore + "}\n");
}

TEST(KernelCheck, RefusesMoreRoundsOfLoopsThanTheMachineMakes) {
  const std::string body = "for %i in 0..10 {\n for %j in 0..8 {\n" + kStore + "}\n }\n";
  TargetInfo info = machine();
  EXPECT_EQ(refusal(kOut, body, "lowerable", info), "accepted");
  info.max_loop_rounds = 102;
  EXPECT_EQ(refusal(kOut, body, "lowerable", info), "accepted");
  info.max_loop_rounds = 101;
  EXPECT_REFUSED("the loops of one worker make 102 rounds, the machine ends them after 101 in all", kOut, body,
                 "lowerable", info);
  EXPECT_REFUSED("the loops of one worker have no bound", "symbol %N = #0\n" + kOut,
                 "for %i in 0..%N {\n" + kStore + "}\n", "lowerable", info);
}

TEST(KernelCheck, RefusesTooMuchNearMemory) {
  EXPECT_REFUSED("uses 1040 bytes of near memory, the machine has 1024", kOut + "buffer @n: f32[257] near local\n",
                 "alloc @n\n" + kStore);
}

TEST(KernelCheck, RefusesLargeBuffers) {
  EXPECT_REFUSED("`big` has 4100 bytes, the machine binds 4096", "buffer @big: f32[1025] far output = tensor #0\n",
                 "store @big[0] = 1.0\n");
}

TEST(KernelCheck, RefusesElementsShorterThanTheMachineAccesses) {
  const std::string half = kOut + "buffer @h: f16[8] far input = tensor #1\n";
  const std::string byte = kOut + "buffer @h: u8[8] far input = tensor #1\n";
  TargetInfo info = machine();
  info.far_element_bytes = 2;
  EXPECT_EQ(refusal(half, kStore, "lowerable", info), "accepted");
  EXPECT_REFUSED("`h` has elements of type u8, the machine accesses far memory in 16 bits at least", byte, kStore,
                 "lowerable", info);
  info.far_element_bytes = 4;
  EXPECT_REFUSED("`h` has elements of type f16, the machine accesses far memory in 32 bits at least", half, kStore,
                 "lowerable", info);
}

TEST(KernelCheck, CountsShortElementsOfNearMemoryAsTheyAreHeld) {
  const std::string near = kOut + "buffer @n: u8[512] near local\n";
  TargetInfo info = machine();
  EXPECT_EQ(refusal(near, "alloc @n\n" + kStore, "lowerable", info), "accepted");
  info.near_element_bytes = 2;
  EXPECT_REFUSED("uses 2048 bytes of near memory", near, "alloc @n\n" + kStore, "lowerable", info);
}

TEST(KernelCheck, RefusesLongVectors) {
  EXPECT_REFUSED("f32x8 has more than 4 lanes", kOut, "%x: f32x8 = broadcast(1.0, 8)\n" + kStore);
}

TEST(KernelCheck, RefusesUnexpandedErf) {
  EXPECT_REFUSED("erf must be expanded", kOut, "store @out[0] = erf(2.0 + f32(1:i32))\n");
}

TEST(KernelCheck, RefusesFragments) {
  EXPECT_REFUSED("matrix units", kOut + "buffer @f: f32[16] register local fragment accumulator\n",
                 "fragment.fill @f = 0.0\n" + kStore);
}

} // namespace
} // namespace sparkle::vulkan
