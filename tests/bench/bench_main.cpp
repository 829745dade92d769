// Times lists of shapes: kernels compiled for this CPU, with the schedule of the cost model, beside other
// implementations of the same; or the kernels of examples/ beside plain C. One thread.
//
//   sparkle_bench --shapes tests/shapes/mobilenet_dw.txt --peer onednn --peer plain
//   sparkle_bench --examples tests/bench/examples.txt
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/file_io.h"
#include "runtime/peak_probe.h"
#include "tests/bench/bench_report.h"
#include "tests/bench/examples.h"
#include "tests/bench/peers.h"
#include "tools/bench/bench_list.h"
#include "tools/bench/bench_tensors.h"
#include "tools/bench/measure.h"

namespace sparkle::bench {
namespace {

constexpr int64_t kMostFileBytes = 1 << 20;

constexpr const char *kUsage =
    R"(sparkle_bench --shapes FILE [options]: times convolutions and pooling on one thread of the CPU
sparkle_bench --examples FILE [--filter TEXT] [--rounds PAIRS] [--schedule FILE] [--json]: the kernels of examples/ beside plain C
  --op conv|maxpool|avgpool   what is done with the shapes (conv)
  --layout nhwc|nchw          of our images (nhwc)
  --element f32|u8|i8         of images, pooling only (f32)
  --batch N                   where a line has none (1)
  --filter TEXT               lines whose name has TEXT only
  --peer onednn|plain         another implementation to compare with; may be repeated
  --schedule FILE             in place of the cost model's choice, for every kernel
  --against FILE              examples: the schedule to compare with, in place of plain C; an empty one is the cost model's choice
  --rounds N                  turns that everyone has (15)
  --commit TEXT               of the tree that is measured, for the report (unknown)
  --json                      one JSON object
)";

struct Options {
  std::string shapes, examples, filter, schedule, against;
  std::string commit = "unknown";
  BenchCase like; ///< Operator, layout and element of all cases.
  std::vector<std::string> peers;
  int64_t batch = 1;
  int rounds = 0; ///< 0: the usual number.
  bool json = false;
};

int rounds_of(const Options &options) { return options.rounds > 0 ? options.rounds : 15; }

/// Argument `name VALUE` as a number of a list of words; -1: none of them.
int index_of(const std::string &word, const std::vector<std::string> &words) {
  for (size_t i = 0; i < words.size(); ++i)
    if (words[i] == word) return static_cast<int>(i);
  return -1;
}

bool set_option(Options &options, const std::string &name, const std::string &value) {
  if (name == "--shapes") options.shapes = value;
  if (name == "--examples") options.examples = value;
  if (name == "--filter") options.filter = value;
  if (name == "--schedule") options.schedule = value;
  if (name == "--against") options.against = value;
  if (name == "--commit") options.commit = value;
  if (name == "--peer") options.peers.push_back(value);
  if (name == "--batch") options.batch = std::atoll(value.c_str());
  if (name == "--rounds") options.rounds = std::max(1, std::atoi(value.c_str()));
  const int op = index_of(value, {"conv", "maxpool", "avgpool"});
  const int layout = index_of(value, {"nhwc", "nchw"});
  if (name == "--op") options.like.op = static_cast<Op>(op);
  if (name == "--layout") options.like.layout = static_cast<ImageLayout>(layout);
  if (name == "--element") options.like.element = value;
  if (name == "--op") return op >= 0;
  if (name == "--layout") return layout >= 0;
  if (name == "--element") return index_of(value, {"f32", "u8", "i8"}) >= 0;
  if (name == "--peer") return index_of(value, {"onednn", "plain"}) >= 0;
  return index_of(name, {"--shapes", "--examples", "--filter", "--schedule", "--against", "--commit", "--batch",
                         "--rounds"}) >= 0;
}

bool read_options(int count, char **words, Options &options) {
  for (int i = 1; i < count; ++i) {
    const std::string name = words[i];
    if (name == "--json") {
      options.json = true;
      continue;
    }
    if (i + 1 >= count || !set_option(options, name, words[++i])) return false;
  }
  return options.shapes.empty() != options.examples.empty() && (options.against.empty() || options.shapes.empty());
}

Result<Schedule> read_schedule(const std::string &path) {
  if (path.empty()) return Schedule{};
  SPARKLE_TRY(std::string text, read_text_file(path, kMostFileBytes));
  const Source source(path, std::move(text));
  Diagnostics diagnostics;
  Result<Schedule> schedule = parse_schedule(source, diagnostics);
  if (!schedule) return Error{schedule.error().code, render_text(diagnostics, source)};
  return schedule;
}

class CaseRunner {
public:
  CaseRunner(const Options &options, std::shared_ptr<Machine> machine, const Schedule &schedule, BandwidthProbe memory)
      : options_(options), machine_(std::move(machine)), schedule_(schedule), memory_(std::move(memory)) {}

  Result<CaseResult> run(const BenchCase &bench) {
    SPARKLE_TRY(const Program program, import_case(bench));
    SPARKLE_TRY(Tensors tensors, Tensors::make(program));
    CaseResult result;
    result.name = bench.shape.name;
    result.summary = summary(bench);
    CompileOptions compile_options;
    compile_options.schedule = schedule_;
    compile_options.verify_ir = Verification::kNever;
    const double start = thread_seconds();
    SPARKLE_TRY(const auto executable, compile(program, machine_, machine_->cpu(), compile_options));
    result.compile_ms = (thread_seconds() - start) * 1e3;
    SPARKLE_TRY(const auto binding, bind_program(executable, tensors.arguments()));
    const PeerInputs inputs = {tensors.find("src"), tensors.find("wei"), tensors.find("bias"), tensors.find("dst")};
    SPARKLE_TRY_STATUS(time_all(bench, *binding, tensors.arguments(), inputs, result));
    return result;
  }
  /// Of reading memory; the best median of a case.
  double one_thread_gbs() const { return one_thread_gbs_; }

private:
  Status time_all(const BenchCase &bench, Binding &binding, const Arguments &arguments, const PeerInputs &inputs,
                  CaseResult &result) {
    std::vector<std::unique_ptr<Peer>> peers;
    std::vector<Contestant> contestants = {{"sparkle", [&]() -> Status {
                                              auto times = binding.run();
                                              return times ? ok() : Status(times.error());
                                            }}};
    for (const std::string &name : options_.peers) {
      PeerResult entry{name, {}, 0, 0, {}};
      auto peer = make_peer(name, bench, inputs, binding.executable(), arguments);
      if (peer) {
        entry.description = (*peer)->description();
        contestants.push_back({name, [p = peer->get()] { return p->run(); }});
        peers.push_back(std::move(*peer));
      } else {
        entry.why = peer.error().text;
      }
      result.peers.push_back(std::move(entry));
    }
    double peak = 0;
    contestants.push_back(
        {"peak", [&] {
           peak = std::max(peak, probe_fma_peak(machine_->pool(), {widest_probe_isa(), 0.002}).gflops);
           return ok();
         }});
    contestants.push_back({"memory", [&] { return memory_bytes_ = memory_.read({}), ok(); }});
    SPARKLE_TRY(const std::vector<Timing> timings, measure(contestants, {rounds_of(options_), 0.003}));
    SPARKLE_TRY_STATUS(compare(peers, *inputs.dst));
    add_rates(bench, inputs, timings.front(), peak, result);
    // Gigabytes that are read in the time of one of our runs.
    const double near = static_cast<double>(memory_bytes_) * 1e-9 / timings.back().ratio;
    result.percent_of_bandwidth = result.gb_per_s * timings.front().seconds / near * 100;
    one_thread_gbs_ = std::max(one_thread_gbs_, static_cast<double>(memory_bytes_) * 1e-9 / timings.back().seconds);
    size_t next = 1;
    for (PeerResult &entry : result.peers) {
      if (!entry.why.empty()) continue;
      entry.ms = timings[next].seconds * 1e3;
      entry.ratio = timings[next++].ratio;
    }
    return ok();
  }

  static Status compare(std::vector<std::unique_ptr<Peer>> &peers, const HostTensor &ours) {
    for (auto &peer : peers) {
      SPARKLE_TRY(HostTensor theirs, HostTensor::allocate(ours.element(), ours.shape()));
      SPARKLE_TRY_STATUS(peer->fetch(theirs));
      for (int64_t i = 0; i < ours.element_count(); ++i)
        if (std::abs(ours.get(i) - theirs.get(i)) > 1e-4 * std::abs(ours.get(i)) + 1e-5)
          return Error{ErrorCode::kVerifyFailed, "element " + std::to_string(i) + " is " + std::to_string(ours.get(i)) +
                                                     ", that of " + peer->description() + " " +
                                                     std::to_string(theirs.get(i))};
    }
    return ok();
  }

  void add_rates(const BenchCase &bench, const PeerInputs &inputs, const Timing &timing, double peak,
                 CaseResult &result) const {
    result.ms = timing.seconds * 1e3;
    result.spread = timing.spread;
    result.gflops = static_cast<double>(operations(bench)) / timing.seconds * 1e-9;
    if (peak > 0) result.percent_of_peak = result.gflops / peak * 100;
    int64_t bytes = inputs.src->span_bytes() + inputs.dst->span_bytes();
    if (inputs.wei) bytes += inputs.wei->span_bytes();
    result.gb_per_s = static_cast<double>(bytes) / timing.seconds * 1e-9;
  }

  const Options &options_;
  std::shared_ptr<Machine> machine_;
  const Schedule &schedule_;
  BandwidthProbe memory_;
  int64_t memory_bytes_ = 0; ///< Of one pass.
  double one_thread_gbs_ = 0;
};

Result<BenchReport> run_list(const Options &options) {
  SPARKLE_TRY(const std::string text, read_text_file(options.shapes, kMostFileBytes));
  SPARKLE_TRY(const std::vector<ConvolutionShape> shapes, parse_shape_list(text, options.batch));
  SPARKLE_TRY(const Schedule schedule, read_schedule(options.schedule));
  SPARKLE_TRY(std::shared_ptr<Machine> machine, Machine::open({1, {}, VulkanOptions{}}));
  BenchReport report;
  report.list = options.shapes.substr(options.shapes.rfind('/') + 1);
  report.op = std::vector<std::string>{"conv", "maxpool", "avgpool"}[static_cast<size_t>(options.like.op)];
  report.layout = options.like.layout == ImageLayout::kChannelsLast ? "nhwc" : "nchw";
  report.element = options.like.element;
  report.cpu = machine->cpu().name;
  report.commit = options.commit;
  report.rounds = rounds_of(options);
  report.batch = options.batch;
  SPARKLE_TRY(BandwidthProbe memory, BandwidthProbe::make(BandwidthOptions{}.bytes));
  CaseRunner runner(options, machine, schedule, std::move(memory));
  for (const ConvolutionShape &shape : shapes) {
    if (shape.name.find(options.filter) == std::string::npos || shape.rank != 2) continue;
    BenchCase bench = options.like;
    bench.shape = shape;
    Result<CaseResult> result = runner.run(bench);
    if (!result) return Error{result.error().code, shape.name + ": " + result.error().text};
    report.cases.push_back(std::move(*result));
  }
  report.one_thread_gbs = runner.one_thread_gbs();
  return report;
}

/// What goes to the output.
Result<std::string> run(const Options &options) {
  if (options.examples.empty()) {
    SPARKLE_TRY(const BenchReport report, run_list(options));
    return options.json ? to_json(report) : to_text(report);
  }
  ExamplesOptions examples;
  examples.list = options.examples;
  examples.folder = SPARKLE_EXAMPLES;
  examples.filter = options.filter;
  SPARKLE_TRY(examples.schedule, read_schedule(options.schedule));
  if (!options.against.empty()) {
    SPARKLE_TRY(examples.against, read_schedule(options.against));
  }
  if (options.rounds > 0) examples.pairs = options.rounds;
  examples.on_result = [](const ExampleResult &result) { std::fputs(to_text(result).c_str(), stderr); };
  SPARKLE_TRY(ExamplesReport report, run_examples(examples));
  report.commit = options.commit;
  return options.json ? to_json(report) : to_text(report);
}

} // namespace
} // namespace sparkle::bench

int main(int count, char **words) {
  using namespace sparkle::bench;
  Options options;
  if (!read_options(count, words, options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const auto text = run(options);
  if (!text) {
    std::fprintf(stderr, "sparkle_bench: %s\n", text.error().text.c_str());
    return 1;
  }
  std::fputs(text->c_str(), stdout);
  return 0;
}
