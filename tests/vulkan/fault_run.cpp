#include "tests/vulkan/fault_run.h"

#include <dlfcn.h>

#include <gtest/gtest.h>

#include "compiler/import/import.h"
#include "runtime/fill.h"

namespace sparkle::test {
namespace {

constexpr const char *kText = R"(
kernel conv(src: f32[H, W, C] outside 0, const wei: f32[K, K, C, D], const scale: f32[D], inout acc: f32[H, W, D])
  -> top: f32[H, D] {
  let row[y in 0..H, x in 0..W, d] = sum[i, j, c](src[y + i - 1, x + j - 1, c] * wei[i, j, c, d]);
  acc[y, x, d] += row[y, x, d] * scale[d];
  top[y, d] = max[x in 0..W](row[y, x, d]);
})";
/// Longer than any wait that a healthy device is given.
constexpr double kLongestWait = 3600;

Result<Program> program() {
  const Source source("conv.spk", kText);
  Diagnostics diagnostics;
  ImportRequest request;
  request.values = {{"H", 6}, {"W", 9}, {"C", 4}, {"K", 3}, {"D", 8}};
  Result<Program> made = import_source(source, request, diagnostics);
  if (!made) ADD_FAILURE() << render_text(diagnostics, source);
  return made;
}

HostTensor tensor(std::vector<int64_t> shape, uint64_t seed) {
  Result<HostTensor> made = HostTensor::allocate(Scalar::kF32, std::move(shape));
  SPARKLE_CHECK(made.has_value(), "no memory for a test's tensor");
  fill_integers(*made, seed);
  return std::move(*made);
}

struct Tensors {
  HostTensor src = tensor({6, 9, 4}, 1), wei = tensor({3, 3, 4, 8}, 2), scale = tensor({8}, 3),
             acc = tensor({6, 9, 8}, 4), top = tensor({6, 8}, 5);
  Arguments arguments() { return {{"src", &src}, {"wei", &wei}, {"scale", &scale}, {"acc", &acc}, {"top", &top}}; }
  std::vector<double> results() const {
    std::vector<double> all;
    for (const HostTensor *one : {&acc, &top})
      for (int64_t i = 0; i < one->element_count(); ++i) all.push_back(one->get(i));
    return all;
  }
};

const std::vector<double> &expected_results() {
  static const std::vector<double> expected = [] {
    Tensors tensors;
    JitOptions options;
    options.device = "reference";
    Result<JitKernel> kernel = jit(*program(), options);
    const bool ran = kernel && kernel->run(tensors.arguments());
    EXPECT_TRUE(ran);
    return tensors.results();
  }();
  return expected;
}

Result<RunReport> run_once(const std::string &device, bool validation, Tensors &tensors) {
  SPARKLE_TRY(const Program imported, program());
  JitOptions options;
  options.device = device;
  SPARKLE_TRY(options.machine, Machine::open(behind_faults(validation)));
  SPARKLE_TRY(JitKernel kernel, jit(imported, options));
  return kernel.run(tensors.arguments());
}

} // namespace

Faults *faults() {
  static Faults *const found = [] {
    void *library = dlopen(SPARKLE_FAULTS_PATH, RTLD_NOW | RTLD_LOCAL);
    auto *entry = library ? reinterpret_cast<FaultsEntry *>(dlsym(library, "sparkle_test_faults")) : nullptr;
    return entry ? entry() : nullptr;
  }();
  return found;
}

MachineOptions behind_faults(bool validation) {
  MachineOptions options;
  options.threads = 1;
  options.vulkan.loader = SPARKLE_FAULTS_PATH;
  options.vulkan.validation = validation;
  return options;
}

FaultyRun run_with(const FaultPlan &plan, const std::string &device, bool validation) {
  const std::vector<double> &expected = expected_results();
  FaultyRun out;
  Tensors tensors;
  faults()->plan(plan);
  out.report = run_once(device, validation, tensors);
  out.faults = faults()->report();
  out.is_right = tensors.results() == expected;
  out.what = "device " + device + ", call " + std::to_string(plan.call);
  if (plan.call > 0 && plan.call <= static_cast<int64_t>(out.faults.calls.size()))
    out.what +=
        " (" + out.faults.calls[static_cast<size_t>(plan.call) - 1].name + ") returns " + std::to_string(plan.result);
  return out;
}

void expect_trustworthy(const FaultyRun &run) {
  SCOPED_TRACE(run.what);
  EXPECT_EQ(run.faults.alive, 0);
  for (const std::string &complaint : run.faults.complaints) ADD_FAILURE() << complaint;
  EXPECT_LT(run.faults.longest_wait, kLongestWait);
  if (!run.report) {
    EXPECT_NE(run.report.error().code, ErrorCode::kInternal) << run.report.error().text;
    EXPECT_FALSE(run.report.error().text.empty());
    return;
  }
  EXPECT_TRUE(run.is_right) << "computed by " << run.report->device_used;
  if (run.report->device_used.starts_with("vulkan")) return;
  const bool was_chosen = run.report->device_requested == "auto" && !run.report->device_why.empty();
  EXPECT_TRUE(was_chosen || !run.report->fallback_reason.empty());
}

} // namespace sparkle::test
