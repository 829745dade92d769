// Executable: a program compiled for one device. Binding: an executable with its memory, ready to run.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/pipeline/pipeline.h"
#include "compiler/target/artifact.h"
#include "runtime/arguments.h"
#include "runtime/machine.h"

namespace sparkle {

struct CompileOptions {
  Schedule schedule;     ///< Kernels without an entry are scheduled by the cost model.
  bool automatic = true; ///< False: they get one serial loop per dimension.
  std::string target;    ///< `llvm`, `reference`...; empty: the device's preferred one that takes the program.
  std::string isa;       ///< CPU: cap on instruction sets; empty: none.
  std::optional<TargetInfo> target_info;            ///< In place of the device's own: plan for another machine.
  bool strict = false;                              ///< Sums are added in the order of the source, without contraction.
  bool keep_text = false;                           ///< Fill Launch::source_text.
  bool assembly = false;                            ///< With keep_text: machine code instead of the readable form.
  Verification verify_ir = Verification::kOnResult; ///< What the target gets is valid.
  /// Called after each pass with its name and the program.
  std::function<void(std::string_view pass, const Program &program)> after_pass;
};

/// In seconds.
struct CompileTimes {
  double passes = 0; ///< PipelineReport has each one.
  double lower = 0;  ///< The target's part.
  double load = 0;   ///< Getting the code to the device.
};

/// Immutable: bindings share it, in as many threads as there are.
struct Executable {
  std::shared_ptr<Machine> machine;
  DeviceInfo device; ///< `info` is what was compiled for.
  Program imported;  ///< What verification and reports look at.
  Artifact artifact;
  PipelineReport pipeline;
  CompileTimes times;
  std::string target_reason; ///< Which preferred targets refused, and why; empty: none did.
  bool has_user_schedule = false;
  bool is_automatic = true;
};

/// `imported`: every kernel at stage kImported. Errors: of the passes and of the target; for Vulkan also of the driver.
Result<std::shared_ptr<const Executable>> compile(const Program &imported, const std::shared_ptr<Machine> &machine,
                                                  const DeviceInfo &device, const CompileOptions &options = {});

struct RunOptions {
  int repeats = 1;
  int warmups = 0;
  /// One submission for all repeats where the device has a queue: kernels follow each other closely, and wall time is
  /// only known as the average.
  bool batched = false;
  std::optional<WorkerPool> pool; ///< CPU: the caller's threads; absent: the machine's.
};

/// In seconds, one entry per repeat.
struct RunTimes {
  std::vector<double> wall;   ///< From the call to the last result, in device memory.
  std::vector<double> kernel; ///< Of the kernels alone; empty: the device has no clock.
};

/// Not thread-safe; several bindings of one executable may run at the same time.
class Binding {
public:
  virtual ~Binding() = default;
  /// Takes the tensors' contents as they are now; packs constants again when `constants`. `bind_program` has done it
  /// once.
  virtual Status refresh(bool constants) = 0;
  /// Results are in device memory until `fetch`; on the CPU they are in the tensors at once.
  virtual Result<RunTimes> run(const RunOptions &options = {}) = 0;
  virtual Status fetch() = 0;

  const Executable &executable() const { return *executable_; }
  const BoundArguments &arguments() const { return arguments_; }

protected:
  Binding(std::shared_ptr<const Executable> executable, BoundArguments arguments)
      : executable_(std::move(executable)), arguments_(std::move(arguments)) {}
  std::shared_ptr<const Executable> executable_;
  BoundArguments arguments_;
};

/// Checks the arguments (arguments.h), allocates workspace and packed memory, uploads, and runs the prepack launches
/// once, or takes the constants that the caller packed (kUnsupported: on a device with memory of its own).
Result<std::unique_ptr<Binding>> bind_program(const std::shared_ptr<const Executable> &executable,
                                              const Arguments &arguments);

/// Writes the packed constants, `executable->artifact.packed_bytes` of them. Of `arguments` only the constants count.
/// kInvalidInput: `packed` is too small or not kTensorAlignment-aligned; kUnsupported: on a device with memory of its
/// own.
Status pack_constants(const std::shared_ptr<const Executable> &executable, const Arguments &arguments, void *packed,
                      int64_t bytes);
/// Names the layout of the packed constants: executables with equal names can use each other's.
std::string packed_layout(const Executable &executable);

} // namespace sparkle
