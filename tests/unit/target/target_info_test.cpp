#include "compiler/target/target_info.h"

#include <filesystem>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/unit/read_text.h"

namespace sparkle {
namespace {

Source read_fixture(const std::string &name) {
  return Source(name, test::read_text(SPARKLE_FIXTURES "/" + name + ".target"));
}

TargetInfo fixture(const std::string &name) {
  const Source source = read_fixture(name);
  Diagnostics diagnostics;
  auto info = parse_target_info(source, diagnostics);
  EXPECT_TRUE(info) << render_text(diagnostics, source);
  return info ? *info : TargetInfo{};
}

class Fixtures : public testing::TestWithParam<const char *> {};

TEST_P(Fixtures, ReadBackAsTheSameValue) {
  const TargetInfo info = fixture(GetParam());
  EXPECT_EQ(info.name, GetParam());
  Diagnostics diagnostics;
  const Source printed("printed", to_text(info));
  auto again = parse_target_info(printed, diagnostics);
  ASSERT_TRUE(again) << render_text(diagnostics, printed);
  EXPECT_EQ(*again, info);
}

TEST_P(Fixtures, SayEveryField) {
  // A field left out would silently take the default of some other machine.
  const Source source = read_fixture(GetParam());
  std::set<std::string> said;
  std::istringstream lines(source.text());
  for (std::string line; std::getline(lines, line);) said.insert(line.substr(0, line.find(' ')));
  std::istringstream printed(to_text(fixture(GetParam())));
  for (std::string line; std::getline(printed, line);) {
    if (line[0] == ' ') continue; // inside a block: as the memory has it
    EXPECT_TRUE(said.contains(line.substr(0, line.find(' ')))) << line;
  }
}

TEST_P(Fixtures, MemoriesGrowAndSlowDownOutwards) {
  const TargetInfo info = fixture(GetParam());
  ASSERT_GE(info.memories.size(), 3u);
  for (size_t i = 1; i < info.memories.size(); ++i) {
    const MemoryInfo &near = info.memories[i - 1], &far = info.memories[i];
    EXPECT_TRUE(far.bytes == 0 || far.bytes >= near.bytes) << far.name;
    EXPECT_LE(far.bytes_per_cycle, near.bytes_per_cycle) << far.name;
    EXPECT_GT(far.latency_cycles, near.latency_cycles) << far.name;
  }
  for (const MemoryInfo &memory : info.memories) {
    const bool is_whole = memory.way_stride_bytes == 0 || memory.way_stride_bytes * memory.ways == memory.bytes;
    EXPECT_TRUE(is_whole) << memory.name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Fixtures,
                         testing::Values("aarch64", "avx2", "cascadelake", "generic_gpu", "h100", "lavapipe", "spr",
                                         "x86-64-v3", "x86-64-v4", "zen4"));

TEST(TargetInfo, EveryFixtureFileIsTested) {
  std::set<std::string> names;
  for (const auto &entry : std::filesystem::directory_iterator(SPARKLE_FIXTURES)) {
    if (entry.path().extension() == ".target") names.insert(entry.path().stem());
  }
  EXPECT_EQ(names, (std::set<std::string>{"aarch64", "avx2", "cascadelake", "generic_gpu", "h100", "lavapipe", "spr",
                                          "x86-64-v3", "x86-64-v4", "zen4"}));
}

TEST(TargetInfo, PeaksAgreeWithWhatTheVendorsState) {
  EXPECT_NEAR(peak_gflops(fixture("h100")), 66900, 100); // white paper: 66.9 TFLOPS
  EXPECT_NEAR(peak_gflops(fixture("zen4")), 228, 1);     // measured, two threads
  EXPECT_NEAR(peak_gflops(fixture("avx2")), 4 * 3.4 * 32, 0.1);
  EXPECT_NEAR(peak_gflops(fixture("cascadelake")), 2 * 2.5 * 64, 0.1);
}

TEST(TargetInfo, DefaultsAndOddNamesSurvive) {
  TargetInfo info;
  info.name = "Xeon(R) \"X\" @ 2.50GHz\n#";
  info.memories.push_back({"L1 data", 32768, 64, 8, 4096, 0.1, 1e-3, Sharing::kWorker, true});
  info.matrix_units.push_back({16, 8, 4, "f16", "f32", 1.0 / 3});
  Diagnostics diagnostics;
  auto again = parse_target_info(Source("t", to_text(info)), diagnostics);
  ASSERT_TRUE(again) << to_text(info);
  EXPECT_EQ(*again, info);
}

TEST(TargetInfo, KeysMayStandInAnyOrderOrBeLeftOut) {
  Diagnostics diagnostics;
  auto info = parse_target_info(Source("t", "lanes 16 # comment\nname x\n\nmemory L1 { bytes 64 }\n"), diagnostics);
  ASSERT_TRUE(info);
  TargetInfo wanted;
  wanted.name = "x";
  wanted.lanes = 16;
  wanted.memories.push_back({});
  wanted.memories[0].name = "L1";
  wanted.memories[0].bytes = 64;
  EXPECT_EQ(*info, wanted);
}

struct BadCase {
  const char *text;
  const char *code;
  int line;
  int column;
};

class TargetInfoErrors : public testing::TestWithParam<BadCase> {};

TEST_P(TargetInfoErrors, AreLocated) {
  const Source source("t", GetParam().text);
  Diagnostics diagnostics;
  auto info = parse_target_info(source, diagnostics);
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, ErrorCode::kInvalidInput);
  ASSERT_EQ(diagnostics.list().size(), 1u) << render_text(diagnostics, source);
  const Diagnostic &found = diagnostics.list()[0];
  EXPECT_EQ(found.code, GetParam().code) << found.text;
  EXPECT_EQ(source.place(found.range.begin).line, GetParam().line) << found.text;
  EXPECT_EQ(source.place(found.range.begin).column, GetParam().column) << found.text;
}

const BadCase kBadCases[] = {
    {"lanes 8\nlane 8\n", "target-info-key", 2, 1},
    {"lanes 8\nlanes 8\n", "target-info-key", 2, 1},
    {"memory L1 {\n  byte 8\n}\n", "target-info-key", 2, 3},
    {"memory L1 {\n  bytes 8\n  bytes 8\n}\n", "target-info-key", 3, 3},
    {"lanes 0\n", "target-info-value", 1, 7},
    {"lanes 2.5\n", "target-info-value", 1, 7},
    {"lanes 4294967296\n", "target-info-value", 1, 7},
    {"units 99999999999999999999\n", "target-info-value", 1, 7},
    {"near_bytes -1\n", "target-info-value", 1, 12},
    {"clock_ghz 0\n", "target-info-value", 1, 11},
    {"clock_ghz nan\n", "target-info-value", 1, 11},
    {"clock_ghz inf\n", "target-info-value", 1, 11},
    {"clock_ghz 3,5\n", "target-info-syntax", 1, 12},
    {"masked_access yes\n", "target-info-value", 1, 15},
    {"memory L1 {\n  sharing core\n}\n", "target-info-value", 2, 11},
    {"team_workers 32\nmax_workers 48\n", "target-info-value", 2, 13},
    {"lanes\n", "target-info-syntax", 1, 6},
    {"lanes 8 8\n", "target-info-syntax", 1, 9},
    {"name \"open\n", "target-info-value", 1, 6},
    {"{\n", "target-info-syntax", 1, 1},
    {"memory {\n", "target-info-syntax", 1, 8},
    {"memory L1\n", "target-info-syntax", 1, 10},
    {"memory L1 {\n  bytes 8\n", "target-info-syntax", 3, 1},
    {"matrix_unit {\n  m 0\n}\n", "target-info-value", 2, 5},
    {"matrix_unit { m 16 } lanes 8\n", "target-info-syntax", 1, 22},
    {"lanes 8\nmatrix_unit {\n  m 16\n  k 16\n}\n", "target-info-key", 2, 1},
};

INSTANTIATE_TEST_SUITE_P(All, TargetInfoErrors, testing::ValuesIn(kBadCases));

} // namespace
} // namespace sparkle
