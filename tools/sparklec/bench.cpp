#include <algorithm>
#include <filesystem>
#include <unistd.h>

#include "runtime/file_io.h"
#include "tools/sparklec/bench_jit.h"
#include "tools/sparklec/bench_report.h"
#include "tools/sparklec/commands.h"
#include "tools/sparklec/target_choice.h"

namespace sparkle::cli {
namespace {

namespace fs = std::filesystem;
using bench::RowResult;

constexpr int64_t kMostListBytes = 1 << 20;

/// The program of a peer; empty, with a note, where there is none.
std::string peer_path(const std::string &name, const Console &console) {
  std::error_code failed;
  std::string path = name;
  if (name.find('/') == name.npos)
    path = fs::read_symlink("/proc/self/exe", failed).parent_path() / ("sparkle-peer-" + name);
  if (access(path.c_str(), X_OK) == 0) return path;
  console.note("there is no peer `" + name + "` (" + path + "): no ratios");
  return {};
}

bench::PeerOptions peer_options(const BenchCommand &command, std::string path) {
  bench::PeerOptions options;
  options.path = std::move(path);
  options.layout = command.peer_layout;
  options.timeout_seconds = command.peer_timeout;
  if (!command.isa.empty()) options.environment = bench::instruction_caps(command.isa);
  return options;
}

Result<bench::ListOptions> list_options(const BenchCommand &command, Console &console) {
  bench::ListOptions options;
  SPARKLE_TRY(options.like.op, bench::op_named(command.op));
  SPARKLE_TRY(options.like.layout, bench::layout_named(command.layout));
  SPARKLE_TRY(options.compile, bench_compile_options(command, console));
  options.threads = command.threads;
  options.pairs = command.pairs;
  return options;
}

/// Right results are the least; a row without times is the machine's refusal.
ExitCode exit_of(const std::vector<RowResult> &rows, const Console &console) {
  for (const RowResult &row : rows) {
    if (!row.is_wrong) continue;
    console.to_stderr(bug_message(row.bench.shape.name + ": " + row.peer_why));
    return ExitCode::kBug;
  }
  const bool failed = std::ranges::any_of(rows, [](const RowResult &row) { return !row.failure.empty(); });
  return failed ? ExitCode::kMachine : ExitCode::kDone;
}

Result<ExitCode> bench_shapes(const BenchCommand &command, Console &console) {
  SPARKLE_TRY(const std::vector<ConvolutionShape> shapes, read_bench_shapes(command));
  SPARKLE_TRY(bench::ListOptions options, list_options(command, console));
  SPARKLE_TRY(std::shared_ptr<Machine> machine, Machine::open({command.threads, command.isa, VulkanOptions{}}));
  BenchHeader header = {machine->cpu().name, fs::path(command.shapes).filename().string(), {}};
  std::string path = command.peer.empty() ? "" : peer_path(command.peer, console);
  if (!path.empty()) header.peer = command.peer;
  bench::PeerProcess peer(peer_options(command, std::move(path)));
  if (!header.peer.empty()) options.peer = &peer;

  const bool has_table = command.json != "-";
  if (has_table) console.print(bench_head(header, command));
  bench::ListRunner runner(std::move(options), std::move(machine));
  std::vector<RowResult> rows;
  for (const ConvolutionShape &shape : shapes) {
    rows.push_back(runner.run(shape));
    if (has_table) console.print(bench_line(rows.back()));
    SPARKLE_TRY_STATUS(Console::flush());
  }
  if (has_table) console.print(bench_foot(rows));
  SPARKLE_TRY_STATUS(write_bench_json(command.json, bench_json(header, command, rows), console));
  return exit_of(rows, console);
}

} // namespace

Result<CompileOptions> bench_compile_options(const BenchCommand &command, Console &console) {
  CompileOptions options;
  options.target = command.target;
  options.isa = command.isa;
  PlanOptions plan;
  plan.schedule = command.schedule;
  SPARKLE_TRY(options.schedule, load_schedule(plan, console));
  return options;
}

Result<std::vector<ConvolutionShape>> read_bench_shapes(const BenchCommand &command) {
  SPARKLE_TRY(const std::string text, read_text_file(command.shapes, kMostListBytes));
  Result<std::vector<ConvolutionShape>> shapes = parse_shape_list(text, 1);
  if (!shapes) return Error{shapes.error().code, command.shapes + ": " + shapes.error().text};
  if (command.batch > 0) {
    for (ConvolutionShape &shape : *shapes) shape.batch = command.batch;
  }
  std::erase_if(*shapes,
                [&](const ConvolutionShape &shape) { return shape.name.find(command.filter) == std::string::npos; });
  if (shapes->empty()) return Error{ErrorCode::kInvalidInput, command.shapes + " has no such shape"};
  return shapes;
}

Status write_bench_json(const std::string &path, const std::string &text, const Console &console) {
  if (path.empty()) return ok();
  if (path == "-") return console.print(text), ok();
  return write_file(path, {reinterpret_cast<const uint8_t *>(text.data()), text.size()});
}

Result<ExitCode> bench(const BenchCommand &command, Console &console) {
  if (command.json == "-") console.use_json();
  const bool has_programs = !command.programs.empty(), has_shapes = !command.shapes.empty();
  if (has_programs == has_shapes || (has_programs && !command.jit)) {
    console.fail({ErrorCode::kInvalidInput, "bench wants --shapes FILE, or --jit and programs or --shapes FILE"});
    return ExitCode::kUsage;
  }
  return command.jit ? bench_jit(command, console) : bench_shapes(command, console);
}

} // namespace sparkle::cli
