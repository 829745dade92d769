#include "tools/sparklec/command_line.h"

#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>

#include "tools/aot/build_targets.h"
#include "tools/sparklec/help.h"

namespace sparkle::cli {
namespace {

CLI::App *add_command(CLI::App &app, const CommandHelp &help) {
  CLI::App *command = app.add_subcommand(std::string(help.name), std::string(help.purpose));
  command->footer(std::string(help.examples));
  return command;
}

/// One value for each time the option is given: `-D N=1 file.spk` must not take the file along.
CLI::Option *add_list(CLI::App *command, const std::string &names, std::vector<std::string> &to,
                      const std::string &help) {
  return command->add_option(names, to, help)->allow_extra_args(false);
}

void add_program(CLI::App *command, ProgramOptions &options) {
  command->add_option("FILE", options.file, "Program text (*.spk)")->required();
  command->add_option("--kernel", options.kernel, "Kernel to take, when the file has several");
  add_list(command, "-D,--define", options.defines,
           "NAME=VALUE: a dimension, an `int` parameter or a run-time scalar. May be repeated");
  add_list(command, "--open", options.open,
           "NAME: compile for any extent of this dimension; `run` takes NAME=EXTENT,EXTENT... or the extents of files");
}

void add_plan(CLI::App *command, PlanOptions &options) {
  command
      ->add_option("--target-info", options.target_info, "Plan for this machine: a file, or one of " + fixture_names())
      ->envname("SPARKLE_TARGET_INFO");
  command->add_option("--schedule", options.schedule, "File with a schedule, in place of the cost model's choice")
      ->envname("SPARKLE_SCHEDULE");
  command->add_option("--isa", options.isa, "Widest instruction set of the CPU to use")
      ->check(CLI::IsMember({"avx2", "avx512"}))
      ->envname("SPARKLE_ISA");
  command->add_flag("--strict", options.strict, "Add in the order of the text, contract nothing")
      ->envname("SPARKLE_STRICT");
}

void add_run_measuring(CLI::App *command, RunCommand &run) {
  command->add_option("--repeat", run.repeat, "Timed runs; left out: as many as fit a tenth of a second, at most 10")
      ->check(CLI::Range(1, 1000000))
      ->envname("SPARKLE_REPEAT");
  command->add_flag("--warmup{1}", run.warmup, "Untimed runs before (--warmup=3: three)")
      ->check(CLI::Range(0, 1000000))
      ->envname("SPARKLE_WARMUP");
  command->add_option("--threads", run.threads, "Threads of the CPU; left out: one a usable core")
      ->check(CLI::Range(1, 4096))
      ->envname("SPARKLE_THREADS");
  command
      ->add_option("--print-after", run.print_after,
                   "Print the program after this pass (`import`, `all`) to standard error")
      ->envname("SPARKLE_PRINT_AFTER");
  command->add_flag("--time-passes", run.time_passes, "Print the time of each pass to standard error")
      ->envname("SPARKLE_TIME_PASSES");
  command->add_flag("--json", run.json, "Print one JSON object instead of the table")->envname("SPARKLE_JSON");
}

CLI::App *add_run(CLI::App &app, RunCommand &run) {
  CLI::App *command = add_command(app, kRunHelp);
  add_program(command, run.program);
  command
      ->add_option("--device", run.device,
                   "auto, cpu, reference, vulkan or vulkan:N; with `!` nothing else may be used")
      ->capture_default_str()
      ->envname("SPARKLE_DEVICE");
  command->add_option("--target", run.target, "Who makes the code; left out: the device's preferred one")
      ->check(CLI::IsMember({"x86", "llvm", "vulkan", "reference"}))
      ->envname("SPARKLE_TARGET");
  add_list(command, "--input", run.inputs,
           "NAME=WHAT: photo.png, a.npy, random[:SEED], integers[:SEED], zeros or ramp; `*=WHAT` for all others. Left "
           "out: random");
  add_list(command, "--output", run.outputs, "NAME=FILE: write a result to out.png or out.npy");
  command
      ->add_flag("--verify{auto}", run.verify,
                 "Compare the results with the reference: --verify=full, --verify=sampled")
      ->check(CLI::IsMember({"auto", "full", "sampled"}))
      ->envname("SPARKLE_VERIFY");
  add_plan(command, run.plan);
  add_run_measuring(command, run);
  return command;
}

CLI::App *add_emit(CLI::App &app, EmitCommand &emit) {
  CLI::App *command = add_command(app, kEmitHelp);
  add_program(command, emit.program);
  command->add_option("--stage", emit.stage, "ast, bound, ir, ir:PASS, c, schedule, vreg, llvm, asm, glsl or spirv")
      ->capture_default_str();
  command->add_option("--target", emit.target, "Whose machine code `asm` shows: x86 or llvm")
      ->check(CLI::IsMember({"x86", "llvm"}));
  command->add_option("-o,--output", emit.output, "Write to this file; `spirv` needs one");
  add_plan(command, emit.plan);
  return command;
}

CLI::App *add_build(CLI::App &app, BuildCommand &build) {
  CLI::App *command = add_command(app, kBuildHelp);
  add_program(command, build.program);
  command->add_option("-o,--output", build.folder, "Folder of the files; made where there is none")->required();
  command
      ->add_option("--target", build.targets,
                   "Names separated by commas: " + aot::build_target_names() + "; NAME=MACHINE plans for MACHINE")
      ->required();
  command->add_option("--name", build.name, "What functions and files are called; left out: as the kernel");
  command->add_option("--schedule", build.plan.schedule, "File with a schedule, in place of the cost model's choice")
      ->envname("SPARKLE_SCHEDULE");
  command
      ->add_option("--target-info", build.plan.target_info,
                   "With a single target, the machine to plan for: a file, or one of " + fixture_names())
      ->envname("SPARKLE_TARGET_INFO");
  command->add_flag("--strict", build.plan.strict, "Add in the order of the text, contract nothing")
      ->envname("SPARKLE_STRICT");
  command->add_flag("--MD", build.dependencies, "Also -MD: write a dependency file for make, NAME.d");
  command->add_option("--MF", build.dependency_file, "Also -MF: write it here")->needs("--MD");
  return command;
}

/// `-MD` and `-MF` are what compilers call them; to the parser they would be `-M -D`.
std::vector<std::string> with_long_names(int argc, const char *const *argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const bool is_build = std::ranges::find(words, "build") != words.end();
  for (std::string &word : words)
    if (is_build && (word == "-MD" || word == "-MF")) word.insert(0, "-");
  std::ranges::reverse(words); // As CLI::App::parse takes them.
  return words;
}

CLI::App *add_explain(CLI::App &app, ExplainCommand &explain) {
  CLI::App *command = add_command(app, kExplainHelp);
  add_program(command, explain.program);
  command->add_option("--candidates", explain.candidates, "Schedules to compare for each kernel")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  add_plan(command, explain.plan);
  return command;
}

CLI::App *add_ablate(CLI::App &app, AblateCommand &ablate) {
  CLI::App *command = add_command(app, kAblateHelp);
  add_program(command, ablate.program);
  command->add_option("--device", ablate.devices, "Devices, with commas between: cpu, vulkan, vulkan:N")
      ->capture_default_str()
      ->envname("SPARKLE_DEVICE");
  command->add_option("--threads", ablate.threads, "Threads of the CPU; plain C takes one")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096))
      ->envname("SPARKLE_THREADS");
  command->add_option("--repeat", ablate.repeat, "Rounds through all variants")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000))
      ->envname("SPARKLE_REPEAT");
  command->add_option("--seconds", ablate.seconds, "Timing of one variant at most: slow ones run in fewer rounds")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 3600.0));
  command->add_flag("--refit,!--no-refit", ablate.refit,
                    "Also let the cost model choose again without the patterns that are left out");
  command->add_flag("--plain-c,!--no-plain-c", ablate.plain_c, "Also compile and time plain C");
  command->add_flag("--json", ablate.json, "Print one JSON object instead of the table")->envname("SPARKLE_JSON");
  add_plan(command, ablate.plan);
  return command;
}

void add_bench_rows(CLI::App *command, BenchCommand &bench) {
  command->add_option("FILE", bench.programs, "Program texts (*.spk), with --jit");
  command->add_option("--shapes", bench.shapes, "List of layers, one a line, as in tests/shapes");
  command->add_flag("--jit", bench.jit, "Time compilation, from text to callable code, in place of kernels");
  add_list(command, "-D,--define", bench.defines, "NAME=VALUE for programs; may be repeated");
  command->add_option("--filter", bench.filter, "Rows whose name has this text only");
  command->add_option("--batch", bench.batch, "Images of every line; left out: its own `mb`, or 1")
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--op", bench.op, "What is done with the shapes: conv (with bias and ReLU), maxpool or avgpool")
      ->capture_default_str()
      ->check(CLI::IsMember({"conv", "maxpool", "avgpool"}));
  command->add_option("--layout", bench.layout, "Of our images")
      ->capture_default_str()
      ->check(CLI::IsMember({"nhwc", "nchw"}));
}

CLI::App *add_bench(CLI::App &app, BenchCommand &bench) {
  CLI::App *command = add_command(app, kBenchHelp);
  add_bench_rows(command, bench);
  command->add_option("--threads", bench.threads, "Threads of the CPU, of both sides")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096))
      ->envname("SPARKLE_THREADS");
  command->add_option("--isa", bench.isa, "Widest instruction set of the CPU to use, on both sides")
      ->check(CLI::IsMember({"avx2", "avx512"}))
      ->envname("SPARKLE_ISA");
  command->add_option("--target", bench.target, "Who makes the code; left out: the preferred one")
      ->check(CLI::IsMember({"x86", "llvm"}))
      ->envname("SPARKLE_TARGET");
  command->add_option("--schedule", bench.schedule, "File with a schedule, in place of the cost model's choice")
      ->envname("SPARKLE_SCHEDULE");
  command->add_option("--peer", bench.peer,
                      "NAME: compare with sparkle-peer-NAME, beside sparklec; or the path of a program");
  command->add_option("--peer-layout", bench.peer_layout, "Of the peer's images: any (its choice) or plain (ours)")
      ->capture_default_str()
      ->check(CLI::IsMember({"any", "plain"}));
  command->add_option("--peer-timeout", bench.peer_timeout, "Seconds that the peer has for an answer")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 86400.0));
  command->add_option("--pairs", bench.pairs, "Pairs of turns for each row")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  command->add_option("--repeat", bench.repeat, "With --jit: compilations of each program, after the first")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  command->add_option("--json", bench.json,
                      "Also write one JSON object to this file; `-`: to standard output, without the table");
  command->add_option("--commit", bench.commit, "What is measured, for the JSON object")->envname("SPARKLE_COMMIT");
  return command;
}

CLI::App *add_devices(CLI::App &app, DevicesCommand &devices) {
  CLI::App *command = add_command(app, kDevicesHelp);
  command->add_flag("--measure", devices.measure, "Measure peaks (about a second a device) and remember them");
  command->add_flag("--probe", devices.probe, "Try every Vulkan driver anew, in a process of its own, and remember");
  command->add_option("--info", devices.info,
                      "Print the machine description of a device or fixture, for --target-info");
  command->add_flag("--json", devices.json, "Print one JSON object instead of the table")->envname("SPARKLE_JSON");
  return command;
}

CLI::App *add_doctor(CLI::App &app, DoctorCommand &doctor) {
  CLI::App *command = add_command(app, kDoctorHelp);
  command->add_flag("--json", doctor.json, "Print one JSON object instead of the table")->envname("SPARKLE_JSON");
  return command;
}

ParsedCommandLine usage_error(const std::string &text, const CLI::App &app) {
  std::string command = "sparklec";
  for (const CLI::App *sub : app.get_subcommands()) command += " " + sub->get_name();
  std::fprintf(stderr, "sparklec: error: %s\ntry `%s --help`\n", text.c_str(), command.c_str());
  return {std::nullopt, ExitCode::kUsage};
}

} // namespace

ParsedCommandLine parse_command_line(int argc, const char *const *argv) {
  CLI::App app{std::string(kMainHelp.purpose), "sparklec"};
  app.footer(std::string(kMainHelp.examples));
  app.set_version_flag("--version", "sparklec " SPARKLE_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  std::string diagnostics = "text";
  app.add_option("--diagnostics", diagnostics, "Form of messages about the program: text or json (one object a line)")
      ->check(CLI::IsMember({"text", "json"}))
      ->envname("SPARKLE_DIAGNOSTICS");

  RunCommand run;
  EmitCommand emit;
  BuildCommand build;
  ExplainCommand explain;
  AblateCommand ablate;
  BenchCommand bench;
  DevicesCommand devices;
  DoctorCommand doctor;
  const CLI::App *run_command = add_run(app, run);
  const CLI::App *emit_command = add_emit(app, emit);
  const CLI::App *build_command = add_build(app, build);
  const CLI::App *explain_command = add_explain(app, explain);
  const CLI::App *ablate_command = add_ablate(app, ablate);
  const CLI::App *bench_command = add_bench(app, bench);
  const CLI::App *devices_command = add_devices(app, devices);
  add_doctor(app, doctor);
  try {
    app.parse(with_long_names(argc, argv));
  } catch (const CLI::Success &asked) { // help, version
    app.exit(asked);
    return {std::nullopt, ExitCode::kDone};
  } catch (const CLI::ParseError &mistake) {
    return usage_error(mistake.what(), app);
  }
  CommandLine line;
  line.diagnostics = diagnostics == "json" ? DiagnosticsForm::kJson : DiagnosticsForm::kText;
  if (run_command->parsed())
    line.command = run;
  else if (emit_command->parsed())
    line.command = emit;
  else if (build_command->parsed())
    line.command = build;
  else if (explain_command->parsed())
    line.command = explain;
  else if (ablate_command->parsed())
    line.command = ablate;
  else if (bench_command->parsed())
    line.command = bench;
  else if (devices_command->parsed())
    line.command = devices;
  else
    line.command = doctor;
  return {line, ExitCode::kDone};
}

} // namespace sparkle::cli
