#include "tools/bench/jit_phases.h"

#include <numeric>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler/import/import.h"
#include "dsl/check.h"
#include "dsl/parser.h"
#include "runtime/timer.h"

namespace sparkle::bench {
namespace {

constexpr std::string_view kLastOfPlan = "layout"; ///< The pass before which every kernel has its schedule.

double lap(Stopwatch &watch) {
  const double seconds = watch.seconds();
  watch.restart();
  return seconds;
}

std::map<std::string, int64_t> declared(const std::map<std::string, int64_t> &values, const dsl::CheckedFile &file) {
  std::map<std::string, int64_t> result;
  for (const dsl::CheckedKernel &kernel : file.kernels)
    for (const dsl::IntName &name : kernel.ints)
      if (const auto found = values.find(name.name); found != values.end()) result.insert(*found);
  return result;
}

Result<JitTimes> compile_timed(const Program &program, const std::shared_ptr<Machine> &machine, CompileOptions options,
                               JitTimes times) {
  Stopwatch watch;
  options.after_pass = [&](std::string_view pass, const Program &) {
    if (pass == kLastOfPlan) times[JitPhase::kPlan] = watch.seconds();
  };
  SPARKLE_TRY(const auto executable, compile(program, machine, machine->cpu(), options));
  times[JitPhase::kLower] = executable->times.lower;
  times[JitPhase::kPasses] = watch.seconds() - times[JitPhase::kPlan] - times[JitPhase::kLower];
  times.target = executable->artifact.target;
  return times;
}

Result<JitTimes> time_text(const Source &source, const std::map<std::string, int64_t> &values,
                           const std::shared_ptr<Machine> &machine, const CompileOptions &options,
                           Diagnostics &diagnostics) {
  JitTimes times;
  Stopwatch watch;
  SPARKLE_TRY(const dsl::File file, dsl::parse(source, diagnostics));
  SPARKLE_TRY(const dsl::CheckedFile checked, dsl::check(file, diagnostics));
  times[JitPhase::kParse] = lap(watch);
  const dsl::BindRequest request = {{}, declared(values, checked), {}, {}};
  SPARKLE_TRY(const dsl::BoundKernel bound, dsl::bind(checked, request, diagnostics));
  SPARKLE_TRY(const Program program, import_kernel(bound, {options.strict}));
  times[JitPhase::kImport] = lap(watch);
  return compile_timed(program, machine, options, times);
}

Result<JitTimes> time_process(const JitSource &source, const JitBenchOptions &options) {
  const Stopwatch watch;
  SPARKLE_TRY(const std::shared_ptr<Machine> machine,
              Machine::open({options.threads, options.compile.isa, VulkanOptions{}}));
  const double open = watch.seconds();
  SPARKLE_TRY(JitTimes times, time_phases(source, machine, options.compile));
  times[JitPhase::kOpen] = open;
  return times;
}

/// `ok TARGET SECONDS...` or `error CODE TEXT`.
std::string message_of(const Result<JitTimes> &result) {
  std::ostringstream text;
  text.precision(17);
  if (!result) {
    text << "error " << static_cast<int>(result.error().code) << ' ' << result.error().text;
    return text.str();
  }
  text << "ok " << result->target;
  for (const double seconds : result->phases) text << ' ' << seconds;
  return text.str();
}

Result<JitTimes> read_message(const std::string &message) {
  std::istringstream words(message);
  std::string kind;
  words >> kind;
  JitTimes times;
  if (kind == "ok") {
    words >> times.target;
    for (double &seconds : times.phases) words >> seconds;
    if (words) return times;
  }
  int code = 0;
  if (kind != "error" || !(words >> code))
    return Error{ErrorCode::kIo, "the process that compiled it for the first time has died"};
  std::string text;
  std::getline(words >> std::ws, text, '\0');
  return Error{static_cast<ErrorCode>(code), text};
}

/// In the copy of the process. Nothing of the original may run there to its end: no destructors, no buffers.
[[noreturn]] void answer(int pipe, const JitSource &source, const JitBenchOptions &options) {
  std::string message;
  try {
    message = message_of(time_process(source, options));
  } catch (const std::exception &failure) {
    message = message_of(Error{ErrorCode::kInternal, failure.what()});
  }
  const ssize_t written = write(pipe, message.data(), message.size());
  _exit(written == static_cast<ssize_t>(message.size()) ? 0 : 1);
}

} // namespace

double JitTimes::total() const { return std::accumulate(phases.begin(), phases.end(), 0.0); }

Result<JitTimes> time_phases(const JitSource &source, const std::shared_ptr<Machine> &machine,
                             const CompileOptions &options) {
  const Source text(source.name, source.text);
  Diagnostics diagnostics;
  Result<JitTimes> times = time_text(text, source.values, machine, options, diagnostics);
  if (times) return times;
  const std::string located = render_text(diagnostics, text);
  return Error{times.error().code, times.error().text + (located.empty() ? "" : "\n" + located)};
}

Result<JitTimes> time_cold_phases(const JitSource &source, const JitBenchOptions &options) {
  int ends[2];
  if (pipe(ends) != 0) return Error{ErrorCode::kIo, "no pipe for a process"};
  const pid_t process = fork();
  if (process == 0) answer(ends[1], source, options);
  close(ends[1]);
  std::string message;
  char buffer[4096];
  for (ssize_t count = 0; process > 0 && (count = read(ends[0], buffer, sizeof buffer)) > 0;)
    message.append(buffer, static_cast<size_t>(count));
  close(ends[0]);
  if (process < 0) return Error{ErrorCode::kIo, "no copy of the process"};
  waitpid(process, nullptr, 0);
  return read_message(message);
}

Result<std::vector<JitTimes>> time_warm_phases(const JitSource &source, const std::shared_ptr<Machine> &machine,
                                               const JitBenchOptions &options) {
  std::vector<JitTimes> all;
  for (int i = 0; i <= options.repeats; ++i) {
    SPARKLE_TRY(JitTimes times, time_phases(source, machine, options.compile));
    if (i > 0) all.push_back(std::move(times));
  }
  return all;
}

} // namespace sparkle::bench
