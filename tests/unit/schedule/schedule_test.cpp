#include "compiler/schedule/schedule.h"

#include <fstream>

#include <gtest/gtest.h>

#include "compiler/support/text_reader.h"

namespace sparkle {
namespace {

constexpr const char *kConvolution = R"(# a 3x3 convolution for a machine with workers
kernel dst {
  fuse p = n oh ow                        # one dimension from several
  split p: group, unrolled 2, worker 16, unrolled 4
  split oc: group, worker 16, lane 4
  split ic: serial, unrolled 16
  order p.0 oc.0 p.2 oc.1 kh kw ic.0 ic.1 p.1 p.3 oc.2
  stage wei far layout oc.0 kh kw ic.0 ic.1 oc.1 oc.2
  stage src near at ic.0 layout ic.1 p.1 p.2 p.3 skew 4 walk p.1 p.2 p.3 ic.1 lanes 4 buffers 2 ahead 1
  stage wei near at ic layout ic.1 oc.1 oc.2 lanes 4 buffers 2 ahead 1
  stage src register at ic.1 layout p.1 p.3 lanes 4
  prefetch wei at ic.0 distance 4 cache 1
  partition p oc
  clip off
  split_reduction 8
  store streaming
}
kernel mid { place stored }
kernel act { place inline }
)";

Result<Schedule> parse(const std::string &text, Diagnostics &diagnostics) {
  return parse_schedule(Source("test.schedule", text), diagnostics);
}

TEST(Schedule, ReadsEveryStatement) {
  Diagnostics diagnostics;
  auto schedule = parse(kConvolution, diagnostics);
  ASSERT_TRUE(schedule) << render_text(diagnostics, Source("test.schedule", kConvolution));
  ASSERT_EQ(schedule->kernels.size(), 3u);
  const KernelSchedule &dst = *schedule->find("dst");
  ASSERT_EQ(dst.dims.size(), 3u);
  EXPECT_EQ(dst.dims[0].fused, (std::vector<std::string>{"n", "oh", "ow"}));
  const std::vector<Split> splits = {
      {LoopKind::kGroup, 0}, {LoopKind::kUnrolled, 2}, {LoopKind::kWorker, 16}, {LoopKind::kUnrolled, 4}};
  EXPECT_EQ(dst.dims[0].splits, splits);
  EXPECT_EQ(dst.dims[1].splits[2], (Split{LoopKind::kLane, 4}));
  ASSERT_EQ(dst.order.size(), 11u);
  EXPECT_EQ(dst.order[4], (LoopRef{"kh", 0}));
  EXPECT_EQ(dst.order[10], (LoopRef{"oc", 2}));
  ASSERT_EQ(dst.stagings.size(), 4u);
  EXPECT_EQ(dst.stagings[0].level, MemoryLevel::kFar);
  EXPECT_FALSE(dst.stagings[0].at);
  const Staging src = {"src",
                       MemoryLevel::kNear,
                       LoopRef{"ic", 0},
                       {{"ic", 1}, {"p", 1}, {"p", 2}, {"p", 3}},
                       4,
                       {{"p", 1}, {"p", 2}, {"p", 3}, {"ic", 1}},
                       4,
                       2,
                       1};
  EXPECT_EQ(dst.stagings[1], src);
  EXPECT_EQ(dst.stagings[2].at, (LoopRef{"ic", 0}));
  EXPECT_EQ(dst.stagings[3].level, MemoryLevel::kRegister);
  EXPECT_EQ(dst.prefetches, (std::vector<PrefetchHint>{{"wei", {"ic", 0}, 4, 1}}));
  EXPECT_EQ(dst.partition, (std::vector<std::string>{"p", "oc"}));
  EXPECT_FALSE(dst.clip);
  EXPECT_EQ(dst.split_reduction, 8);
  EXPECT_EQ(dst.store, StoreKind::kStreaming);
  EXPECT_EQ(schedule->find("mid")->placement, Placement::kStored);
  EXPECT_EQ(schedule->find("act")->placement, Placement::kInline);
  EXPECT_EQ(schedule->find("none"), nullptr);
}

TEST(Schedule, PrintsWhatItReads) {
  Diagnostics diagnostics;
  auto schedule = parse(kConvolution, diagnostics);
  ASSERT_TRUE(schedule);
  const std::string text = to_text(*schedule);
  auto again = parse(text, diagnostics);
  ASSERT_TRUE(again) << text;
  EXPECT_EQ(*again, *schedule) << text;
  EXPECT_EQ(to_text(*again), text);
  EXPECT_NE(text.find("  order p.0 oc.0 p.2 oc.1 kh kw ic.0 ic.1 p.1 p.3 oc.2\n"), std::string::npos) << text;
}

TEST(Schedule, SkewsOfTilesAreWrittenWhereTheyAreNotNeutral) {
  const auto skew = [](const std::string &words) {
    Diagnostics diagnostics;
    const auto schedule = parse("kernel bx { place at y.0 of skew" + words + " }", diagnostics);
    EXPECT_TRUE(schedule) << words;
    if (!schedule) return std::string();
    EXPECT_EQ(schedule->find("bx")->at.loop, (LoopRef{"y", 0}));
    EXPECT_EQ(schedule->find("bx")->at.consumer, "skew");
    const std::string text = to_text(*schedule);
    EXPECT_EQ(*parse(text, diagnostics), *schedule) << text;
    return text.substr(0, text.find("\n}"));
  };
  const std::string dense = "kernel bx {\n  place at y.0 of skew";
  EXPECT_EQ(skew(""), dense);
  EXPECT_EQ(skew(" skew 0"), dense);
  EXPECT_EQ(skew(" skew 16"), dense + " skew 16");
  EXPECT_EQ(skew(" skew 0 16 0 0"), dense + " skew 0 16");
  EXPECT_EQ(skew(" skew 65536 1"), dense + " skew 65536 1");
}

TEST(Schedule, NeutralEntryIsShort) {
  Schedule schedule;
  schedule.kernels.push_back({});
  schedule.kernels[0].kernel = "mid";
  EXPECT_EQ(to_text(schedule), "kernel mid {\n  place stored\n}\n");
}

TEST(Schedule, DimensionsCalledLikeOptionsSurvive) {
  KernelSchedule kernel;
  kernel.kernel = "odd name";
  kernel.stagings.push_back(
      {"at", MemoryLevel::kNear, LoopRef{"lanes", 0}, {{"skew", 0}, {"cache", 1}, {"a.b", 0}}, 0, {}, 1, 1, 0});
  kernel.dims.push_back({"k", {}, {}});
  Schedule schedule{{kernel}};
  Diagnostics diagnostics;
  auto again = parse(to_text(schedule), diagnostics);
  ASSERT_TRUE(again) << to_text(schedule);
  EXPECT_EQ(*again, schedule);
}

TEST(Schedule, EmptyTextIsTheNeutralSchedule) {
  Diagnostics diagnostics;
  auto schedule = parse("\n  # nothing\n", diagnostics);
  ASSERT_TRUE(schedule);
  EXPECT_TRUE(schedule->kernels.empty());
  EXPECT_EQ(to_text(*schedule), "");
}

struct BadCase {
  const char *text;
  const char *code;
  int line;
  int column;
};

class ScheduleErrors : public testing::TestWithParam<BadCase> {};

TEST_P(ScheduleErrors, AreLocated) {
  const BadCase &bad = GetParam();
  const Source source("test.schedule", bad.text);
  Diagnostics diagnostics;
  auto schedule = parse_schedule(source, diagnostics);
  ASSERT_FALSE(schedule);
  EXPECT_EQ(schedule.error().code, ErrorCode::kInvalidInput);
  ASSERT_EQ(diagnostics.list().size(), 1u) << render_text(diagnostics, source);
  const Diagnostic &found = diagnostics.list()[0];
  EXPECT_EQ(found.code, bad.code) << found.text;
  EXPECT_EQ(source.place(found.range.begin).line, bad.line) << found.text;
  EXPECT_EQ(source.place(found.range.begin).column, bad.column) << found.text;
}

const BadCase kBadCases[] = {
    {"split oc: group", "schedule-syntax", 1, 1},
    {"kernel {\n  split oc: group\n}\n", "schedule-syntax", 1, 8},
    {"kernel dst\n  split oc: group\n}\n", "schedule-syntax", 1, 11},
    {"kernel dst {\n  tile oc 4\n  clip off\n}\n", "schedule-syntax", 2, 3},
    {"kernel dst {\n  split oc group\n}\n", "schedule-syntax", 2, 12},
    {"kernel dst {\n  split oc: groups\n}\n", "schedule-syntax", 2, 13},
    {"kernel dst {\n  split oc: group, lane\n}\n", "schedule-value", 2, 20},
    {"kernel dst {\n  split oc: group 0\n}\n", "schedule-value", 2, 19},
    {"kernel dst {\n  split oc: group, lane 99999999999999999999\n}\n", "schedule-value", 2, 25},
    {"kernel dst {\n  split oc: group, lane -4\n}\n", "schedule-value", 2, 25},
    {"kernel dst {\n  split oc: group 4 4\n}\n", "schedule-syntax", 2, 21},
    {"kernel dst {\n  split oc: group\n  split oc: serial\n}\n", "schedule-duplicate", 3, 9},
    {"kernel dst {\n  fuse p n oh\n}\n", "schedule-syntax", 2, 10},
    {"kernel dst {\n  fuse p =\n}\n", "schedule-syntax", 2, 11},
    {"kernel dst {\n  fuse p = n oh n\n}\n", "schedule-duplicate", 2, 17},
    {"kernel dst {\n  fuse p = n\n  fuse p = oh\n}\n", "schedule-duplicate", 3, 8},
    {"kernel dst {\n  order\n}\n", "schedule-syntax", 2, 8},
    {"kernel dst {\n  order oc.0 oc.x\n}\n", "schedule-value", 2, 14},
    {"kernel dst {\n  order oc oc.0\n}\n", "schedule-duplicate", 2, 9},
    {"kernel dst {\n  order oc\n  order kh\n}\n", "schedule-duplicate", 3, 3},
    {"kernel dst {\n  stage src\n  clip off\n}\n", "schedule-syntax", 2, 12},
    {"kernel dst {\n  stage src cache at ic layout ic\n}\n", "schedule-syntax", 2, 13},
    {"kernel dst {\n  stage src near layout ic\n}\n", "schedule-value", 2, 13},
    {"kernel dst {\n  stage wei far at ic layout ic\n}\n", "schedule-value", 2, 13},
    {"kernel dst {\n  stage src near at ic\n}\n", "schedule-syntax", 2, 23},
    {"kernel dst {\n  stage src near at ic layout ic buffers 3\n}\n", "schedule-value", 2, 42},
    {"kernel dst {\n  stage src near at ic layout ic ahead 2\n}\n", "schedule-value", 2, 40},
    {"kernel dst {\n  stage src near at ic layout ic skew\n}\n", "schedule-syntax", 2, 38},
    {"kernel dst {\n  stage src near at ic layout ic lanes 4 lanes 4\n}\n", "schedule-duplicate", 2, 42},
    {"kernel dst {\n  stage src near at ic layout ic distance 4\n}\n", "schedule-syntax", 2, 34},
    {"kernel dst {\n  prefetch wei ic\n}\n", "schedule-syntax", 2, 16},
    {"kernel dst {\n  prefetch wei at ic distance 0\n}\n", "schedule-value", 2, 31},
    {"kernel dst {\n  prefetch wei at ic cache 9\n}\n", "schedule-value", 2, 28},
    {"kernel dst {\n  place outside\n}\n", "schedule-syntax", 2, 9},
    {"kernel bx {\n  place at y.0 of dst skew\n}\n", "schedule-syntax", 2, 27},
    {"kernel bx {\n  place at y.0 of dst skew -1\n}\n", "schedule-value", 2, 28},
    {"kernel bx {\n  place at y.0 of dst skew 16 65537\n}\n", "schedule-value", 2, 31},
    {"kernel bx {\n  place at y.0 of dst skew y\n}\n", "schedule-value", 2, 28},
    {"kernel bx {\n  place inline skew 16\n}\n", "schedule-syntax", 2, 16},
    {"kernel bx {\n  place stored skew 16\n}\n", "schedule-syntax", 2, 16},
    {"kernel dst {\n  clip\n}\n", "schedule-syntax", 2, 7},
    {"kernel dst {\n  store stream\n}\n", "schedule-syntax", 2, 9},
    {"kernel dst {\n  split_reduction 0\n}\n", "schedule-value", 2, 19},
    {"kernel dst { place stored", "schedule-syntax", 1, 26},
    {"kernel dst { place nowhere }\nkernel mid { clip off }\n", "schedule-syntax", 1, 20},
    {"kernel dst { clip off } kernel mid { clip off }\n", "schedule-syntax", 1, 25},
    {"kernel dst { clip off }\nkernel dst { clip off }\n", "schedule-duplicate", 2, 8},
    {"kernel dst {\n  partition \"oc\n}\n", "schedule-syntax", 2, 13},
};

INSTANTIATE_TEST_SUITE_P(All, ScheduleErrors, testing::ValuesIn(kBadCases));

TEST(Schedule, ReportsSeveralErrorsAndStopsAtTheLimit) {
  Diagnostics two;
  EXPECT_FALSE(parse("kernel dst {\n  clip up\n  store down\n}\n", two));
  EXPECT_EQ(two.error_count(), 2);
  std::string many = "kernel dst {\n";
  for (int i = 0; i < 100; ++i) many += "  nonsense\n";
  Diagnostics full;
  EXPECT_FALSE(parse(many + "}\n", full));
  EXPECT_TRUE(full.full());
}

TEST(Schedule, ExamplesOfTheDocumentationAreLegalTexts) {
  std::ifstream file(SPARKLE_SCHEDULE_DOC);
  int examples = 0;
  std::string text;
  bool is_inside = false;
  for (std::string line; std::getline(file, line);) {
    const bool is_fence = line.starts_with("```");
    if (is_fence && is_inside) {
      const Source source("schedule.md", text);
      Diagnostics diagnostics;
      auto schedule = parse_schedule(source, diagnostics);
      ASSERT_TRUE(schedule) << render_text(diagnostics, source);
      EXPECT_EQ(*parse_schedule(Source("again", to_text(*schedule)), diagnostics), *schedule);
      ++examples;
    }
    if (is_fence) is_inside = line == "```schedule";
    if (is_fence)
      text.clear();
    else
      text += line + "\n";
  }
  EXPECT_EQ(examples, 4);
}

TEST(TextReader, QuotesWhatIsNoWord) {
  EXPECT_EQ(quote_word("conv_1.x"), "conv_1.x");
  EXPECT_EQ(quote_word(""), "\"\"");
  const std::string odd = "a \"b\" \\ \n\x01 \xC3\xA9#";
  const Source source("odd", quote_word(odd));
  TextReader again(source);
  EXPECT_EQ(again.peek().kind, TokenKind::kString);
  EXPECT_EQ(again.take().text, odd);
  EXPECT_EQ(again.take().kind, TokenKind::kEnd);
}

} // namespace
} // namespace sparkle
