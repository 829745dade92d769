// The variants of an ablation: what the ladder adds, what is left out, what is refitted, what is the same.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/import/import.h"
#include "compiler/pipeline/pipeline.h"
#include "runtime/ablation.h"
#include "runtime/embedded_files.h"

namespace sparkle {
namespace {

const char *const kConv = R"(kernel conv(src: f32[N, IH, IW, IC] outside 0 on (IH, IW), const wei: f32[KH, KW, IC, OC],
                 const bias: f32[OC]) -> dst: f32[N, OH, OW, OC]
where OH = IH + 2 - KH + 1, OW = IW + 2 - KW + 1
{
  let acc[n, oh, ow, oc] = sum[kh, kw, ic](src[n, oh + kh - 1, ow + kw - 1, ic] * wei[kh, kw, ic, oc]);
  dst[n, oh, ow, oc] = max(acc[n, oh, ow, oc] + bias[oc], 0);
})";

Program conv() {
  Diagnostics diagnostics;
  const Source source("conv.spk", kConv);
  ImportRequest request;
  request.values = {{"N", 1}, {"IH", 28}, {"IW", 28}, {"IC", 32}, {"OC", 64}, {"KH", 3}, {"KW", 3}};
  auto program = import_source(source, request, diagnostics);
  EXPECT_TRUE(program) << render_text(diagnostics, source);
  return program ? *program : Program{};
}

TargetInfo machine(const std::string &name) {
  for (const EmbeddedFile &file : embedded_files()) {
    if (file.name != name + ".target") continue;
    Diagnostics diagnostics;
    auto info = parse_target_info(Source(name, std::string(file.text)), diagnostics);
    EXPECT_TRUE(info);
    return *info;
  }
  ADD_FAILURE() << "there is no machine " << name;
  return {};
}

AblationPlan plan(const Program &program, const TargetInfo &info, bool refit = true, const Schedule &given = {}) {
  auto out = plan_ablation(program, info, given, refit);
  EXPECT_TRUE(out) << out.error().text;
  return out ? *out : AblationPlan{};
}

std::vector<AblationVariant> part_of(const AblationPlan &plan, AblationPart part, bool refitted) {
  std::vector<AblationVariant> list;
  for (const AblationVariant &variant : plan.variants)
    if (variant.part == part && variant.refitted == refitted) list.push_back(variant);
  return list;
}

TEST(AblationPlan, LadderGoesFromNothingToTheFullSchedule) {
  const Program program = conv();
  for (const char *name : {"cascadelake", "h100"}) {
    const AblationPlan made = plan(program, machine(name));
    ASSERT_EQ(made.variants.front().part, AblationPart::kFull);
    for (const bool refitted : {false, true}) {
      const auto ladder = part_of(made, AblationPart::kLadder, refitted);
      const auto used =
          static_cast<size_t>(std::ranges::count_if(kPatterns, [&](Pattern p) { return made.used.contains(p); }));
      ASSERT_EQ(ladder.size(), used + 1) << name;
      EXPECT_FALSE(ladder.front().pattern);
      EXPECT_EQ(ladder.back().same_as, 0u) << "the top of the ladder is the full schedule";
      for (size_t i = 1; i < ladder.size(); ++i) {
        ASSERT_TRUE(ladder[i].pattern);
        EXPECT_TRUE(made.used.contains(*ladder[i].pattern)) << ladder[i].name();
      }
    }
  }
}

/// A product with few results and a long reduction, which the groups of a GPU share.
Program long_reduction() {
  Diagnostics diagnostics;
  const Source source("long.spk", "kernel product(a: f32[M, K], b: f32[K, N]) -> dst: f32[M, N] {\n"
                                  "  dst[m, n] = max(sum[k](a[m, k] * b[k, n]), 0);\n}\n");
  ImportRequest request;
  request.values = {{"M", 32}, {"N", 32}, {"K", 65536}};
  auto program = import_source(source, request, diagnostics);
  EXPECT_TRUE(program) << render_text(diagnostics, source);
  return program ? *program : Program{};
}

TEST(AblationPlan, FullIsWhatARunDoesWithSharedReductions) {
  const Program program = long_reduction();
  const TargetInfo info = machine("h100");
  const AblationPlan made = plan(program, info);
  const auto expected = plan_program(program, {}, info);
  ASSERT_TRUE(expected);
  EXPECT_EQ(to_text(made.variants.front().schedule), to_text(expected->schedule));
  ASSERT_TRUE(made.used.contains(Pattern::kSplitReduction)) << to_text(expected->schedule);
  for (const AblationVariant &variant : made.variants) {
    EXPECT_EQ(variant.refusal, "") << variant.name();
    PipelineOptions options;
    options.schedule = variant.schedule;
    const auto lowered = run_pipeline(program, options, info);
    ASSERT_TRUE(lowered) << variant.name() << ": " << lowered.error().text << to_text(variant.schedule);
    const bool is_out = variant.part == AblationPart::kLeaveOneOut && variant.pattern == Pattern::kSplitReduction;
    if (is_out || variant.part == AblationPart::kFull) {
      EXPECT_EQ(lowered->kernels.size(), is_out ? 1u : 2u) << variant.name();
    }
  }
}

Schedule first_rung(const Program &program, const std::string &name) {
  return part_of(plan(program, machine(name)), AblationPart::kLadder, false).front().schedule;
}

TEST(AblationPlan, FirstRungHasNoPatternAtAll) {
  const Program program = conv();
  const Schedule one = first_rung(program, "cascadelake");
  for (const KernelSchedule &entry : one.kernels) {
    EXPECT_TRUE(entry.dims.empty() && entry.stagings.empty() && entry.order.empty() && !entry.clip) << entry.kernel;
    EXPECT_EQ(entry.placement, Placement::kStored);
  }
  // Many workers: each of them computes one element.
  const Schedule many = first_rung(program, "h100");
  for (const KernelSchedule &entry : many.kernels) {
    EXPECT_TRUE(entry.stagings.empty());
    bool has_workers = false;
    for (const DimSchedule &dim : entry.dims)
      for (const Split &split : dim.splits) {
        EXPECT_TRUE(split.kind == LoopKind::kGroup || split.kind == LoopKind::kWorker || split == Split{}) << dim.dim;
        has_workers |= split.kind == LoopKind::kWorker;
      }
    EXPECT_TRUE(has_workers) << entry.kernel;
  }
}

TEST(AblationPlan, LeaveOneOutLacksOnePattern) {
  const Program program = conv();
  const AblationPlan made = plan(program, machine("cascadelake"));
  const auto variants = part_of(made, AblationPart::kLeaveOneOut, false);
  for (const AblationVariant &variant : variants) {
    ASSERT_TRUE(variant.pattern);
    EXPECT_TRUE(variant.refusal.empty()) << variant.name() << ": " << variant.refusal;
    EXPECT_NE(to_text(variant.schedule), to_text(made.variants.front().schedule)) << variant.name();
  }
  const auto place = std::ranges::find(variants, Pattern::kPlace, &AblationVariant::pattern);
  ASSERT_NE(place, variants.end());
  // The let gets the loops that it had in the kernel it was computed in.
  KernelSchedule expected = *made.variants.front().schedule.find("dst");
  expected.kernel = "acc";
  EXPECT_EQ(to_text({{*place->schedule.find("acc")}}), to_text({{expected}}));
  EXPECT_TRUE(place->schedule.find("dst")->stagings.empty());
}

TEST(AblationPlan, WithoutRefittingOnlyFieldsChange) {
  const Program program = conv();
  const AblationPlan made = plan(program, machine("cascadelake"), false);
  EXPECT_TRUE(part_of(made, AblationPart::kLadder, true).empty());
  EXPECT_TRUE(part_of(made, AblationPart::kLeaveOneOut, true).empty());
  EXPECT_FALSE(part_of(made, AblationPart::kLeaveOneOut, false).empty());
}

TEST(AblationPlan, EqualSchedulesAreNamedOnce) {
  const Program program = conv();
  const AblationPlan made = plan(program, machine("cascadelake"));
  for (size_t i = 0; i < made.variants.size(); ++i) {
    const AblationVariant &variant = made.variants[i];
    for (size_t j = 0; j < i; ++j) {
      const bool is_equal = to_text(made.variants[j].schedule) == to_text(variant.schedule);
      if (is_equal && !made.variants[j].same_as) {
        EXPECT_EQ(variant.same_as, j) << variant.name();
      }
    }
    if (!variant.same_as) continue;
    EXPECT_LT(*variant.same_as, i);
    EXPECT_FALSE(made.variants[*variant.same_as].same_as);
  }
}

/// Rows of the middle lie whole ways of the nearest cache apart.
Program blur() {
  Diagnostics diagnostics;
  const Source source("blur.spk", R"(const k: f32[3] = [0.25, 0.5, 0.25];
kernel blur(src: f32[H, W] outside clamp on (H, W)) -> dst: f32[H, W] {
  let rows[y in .., x] = sum[i](k[i] * src[y, x + i - 1]);
  dst[y, x] = sum[i](k[i] * rows[y + i - 1, x]);
})");
  ImportRequest request;
  request.values = {{"H", 1024}, {"W", 1024}};
  auto program = import_source(source, request, diagnostics);
  EXPECT_TRUE(program) << render_text(diagnostics, source);
  return program ? *program : Program{};
}

TEST(AblationPlan, RowsOfTilesLieDenseWithoutSkew) {
  const AblationPlan made = plan(blur(), machine("cascadelake"));
  const Schedule &full = made.variants.front().schedule;
  ASSERT_TRUE(full.find("rows")) << to_text(full);
  EXPECT_EQ(full.find("rows")->at.skew, std::vector<int64_t>{16}) << to_text(full);
  EXPECT_TRUE(made.used.contains(Pattern::kSkew));
  const auto variants = part_of(made, AblationPart::kLeaveOneOut, false);
  const auto skew = std::ranges::find(variants, Pattern::kSkew, &AblationVariant::pattern);
  ASSERT_NE(skew, variants.end());
  ASSERT_EQ(skew->schedule.kernels.size(), full.kernels.size());
  for (KernelSchedule entry : full.kernels) {
    entry.at.skew.clear();
    EXPECT_EQ(*skew->schedule.find(entry.kernel), entry) << entry.kernel;
  }
  PipelineOptions options;
  options.schedule = skew->schedule;
  PipelineReport report;
  ASSERT_TRUE(run_pipeline(blur(), options, machine("cascadelake"), &report));
  EXPECT_TRUE(report.schedule.find("rows")->at.skew.empty()) << "nothing chooses it again";
}

TEST(AblationPlan, TakesAGivenSchedule) {
  const Program program = conv();
  Diagnostics diagnostics;
  const auto given = parse_schedule(
      Source("s",
             "kernel acc { place inline }\nkernel dst { split oc: group, lane 16\n order n oh ow oc.0 kh kw ic oc.1\n"
             "store streaming }"),
      diagnostics);
  ASSERT_TRUE(given);
  // A group loop inside serial ones.
  const auto refused = plan_ablation(program, machine("cascadelake"), *given, true);
  EXPECT_FALSE(refused);
  const auto legal = parse_schedule(
      Source("s", "kernel acc { place inline }\nkernel dst { split oc: group, lane 16\nstore streaming }"),
      diagnostics);
  ASSERT_TRUE(legal);
  const AblationPlan made = plan(program, machine("cascadelake"), false, *legal);
  EXPECT_TRUE(made.used.contains(Pattern::kStream));
  EXPECT_FALSE(made.used.contains(Pattern::kTile));
}

TEST(Ablation, RatiosArePairedByRound) {
  EXPECT_DOUBLE_EQ(paired_ratio({2, 4, 8}, {1, 2, 4}), 2);
  EXPECT_DOUBLE_EQ(paired_ratio({2, -1, 30}, {1, 5, 10}), 2.5); // Rounds 1 and 3 alone.
  EXPECT_DOUBLE_EQ(paired_ratio({-1, 6}, {2, -1}), 3);          // No common round: of the medians.
  EXPECT_DOUBLE_EQ(paired_ratio({1}, {}), 0);
}

TEST(Ablation, SlowVariantsTakePartEvenly) {
  for (const int rounds : {1, 7, 9})
    for (int wanted = 0; wanted <= rounds; ++wanted) {
      int count = 0;
      for (int round = 0; round < rounds; ++round) count += takes_part(round, wanted, rounds) ? 1 : 0;
      EXPECT_EQ(count, wanted);
    }
  EXPECT_FALSE(takes_part(0, 2, 9) && takes_part(1, 2, 9));
}

} // namespace
} // namespace sparkle
