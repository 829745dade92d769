// Arguments with strides of their own, on every device: equal to the interpreter, and to the dense run of the same
// text.
#include <gtest/gtest.h>

#include "compiler/import/strides.h"
#include "tests/differential/kernel_case.h"

namespace sparkle::test {
namespace {

constexpr const char *kConvolution =
    "kernel conv(src: f32[N, IH, IW, IC] outside skip on (IH, IW), const wei: f32[KH, KW, IC, OC], bias: f32[OC])\n"
    "  -> dst: f32[N, OH, OW, OC] where OH = IH, OW = IW {\n"
    "  let acc[n, oh, ow, oc] = sum[kh, kw, ic](src[n, oh + kh - 1, ow + kw - 1, ic] * wei[kh, kw, ic, oc]);\n"
    "  dst[n, oh, ow, oc] = max(acc[n, oh, ow, oc] + bias[oc], 0);\n}\n";

KernelText convolution() {
  return {kConvolution, {{"N", 2}, {"IH", 6}, {"IW", 7}, {"IC", 5}, {"KH", 3}, {"KW", 3}, {"OC", 19}}, {}};
}

std::vector<DeviceInfo> devices() {
  std::vector<DeviceInfo> all = {test_machine()->reference(), test_machine()->cpu()};
  for (const DeviceInfo &device : test_machine()->vulkan()) all.push_back(device);
  return all;
}

void expect_equal_everywhere(const KernelText &text, const StridesByName &strides) {
  Result<Program> program = import_text(text);
  ASSERT_TRUE(program) << program.error().text;
  const Status set = set_strides(*program, strides);
  ASSERT_TRUE(set) << set.error().text;
  Result<TensorSet> expected = TensorSet::make(*program, 7);
  ASSERT_TRUE(expected) << expected.error().text;
  ASSERT_TRUE(run_reference(*program, *expected));
  for (const DeviceInfo &device : devices()) {
    Result<TensorSet> computed = TensorSet::make(*program, 7);
    ASSERT_TRUE(computed) << computed.error().text;
    const Status status = run_on_device(*program, test_machine(), device, {}, *computed);
    EXPECT_TRUE(status) << device.id << ": " << status.error().text;
    EXPECT_EQ(computed->difference_from(*expected), "") << device.id;
  }
}

std::string refusal(const KernelText &text, const StridesByName &strides) {
  Result<Program> program = import_text(text);
  EXPECT_TRUE(program) << program.error().text;
  const Status status = set_strides(*program, strides);
  return status ? "" : status.error().text;
}

TEST(Strides, ChannelsFirstMemoryUnderChannelsLastText) {
  expect_equal_everywhere(convolution(), {{"src", {210, 7, 1, 42}}, {"dst", {798, 7, 1, 42}}});
}
TEST(Strides, PaddedRows) {
  expect_equal_everywhere(convolution(),
                          {{"src", {400, 60, 8, 1}}, {"dst", {1200, 180, 24, 1}}, {"wei", {320, 104, 20, 1}}});
}
TEST(Strides, EveryOtherElement) {
  expect_equal_everywhere(convolution(), {{"src", {420, 70, 10, 2}}, {"bias", {3}}, {"dst", {1596, 266, 38, 2}}});
}
TEST(Strides, ZeroRepeatsAnInput) { expect_equal_everywhere(convolution(), {{"bias", {0}}, {"src", {0, 35, 5, 1}}}); }

TEST(Strides, AreRefused) {
  EXPECT_EQ(refusal(convolution(), {{"scr", {1}}}),
            "strides of `scr`: no such argument; there are src, wei, bias, dst");
  EXPECT_EQ(refusal(convolution(), {{"acc", {1, 1, 1, 1}}}),
            "strides of `acc`: no such argument; there are src, wei, bias, dst");
  EXPECT_EQ(refusal(convolution(), {{"src", {1, 2}}}), "strides of `src`: 2 given, it has 4 dimensions");
  EXPECT_EQ(refusal(convolution(), {{"bias", {-1}}}), "strides of `bias`: a stride is negative (-1)");
  EXPECT_EQ(refusal(convolution(), {{"dst", {0, 133, 19, 1}}}),
            "strides of `dst`: two elements of a result would share memory (stride 0 is not above 0)");
  EXPECT_EQ(refusal(convolution(), {{"dst", {798, 133, 18, 1}}}),
            "strides of `dst`: two elements of a result would share memory (stride 18 is not above 18)");
  EXPECT_EQ(refusal(convolution(), {{"src", {INT64_MAX / 2, 35, 5, 1}}}),
            "strides of `src`: its farthest element leaves 64 bits");
}

} // namespace
} // namespace sparkle::test
