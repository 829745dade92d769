// Windows: what an unrolled body loads, and which definitions get schedules of their own.
#include <algorithm>

#include <gtest/gtest.h>

#include "compiler/ir/parser.h"
#include "compiler/schedule/cost_model.h"
#include "compiler/schedule/window_model.h"
#include "compiler/schedule/window_spec.h"
#include "tests/unit/machines.h"

namespace sparkle {
namespace {

using test::machine;

Program parsed(const std::string &text) {
  Diagnostics diagnostics;
  const Source source("program", text);
  auto result = parse_ir(source, diagnostics);
  EXPECT_TRUE(result) << render_text(diagnostics, source);
  return result ? result->program : Program{};
}

/// dst[oh, ow, c] = sum over 3x3 of src[oh + kh, ow + kw, c] * wei[kh, kw, c], without borders.
Program depthwise() {
  return parsed(R"(program @p {
  tensor src: f32[58, 58, 128] input
  tensor wei: f32[3, 3, 128] const
  tensor dst: f32[56, 56, 128] output
  kernel @dst stage imported {
    buffer @src: f32[58, 58, 128] far input = tensor src
    buffer @wei: f32[3, 3, 128] far const = tensor wei
    buffer @dst: f32[56, 56, 128] far output = tensor dst
    for %oh in 0..56 { for %ow in 0..56 { for %c in 0..128 {
      store @dst[%oh, %ow, %c] =
        sum[%kh in 0..3, %kw in 0..3](@src[%oh + %kh, %ow + %kw, %c] * @wei[%kh, %kw, %c])
    } } }
  }
})");
}

/// Maxima over 2x2 of bytes, every second one.
Program byte_pooling() {
  return parsed(R"(program @p {
  tensor src: u8[112, 112, 64] input
  tensor dst: u8[56, 56, 64] output
  kernel @dst stage imported {
    buffer @src: u8[112, 112, 64] far input = tensor src
    buffer @dst: u8[56, 56, 64] far output = tensor dst
    for %oh in 0..56 { for %ow in 0..56 { for %c in 0..64 {
      store @dst[%oh, %ow, %c] = u8(max[%kh in 0..2, %kw in 0..2](i32(@src[%oh * 2 + %kh, %ow * 2 + %kw, %c])))
    } } }
  }
})");
}

Program matmul() {
  return parsed(R"(program @p {
  tensor a: f32[32, 32] input
  tensor b: f32[32, 32] input
  tensor dst: f32[32, 32] output
  kernel @dst stage imported {
    buffer @a: f32[32, 32] far input = tensor a
    buffer @b: f32[32, 32] far input = tensor b
    buffer @dst: f32[32, 32] far output = tensor dst
    for %m in 0..32 { for %n in 0..32 { store @dst[%m, %n] = sum[%k in 0..32](@a[%m, %k] * @b[%k, %n]) } }
  }
})");
}

/// Maxima over 2x2 of rows 56 elements long, every second one.
Program row_pooling() {
  return parsed(R"(program @p {
  tensor src: f32[256, 56, 56] input
  tensor dst: f32[256, 28, 28] output
  kernel @dst stage imported {
    buffer @src: f32[256, 56, 56] far input = tensor src
    buffer @dst: f32[256, 28, 28] far output = tensor dst
    for %c in 0..256 { for %oh in 0..28 { for %ow in 0..28 {
      store @dst[%c, %oh, %ow] = max[%kh in 0..2, %kw in 0..2](@src[%c, %oh * 2 + %kh, %ow * 2 + %kw])
    } } }
  }
})");
}

KernelSchedule schedule_of(const std::string &text) {
  Diagnostics diagnostics;
  const Source source("schedule", "kernel dst {\n" + text + "\n}\n");
  auto schedule = parse_schedule(source, diagnostics);
  EXPECT_TRUE(schedule) << render_text(diagnostics, source);
  return schedule ? schedule->kernels.front() : KernelSchedule{};
}

/// The depthwise convolution with `row` for ow, and an order of the loops around the body.
WindowLoads loads_of(const std::string &row, const std::string &order) {
  const Program program = depthwise();
  const Kernel &kernel = program.kernels.front();
  const KernelSchedule schedule =
      schedule_of("split oh: group\nsplit c: group, lane 16\nsplit ow: " + row +
                  "\nsplit kh: unrolled\nsplit kw: unrolled\norder " + order + " kh kw ow.1 c.1");
  const auto plan = plan_loops(kernel, schedule);
  EXPECT_TRUE(plan) << plan.error().text;
  const DefinitionModel model = model_of(kernel);
  const auto &info = machine("cascadelake"); // Outlives the model, which refers to it.
  const WindowModel window(model, *plan, info);
  EXPECT_TRUE(window.is_window());
  return window.loads();
}

TEST(WindowModel, NeighboursShareElementsAndWeightsStayInRegisters) {
  const WindowLoads loads = loads_of("serial, unrolled 8", "oh c.0 ow.0");
  EXPECT_EQ(loads.loads, 3 * (8 + 2));
  EXPECT_EQ(loads.broadcasts, 0);
  EXPECT_EQ(loads.registers, 8 + 1 + 9 + (8 + 2));
}

TEST(WindowModel, WeightsAreLoadedForEachTileWhereTheirLoopIsAround) {
  EXPECT_EQ(loads_of("group, unrolled 8", "oh c.0 ow.0").loads, 3 * (8 + 2) + 9);
}

TEST(WindowModel, GivesUpWhatDoesNotFitTheRegisters) {
  const WindowLoads loads = loads_of("serial, unrolled 14", "oh c.0 ow.0"); // 14 sums, 16 elements and 9 weights.
  EXPECT_LE(loads.registers, 32);
  EXPECT_GT(loads.loads, 3 * (14 + 2));
  EXPECT_LE(loads.loads, 9 * 14);
}

TEST(WindowModel, LoopsOfTheReductionAreNoWindow) {
  const Program program = depthwise();
  const KernelSchedule schedule =
      schedule_of("split oh: group\nsplit ow: group\nsplit c: group, lane 16\norder oh ow c.0 kh kw c.1");
  const auto plan = plan_loops(program.kernels.front(), schedule);
  ASSERT_TRUE(plan);
  const DefinitionModel model = model_of(program.kernels.front());
  EXPECT_FALSE(WindowModel(model, *plan, machine("cascadelake")).is_window());
}

/// What a function of the model says of a schedule.
template <class F> double asked(const Program &program, const std::string &schedule, F &&question) {
  const Kernel &kernel = program.kernels.front();
  const auto plan = plan_loops(kernel, schedule_of(schedule));
  EXPECT_TRUE(plan) << plan.error().text;
  const DefinitionModel model = model_of(kernel);
  const auto &info = machine("cascadelake");
  return question(WindowModel(model, *plan, info));
}

double sparse_of(const Program &program, const std::string &schedule) {
  return asked(program, schedule, [](const WindowModel &window) { return window.sparse_factor(); });
}

TEST(WindowModel, RowsOfOnePageAreBestWalkedOneByOne) {
  const auto rows = [](const std::string &oh, const std::string &order) {
    return sparse_of(row_pooling(), "split c: group\nsplit oh: serial" + oh +
                                        "\nsplit ow: serial, lane 8\nsplit kh: unrolled\nsplit kw: unrolled\norder " +
                                        order);
  };
  const double one = rows("", "c oh ow.0 kh kw ow.1");
  const double two = rows(", unrolled 2", "c oh.0 ow.0 kh kw oh.1 ow.1");
  const double four = rows(", unrolled 4", "c oh.0 ow.0 kh kw oh.1 ow.1");
  EXPECT_EQ(one, 1);
  EXPECT_GT(two, 1.1);
  EXPECT_GT(four, two);
}

TEST(WindowModel, ShortRunsOfMemoryCostMore) {
  const auto runs = [](const std::string &c, const std::string &order) {
    return sparse_of(depthwise(), "split oh: group\nsplit ow: serial\nsplit c: " + c +
                                      "\nsplit kh: unrolled\nsplit kw: unrolled\norder " + order);
  };
  const double whole = runs("serial, lane 16", "oh ow c.0 kh kw c.1");
  const double wide = runs("group, unrolled 4, lane 16", "oh c.0 ow kh kw c.1 c.2");
  const double narrow = runs("group, lane 16", "oh c.0 ow kh kw c.1");
  EXPECT_EQ(whole, 1);
  EXPECT_GT(wide, whole);
  EXPECT_GT(narrow, wide);
}

TEST(WindowModel, VectorsThatAreWholeNeedNoMasks) {
  const auto masks = [](const std::string &ow) {
    return asked(row_pooling(),
                 "split c: group\nsplit oh: serial\nsplit ow: serial, unrolled 4, lane " + ow +
                     "\nsplit kh: unrolled\nsplit kw: unrolled\norder c oh ow.0 kh kw ow.1 ow.2\npartition ow",
                 [](const WindowModel &window) { return window.mask_factor(); });
  };
  EXPECT_EQ(masks("4"), 1); // 28 = 16 + 12: the second tile has three vectors.
  EXPECT_GT(masks("8"), 1);
}

TEST(WindowSchedules, AreForWindowsOnMachinesWithoutSharedTiles) {
  const auto count = [](const Program &program, const std::string &name) {
    const DefinitionModel model = model_of(program.kernels.front());
    size_t tiles = 0;
    for (const WindowDims &dims : window_dims(model, machine(name)))
      tiles += window_tiles(model, machine(name), dims).size();
    return tiles;
  };
  for (const std::string name : {"cascadelake", "avx2"}) {
    EXPECT_GT(count(depthwise(), name), 0u);
    EXPECT_EQ(count(matmul(), name), 0u);
  }
  EXPECT_EQ(count(depthwise(), "h100"), 0u);
}

TEST(WindowSchedules, AreChosenAndWalkMemoryAsItLies) {
  const Program program = depthwise();
  const KernelSchedule chosen = choose_kernel_schedule(program.kernels.front(), machine("cascadelake"));
  const auto at = [&](const std::string &loop) {
    return std::find_if(chosen.order.begin(), chosen.order.end(), [&](const LoopRef &r) { return r.text() == loop; }) -
           chosen.order.begin();
  };
  EXPECT_LT(at("ow.0"), at("c.0")) << to_text(Schedule{{chosen}});
  EXPECT_LT(at("c.0"), at("kh.0"));
}

TEST(WindowSchedules, BytesFillTheirLanes) {
  const Program program = byte_pooling();
  EXPECT_EQ(model_of(program.kernels.front()).narrowing, 4);
  const KernelSchedule chosen = choose_kernel_schedule(program.kernels.front(), machine("cascadelake"));
  int64_t lanes = 1;
  for (const DimSchedule &dim : chosen.dims)
    for (const Split &split : dim.splits)
      if (split.kind == LoopKind::kLane) lanes = split.factor;
  EXPECT_EQ(lanes, 64) << to_text(Schedule{{chosen}});
}

TEST(WindowSchedules, RowsThatShareNothingAreNotUnrolled) {
  const KernelSchedule chosen = choose_kernel_schedule(row_pooling().kernels.front(), machine("cascadelake"));
  const auto oh = std::ranges::find(chosen.dims, "oh", &DimSchedule::dim);
  ASSERT_NE(oh, chosen.dims.end());
  EXPECT_EQ(oh->splits.size(), 1u) << to_text(Schedule{{chosen}});
}

} // namespace
} // namespace sparkle
