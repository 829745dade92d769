// Schedules without some of their patterns: every field's neutral value, what refers to it, and what stays.
#include <algorithm>

#include <gtest/gtest.h>

#include "compiler/ir/parser.h"
#include "compiler/pipeline/pipeline.h"
#include "compiler/schedule/cost_model.h"
#include "compiler/schedule/loop_plan.h"
#include "compiler/schedule/pattern.h"
#include "tests/unit/machines.h"

namespace sparkle {
namespace {

const char *const kConv = R"(program @p {
  tensor src: f32[1, 16, 16, 32] input
  tensor wei: f32[3, 3, 32, 64] const
  tensor dst: f32[1, 14, 14, 64] output
  kernel @dst stage imported {
    buffer @dst: f32[1, 14, 14, 64] far output = tensor dst
    buffer @src: f32[1, 16, 16, 32] far input = tensor src
    buffer @wei: f32[3, 3, 32, 64] far const = tensor wei
    for %n in 0..1 { for %oh in 0..14 { for %ow in 0..14 { for %oc in 0..64 {
      store @dst[%n, %oh, %ow, %oc] = sum[%kh in 0..3, %kw in 0..3, %ic in 0..32](@src[%n, %oh + %kh, %ow + %kw, %ic] * @wei[%kh, %kw, %ic, %oc])
    } } } }
  }
})";

/// Worker counts of one: what a CPU gets.
const char *const kOneWorker = R"(kernel dst {
  split n: group
  split oh: group
  split oc: group, unrolled 2, lane 16
  split ow: serial, unrolled 7
  split ic: serial, unrolled 4
  order n oh oc.0 ow.0 kh kw ic.0 ic.1 ow.1 oc.1 oc.2
  stage wei far layout oc.0 kh kw ic.0 ic.1 oc.1 oc.2
  prefetch wei at ic.0 distance 4 cache 1
  partition ow
  store streaming
})";

/// Many workers, near memory.
const char *const kManyWorkers = R"(kernel dst {
  fuse p = n oh ow
  fuse k = kh kw ic
  split p: group, unrolled 2, worker 8, unrolled 4
  split oc: group, worker 16, lane 4
  split k: serial, unrolled 16
  order p oc.0 p.2 oc.1 k.0 k.1 p.1 p.3 oc.2
  stage wei far layout oc.0 k.0 k.1 oc.1 oc.2
  stage src near at k.0 layout k.1 p.1 p.2 p.3 skew 4 walk p.1 p.2 p.3 k.1 lanes 4 buffers 2 ahead 1
  stage wei near at k.0 layout k.1 oc.1 oc.2 lanes 4 buffers 2 ahead 1
  stage src register at k.1 layout p.1 p.3 lanes 4
})";

struct PatternTest : testing::Test {
  Program program;
  PatternTest() {
    Diagnostics diagnostics;
    const Source source("program", kConv);
    auto parsed = parse_ir(source, diagnostics);
    EXPECT_TRUE(parsed) << render_text(diagnostics, source);
    if (parsed) program = parsed->program;
  }
  const Kernel &kernel() const { return program.kernels.front(); }

  static KernelSchedule parse(const char *text) {
    Diagnostics diagnostics;
    const Source source("schedule", text);
    auto schedule = parse_schedule(source, diagnostics);
    EXPECT_TRUE(schedule) << render_text(diagnostics, source);
    return schedule ? schedule->kernels.front() : KernelSchedule{};
  }

  KernelSchedule without(const char *text, PatternSet patterns) const {
    const auto out = sparkle::without(kernel(), parse(text), patterns);
    EXPECT_TRUE(out) << out.error().text;
    if (!out) return {};
    const auto plan = plan_loops(kernel(), *out);
    EXPECT_TRUE(plan) << plan.error().text;
    const auto again = sparkle::without(kernel(), *out, patterns);
    EXPECT_EQ(to_text({{*again}}), to_text({{*out}})) << "taken away twice is taken away once";
    return *out;
  }

  /// The schedule of `text`, changed by `change`.
  template <class F> static std::string changed(const char *text, F &&change) {
    KernelSchedule schedule = parse(text);
    change(schedule);
    return to_text({{schedule}});
  }
  static std::string text_of(const KernelSchedule &schedule) { return to_text({{schedule}}); }
};

TEST_F(PatternTest, FieldsOfTheirOwnGetTheirNeutralValue) {
  EXPECT_EQ(text_of(without(kOneWorker, Pattern::kPrefetch)),
            changed(kOneWorker, [](KernelSchedule &s) { s.prefetches.clear(); }));
  EXPECT_EQ(text_of(without(kOneWorker, Pattern::kPartition)),
            changed(kOneWorker, [](KernelSchedule &s) { s.partition.clear(); }));
  EXPECT_EQ(text_of(without(kOneWorker, Pattern::kClip)),
            changed(kOneWorker, [](KernelSchedule &s) { s.clip = false; }));
  EXPECT_EQ(text_of(without(kOneWorker, Pattern::kStream)),
            changed(kOneWorker, [](KernelSchedule &s) { s.store = StoreKind::kPlain; }));
  EXPECT_EQ(text_of(without(kOneWorker, Pattern::kFar)),
            changed(kOneWorker, [](KernelSchedule &s) { s.stagings.clear(); }));
  EXPECT_EQ(text_of(without(kManyWorkers, Pattern::kSkew)),
            changed(kManyWorkers, [](KernelSchedule &s) { s.stagings[1].skew = 0; }));
  EXPECT_EQ(text_of(without(kManyWorkers, Pattern::kOverlap)), changed(kManyWorkers, [](KernelSchedule &s) {
              for (Staging &staging : s.stagings) staging.buffers = 1, staging.ahead = 0;
            }));
  EXPECT_EQ(text_of(without(kManyWorkers, Pattern::kRegister)),
            changed(kManyWorkers, [](KernelSchedule &s) { s.stagings.pop_back(); }));
  KernelSchedule split = parse(kOneWorker);
  split.split_reduction = 4;
  EXPECT_EQ(sparkle::without(kernel(), split, Pattern::kSplitReduction)->split_reduction, 1);
}

TEST_F(PatternTest, LanesGoFromLoopsOrderAndLayouts) {
  EXPECT_EQ(text_of(without(kOneWorker, Pattern::kVectorize)), changed(R"(kernel dst {
  split n: group
  split oh: group
  split oc: group, unrolled 2
  split ow: serial, unrolled 7
  split ic: serial, unrolled 4
  order n oh oc.0 ow.0 kh kw ic.0 ic.1 ow.1 oc.1
  stage wei far layout oc.0 kh kw ic.0 ic.1 oc.1
  prefetch wei at ic.0 distance 4 cache 1
  partition ow
  store streaming
})",
                                                                       [](KernelSchedule &) {}));
  const KernelSchedule scalar = without(kManyWorkers, Pattern::kVectorize);
  for (const Staging &staging : scalar.stagings) EXPECT_EQ(staging.lanes, 1);
}

TEST_F(PatternTest, TilesGoAndWorkersStay) {
  EXPECT_EQ(text_of(without(kOneWorker, Pattern::kTile)), changed(R"(kernel dst {
  split n: group
  split oh: group
  split oc: group, lane 16
  split ic: serial, unrolled 4
  stage wei far layout oc.0 kh kw ic.0 ic.1 oc.1
  prefetch wei at ic.0 distance 4 cache 1
  partition ow
  store streaming
})",
                                                                  [](KernelSchedule &) {}));
  const KernelSchedule untiled = without(kManyWorkers, Pattern::kTile);
  EXPECT_EQ(untiled.dims[0].splits, (std::vector<Split>{{LoopKind::kGroup, 0}, {LoopKind::kWorker, 8}}));
  EXPECT_TRUE(untiled.order.empty());
  EXPECT_EQ(untiled.stagings[1].layout, (std::vector<LoopRef>{{"k", 1}, {"p", 1}}));
  EXPECT_EQ(untiled.stagings[1].walk, (std::vector<LoopRef>{{"p", 1}, {"k", 1}}));
  EXPECT_EQ(untiled.stagings.size(), 3u) << "a register of one element is no staging";
}

TEST_F(PatternTest, ReductionsAreJoinedOnlyWhereNothingHappensBetween) {
  const KernelSchedule rolled = without(kOneWorker, Pattern::kUnroll);
  EXPECT_EQ(text_of(rolled), changed(R"(kernel dst {
  split n: group
  split oh: group
  split oc: group, unrolled 2, lane 16
  split ow: serial, unrolled 7
  split ic: serial
  order n oh oc.0 ow.0 kh kw ic.0 ow.1 oc.1 oc.2
  stage wei far layout oc.0 kh kw ic.0 oc.1 oc.2
  prefetch wei at ic.0 distance 4 cache 1
  partition ow
  store streaming
})",
                                     [](KernelSchedule &) {}));
  const KernelSchedule staged = without(kManyWorkers, Pattern::kUnroll);
  const auto k = std::ranges::find(staged.dims, "k", &DimSchedule::dim);
  EXPECT_EQ(k->splits, (std::vector<Split>{{LoopKind::kSerial, 0}, {LoopKind::kSerial, 16}}));
}

TEST_F(PatternTest, NothingIsLeftOfAllButTheWorkers) {
  EXPECT_EQ(text_of(without(kOneWorker, PatternSet::all())),
            changed("kernel dst { clip off }", [](KernelSchedule &) {}));
  EXPECT_EQ(text_of(without(kManyWorkers, PatternSet::all())), changed(R"(kernel dst {
  fuse p = n oh ow
  split p: group, worker 8
  split oc: group, worker 16
  clip off
})",
                                                                       [](KernelSchedule &) {}));
}

TEST_F(PatternTest, GroupsOfOneWorkerAreSerial) {
  const KernelSchedule serial = without(kOneWorker, Pattern::kGroups);
  for (const DimSchedule &dim : serial.dims)
    for (const Split &split : dim.splits) EXPECT_NE(split.kind, LoopKind::kGroup);
  EXPECT_EQ(without(kManyWorkers, Pattern::kGroups), parse(kManyWorkers));
}

TEST_F(PatternTest, SkewIsOfTilesToo) {
  KernelSchedule tile = parse("kernel dst {\n  clip off\n  place at y.0 of out skew 0 16\n}");
  EXPECT_EQ(patterns_of(kernel(), tile)->contains(Pattern::kSkew), true);
  const auto dense = sparkle::without(kernel(), tile, Pattern::kSkew);
  ASSERT_TRUE(dense);
  EXPECT_EQ(text_of(*dense), "kernel dst {\n  clip off\n  place at y.0 of out\n}\n");
  EXPECT_EQ(patterns_of(kernel(), *dense)->contains(Pattern::kSkew), false);
  EXPECT_EQ(text_of(*sparkle::without(kernel(), tile, Pattern::kPlace)), "kernel dst {\n  clip off\n}\n");
}

TEST_F(PatternTest, UsedIsWhatWouldChange) {
  const auto names = [&](const char *text) {
    std::string all;
    const auto used = patterns_of(kernel(), parse(text));
    for (const Pattern pattern : kPatterns)
      if (used->contains(pattern)) all += std::string(name_of(pattern)) + " ";
    return all;
  };
  EXPECT_EQ(names(kOneWorker), "groups vectorize tile far unroll prefetch partition clip stream ");
  EXPECT_EQ(names(kManyWorkers), "vectorize tile far near register unroll overlap skew clip ");
  EXPECT_EQ(names("kernel dst { clip off }"), "");
}

TEST_F(PatternTest, SchedulesThatDoNotFitAreRefused) {
  KernelSchedule schedule = parse(kOneWorker);
  schedule.dims[0].dim = "nowhere";
  const auto refused = sparkle::without(kernel(), schedule, Pattern::kTile);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kBadSchedule);
}

TEST_F(PatternTest, TheCostModelKeepsToWhatIsNotForbidden) {
  for (const char *name : {"cascadelake", "h100"}) {
    const TargetInfo info = test::machine(name);
    const KernelSchedule best = choose_kernel_schedule(kernel(), info);
    const auto used = patterns_of(kernel(), best);
    ASSERT_TRUE(used);
    for (const Pattern pattern : kPatterns) {
      const auto candidates = enumerate_schedules(kernel(), info, 5, pattern);
      ASSERT_FALSE(candidates.empty());
      for (const ScheduleCandidate &candidate : candidates)
        EXPECT_FALSE(patterns_of(kernel(), candidate.schedule)->contains(pattern))
            << name << ": " << name_of(pattern) << "\n"
            << to_text({{candidate.schedule}});
      if (!used->contains(pattern)) {
        EXPECT_EQ(text_of(candidates.front().schedule), text_of(best)) << name_of(pattern);
      }
    }
  }
}

/// What is left can be compiled, whatever was taken away.
TEST_F(PatternTest, EverySubsetGoesThroughThePasses) {
  for (const char *name : {"cascadelake", "h100"}) {
    const TargetInfo info = test::machine(name);
    const KernelSchedule best = choose_kernel_schedule(kernel(), info);
    PatternSet left_out = PatternSet::all();
    for (size_t i = 0; i <= kPatterns.size(); ++i) {
      for (const PatternSet patterns : {left_out, i < kPatterns.size() ? PatternSet(kPatterns[i]) : PatternSet()}) {
        PipelineOptions options;
        options.schedule = {{*sparkle::without(kernel(), best, patterns)}};
        const auto compiled = run_pipeline(program, options, info);
        EXPECT_TRUE(compiled) << name << "\n" << to_text(options.schedule) << compiled.error().text;
      }
      if (i < kPatterns.size()) left_out.remove(kPatterns[i]);
    }
  }
}

} // namespace
} // namespace sparkle
