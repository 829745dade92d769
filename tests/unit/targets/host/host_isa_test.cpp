#include "targets/host/host_isa.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace sparkle {
namespace {

constexpr HostWords kAll{~0u, ~0u, ~0u, ~0u, ~uint64_t{0}};

TEST(HostIsa, EveryLevelNeedsAllOfItsBits) {
  const HostIsa all = decode_host_isa(kAll);
  EXPECT_TRUE(all.sse42 && all.avx2 && all.avx512 && all.vnni);
  for (const int bit : {12, 22, 27, 28, 29}) { // FMA, MOVBE, OSXSAVE, AVX, F16C
    HostWords words = kAll;
    words.leaf1_ecx &= ~(1u << bit);
    EXPECT_FALSE(decode_host_isa(words).avx2) << bit;
    EXPECT_FALSE(decode_host_isa(words).avx512) << bit;
  }
  for (const int bit : {16, 17, 28, 30, 31}) { // F, DQ, CD, BW, VL
    HostWords words = kAll;
    words.leaf7_ebx &= ~(1u << bit);
    const HostIsa host = decode_host_isa(words);
    EXPECT_TRUE(host.avx2) << bit;
    EXPECT_FALSE(host.avx512 || host.vnni) << bit;
  }
}

TEST(HostIsa, WhatTheSystemDoesNotSaveIsNotThere) {
  HostWords words = kAll;
  words.xcr0 = 0x7; // x87, xmm, ymm
  EXPECT_TRUE(decode_host_isa(words).avx2);
  EXPECT_FALSE(decode_host_isa(words).avx512);
  words.xcr0 = 0x3;
  EXPECT_FALSE(decode_host_isa(words).avx2);
}

TEST(HostIsa, CapsTakeAwayWhatIsBeyondThem) {
  const HostIsa all = decode_host_isa(kAll);
  const Result<HostIsa> capped = cap_host_isa(all, "avx2");
  ASSERT_TRUE(capped);
  EXPECT_TRUE(capped->avx2);
  EXPECT_FALSE(capped->avx512 || capped->vnni);
  EXPECT_TRUE(cap_host_isa(all, "avx512")->vnni);
  EXPECT_TRUE(cap_host_isa({}, ""));
  const Result<HostIsa> missing = cap_host_isa({}, "avx512");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(missing.error().text, "this machine has no avx512");
  const Result<HostIsa> unknown = cap_host_isa(all, "sse9");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidInput);
}

TEST(HostIsa, AgreesWithWhatTheKernelLists) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && line.rfind("flags", 0) != 0) continue;
  if (line.empty()) GTEST_SKIP() << "no flags in /proc/cpuinfo";
  line += " ";
  const HostIsa host = decode_host_isa(read_host_words());
  EXPECT_EQ(host.avx512, line.find(" avx512vl ") != std::string::npos);
  EXPECT_EQ(host.avx2, line.find(" avx2 ") != std::string::npos);
  EXPECT_EQ(host.vnni, line.find(" avx512_vnni ") != std::string::npos);
}

} // namespace
} // namespace sparkle
