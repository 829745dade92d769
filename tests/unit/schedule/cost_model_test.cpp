// The cost model: the schedules it chooses, as files, and what must be true of all that it enumerates.
#include <cmath>
#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "compiler/analysis/loop_rounds.h"
#include "compiler/analysis/walk.h"
#include "compiler/ir/parser.h"
#include "compiler/pipeline/pipeline.h"
#include "compiler/schedule/cost_model.h"
#include "compiler/schedule/loop_model.h"
#include "compiler/schedule/tile_bound.h"
#include "tests/unit/machines.h"

namespace sparkle {
namespace {

constexpr const char *kMachines[] = {"cascadelake", "avx2", "h100", "lavapipe"};
constexpr size_t kAll = 1000000;
constexpr size_t kSample = 20; ///< Schedules of one kernel and machine that go through all passes.

struct Argument {
  std::string name;
  std::vector<int64_t> extents;
  std::string role;
};

/// A program of one definition, from the text of its loops.
Program program_of(const std::vector<Argument> &arguments, const std::string &loops) {
  std::string tensors, buffers;
  for (const Argument &a : arguments) {
    std::string extents;
    for (const int64_t e : a.extents) extents += (extents.empty() ? "" : ", ") + std::to_string(e);
    tensors += "  tensor " + a.name + ": f32[" + extents + "] " + a.role + "\n";
    buffers += "    buffer @" + a.name + ": f32[" + extents + "] far " + a.role + " = tensor " + a.name + "\n";
  }
  Diagnostics diagnostics;
  const Source source("program",
                      "program @p {\n" + tensors + "  kernel @dst stage imported {\n" + buffers + loops + "  }\n}\n");
  auto parsed = parse_ir(source, diagnostics);
  EXPECT_TRUE(parsed) << render_text(diagnostics, source);
  return parsed ? parsed->program : Program{};
}

std::string loop(const std::string &var, int64_t extent) {
  return "for %" + var + " in 0.." + std::to_string(extent) + " {\n";
}

struct Conv {
  int64_t in, ic, oc, k, stride;
  int64_t pad() const { return k / 2; }
  int64_t out() const { return (in + 2 * pad() - k) / stride + 1; }
};

/// One coordinate of a window, and the condition of its being inside; none without padding.
std::pair<std::string, std::string> tap(const std::string &out, const std::string &in, const Conv &c) {
  const std::string at = "%" + out + " * " + std::to_string(c.stride) + " + %" + in + " - " + std::to_string(c.pad());
  return {at, "0 <= " + at + " and " + at + " < " + std::to_string(c.in)};
}

Program conv(const Conv &c, bool depthwise) {
  const auto [ih, in_h] = tap("oh", "kh", c);
  const auto [iw, in_w] = tap("ow", "kw", c);
  const std::string channel = depthwise ? "%oc" : "%ic", k = std::to_string(c.k);
  std::string read = "@src[%n, " + ih + ", " + iw + ", " + channel + "]";
  if (c.pad() > 0) read = "(" + read + " if " + in_h + " and " + in_w + " else 0.0)";
  const std::string axes =
      "%kh in 0.." + k + ", %kw in 0.." + k + (depthwise ? "" : ", %ic in 0.." + std::to_string(c.ic));
  const std::string weight = depthwise ? "@wei[%kh, %kw, %oc]" : "@wei[%kh, %kw, %ic, %oc]";
  std::vector<int64_t> wei = {c.k, c.k, c.ic, c.oc};
  if (depthwise) wei.erase(wei.begin() + 2);
  return program_of(
      {{"src", {1, c.in, c.in, c.ic}, "input"}, {"wei", wei, "const"}, {"dst", {1, c.out(), c.out(), c.oc}, "output"}},
      loop("n", 1) + loop("oh", c.out()) + loop("ow", c.out()) + loop("oc", c.oc) +
          "store @dst[%n, %oh, %ow, %oc] = max(sum[" + axes + "](" + read + " * " + weight + "), 0.0)\n} } } }\n");
}

Program matmul(int64_t n) {
  const std::string k = std::to_string(n);
  return program_of({{"a", {n, n}, "input"}, {"b", {n, n}, "const"}, {"dst", {n, n}, "output"}},
                    loop("m", n) + loop("n", n) + "store @dst[%m, %n] = sum[%k in 0.." + k +
                        "](@a[%m, %k] * @b[%k, %n])\n} }\n");
}

/// The contiguous dimension is what is reduced.
Program row_max(int64_t rows, int64_t columns) {
  return program_of({{"x", {rows, columns}, "input"}, {"dst", {rows}, "output"}},
                    loop("n", rows) + "store @dst[%n] = max[%c in 0.." + std::to_string(columns) +
                        "](@x[%n, %c])\n}\n");
}

/// Both operands lie along what is reduced.
Program product_of_rows(int64_t n) {
  return program_of({{"a", {n, n}, "input"}, {"b", {n, n}, "input"}, {"dst", {n, n}, "output"}},
                    loop("m", n) + loop("n", n) + "store @dst[%m, %n] = sum[%k in 0.." + std::to_string(n) +
                        "](@a[%m, %k] * @b[%n, %k])\n} }\n");
}

Program pooling() {
  const std::string at_h = "%oh * 2 + %kh - 1", at_w = "%ow * 2 + %kw - 1";
  return program_of({{"src", {1, 112, 112, 64}, "input"}, {"dst", {1, 56, 56, 64}, "output"}},
                    loop("n", 1) + loop("oh", 56) + loop("ow", 56) + loop("c", 64) + "store @dst[%n, %oh, %ow, %c] = " +
                        "max[%kh in 0..3, %kw in 0..3 where 0 <= " + at_h + " and " + at_h + " < 112 and 0 <= " + at_w +
                        " and " + at_w + " < 112](@src[%n, " + at_h + ", " + at_w + ", %c])\n} } } }\n");
}

/// A window with three taps along each of three dimensions, which the rows of a tile all cross.
Program conv_3d() {
  const std::string at[] = {"%d + %kd - 1", "%h + %kh - 1", "%w + %kw - 1"};
  std::string inside;
  for (const std::string &index : at)
    inside += (inside.empty() ? "" : " and ") + ("0 <= " + index + " and " + index + " < 5");
  return program_of(
      {{"src", {5, 5, 5, 16}, "input"}, {"wei", {3, 3, 3, 16, 16}, "const"}, {"dst", {5, 5, 5, 16}, "output"}},
      loop("d", 5) + loop("h", 5) + loop("w", 5) + loop("oc", 16) +
          "store @dst[%d, %h, %w, %oc] = sum[%kd in 0..3, %kh in 0..3, %kw in 0..3, %ic in 0..16]((@src[" + at[0] +
          ", " + at[1] + ", " + at[2] + ", %ic] if " + inside +
          " else 0.0) * @wei[%kd, %kh, %kw, %ic, %oc])\n} } } }\n");
}

Program elementwise() {
  return program_of({{"a", {64, 56, 56}, "input"}, {"b", {64, 56, 56}, "input"}, {"dst", {64, 56, 56}, "output"}},
                    loop("c", 64) + loop("h", 56) + loop("w", 56) +
                        "store @dst[%c, %h, %w] = max(@a[%c, %h, %w] + @b[%c, %h, %w], 0.0)\n} } }\n");
}

struct NamedProgram {
  const char *name;
  Program (*make)();
};
std::ostream &operator<<(std::ostream &out, const NamedProgram &program) { return out << program.name; }

const NamedProgram kPrograms[] = {
    {"conv_3x3",
     [] {
       return conv({56, 64, 64, 3, 1}, false);
     }},
    {"conv_1x1",
     [] {
       return conv({56, 256, 64, 1, 1}, false);
     }},
    {"conv_7x7_first",
     [] {
       return conv({224, 3, 64, 7, 2}, false);
     }},
    {"depthwise_3x3",
     [] {
       return conv({56, 128, 128, 3, 1}, true);
     }},
    {"matmul_512", [] { return matmul(512); }},
    {"row_max", [] { return row_max(4096, 4096); }},
    {"total", [] { return row_max(1, 1000003); }},
    {"product_of_rows_512", [] { return product_of_rows(512); }},
    {"max_pool", pooling},
    {"elementwise", elementwise},
};

class CostModel : public testing::TestWithParam<std::tuple<NamedProgram, const char *>> {
protected:
  Program program() const { return std::get<0>(GetParam()).make(); }
  TargetInfo info() const { return test::machine(std::get<1>(GetParam())); }
  std::string golden() const {
    return std::string(SPARKLE_ROOT) + "/tests/filetests/schedules/" + std::get<0>(GetParam()).name + "_" +
           std::get<1>(GetParam()) + ".schedule";
  }
};

TEST_P(CostModel, ChoosesTheScheduleOnFile) {
  Schedule schedule;
  schedule.kernels.push_back(choose_kernel_schedule(program().kernels.front(), info()));
  const std::string text = to_text(schedule);
  if (std::getenv("SPARKLE_BLESS")) std::ofstream(golden()) << text;
  EXPECT_EQ(text, test::read_text(golden())) << "SPARKLE_BLESS=1 renews " << golden();
}

TEST_P(CostModel, PredictsFiniteTimesWithinTheLimitsOfTheMachine) {
  const Program p = program();
  const TargetInfo machine = info();
  const auto candidates = enumerate_schedules(p.kernels.front(), machine, kAll);
  ASSERT_FALSE(candidates.empty());
  for (const ScheduleCandidate &c : candidates) {
    const Prediction &prediction = c.prediction;
    ASSERT_TRUE(std::isfinite(prediction.seconds) && prediction.seconds > 0);
    EXPECT_GT(prediction.efficiency, 0);
    EXPECT_LE(prediction.efficiency, 1.0) << to_text({{c.schedule}});
    EXPECT_LE(prediction.registers, machine.registers);
    if (machine.near_bytes > 0) {
      EXPECT_LE(prediction.near_bytes, machine.near_bytes);
    }
    EXPECT_FALSE(prediction.bound.empty());
    EXPECT_GE(prediction.seconds, candidates.front().prediction.seconds);
    EXPECT_EQ(predict(p.kernels.front(), c.schedule, machine).seconds, prediction.seconds);
  }
}

TEST_P(CostModel, NamesNoMachine) {
  Schedule schedule;
  schedule.kernels.push_back(choose_kernel_schedule(program().kernels.front(), info()));
  TargetInfo other = info();
  other.name = "another";
  EXPECT_EQ(choose_kernel_schedule(program().kernels.front(), other), schedule.kernels.front());
  EXPECT_EQ(to_text(schedule).find(info().name), std::string::npos);
}

/// What is left out for its bound would not have been chosen.
TEST_P(CostModel, BoundsTilesByNoMoreThanTheirPrediction) {
  const Program p = program();
  const TargetInfo machine = info();
  const DefinitionModel model = model_of(p.kernels.front());
  const LoopPlanner planner(p.kernels.front());
  const TileChoices choices = tile_choices(model, machine);
  TileBound bound(model, machine);
  const auto check = [&](double least, const KernelSchedule &schedule) {
    const double seconds = predict(model, planner, schedule, machine).seconds;
    EXPECT_LE(least, seconds) << to_text({{schedule}});
  };
  for (const Tile &tile : choices.tiles) {
    const double least = bound.seconds(tile);
    const auto *window = std::get_if<WindowTile>(&tile);
    if (window) check(least, to_schedule("dst", model, *window));
    for (const bool outside : {true, false}) {
      if (window) break;
      TileSpec spec = std::get<TileSpec>(tile);
      spec.lane_groups_outside = outside;
      check(least, to_schedule("dst", model, spec, machine));
    }
  }
}

/// Spread over the whole list, so that bad ones are among them.
TEST_P(CostModel, EnumeratesWhatThePassesAccept) {
  const Program p = program();
  const TargetInfo machine = info();
  const auto candidates = enumerate_schedules(p.kernels.front(), machine, kAll);
  const size_t step = std::max<size_t>(1, candidates.size() / kSample);
  for (size_t i = 0; i < candidates.size(); i += step) {
    PipelineOptions options;
    options.schedule.kernels = {candidates[i].schedule};
    const auto lowered = run_pipeline(p, options, machine);
    ASSERT_TRUE(lowered) << lowered.error().text << "\n" << to_text(options.schedule);
    for (const Kernel &kernel : lowered->kernels) {
      EXPECT_EQ(kernel.stage, Stage::kLowerable);
      if (machine.max_loop_rounds == 0) continue;
      EXPECT_LE(loop_rounds(kernel).value_or(INT64_MAX), machine.max_loop_rounds) << to_text(options.schedule);
    }
  }
}

/// Without it, every tile would be predicted.
TEST(TileBounds, LeaveOutMostTilesOfAConvolution) {
  const Program p = conv({56, 64, 64, 3, 1}, false);
  for (const char *name : {"cascadelake", "avx2"}) {
    const TargetInfo machine = test::machine(name);
    const DefinitionModel model = model_of(p.kernels.front());
    const TileChoices choices = tile_choices(model, machine);
    const double best = enumerate_schedules(p.kernels.front(), machine, 1).front().prediction.seconds;
    TileBound bound(model, machine);
    const auto below = std::ranges::count_if(choices.tiles, [&](const Tile &t) { return bound.seconds(t) <= best; });
    EXPECT_GT(below, 0);
    EXPECT_LT(8 * below, std::ssize(choices.tiles)) << name;
  }
}

/// Long loops of one worker are the best choice, but for a machine that ends them.
TEST(CostModelLimits, KeepsLoopsWithinTheRoundsOfTheMachine) {
  const Program p = row_max(4096, 100000);
  TargetInfo limited = test::machine("lavapipe"), unlimited = limited;
  unlimited.max_loop_rounds = 0;
  limited.max_loop_rounds = 2000;
  const auto rounds = [&](const TargetInfo &info) {
    PipelineOptions options;
    options.schedule.kernels = {choose_kernel_schedule(p.kernels.front(), info)};
    const auto lowered = run_pipeline(p, options, info);
    EXPECT_TRUE(lowered) << to_text(options.schedule);
    return lowered ? loop_rounds(lowered->kernels.front()).value_or(INT64_MAX) : INT64_MAX;
  };
  EXPECT_GT(rounds(unlimited), 2000);
  EXPECT_LE(rounds(limited), 2000);
}

/// Each tap that is told apart triples the code of such a tile: drivers take minutes for what all of them make.
TEST(CostModelLimits, BoundsThePartsOfFusedRows) {
  const Program p = conv_3d();
  const TargetInfo info = test::machine("lavapipe");
  const auto statements = [&](const KernelSchedule &schedule) {
    PipelineOptions options;
    options.schedule.kernels = {schedule};
    const auto lowered = run_pipeline(p, options, info);
    EXPECT_TRUE(lowered) << to_text(options.schedule);
    int64_t count = 0;
    if (lowered) for_each_stmt(lowered->kernels.back(), lowered->kernels.back().body, [&](StmtId) { ++count; });
    return count;
  };
  const KernelSchedule chosen = choose_kernel_schedule(p.kernels.front(), info);
  KernelSchedule whole = chosen, all = chosen;
  whole.partition.clear();
  all.partition = {"p", "kw", "kh", "kd"};
  EXPECT_GT(statements(all), 8 * statements(whole)) << to_text({{chosen}});
  EXPECT_LT(statements(chosen), 4 * statements(whole)) << to_text({{chosen}});
}

INSTANTIATE_TEST_SUITE_P(Programs, CostModel,
                         testing::Combine(testing::ValuesIn(kPrograms), testing::ValuesIn(kMachines)),
                         [](const auto &info) {
                           return std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param);
                         });

} // namespace
} // namespace sparkle
