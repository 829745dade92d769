// What the command line says, as plain data: one struct a command.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace sparkle::cli {

/// Exit codes of the command (docs/cli.md).
enum class ExitCode : int {
  kDone = 0,
  kInput = 1,   ///< The text, a file, a schedule or a size is wrong.
  kUsage = 2,   ///< The command line is wrong.
  kMachine = 3, ///< This machine or this build cannot: no device, no memory, a refusal.
  kBug = 70,    ///< Sparkle's own mistake, or a result that is not right.
};

enum class DiagnosticsForm { kText, kJson };

/// A program and the numbers that it is compiled for.
struct ProgramOptions {
  std::string file;
  std::string kernel;               ///< Empty: the file's only one.
  std::vector<std::string> defines; ///< `N=4`, `amount=1.5`.
  std::vector<std::string> open;    ///< `N`, `N=1,8`: dimensions that the code is to take any extent of.
};

/// How to compile it.
struct PlanOptions {
  std::string target_info; ///< A file, or the name of a fixture; empty: this machine.
  std::string schedule;    ///< A file; empty: the cost model's choice.
  std::string isa;         ///< `avx2`, `avx512`; empty: what the machine has.
  bool strict = false;
};

struct RunCommand {
  ProgramOptions program;
  PlanOptions plan;
  std::string device = "auto";
  std::string target;               ///< Empty: the device's preferred one.
  std::vector<std::string> inputs;  ///< `src=photo.png`, `src=random:7`.
  std::vector<std::string> outputs; ///< `dst=out.png`.
  std::string verify;               ///< Empty: no; `auto`, `full`, `sampled`.
  int repeat = 0;                   ///< 0: as many as fit a tenth of a second.
  int warmup = -1;                  ///< -1: one, with `repeat` 0 or above 1.
  int threads = 0;
  std::string print_after; ///< Name of a pass, `import` or `all`; empty: nothing.
  bool time_passes = false;
  bool json = false;
};

struct EmitCommand {
  ProgramOptions program;
  PlanOptions plan;
  std::string stage = "ir";
  std::string target; ///< Of stage `asm`; empty: the preferred one.
  std::string output; ///< Empty: standard output.
};

struct BuildCommand {
  ProgramOptions program;
  PlanOptions plan;
  std::string targets;         ///< Names separated by commas; `name=machine` plans for another machine description.
  std::string folder;          ///< Where the files go.
  std::string name;            ///< Of functions and files; empty: the kernel's.
  bool dependencies = false;   ///< Write a dependency file too.
  std::string dependency_file; ///< Empty: NAME.d in the folder.
};

struct ExplainCommand {
  ProgramOptions program;
  PlanOptions plan;
  int candidates = 3; ///< Shown for each kernel.
};

struct AblateCommand {
  ProgramOptions program;
  PlanOptions plan;
  std::string devices = "cpu"; ///< `cpu,vulkan`.
  int threads = 1;
  int repeat = 9;     ///< Rounds.
  double seconds = 2; ///< Of timing for one variant on one device.
  bool refit = true;
  bool plain_c = true;
  bool json = false;
};

struct BenchCommand {
  std::vector<std::string> programs; ///< With `jit`.
  std::vector<std::string> defines;  ///< Of programs: what a kernel declares of them.
  std::string shapes;                ///< A file.
  bool jit = false;                  ///< Time compilers in place of kernels.
  std::string op = "conv";           ///< `conv`, `maxpool`, `avgpool`.
  std::string layout = "nhwc";       ///< Of our images: `nhwc`, `nchw`.
  std::string filter;                ///< Rows whose name has it only.
  int batch = 0;                     ///< Of every line; 0: its own `mb`, or 1.
  int threads = 1;
  std::string isa;
  std::string target;   ///< Empty: the preferred one.
  std::string schedule; ///< A file; empty: the cost model's choice.
  std::string peer;     ///< `onednn`: sparkle-peer-onednn; with a `/`, a program. Empty: none.
  std::string peer_layout = "any";
  double peer_timeout = 60; ///< Seconds, for each answer.
  int pairs = 30;           ///< Of turns, for each row.
  int repeat = 30;          ///< With `jit`: compilations of each program, after the first.
  std::string json;         ///< A file; `-`: standard output, in place of the table.
  std::string commit = "unknown";
};

struct DevicesCommand {
  bool measure = false;
  bool probe = false; ///< Try the drivers of Vulkan again.
  bool json = false;
  std::string info; ///< Print the TargetInfo of this device or fixture instead.
};

struct DoctorCommand {
  bool json = false;
};

struct CommandLine {
  DiagnosticsForm diagnostics = DiagnosticsForm::kText;
  std::variant<RunCommand, EmitCommand, BuildCommand, ExplainCommand, AblateCommand, BenchCommand, DevicesCommand,
               DoctorCommand>
      command;
};

} // namespace sparkle::cli
