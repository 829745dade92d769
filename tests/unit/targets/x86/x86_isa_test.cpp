#include "targets/x86/isa.h"

#include <gtest/gtest.h>

#include "targets/host/host_isa.h"

namespace sparkle::x86 {
namespace {

TEST(X86Isa, IsTheBestOfTheMachineUnderTheCap) {
  const HostIsa host = decode_host_isa(read_host_words());
  const Result<Isa> best = host_isa("");
  ASSERT_EQ(static_cast<bool>(best), host.avx2);
  if (!best) GTEST_SKIP() << best.error().text;
  EXPECT_EQ(best->family, host.avx512 ? Family::kAvx512 : Family::kAvx2);
  EXPECT_EQ(best->vnni, host.vnni);
  const Result<Isa> capped = host_isa("avx2");
  ASSERT_TRUE(capped);
  EXPECT_EQ(capped->family, Family::kAvx2);
  EXPECT_FALSE(capped->vnni);
  EXPECT_EQ(static_cast<bool>(host_isa("avx512")), host.avx512);
}

TEST(X86Isa, UnknownCapsAreRefused) {
  const Result<Isa> isa = host_isa("avx3");
  ASSERT_FALSE(isa);
  EXPECT_EQ(isa.error().code, ErrorCode::kInvalidInput);
}

TEST(X86Isa, FamiliesFixWidthsAndRegisters) {
  const Isa avx2{Family::kAvx2, false}, avx512{Family::kAvx512, true};
  EXPECT_EQ(avx2.vector_bytes(), 32);
  EXPECT_EQ(avx2.vector_registers(), 16);
  EXPECT_EQ(avx512.vector_lanes(), 16);
  EXPECT_EQ(avx512.vector_registers(), 32);
  EXPECT_EQ(name_of(avx2.family), "avx2");
  EXPECT_EQ(name_of(avx512.family), "avx512");
}

} // namespace
} // namespace sparkle::x86
