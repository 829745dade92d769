#include "runtime/cpu_info.h"

#include <gtest/gtest.h>

#include "runtime/cpu_probe.h"
#include "tests/unit/runtime/recorded_cpu.h"

namespace sparkle {
namespace {

CpuInfo detect(const CpuReader &reader, std::string_view cap = {}) {
  auto info = detect_cpu(reader, cap);
  EXPECT_TRUE(info) << info.error().text;
  return info ? *info : CpuInfo{};
}

TEST(CpuInfo, ReadsACascadeLake) {
  const CpuInfo info = detect(recorded_cascade_lake());
  EXPECT_EQ(info.vendor, "GenuineIntel");
  EXPECT_EQ(info.name, "Intel(R) Xeon(R) Processor @ 2.50GHz");
  EXPECT_EQ(info.family, 6);
  EXPECT_EQ(info.model, 85);
  EXPECT_EQ(info.stepping, 7);
  EXPECT_TRUE(info.is_virtual);
  CpuFeatures features;
  features.avx2 = features.fma = features.f16c = true;
  features.avx512f = features.avx512bw = features.avx512vl = features.avx512dq = features.avx512_vnni = true;
  EXPECT_EQ(info.features, features);
  ASSERT_EQ(info.caches.size(), 4u);
  EXPECT_EQ(*info.data_cache(1), (CpuCache{1, CacheKind::kData, 32768, 64, 8, 1}));
  EXPECT_EQ(*info.data_cache(2), (CpuCache{2, CacheKind::kUnified, 1048576, 64, 16, 1}));
  EXPECT_EQ(*info.data_cache(3), (CpuCache{3, CacheKind::kUnified, 37486592, 64, 11, 2}));
  EXPECT_EQ(info.data_cache(4), nullptr);
  EXPECT_EQ(info.logical_cpus, 2);
  EXPECT_EQ(info.cores, 2);
  EXPECT_EQ(info.usable_cores, 2);
  EXPECT_DOUBLE_EQ(info.base_ghz, 2.5);
  EXPECT_DOUBLE_EQ(info.max_ghz, 0);
  EXPECT_DOUBLE_EQ(info.current_ghz, 2.499998);
}

TEST(CpuInfo, CpuidAndSysfsAgree) {
  RecordedCpu bare = recorded_cascade_lake();
  const std::vector<CpuCache> from_sysfs = detect(bare).caches;
  bare.files.clear();
  EXPECT_EQ(detect(bare).caches, from_sysfs);
}

TEST(CpuInfo, ReadsAZen4) {
  const CpuInfo info = detect(documented_zen4());
  EXPECT_EQ(info.vendor, "AuthenticAMD");
  EXPECT_EQ(info.name, "AMD EPYC 9R14");
  EXPECT_EQ(info.family, 0x19);
  EXPECT_EQ(info.model, 0x11);
  EXPECT_FALSE(info.is_virtual);
  EXPECT_TRUE(info.features.has_avx512());
  EXPECT_TRUE(info.features.avx512_vnni);
  EXPECT_TRUE(info.features.avx512_bf16);
  EXPECT_FALSE(info.features.avx_vnni);
  EXPECT_FALSE(info.features.amx_tile);
  ASSERT_EQ(info.caches.size(), 4u);
  EXPECT_EQ(*info.data_cache(1), (CpuCache{1, CacheKind::kData, 32768, 64, 8, 2}));
  EXPECT_EQ(*info.data_cache(2), (CpuCache{2, CacheKind::kUnified, 1048576, 64, 8, 2}));
  EXPECT_EQ(*info.data_cache(3), (CpuCache{3, CacheKind::kUnified, 33554432, 64, 16, 16}));
  EXPECT_EQ(info.threads_per_core, 2);
  EXPECT_EQ(info.base_ghz, 0) << "not told, not assumed";
}

TEST(CpuInfo, NothingIsUsableThatTheSystemDoesNotSave) {
  RecordedCpu cpu = recorded_cascade_lake();
  cpu.saved_state = 0x7; // AVX alone
  EXPECT_TRUE(detect(cpu).features.has_avx2());
  EXPECT_FALSE(detect(cpu).features.avx512f);
  EXPECT_FALSE(detect(cpu).features.avx512_vnni);
  cpu.saved_state = 0x3; // SSE alone
  EXPECT_EQ(detect(cpu).features, CpuFeatures{});
  cpu.saved_state = 0x2FF;
  cpu.leaves[{1, 0}].ecx &= ~(1u << 27); // no OSXSAVE: XCR0 must not even be read
  EXPECT_EQ(detect(cpu).features, CpuFeatures{});
}

TEST(CpuInfo, AmxNeedsItsOwnState) {
  RecordedCpu cpu = recorded_cascade_lake();
  cpu.leaves[{7, 0}].edx |= 1u << 22 | 1u << 24 | 1u << 25;
  EXPECT_FALSE(detect(cpu).features.amx_tile);
  cpu.saved_state |= 0x60000;
  EXPECT_TRUE(detect(cpu).features.amx_tile);
  EXPECT_TRUE(detect(cpu).features.amx_bf16);
  EXPECT_TRUE(detect(cpu).features.amx_int8);
  EXPECT_FALSE(detect(cpu, "avx512").features.amx_tile);
}

TEST(CpuInfo, CapsComeFromTheArgumentThenTheEnvironment) {
  RecordedCpu cpu = recorded_cascade_lake();
  CpuFeatures avx2;
  avx2.avx2 = avx2.fma = avx2.f16c = true;
  EXPECT_EQ(detect(cpu, "avx2").features, avx2);
  cpu.variables["SPARKLE_ISA"] = "avx2";
  EXPECT_EQ(detect(cpu).features, avx2);
  EXPECT_EQ(detect(cpu).isa_cap, "avx2");
  EXPECT_TRUE(detect(cpu, "avx512").features.has_avx512()) << "the argument goes first";
  cpu.variables["SPARKLE_ISA"] = "sse9";
  auto bad = detect_cpu(cpu);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::kInvalidInput);
  EXPECT_NE(bad.error().text.find("sse9"), std::string::npos);
}

TEST(CpuInfo, ThreadsOfOneCoreCountOnce) {
  RecordedCpu cpu = recorded_cascade_lake();
  cpu.cpus = {0, 1, 2, 3};
  for (int i = 0; i < 4; ++i) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(i) + "/topology/core_cpus_list";
    cpu.files[folder] = i % 2 == 0 ? "0,2\n" : "1,3\n";
  }
  const CpuInfo info = detect(cpu);
  EXPECT_EQ(info.logical_cpus, 4);
  EXPECT_EQ(info.threads_per_core, 2);
  EXPECT_EQ(info.cores, 2);
  EXPECT_EQ(info.usable_cores, 2);
}

TEST(CpuInfo, WithoutAnyReportNothingIsInvented) {
  const CpuInfo info = detect(RecordedCpu{});
  EXPECT_EQ(info.vendor, "");
  EXPECT_TRUE(info.caches.empty());
  EXPECT_EQ(info.features, CpuFeatures{});
  EXPECT_EQ(info.usable_cores, 1);
  EXPECT_EQ(info.base_ghz, 0);
}

constexpr const char *kMounts2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char *kMounts1 =
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:30 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n";

TEST(CpuQuota, TheTightestGroupOfVersion2Counts) {
  RecordedCpu cpu;
  cpu.files["/proc/self/mountinfo"] = kMounts2;
  cpu.files["/proc/self/cgroup"] = "0::/jobs/one\n";
  EXPECT_EQ(probe_cpu_quota(cpu), 0);
  cpu.files["/sys/fs/cgroup/jobs/one/cpu.max"] = "max 100000\n";
  EXPECT_EQ(probe_cpu_quota(cpu), 0);
  cpu.files["/sys/fs/cgroup/jobs/cpu.max"] = "250000 100000\n";
  EXPECT_EQ(probe_cpu_quota(cpu), 2.5);
  cpu.files["/sys/fs/cgroup/jobs/one/cpu.max"] = "50000 100000\n";
  EXPECT_EQ(probe_cpu_quota(cpu), 0.5);
}

TEST(CpuQuota, Version1InAContainer) {
  RecordedCpu cpu;
  cpu.files["/proc/self/mountinfo"] = kMounts1;
  cpu.files["/proc/self/cgroup"] = "5:cpuset:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/\n";
  const std::string folder = "/sys/fs/cgroup/cpu,cpuacct/";
  cpu.files[folder + "cpu.cfs_quota_us"] = "-1\n";
  cpu.files[folder + "cpu.cfs_period_us"] = "100000\n";
  EXPECT_EQ(probe_cpu_quota(cpu), 0);
  cpu.files[folder + "cpu.cfs_quota_us"] = "150000\n";
  EXPECT_EQ(probe_cpu_quota(cpu), 1.5);
}

TEST(CpuQuota, CutsTheUsableCores) {
  RecordedCpu cpu = documented_zen4();
  cpu.files["/proc/self/mountinfo"] = kMounts2;
  cpu.files["/proc/self/cgroup"] = "0::/\n";
  cpu.files["/sys/fs/cgroup/cpu.max"] = "350000 100000\n";
  EXPECT_EQ(detect(cpu).usable_cores, 3);
  cpu.files["/sys/fs/cgroup/cpu.max"] = "10000 100000\n";
  EXPECT_EQ(detect(cpu).usable_cores, 1);
  cpu.files["/sys/fs/cgroup/cpu.max"] = "9900000 100000\n";
  EXPECT_EQ(detect(cpu).usable_cores, detect(cpu).cores);
}

TEST(CpuProbe, ParsesListsAndSizes) {
  EXPECT_EQ(parse_cpu_list("0-2,5\n"), (std::vector<int>{0, 1, 2, 5}));
  EXPECT_TRUE(parse_cpu_list("0-").empty());
  EXPECT_TRUE(parse_cpu_list("3-1").empty());
  EXPECT_TRUE(parse_cpu_list("0-99999999999").empty());
  EXPECT_EQ(parse_bytes("36608K"), 37486592);
  EXPECT_EQ(parse_bytes("2M"), 2097152);
  EXPECT_FALSE(parse_bytes("K"));
  EXPECT_FALSE(parse_bytes(""));
  EXPECT_FALSE(parse_bytes("-1"));
}

TEST(CpuInfo, ReadsTheMachineItRunsOn) {
  const auto host = detect_cpu(*host_cpu_reader(), "avx512");
  ASSERT_TRUE(host);
  const CpuInfo &info = *host;
  EXPECT_GE(info.usable_cores, 1);
  EXPECT_GE(info.logical_cpus, info.cores);
  EXPECT_GE(info.cores, info.usable_cores);
  for (const CpuCache &cache : info.caches) EXPECT_GT(cache.bytes, 0);
#if defined(__x86_64__)
  EXPECT_FALSE(info.vendor.empty());
  EXPECT_EQ(info.features.avx2, static_cast<bool>(__builtin_cpu_supports("avx2")));
  EXPECT_EQ(info.features.avx512f, static_cast<bool>(__builtin_cpu_supports("avx512f")));
#endif
  RecordProperty("cpu", to_text(info));
}

} // namespace
} // namespace sparkle
