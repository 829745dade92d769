#include "runtime/cpu_target_info.h"

#include <gtest/gtest.h>

#include "tests/unit/machines.h"
#include "tests/unit/runtime/recorded_cpu.h"

namespace sparkle {
namespace {

TargetInfo made_from(const CpuReader &reader, std::string_view cap = {}) {
  auto info = detect_cpu(reader, cap);
  EXPECT_TRUE(info) << info.error().text;
  return make_cpu_target_info(*info);
}

/// Equal but for the name. Texts first: their difference shows the field.
void expect_same(TargetInfo made, const TargetInfo &wanted) {
  made.name = wanted.name;
  EXPECT_EQ(to_text(made), to_text(wanted));
  EXPECT_EQ(made, wanted);
}

TEST(CpuTargetInfo, CascadeLakeIsItsFixture) {
  expect_same(made_from(recorded_cascade_lake()), test::machine("cascadelake"));
}

TEST(CpuTargetInfo, Zen4IsItsFixture) {
  RecordedCpu cpu = documented_zen4();
  cpu.cpus = {0, 1}; // a slice of two
  cpu.files["/proc/cpuinfo"] = "cpu MHz : 3560\n";
  expect_same(made_from(cpu), test::machine("zen4"));
}

TEST(CpuTargetInfo, ACapTakesLanesRegistersAndBroadcastOperands) {
  const TargetInfo target = made_from(documented_zen4(), "avx2");
  EXPECT_EQ(target.lanes, 8);
  EXPECT_EQ(target.registers, 16);
  EXPECT_EQ(target.fma_per_cycle, 2);
  EXPECT_EQ(target.load_per_cycle, 2);
  EXPECT_FALSE(target.fma_memory_operand);
  EXPECT_FALSE(target.masked_access);
  // Zen 4 computes AVX-512 in two passes: both have the same peak.
  EXPECT_DOUBLE_EQ(peak_gflops(target), peak_gflops(made_from(documented_zen4())));
}

CpuInfo server(const char *vendor, int family, int model, const char *name) {
  CpuInfo info;
  info.vendor = vendor;
  info.family = family;
  info.model = model;
  info.name = name;
  info.features.avx2 = info.features.fma = info.features.avx512f = true;
  info.features.avx512bw = info.features.avx512vl = info.features.avx512dq = true;
  info.base_ghz = 1;
  return info;
}

TEST(CpuTargetInfo, UnitsFollowTheFamily) {
  const struct {
    const char *vendor;
    int family, model;
    const char *name;
    double flops_per_cycle;
  } cases[] = {
      {"GenuineIntel", 6, 0x55, "Intel(R) Xeon(R) Platinum 8280 CPU @ 2.70GHz", 64},
      {"GenuineIntel", 6, 0x55, "Intel(R) Xeon(R) Silver 4110 CPU @ 2.10GHz", 32},
      {"GenuineIntel", 6, 0x55, "Intel(R) Xeon(R) Gold 5218 CPU @ 2.30GHz", 32},
      {"GenuineIntel", 6, 0x55, "Intel(R) Xeon(R) Gold 5222 CPU @ 3.80GHz", 64},
      {"GenuineIntel", 6, 0x55, "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", 64},
      {"GenuineIntel", 6, 0x6A, "Intel(R) Xeon(R) Silver 4310 CPU @ 2.10GHz", 64},
      {"GenuineIntel", 6, 0x8C, "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", 32},
      {"GenuineIntel", 6, 0x8F, "Intel(R) Xeon(R) Platinum 8480+", 64},
      {"AuthenticAMD", 0x19, 0x61, "AMD Ryzen 9 7950X 16-Core Processor", 32},
      {"AuthenticAMD", 0x1A, 0x02, "AMD EPYC 9755 128-Core Processor", 64},
      {"AuthenticAMD", 0x1A, 0x24, "AMD Ryzen AI 9 HX 370", 32},
      {"NewVendor", 9, 9, "", 32},
  };
  for (const auto &each : cases) {
    const TargetInfo target = make_cpu_target_info(server(each.vendor, each.family, each.model, each.name));
    EXPECT_DOUBLE_EQ(peak_gflops(target), each.flops_per_cycle) << each.name;
  }
}

TEST(CpuTargetInfo, Avx2OnlyFamilies) {
  const struct {
    const char *vendor;
    int family, model;
    double flops_per_cycle;
  } cases[] = {{"GenuineIntel", 6, 0x3C, 32},    {"AuthenticAMD", 0x17, 0x01, 16}, {"AuthenticAMD", 0x17, 0x31, 32},
               {"AuthenticAMD", 0x19, 0x01, 32}, {"HygonGenuine", 0x18, 0x00, 16}, {"GenuineIntel", 6, 0xBE, 16}};
  for (const auto &each : cases) {
    CpuInfo info = server(each.vendor, each.family, each.model, "");
    info.features = {};
    info.features.avx2 = info.features.fma = true;
    EXPECT_DOUBLE_EQ(peak_gflops(make_cpu_target_info(info)), each.flops_per_cycle) << each.vendor << each.model;
  }
}

TEST(CpuTargetInfo, Zen3IsNotTakenForZen4) {
  CpuInfo info = server("AuthenticAMD", 0x19, 0x21, "AMD Ryzen 9 5950X 16-Core Processor");
  info.features.avx512f = false;
  const TargetInfo target = make_cpu_target_info(info);
  EXPECT_EQ(target.memories.back().latency_cycles, 320);
}

TEST(CpuTargetInfo, AmxBecomesMatrixUnits) {
  CpuInfo info = server("GenuineIntel", 6, 0x8F, "");
  EXPECT_TRUE(make_cpu_target_info(info).matrix_units.empty());
  info.features.amx_tile = info.features.amx_bf16 = info.features.amx_int8 = true;
  EXPECT_EQ(make_cpu_target_info(info).matrix_units, test::machine("spr").matrix_units);
}

TEST(CpuTargetInfo, HostIsSane) {
  auto info = detect_cpu(*host_cpu_reader(), "avx512");
  ASSERT_TRUE(info);
  const TargetInfo target = make_cpu_target_info(*info);
  EXPECT_EQ(target.units, info->usable_cores);
  EXPECT_EQ(target.lanes == 16, target.registers == 32);
  EXPECT_GT(peak_gflops(target), 0);
  EXPECT_EQ(target.memories.back().name, "DRAM");
  for (size_t i = 1; i < target.memories.size(); ++i) {
    EXPECT_LE(target.memories[i].bytes_per_cycle, target.memories[i - 1].bytes_per_cycle);
    EXPECT_GT(target.memories[i].latency_cycles, target.memories[i - 1].latency_cycles);
  }
  Diagnostics diagnostics;
  auto again = parse_target_info(Source("host", to_text(target)), diagnostics);
  ASSERT_TRUE(again) << to_text(target);
  EXPECT_EQ(*again, target);
  RecordProperty("target", to_text(target));
}

} // namespace
} // namespace sparkle
