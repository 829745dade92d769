#include "tools/sparklec/target_choice.h"

#include "runtime/embedded_files.h"
#include "runtime/file_io.h"
#include "runtime/machine.h"
#include "tools/sparklec/help.h"

namespace sparkle::cli {
namespace {

constexpr int64_t kMaxTextBytes = 1 << 20;

Result<TargetInfo> parse(const Source &source, Console &console) {
  Diagnostics diagnostics;
  Result<TargetInfo> info = parse_target_info(source, diagnostics);
  console.show(diagnostics, source);
  return info;
}

} // namespace

Result<TargetInfo> load_target_info(const std::string &name, Console &console) {
  const std::string fixture = name.ends_with(kTargetInfoEnding) ? name : name + std::string(kTargetInfoEnding);
  for (const EmbeddedFile &file : embedded_files())
    if (file.name == fixture) return parse(Source(fixture, std::string(file.text)), console);
  Result<std::string> text = read_text_file(name, kMaxTextBytes);
  if (!text)
    return Error{text.error().code,
                 text.error().text + "; machine descriptions that come with Sparkle: " + fixture_names()};
  return parse(Source(name, std::move(*text)), console);
}

Result<TargetInfo> cpu_or_given(const PlanOptions &plan, Console &console) {
  if (!plan.target_info.empty()) return load_target_info(plan.target_info, console);
  SPARKLE_TRY(const std::shared_ptr<Machine> machine, Machine::open({0, plan.isa, {}}));
  return machine->cpu().info;
}

Result<TargetInfo> gpu_or_given(const PlanOptions &plan, Console &console) {
  if (!plan.target_info.empty()) return load_target_info(plan.target_info, console);
  SPARKLE_TRY(const std::shared_ptr<Machine> machine, Machine::open());
  if (!machine->vulkan().empty()) return machine->vulkan().front().info;
  console.note("this machine has no Vulkan device; planned for `generic_gpu` (--target-info names another)");
  return load_target_info("generic_gpu", console);
}

Result<Schedule> load_schedule(const PlanOptions &plan, Console &console) {
  if (plan.schedule.empty()) return Schedule{};
  SPARKLE_TRY(std::string text, read_text_file(plan.schedule, kMaxTextBytes));
  const Source source(plan.schedule, std::move(text));
  Diagnostics diagnostics;
  Result<Schedule> schedule = parse_schedule(source, diagnostics);
  console.show(diagnostics, source);
  return schedule;
}

} // namespace sparkle::cli
