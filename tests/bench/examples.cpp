#include "tests/bench/examples.h"

#include <cmath>
#include <filesystem>
#include <set>
#include <sstream>

#include "runtime/executable.h"
#include "runtime/file_io.h"
#include "runtime/peak_probe.h"
#include "runtime/plain_c.h"
#include "runtime/tolerance.h"
#include "tests/differential/kernel_case.h"
#include "tools/bench/bench_tensors.h"

namespace sparkle::bench {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kFlags{"-O3", "-march=native", "-ffast-math"};
constexpr int64_t kMostFileBytes = 1 << 20;
constexpr double kProbeSeconds = 0.0016;
constexpr int64_t kProbeBytes = int64_t{1} << 28;

Result<std::vector<ExampleCase>> parse_list(const std::string &text) {
  std::vector<ExampleCase> cases;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    ExampleCase one;
    if (!(words >> one.file)) continue;
    for (std::string word; words >> word;) {
      const size_t equals = word.find('=');
      if (equals == std::string::npos) return Error{ErrorCode::kInvalidInput, "`" + word + "` is no NAME=VALUE"};
      one.values[word.substr(0, equals)] = std::atoll(word.c_str() + equals + 1);
    }
    cases.push_back(std::move(one));
  }
  return cases;
}

Status check_complete(const std::vector<ExampleCase> &cases, const std::string &folder) {
  std::set<std::string> named;
  for (const ExampleCase &one : cases) named.insert(one.file);
  std::error_code failed;
  for (const auto &entry : fs::directory_iterator(folder, failed)) {
    const std::string file = entry.path().filename().string();
    if (file.ends_with(".spk") && !named.contains(file))
      return Error{ErrorCode::kInvalidInput, "the list has no line for " + file};
  }
  return failed ? Status(Error{ErrorCode::kIo, folder + ": " + failed.message()}) : ok();
}

/// One implementation with tensors of its own.
struct Contender {
  Tensors tensors;
  std::unique_ptr<Binding> binding;

  static Result<Contender> make(const Program &program, const std::shared_ptr<const Executable> &executable) {
    SPARKLE_TRY(Tensors tensors, Tensors::make(program));
    SPARKLE_TRY(auto binding, bind_program(executable, tensors.arguments()));
    return Contender{std::move(tensors), std::move(binding)};
  }
  Status run() {
    const auto times = binding->run();
    return times ? ok() : Status(times.error());
  }
};

class ExampleRunner {
public:
  static Result<ExampleRunner> make(const ExamplesOptions &options) {
    ExampleRunner runner(options);
    if (!options.against) {
      SPARKLE_TRY(runner.compiler_, find_c_compiler());
    }
    SPARKLE_TRY(runner.machine_, Machine::open({1, {}, VulkanOptions{}}));
    SPARKLE_TRY(BandwidthProbe memory, BandwidthProbe::make(kProbeBytes));
    runner.memory_ = std::make_unique<BandwidthProbe>(std::move(memory));
    return runner;
  }

  ExamplesReport start() {
    ExamplesReport report;
    report.list = fs::path(options_.list).filename().string();
    report.cpu = machine_->cpu().name;
    report.peer = options_.against ? "none, another schedule" : compiler_.name;
    if (!options_.against)
      for (const std::string &flag : kFlags) report.peer += " " + flag;
    report.pairs = options_.pairs;
    for (int i = 0; i < 5; ++i) report.one_thread_gbs = std::max(report.one_thread_gbs, read_gbs());
    return report;
  }

  Result<ExampleResult> run(const ExampleCase &example) {
    SPARKLE_TRY(const std::string text, read_text_file(fs::path(options_.folder) / example.file, kMostFileBytes));
    SPARKLE_TRY(const Program program, test::import_text({text, example.values, {}}));
    SPARKLE_TRY(const auto scheduled, compile_with(program, options_.schedule));
    SPARKLE_TRY(const auto peer, options_.against ? compile_with(program, *options_.against)
                                                  : compile_plain_c(program, machine_, compiler_, kFlags));
    SPARKLE_TRY(Contender ours, Contender::make(program, scheduled));
    SPARKLE_TRY(Contender theirs, Contender::make(program, peer));
    // Before they are timed: what is read and written grows from run to run.
    SPARKLE_TRY_STATUS(ours.run());
    SPARKLE_TRY_STATUS(theirs.run());
    SPARKLE_TRY_STATUS(compare(program, ours, theirs));
    ExampleResult result{example, {}, ours.tensors.bytes(), program.flops};
    PairOptions pair_options;
    pair_options.pairs = options_.pairs;
    pair_options.probe = [this] { return probe_fma_peak({}, {widest_probe_isa(), kProbeSeconds}).gflops; };
    pair_options.memory = [this] { return read_gbs(); };
    SPARKLE_TRY(result.timing, time_pairs(runs_of([&] { return ours.run(); }, Clock::kThread),
                                          runs_of([&] { return theirs.run(); }, Clock::kThread), pair_options));
    return result;
  }

private:
  explicit ExampleRunner(const ExamplesOptions &options) : options_(options) {}

  Result<std::shared_ptr<const Executable>> compile_with(const Program &program, const Schedule &schedule) const {
    CompileOptions options;
    options.target = "llvm";
    options.schedule = schedule;
    options.verify_ir = Verification::kNever;
    return compile(program, machine_, machine_->cpu(), options);
  }

  double read_gbs() const {
    const double start = thread_seconds();
    const int64_t bytes = memory_->read({});
    return static_cast<double>(bytes) / (thread_seconds() - start) * 1e-9;
  }

  /// Inputs are whole: without roundings results are equal. Functions and -ffast-math are good for four digits.
  static Status compare(const Program &program, const Contender &ours, const Contender &theirs) {
    const double steps = tolerance_of(program, {}).rounds_to_integers ? 1 : 0;
    for (uint32_t i = 0; i < program.tensors.size(); ++i) {
      const Tensor &tensor = program.tensors[static_cast<TensorId>(i)];
      const HostTensor *a = ours.tensors.find(tensor.name), *b = theirs.tensors.find(tensor.name);
      if (!a || (tensor.role != Role::kOutput && tensor.role != Role::kInout)) continue;
      const bool is_float = tensor.element == Scalar::kF32;
      for (int64_t k = 0; k < a->element_count(); ++k) {
        const double x = a->get(k), y = b->get(k);
        if (std::abs(x - y) <= (is_float ? 1e-4 * std::abs(x) + 1e-5 : steps)) continue;
        return Error{ErrorCode::kVerifyFailed, tensor.name + ": element " + std::to_string(k) + " is " +
                                                   std::to_string(x) + ", that of plain C " + std::to_string(y)};
      }
    }
    return ok();
  }

  const ExamplesOptions &options_;
  CCompiler compiler_;
  std::shared_ptr<Machine> machine_;
  std::unique_ptr<BandwidthProbe> memory_;
};

} // namespace

std::string ExampleCase::name() const {
  std::string text = file.substr(0, file.rfind('.'));
  for (const auto &[name, value] : values) text += " " + name + "=" + std::to_string(value);
  return text;
}

Result<ExamplesReport> run_examples(const ExamplesOptions &options) {
  SPARKLE_TRY(const std::string text, read_text_file(options.list, kMostFileBytes));
  SPARKLE_TRY(const std::vector<ExampleCase> cases, parse_list(text));
  SPARKLE_TRY_STATUS(check_complete(cases, options.folder));
  SPARKLE_TRY(ExampleRunner runner, ExampleRunner::make(options));
  ExamplesReport report = runner.start();
  for (const ExampleCase &example : cases) {
    if (example.name().find(options.filter) == std::string::npos) continue;
    Result<ExampleResult> result = runner.run(example);
    if (!result) return Error{result.error().code, example.name() + ": " + result.error().text};
    if (options.on_result) options.on_result(*result);
    report.cases.push_back(std::move(*result));
  }
  return report;
}

} // namespace sparkle::bench
