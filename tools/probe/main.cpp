// sparkle-probe-device LOADER list | LOADER test INDEX IDENTITY: loads Vulkan drivers and lists their devices, and has
// one of them compute. Started by the runtime (runtime/vulkan_trust.cpp), which reads what is written: kProbeGreeting
// before anything can go wrong, a line before each step, and at the end `done`, `wrong WHAT` or `cannot WHAT`.
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "compiler/support/diagnostics.h"
#include "runtime/fill.h"
#include "runtime/jit.h"
#include "runtime/vulkan_trust.h"
#include "tools/probe/golden_kernels.h"

namespace sparkle::probe {
namespace {

void say(const std::string &line) {
  const std::string text = escape_control(line) + "\n";
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout); // a crash takes what is not written
}

struct GoldenRun {
  std::vector<std::unique_ptr<HostTensor>> tensors;
  Arguments arguments;
};

int64_t value_of(const GoldenKernel &golden, const std::string &name) {
  for (const GoldenValue &one : golden.values)
    if (one.name && name == one.name) return one.value;
  return 0;
}

std::vector<int64_t> extents_of(const Tensor &tensor, const Program &program, const GoldenKernel &golden) {
  std::vector<int64_t> shape;
  for (const Extent &extent : tensor.extents) {
    const bool is_open = extent.symbol != kNoId<SymbolId>;
    shape.push_back(is_open ? value_of(golden, program.symbols[extent.symbol].name) : extent.value);
  }
  return shape;
}

void fill(HostTensor &tensor, const GoldenKernel &golden, uint64_t seed) {
  const bool is_byte = tensor.element() == Scalar::kU8;
  if (golden.is_smooth)
    fill_uniform(tensor, seed);
  else
    fill_integers(tensor, seed, is_byte ? 0 : -2, is_byte ? 200 : 2);
}

Result<GoldenRun> make_run(const Program &program, const GoldenKernel &golden) {
  GoldenRun run;
  for (const Tensor &tensor : program.tensors) {
    if (!is_argument(tensor.role)) continue;
    SPARKLE_TRY(HostTensor made, HostTensor::allocate(tensor.element, extents_of(tensor, program, golden)));
    fill(made, golden, run.tensors.size() + 1);
    run.tensors.push_back(std::make_unique<HostTensor>(std::move(made)));
    run.arguments.tensors.emplace_back(tensor.name, run.tensors.back().get());
  }
  for (const Uniform &uniform : program.uniforms) run.arguments.uniforms.emplace_back(uniform.name, 2);
  return run;
}

Result<Program> import(const GoldenKernel &golden) {
  const Source source(std::string(golden.name) + ".spk", golden.text);
  ImportRequest request;
  for (const GoldenValue &one : golden.values)
    if (one.name) request.values[one.name] = one.value;
  if (golden.open) {
    request.values.erase(golden.open);
    request.open.insert(golden.open);
  }
  Diagnostics diagnostics;
  Result<Program> program = import_source(source, request, diagnostics);
  if (!program) return Error{ErrorCode::kInternal, render_text(diagnostics, source)};
  return program;
}

Result<RunReport> compute(const GoldenKernel &golden, const std::shared_ptr<Machine> &machine,
                          const std::string &device) {
  SPARKLE_TRY(const Program program, import(golden));
  SPARKLE_TRY(const GoldenRun run, make_run(program, golden));
  JitOptions options;
  options.machine = machine;
  options.device = device + "!";
  SPARKLE_TRY(JitKernel kernel, jit(program, options));
  JitRunOptions how;
  how.verify = true;
  how.verification.mode = VerifyMode::kFull;
  return kernel.run(run.arguments, how);
}

/// How the probe ends because of this kernel; empty: it goes on.
std::string judge(const GoldenKernel &golden, const Result<RunReport> &report) {
  const std::string name = "kernel " + std::string(golden.name);
  if (report) return report->verified ? "" : "wrong " + name + " came out wrong: " + report->verify_text;
  const Error &error = report.error();
  // What the device lacks is refused when it is used; what Sparkle does wrong is no fault of the driver.
  if (error.code == ErrorCode::kUnsupported) {
    say("refused " + name + ": " + error.text);
    return "";
  }
  if (error.code == ErrorCode::kInternal || error.code == ErrorCode::kInvalidInput)
    return "cannot run " + name + ": " + error.text;
  return "wrong " + name + " failed: " + error.text;
}

std::string test(const VulkanOptions &options, size_t index, const std::string &identity) {
  say("list devices");
  const Result<std::shared_ptr<Machine>> machine = Machine::open({1, {}, options});
  if (!machine) return "cannot open the machine: " + machine.error().text;
  const Result<DeviceInfo> device = (*machine)->find("vulkan:" + std::to_string(index));
  if (!device) return "cannot find the device: " + device.error().text;
  const VulkanDevices devices = VulkanDevices::open(options);
  if (index >= devices.devices().size() || vulkan::identity_of(devices.devices()[index]) != identity)
    return "cannot find the device: another one is in its place";
  for (const GoldenKernel &golden : golden_kernels()) {
    say("kernel " + std::string(golden.name));
    const std::string end = judge(golden, compute(golden, *machine, device->id));
    if (!end.empty()) return end;
  }
  say("close the device");
  return "done";
}

std::string list(const VulkanOptions &options) {
  say("list devices");
  const VulkanDevices devices = VulkanDevices::open(options);
  say("found " + std::to_string(devices.devices().size()));
  return "done";
}

} // namespace
} // namespace sparkle::probe

int main(int argc, char **argv) {
  using namespace sparkle;
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool lists = words.size() == 2 && words[1] == "list", tests = words.size() == 4 && words[1] == "test";
  if (!lists && !tests) {
    std::fputs("sparkle-probe-device is started by Sparkle, to try a Vulkan driver: LOADER list | LOADER test INDEX "
               "IDENTITY\n",
               stderr);
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL); // who asked is gone
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  probe::say(std::string(vulkan::kProbeGreeting));
  VulkanOptions options;
  options.loader = words[0];
  // Everything is closed again before the last line is written: closing may go wrong as well.
  probe::say(lists ? probe::list(options) : probe::test(options, std::stoul(words[2]), words[3]));
  std::fflush(stdout);
  _exit(0); // handlers that drivers leave behind are of no interest
}
