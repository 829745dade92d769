// sparklec: the command (docs/cli.md).
#include <cstdio>
#include <exception>
#include <new>

#include "compiler/support/match.h"
#include "tools/sparklec/command_line.h"
#include "tools/sparklec/commands.h"

namespace sparkle::cli {
namespace {

ExitCode run_command(const CommandLine &line, Console &console) {
  const Result<ExitCode> result = match(
      line.command, [&](const RunCommand &command) { return run(command, console); },
      [&](const EmitCommand &command) { return emit(command, console); },
      [&](const BuildCommand &command) { return build(command, console); },
      [&](const ExplainCommand &command) { return explain(command, console); },
      [&](const AblateCommand &command) { return ablate(command, console); },
      [&](const BenchCommand &command) { return bench(command, console); },
      [&](const DevicesCommand &command) { return devices(command, console); },
      [&](const DoctorCommand &command) { return doctor(command, console); });
  if (!result) return console.fail(result.error());
  if (const Status flushed = Console::flush(); !flushed) return console.fail(flushed.error());
  return *result;
}

ExitCode guarded_main(int argc, char **argv) {
  const ParsedCommandLine parsed = parse_command_line(argc, argv);
  if (!parsed.line) return parsed.exit;
  Console console(parsed.line->diagnostics);
  try {
    return run_command(*parsed.line, console);
  } catch (const std::bad_alloc &) {
    return console.fail({ErrorCode::kOutOfMemory, "the system gave no memory"});
  } catch (const std::exception &failure) { // InternalError, and what libraries throw against their word
    return console.fail({ErrorCode::kInternal, failure.what()});
  }
}

} // namespace
} // namespace sparkle::cli

int main(int argc, char **argv) {
  using sparkle::cli::ExitCode;
  try {
    return static_cast<int>(sparkle::cli::guarded_main(argc, argv));
  } catch (...) {
    std::fputs("sparklec: internal error before any work was done; this is a bug in Sparkle\n", stderr);
    return static_cast<int>(ExitCode::kBug);
  }
}
