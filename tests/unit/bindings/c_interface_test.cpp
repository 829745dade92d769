// The C interface at its borders: what callers get wrong, and what the library promises about it.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include <sparkle/sparkle.h>

namespace {

constexpr const char *kText = "kernel scaled(src: f32[N], const wei: f32[N], by: f32) -> dst: f32[N] {\n"
                              "  dst[i] = by * src[i] * wei[i];\n"
                              "}\n"
                              "kernel other(src: f32[N]) -> dst: f32[N] { dst[i] = src[i]; }\n";

/// Takes the error; `OK` when there was none.
std::string told(sparkle_error *error) {
  if (!error) return "OK";
  const std::string text = std::string(sparkle_code_name(sparkle_error_code(error))) + ": " + sparkle_error_text(error);
  sparkle_error_free(error);
  return text;
}

sparkle_kernel *compiled(const char *device = "reference!", const char *name = "scaled") {
  const sparkle_size sizes[] = {{"N", 4}};
  sparkle_jit_options options = SPARKLE_JIT_OPTIONS_INIT;
  options.kernel = name;
  options.sizes = sizes, options.size_count = 1;
  options.device = device;
  sparkle_kernel *kernel = nullptr;
  EXPECT_EQ(told(sparkle_jit("t.spk", kText, std::strlen(kText), &options, &kernel)), "OK");
  return kernel;
}

class Scaled : public testing::Test {
protected:
  Scaled() {
    call.arguments = arguments, call.argument_count = 3;
    call.scalars = &by, call.scalar_count = 1;
  }
  ~Scaled() override { sparkle_kernel_free(kernel); }
  std::string run() { return told(sparkle_run(kernel, &call, nullptr, nullptr)); }

  const int64_t shape[1] = {4};
  float src[4] = {1, 2, 3, 4}, wei[4] = {1, 1, 2, 2}, dst[4] = {};
  sparkle_argument arguments[3] = {{"src", {src, SPARKLE_F32, 1, shape, nullptr}},
                                   {"wei", {wei, SPARKLE_F32, 1, shape, nullptr}},
                                   {"dst", {dst, SPARKLE_F32, 1, shape, nullptr}}};
  sparkle_scalar by = {"by", 10};
  sparkle_call call = SPARKLE_CALL_INIT;
  sparkle_kernel *kernel = compiled();
};

TEST_F(Scaled, RunsAndReports) {
  sparkle_run_options options = SPARKLE_RUN_OPTIONS_INIT;
  options.verify = 1;
  options.repeats = 3;
  sparkle_report *report = nullptr;
  ASSERT_EQ(told(sparkle_run(kernel, &call, &options, &report)), "OK");
  EXPECT_EQ(std::vector<float>(dst, dst + 4), (std::vector<float>{10, 20, 60, 80}));
  EXPECT_EQ(sparkle_report_verified(report), 1);
  EXPECT_STREQ(sparkle_report_device(report), "reference");
  EXPECT_NE(std::string(sparkle_report_json(report)).find("\"verified\": true"), std::string::npos);
  EXPECT_NE(std::string(sparkle_report_text(report)).find("reference"), std::string::npos);
  EXPECT_GT(sparkle_report_wall_seconds(report), 0);
  sparkle_report_free(report);
}

TEST_F(Scaled, SaysWhatACallMustGive) {
  ASSERT_EQ(sparkle_kernel_tensor_count(kernel), 3u);
  sparkle_tensor_info info;
  ASSERT_EQ(told(sparkle_kernel_tensor(kernel, 1, &info)), "OK");
  EXPECT_STREQ(info.name, "wei");
  EXPECT_EQ(info.role, SPARKLE_CONST);
  EXPECT_EQ(info.element, SPARKLE_F32);
  EXPECT_EQ(info.rank, 1);
  EXPECT_EQ(info.shape[0], 4);
  EXPECT_EQ(info.strides[0], 1);
  EXPECT_EQ(told(sparkle_kernel_tensor(kernel, 3, &info)), "INVALID_INPUT: there is no tensor number 3");
  EXPECT_STREQ(sparkle_kernel_scalar(kernel, 0), "by");
  EXPECT_EQ(sparkle_kernel_scalar(kernel, 1), nullptr);
  EXPECT_EQ(sparkle_kernel_flops(kernel), 8);
}

TEST_F(Scaled, RefusesWrongArguments) {
  call.argument_count = 2;
  EXPECT_EQ(run(), "INVALID_INPUT: `dst` is not given");
  call.argument_count = 3;
  arguments[2].tensor.data = src;
  EXPECT_EQ(run(), "INVALID_INPUT: the result `dst` shares memory with `src`");
  arguments[2].tensor.data = nullptr;
  EXPECT_EQ(run().substr(0, 21), "INVALID_INPUT: `dst`:");
  arguments[2].tensor.data = dst;
  arguments[2].tensor.element = 99;
  EXPECT_EQ(run(), "INVALID_INPUT: `dst` has no known element type");
  arguments[2].tensor.element = SPARKLE_F32;
  arguments[2].tensor.rank = 9;
  EXPECT_EQ(run(), "INVALID_INPUT: `dst` has rank 9, the most is 8");
  arguments[2].tensor.rank = 1;
  call.scalar_count = 0;
  EXPECT_EQ(run(), "INVALID_INPUT: the parameter `by` has no value");
  call.scalar_count = 1;
  call.struct_size = 4096;
  EXPECT_EQ(run(), "INVALID_INPUT: the call has no known size");
  call.struct_size = sizeof call;
  EXPECT_EQ(run(), "OK");
}

TEST_F(Scaled, BindsOnceAndRunsOften) {
  sparkle_binding *binding = nullptr;
  ASSERT_EQ(told(sparkle_bind(kernel, &call, &binding)), "OK");
  for (int round = 1; round <= 3; ++round) {
    src[0] = static_cast<float>(round);
    ASSERT_EQ(told(sparkle_binding_refresh(binding, 0)), "OK");
    ASSERT_EQ(told(sparkle_binding_run(binding)), "OK");
    EXPECT_EQ(dst[0], 10 * static_cast<float>(round));
  }
  sparkle_binding_free(binding);
}

TEST(CInterface, AStructOfAnOlderVersionKeepsTheInitialValuesOfNewFields) {
  const sparkle_size sizes[] = {{"N", 4}};
  sparkle_jit_options options = SPARKLE_JIT_OPTIONS_INIT;
  options.kernel = "other";
  options.sizes = sizes, options.size_count = 1;
  options.device = "no such device, in a field beyond the size that is given";
  options.struct_size = offsetof(sparkle_jit_options, layouts);
  sparkle_kernel *kernel = nullptr;
  EXPECT_EQ(told(sparkle_jit("t.spk", kText, std::strlen(kText), &options, &kernel)), "OK");
  sparkle_kernel_free(kernel);
}

TEST(CInterface, MistakesInTheTextHaveTheirPlace) {
  sparkle_kernel *kernel = nullptr;
  const char *text = "kernel k(a: f32[N]) -> b: f32[N] { b[i] = c[i]; }";
  sparkle_error *error = sparkle_jit("t.spk", text, std::strlen(text), nullptr, &kernel);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(kernel, nullptr);
  EXPECT_EQ(sparkle_error_code(error), SPARKLE_INVALID_INPUT);
  EXPECT_EQ(std::string(sparkle_error_diagnostics(error)).substr(0, 17), "t.spk:1:43: error")
      << sparkle_error_diagnostics(error);
  EXPECT_NE(std::string(sparkle_error_diagnostics_json(error)).find("\"column\":43"), std::string::npos)
      << sparkle_error_diagnostics_json(error);
  sparkle_error_free(error);
}

TEST(CInterface, RefusesWrongOptions) {
  sparkle_kernel *kernel = nullptr;
  sparkle_jit_options options = SPARKLE_JIT_OPTIONS_INIT;
  options.kernel = "other";
  const sparkle_size sizes[] = {{"N", 4}, {"N", 5}};
  options.sizes = sizes, options.size_count = 2;
  const auto jit = [&] { return told(sparkle_jit("t.spk", kText, std::strlen(kText), &options, &kernel)); };
  EXPECT_EQ(jit(), "INVALID_INPUT: `N` is given twice");
  options.size_count = 1;
  options.device = "toaster";
  EXPECT_EQ(jit().substr(0, 13), "INVALID_INPUT");
  options.device = "vulkan:99!";
  EXPECT_EQ(jit().substr(0, 9), "NO_DEVICE");
  options.device = "cpu";
  options.schedule = "kernel dst { split }";
  sparkle_error *error = sparkle_jit("t.spk", kText, std::strlen(kText), &options, &kernel);
  ASSERT_NE(error, nullptr);
  EXPECT_NE(std::string(sparkle_error_diagnostics(error)).find("schedule:1:"), std::string::npos);
  sparkle_error_free(error);
  EXPECT_EQ(kernel, nullptr);
  EXPECT_EQ(told(sparkle_jit("t.spk", nullptr, 0, &options, &kernel)), "INVALID_INPUT: no source text is given");
}

TEST(CInterface, PackedConstantsServeSeveralBindings) {
  const char *text = "kernel product(a: f32[M, K], const b: f32[K, N]) -> c: f32[M, N] {\n"
                     "  c[m, n] = sum[k](a[m, k] * b[k, n]);\n}\n";
  const sparkle_size sizes[] = {{"M", 3}, {"K", 5}, {"N", 16}};
  sparkle_jit_options options = SPARKLE_JIT_OPTIONS_INIT;
  options.sizes = sizes, options.size_count = 3;
  options.device = "cpu!";
  options.schedule = "kernel c {\n  split n: group, lane 8\n  stage b far layout n.0 k n.1\n}\n";
  sparkle_kernel *kernel = nullptr;
  const std::string compiled_text = told(sparkle_jit("p.spk", text, std::strlen(text), &options, &kernel));
  if (compiled_text.starts_with("UNSUPPORTED") || compiled_text.starts_with("NO_DEVICE"))
    GTEST_SKIP() << "no target makes code for this CPU: " << compiled_text;
  ASSERT_EQ(compiled_text, "OK");
  const int64_t bytes = sparkle_kernel_packed_bytes(kernel);
  ASSERT_GE(bytes, 5 * 16 * 4);
  EXPECT_EQ(std::strlen(sparkle_kernel_packed_layout(kernel)), 16u);
  alignas(64) static unsigned char packed[4096];
  ASSERT_LE(bytes, 4096);
  std::vector<float> a(15, 1), b(80, 2), c(48);
  const int64_t a_shape[] = {3, 5}, b_shape[] = {5, 16}, c_shape[] = {3, 16};
  sparkle_argument arguments[] = {{"a", {a.data(), SPARKLE_F32, 2, a_shape, nullptr}},
                                  {"c", {c.data(), SPARKLE_F32, 2, c_shape, nullptr}},
                                  {"b", {b.data(), SPARKLE_F32, 2, b_shape, nullptr}}};
  sparkle_call constants = SPARKLE_CALL_INIT;
  constants.arguments = arguments + 2, constants.argument_count = 1;
  EXPECT_EQ(told(sparkle_pack(kernel, &constants, packed, bytes - 1)).substr(0, 13), "INVALID_INPUT");
  EXPECT_EQ(told(sparkle_pack(kernel, &constants, packed + 4, bytes)).substr(0, 13), "INVALID_INPUT");
  ASSERT_EQ(told(sparkle_pack(kernel, &constants, packed, bytes)), "OK");
  std::fill(b.begin(), b.end(), 77.0F); // The packed copy is what counts from here on.
  sparkle_call call = SPARKLE_CALL_INIT;
  call.arguments = arguments, call.argument_count = 2;
  EXPECT_EQ(told(sparkle_run(kernel, &call, nullptr, nullptr)), "INVALID_INPUT: `b` is not given");
  call.packed = packed;
  for (int round = 0; round < 2; ++round) {
    std::fill(c.begin(), c.end(), 0.0F);
    ASSERT_EQ(told(sparkle_run(kernel, &call, nullptr, nullptr)), "OK");
    EXPECT_EQ(c, std::vector<float>(48, 10));
  }
  sparkle_kernel_free(kernel);
}

TEST(CInterface, ListsDevices) {
  sparkle_machine *machine = nullptr;
  sparkle_machine_options options = SPARKLE_MACHINE_OPTIONS_INIT;
  options.threads = 1;
  ASSERT_EQ(told(sparkle_machine_open(&options, &machine)), "OK");
  ASSERT_GE(sparkle_machine_device_count(machine), 2u);
  sparkle_device device;
  ASSERT_EQ(told(sparkle_machine_device(machine, 0, &device)), "OK");
  EXPECT_STREQ(device.id, "cpu");
  EXPECT_EQ(told(sparkle_machine_device(machine, 99, &device)).substr(0, 13), "INVALID_INPUT");
  sparkle_machine_free(machine);
  options.threads = -1;
  EXPECT_EQ(told(sparkle_machine_open(&options, &machine)).substr(0, 13), "INVALID_INPUT");
}

TEST(CInterface, FreesNothing) {
  sparkle_error_free(nullptr);
  sparkle_kernel_free(nullptr);
  sparkle_binding_free(nullptr);
  sparkle_report_free(nullptr);
  sparkle_machine_free(nullptr);
}

} // namespace
