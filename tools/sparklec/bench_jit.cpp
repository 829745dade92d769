#include "tools/sparklec/bench_jit.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "runtime/file_io.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/jit_phases.h"
#include "tools/bench/pairs.h"
#include "tools/sparklec/target_choice.h"

namespace sparkle::cli {
namespace {

using bench::JitSource;
using bench::JitTimes;
using Json = nlohmann::ordered_json;

constexpr int64_t kMostTextBytes = 16 << 20;
constexpr size_t kPhases = bench::kJitPhaseNames.size();

/// Milliseconds by phase, and of all together.
struct JitSummary {
  std::array<double, kPhases> phases{};
  double total = 0;
};

struct JitRow {
  std::string name, target;
  std::string failure; ///< Empty: none.
  JitSummary cold, median, p99;
};

/// With each phase a quantile of its own.
JitSummary summary_of(const std::vector<JitTimes> &times, double part) {
  JitSummary summary;
  std::vector<double> values(times.size());
  for (size_t phase = 0; phase < kPhases; ++phase) {
    std::ranges::transform(times, values.begin(), [&](const JitTimes &one) { return one.phases[phase] * 1e3; });
    summary.phases[phase] = bench::quantile(values, part);
  }
  std::ranges::transform(times, values.begin(), [](const JitTimes &one) { return one.total() * 1e3; });
  summary.total = bench::quantile(values, part);
  return summary;
}

/// kInvalidInput: not NAME=NUMBER.
Result<std::map<std::string, int64_t>> parse_values(const std::vector<std::string> &defines) {
  std::map<std::string, int64_t> values;
  for (const std::string &define : defines) {
    const size_t equals = std::min(define.find('='), define.size());
    int64_t value = 0;
    const char *begin = define.data() + std::min(equals + 1, define.size()), *end = define.data() + define.size();
    const auto number = std::from_chars(begin, end, value);
    if (equals == 0 || begin == end || number.ec != std::errc() || number.ptr != end)
      return Error{ErrorCode::kInvalidInput, "`" + define + "` is not NAME=NUMBER"};
    values[define.substr(0, equals)] = value;
  }
  return values;
}

Result<std::vector<JitSource>> sources_of(const BenchCommand &command) {
  std::vector<JitSource> sources;
  if (command.shapes.empty()) {
    SPARKLE_TRY(const auto values, parse_values(command.defines));
    for (const std::string &path : command.programs) {
      SPARKLE_TRY(std::string text, read_text_file(path, kMostTextBytes));
      sources.push_back({path, std::move(text), values});
    }
    return sources;
  }
  bench::BenchCase one;
  SPARKLE_TRY(one.op, bench::op_named(command.op));
  SPARKLE_TRY(one.layout, bench::layout_named(command.layout));
  SPARKLE_TRY(const std::vector<ConvolutionShape> shapes, read_bench_shapes(command));
  for (const ConvolutionShape &shape : shapes) {
    one.shape = shape;
    bench::CaseText kernel = kernel_text(one);
    sources.push_back(
        {shape.name.empty() ? summary(one) : shape.name, std::move(kernel.text), std::move(kernel.values)});
  }
  return sources;
}

/// All cold ones before any other: then nothing was compiled before, as far as each of them can see.
std::vector<JitRow> time_cold(const std::vector<JitSource> &sources, const bench::JitBenchOptions &options) {
  std::vector<JitRow> rows;
  for (const JitSource &source : sources) {
    JitRow row{source.name, {}, {}, {}, {}, {}};
    const Result<JitTimes> cold = time_cold_phases(source, options);
    if (!cold) row.failure = cold.error().text;
    if (cold) row.cold = summary_of({*cold}, 1);
    rows.push_back(std::move(row));
  }
  return rows;
}

void time_warm(const JitSource &source, const std::shared_ptr<Machine> &machine, const bench::JitBenchOptions &options,
               JitRow &row) {
  const Result<std::vector<JitTimes>> warm = time_warm_phases(source, machine, options);
  if (!warm) {
    row.failure = warm.error().text;
    return;
  }
  row.target = warm->front().target;
  row.median = summary_of(*warm, 0.5);
  row.p99 = summary_of(*warm, 0.99);
}

std::string table_line(const std::string &name, const std::string &what, const JitSummary &times) {
  char text[256];
  std::snprintf(text, sizeof text, "%-32s %-7s %9.3f", name.c_str(), what.c_str(), times.total);
  std::string line = text;
  for (const double ms : times.phases) {
    std::snprintf(text, sizeof text, " %8.3f", ms);
    line += text;
  }
  return line + "\n";
}

std::string table_head(const std::string &machine, const BenchCommand &command) {
  char text[256];
  std::string line = machine + ": from text to callable code, milliseconds; " + std::to_string(command.repeat) +
                     " times after the first\n";
  std::snprintf(text, sizeof text, "%-32s %-7s %9s", "program", "", "total");
  line += text;
  for (const std::string_view phase : bench::kJitPhaseNames) {
    std::snprintf(text, sizeof text, " %8s", std::string(phase).c_str());
    line += text;
  }
  return line + "\n";
}

std::string table_of(const JitRow &row) {
  if (!row.failure.empty()) return row.name + ": " + row.failure + "\n";
  return table_line(row.name, "cold", row.cold) + table_line("  by " + row.target, "again", row.median) +
         table_line("", "p99", row.p99);
}

Json summary_json(const JitSummary &times) {
  Json out = {{"total", times.total}};
  for (size_t phase = 0; phase < kPhases; ++phase) out[std::string(bench::kJitPhaseNames[phase])] = times.phases[phase];
  return out;
}

std::string json_of(const std::string &machine, const BenchCommand &command, const std::vector<JitRow> &rows) {
  Json out = {{"machine", machine}, {"commit", command.commit}, {"repeats", command.repeat}, {"rows", Json::array()}};
  for (const JitRow &row : rows) {
    Json one = {{"name", row.name}, {"target", nullptr}, {"failure", nullptr}};
    if (row.failure.empty()) {
      one["target"] = row.target;
      one["cold_ms"] = summary_json(row.cold);
      one["again_ms"] = summary_json(row.median);
      one["p99_ms"] = summary_json(row.p99);
    } else {
      one["failure"] = row.failure;
    }
    out["rows"].push_back(std::move(one));
  }
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<bench::JitBenchOptions> options_of(const BenchCommand &command, Console &console) {
  bench::JitBenchOptions options;
  SPARKLE_TRY(options.compile, bench_compile_options(command, console));
  options.threads = command.threads;
  options.repeats = command.repeat;
  return options;
}

} // namespace

Result<ExitCode> bench_jit(const BenchCommand &command, Console &console) {
  SPARKLE_TRY(const std::vector<JitSource> sources, sources_of(command));
  SPARKLE_TRY(const bench::JitBenchOptions options, options_of(command, console));
  std::vector<JitRow> rows = time_cold(sources, options);
  SPARKLE_TRY(const std::shared_ptr<Machine> machine, Machine::open({command.threads, command.isa, VulkanOptions{}}));
  const bool has_table = command.json != "-";
  if (has_table) console.print(table_head(machine->cpu().name, command));
  for (size_t i = 0; i < sources.size(); ++i) {
    if (rows[i].failure.empty()) time_warm(sources[i], machine, options, rows[i]);
    if (has_table) console.print(table_of(rows[i]));
    SPARKLE_TRY_STATUS(Console::flush());
  }
  SPARKLE_TRY_STATUS(write_bench_json(command.json, json_of(machine->cpu().name, command, rows), console));
  const bool failed = std::ranges::any_of(rows, [](const JitRow &row) { return !row.failure.empty(); });
  return failed ? ExitCode::kInput : ExitCode::kDone;
}

} // namespace sparkle::cli
