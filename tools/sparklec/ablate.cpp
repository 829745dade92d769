#include <algorithm>

#include "compiler/import/import.h"
#include "runtime/ablation.h"
#include "tools/sparklec/ablate_report.h"
#include "tools/sparklec/commands.h"
#include "tools/sparklec/program_source.h"
#include "tools/sparklec/target_choice.h"
#include "tools/sparklec/tensor_files.h"

namespace sparkle::cli {
namespace {

struct Job {
  BoundSource source;
  TensorSet tensors;
  Arguments arguments;
};

/// Whole numbers: results that are exact must be equal.
Result<Job> prepare(const AblateCommand &command, Console &console) {
  SPARKLE_TRY(ProgramSource text, read_program(command.program.file, console));
  SPARKLE_TRY(const CheckedSource source, check_program(std::move(text), console));
  SPARKLE_TRY(const dsl::CheckedKernel *kernel, find_kernel(source, command.program.kernel));
  SPARKLE_TRY(const Defines defines, parse_defines(command.program.defines, *kernel));
  const std::vector<InputSpec> inputs{{"*", InputKind::kIntegers, {}, 1}};
  SPARKLE_TRY(TensorSet tensors, TensorSet::read({}, *kernel));
  SPARKLE_TRY(dsl::BoundKernel bound, bind_kernel(source, *kernel, defines, {}, console));
  SPARKLE_TRY(Program program, import_kernel(bound, {command.plan.strict}));
  SPARKLE_TRY_STATUS(tensors.complete(program, inputs, {}));
  SPARKLE_TRY_STATUS(tensors.save_inouts(program));
  SPARKLE_TRY(Arguments arguments, tensors.arguments(program, bound, defines.scalars));
  return Job{{std::move(bound), std::move(program)}, std::move(tensors), std::move(arguments)};
}

/// kInvalidInput: a name that is empty or comes twice.
Result<std::vector<std::string>> split_devices(const std::string &text) {
  std::vector<std::string> ids;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string id = text.substr(begin, end - begin);
    if (id.empty() || std::ranges::find(ids, id) != ids.end())
      return Error{ErrorCode::kInvalidInput, "`" + text +
                                                 "` is no list of devices: it wants different names with "
                                                 "commas between"};
    ids.push_back(id);
    begin = end + 1;
  }
  return ids;
}

Result<DeviceInfo> device_for(const AblateCommand &command, Machine &machine, const std::string &id, Console &console) {
  SPARKLE_TRY(DeviceInfo device, machine.find(id));
  if (device.kind == DeviceKind::kReference)
    return Error{ErrorCode::kInvalidInput,
                 "the reference runs programs without a schedule: there is nothing to ablate"};
  if (!command.plan.target_info.empty()) {
    SPARKLE_TRY(device.info, load_target_info(command.plan.target_info, console));
  }
  return device;
}

AblationOptions options_for(const AblateCommand &command, Job &job, const std::string &device, Console &console) {
  AblationOptions options;
  options.isa = command.plan.isa;
  options.refit = command.refit;
  options.plain_c = command.plain_c;
  options.rounds = command.repeat;
  options.seconds_each = command.seconds;
  options.restore_inouts = [&] { job.tensors.restore_inouts(); };
  options.on_change = [&console, device](const std::string &what) { console.note(device + ": " + what); };
  return options;
}

} // namespace

Result<ExitCode> ablate(const AblateCommand &command, Console &console) {
  if (command.json) console.use_json();
  SPARKLE_TRY(const std::vector<std::string> ids, split_devices(command.devices));
  SPARKLE_TRY(Job job, prepare(command, console));
  SPARKLE_TRY(const Schedule schedule, load_schedule(command.plan, console));
  SPARKLE_TRY(const std::shared_ptr<Machine> machine,
              Machine::open({command.threads, command.plan.isa, VulkanOptions::from_environment()}));
  std::vector<DeviceAblation> done;
  for (const std::string &id : ids) {
    SPARKLE_TRY(const DeviceInfo device, device_for(command, *machine, id, console));
    AblationOptions options = options_for(command, job, id, console);
    options.schedule = schedule;
    SPARKLE_TRY(DeviceAblation one, sparkle::ablate(job.source.program, machine, device, job.arguments, options));
    done.push_back(std::move(one));
  }
  const std::string &kernel = job.source.program.name;
  console.print(command.json ? ablation_json(kernel, done) : ablation_table(kernel, done));
  if (std::ranges::all_of(done, &DeviceAblation::all_verified)) return ExitCode::kDone;
  console.to_stderr(bug_message("results of an ablation are wrong"));
  return ExitCode::kBug;
}

} // namespace sparkle::cli
