// vectorize, unroll, prefetch and stream keep results: kernels run on the interpreter before and after.
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "compiler/ir/parser.h"
#include "compiler/ir/printer.h"
#include "compiler/ir/verifier.h"
#include "compiler/passes/prefetch.h"
#include "compiler/passes/stream.h"
#include "compiler/passes/unroll.h"
#include "compiler/passes/vectorize.h"
#include "targets/reference/interpreter.h"

namespace sparkle {
namespace {

TargetInfo machine() {
  TargetInfo info;
  info.lanes = info.access_lanes = 8;
  info.fetch_ahead = 1;
  info.code_bytes = 1024;
  info.memories = {{.name = "L1", .bytes = 32768}};
  return info;
}

Kernel parse(const std::string &text) {
  Diagnostics diagnostics;
  const Source source("test", text);
  auto kernel = parse_kernel(source, diagnostics);
  EXPECT_TRUE(kernel) << render_text(diagnostics, source);
  const Status valid = verify(*kernel);
  EXPECT_TRUE(valid) << (valid ? "" : valid.error().text);
  return std::move(*kernel);
}

/// What the kernel leaves in its output, buffers matched by name; inputs hold small whole numbers.
std::vector<float> results(const Kernel &kernel) {
  reference::KernelArguments arguments;
  std::vector<std::vector<float>> memory(kernel.buffer_count());
  size_t output = 0;
  for (size_t i = 0; i < kernel.buffer_count(); ++i) {
    const auto id = static_cast<BufferId>(i);
    const Buffer &buffer = kernel.buffer(id);
    if (buffer.level != MemoryLevel::kFar) continue;
    int64_t elements = 1;
    for (size_t d = 0; d < buffer.extents.size(); ++d) elements *= *kernel.extent(id, static_cast<int>(d));
    std::mt19937 rng(static_cast<unsigned>(std::hash<std::string>()(buffer.name)));
    for (int64_t e = 0; e < elements; ++e)
      memory[i].push_back(buffer.role == Role::kOutput ? -99.0f : static_cast<float>(static_cast<int>(rng() % 17) - 8));
    if (buffer.role == Role::kOutput) output = i;
    arguments.buffers[id] = {memory[i].data(), elements * 4};
  }
  const Status status = reference::interpret(kernel, arguments);
  EXPECT_TRUE(status) << status.error().text;
  return memory[output];
}

void expect_same(const Kernel &before, const Result<Kernel> &after) {
  ASSERT_TRUE(after) << after.error().text;
  const Status valid = verify(*after);
  ASSERT_TRUE(valid) << valid.error().text;
  EXPECT_EQ(results(before), results(*after)) << print(*after);
}

/// A matrix product with tails in both directions, lanes of `lanes`, and taps that are skipped.
std::string product(int columns, int lanes, const std::string &condition) {
  const std::string tiles = std::to_string((columns + lanes - 1) / lanes), l = std::to_string(lanes),
                    n = std::to_string(columns);
  const std::string guard = "%o * " + l + " + %l < " + n;
  return "kernel @k stage tiled {\n buffer @src: f32[5, 40] far input\n buffer @wei: f32[40, " + n + "] far const\n" +
         " buffer @dst: f32[5, " + n + "] far output align 64\n buffer @acc: f32[5, " + l +
         "] register local align 64\n" + " for.group %o in 0.." + tiles + " {\n alloc @acc\n" +
         " for.unrolled %p in 0..5 { for.lane %z in 0.." + l + " { store @acc[%p, %z] = 0.0 } }\n" +
         " for %c.0 in 0..10 { for.unrolled %c.1 in 0..4 { for.unrolled %q in 0..5 { for.lane %l in 0.." + l + " {\n" +
         " if " + guard + " and " + condition + " {\n %s: f32 = load @src[%q, %c.0 * 4 + %c.1]\n" +
         " %w: f32 = load @wei[%c.0 * 4 + %c.1, %o * " + l + " + %l]\n %a: f32 = load @acc[%q, %l]\n" +
         " store @acc[%q, %l] = fma(%s, %w, %a)\n } } } } }\n" + " for.unrolled %e in 0..5 { for.lane %m in 0.." + l +
         " { if %o * " + l + " + %m < " + n + " {\n" + " %r: f32 = load @acc[%e, %m]\n store @dst[%e, %o * " + l +
         " + %m] = max(%r, 0.0)\n } } }\n } }\n";
}

class Products : public testing::TestWithParam<std::tuple<int, int, const char *>> {};

TEST_P(Products, KeepTheirResultsThroughAllFourPasses) {
  const auto [columns, lanes, condition] = GetParam();
  const Kernel tiled = parse(product(columns, lanes, condition));
  const auto vectorized = vectorize(tiled, {}, machine());
  expect_same(tiled, vectorized);
  ASSERT_EQ(vectorized->stage, Stage::kVectorized);
  const auto hinted = prefetch(*vectorized, {{{"wei", {"c", 0}, 2, 1}, {"src", {"c", 0}, 1, 2}}}, machine());
  expect_same(tiled, hinted);
  EXPECT_NE(print(*hinted).find("prefetch.l1 @wei"), std::string::npos);
  EXPECT_NE(print(*hinted).find("prefetch.l2 @src"), std::string::npos);
  const auto rolled = unroll(*hinted, {}, machine());
  expect_same(tiled, rolled);
  expect_same(tiled, stream(*rolled, {StoreKind::kStreaming}, machine()));
}

INSTANTIATE_TEST_SUITE_P(Shapes, Products,
                         testing::Combine(testing::Values(16, 21, 3, 32), testing::Values(8, 16, 1),
                                          testing::Values("1 <= %q + %c.0", "3 <= %c.1 + %l", "%l < %c.0 + 2")));

TEST(Vectorize, GivesLanesTheirOwnCellsAndCombinesSums) {
  const Kernel tiled = parse(R"(kernel @k stage tiled {
    buffer @src: f32[16, 8] far input
    buffer @dst: f32[17] far output
    buffer @sum: f32[1] register local
    buffer @cell: f32[1] register local
    alloc @sum
    store @sum[0] = 100.0
    for.lane %l in 0..16 {
      if %l < 13 {
        alloc @cell
        store @cell[0] = 0.0
        for %k in 0..8 {
          %x: f32 = load @src[%l, %k]
          %c: f32 = load @cell[0]
          store @cell[0] = %c + %x
        }
        %v: f32 = load @cell[0]
        store @dst[%l] = %v
        %s: f32 = load @sum[0]
        store @sum[0] = fma(%v, %v, %s)
      }
    }
    %t: f32 = load @sum[0]
    store @dst[16] = %t
  })");
  expect_same(tiled, vectorize(tiled, {}, machine()));
  Kernel strict = tiled;
  strict.strict = true;
  EXPECT_FALSE(vectorize(strict, {}, machine()));
}

TEST(Unroll, CountsExpandedCodeInRegistersOfTheMachine) {
  const Kernel k = parse(R"(kernel @k stage vectorized {
    buffer @dst: f32[64] far output
    for.unrolled %i in 0..4 { store @dst[ramp(%i * 16, 1, 16)] = broadcast(1.0, 16) }
  })");
  TargetInfo wide = machine(), narrow = machine();
  wide.lanes = 16;
  EXPECT_EQ(code_bytes(k, k.body, narrow), 2 * code_bytes(k, k.body, wide));
}

} // namespace
} // namespace sparkle
