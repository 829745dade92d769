// A convolution with its tensors, filled with small whole numbers, so that all devices compute equal results.
#pragma once

#include <gtest/gtest.h>

#include "runtime/fill.h"
#include "runtime/jit.h"
#include "tests/unit/support_programs.h"

namespace sparkle::test {

inline HostTensor tensor(std::vector<int64_t> shape, uint64_t seed) {
  Result<HostTensor> made = HostTensor::allocate(Scalar::kF32, std::move(shape));
  SPARKLE_CHECK(made.has_value(), "no memory for a test's tensor");
  fill_integers(*made, seed);
  return std::move(*made);
}

struct ConvCase {
  explicit ConvCase(const ConvShape &s)
      : program(conv_program(s)), src(tensor({s.n, s.ih, s.iw, s.ic}, 1)), wei(tensor({s.kh, s.kw, s.ic, s.oc}, 2)),
        bias(tensor({s.oc}, 3)), dst(tensor({s.n, s.oh(), s.ow(), s.oc}, 4)) {}
  Arguments arguments() { return {{"src", &src}, {"wei", &wei}, {"bias", &bias}, {"dst", &dst}}; }

  Program program;
  HostTensor src, wei, bias, dst;
};

inline std::shared_ptr<Machine> machine() {
  // Never destroyed: some Vulkan drivers have ended by the time in which destructors of static objects run.
  static const std::shared_ptr<Machine> &shared =
      *new std::shared_ptr<Machine>(*Machine::open({2, {}, VulkanOptions::from_environment()}));
  return shared;
}

/// The case run on `device` and compared in full.
inline RunReport run_verified(ConvCase &conv, const std::string &device, std::string_view schedule = {}) {
  JitOptions options;
  options.device = device;
  options.machine = machine();
  if (!schedule.empty()) options.compile.schedule = schedule_of(schedule);
  Result<JitKernel> kernel = jit(conv.program, options);
  EXPECT_TRUE(kernel) << kernel.error().text;
  if (!kernel) return {};
  JitRunOptions run;
  run.verify = true;
  run.verification.mode = VerifyMode::kFull;
  Result<RunReport> report = kernel->run(conv.arguments(), run);
  EXPECT_TRUE(report) << report.error().text;
  return report ? *report : RunReport{};
}

} // namespace sparkle::test
