// Kernels on every target against NumPy: results that nothing of Sparkle had a part in (tests/numpy/make_results.py).
//
// Each case of tests/numpy/results is a kernel's text and, in comments below it,
//   // bind: N=3 open=B          sizes; kernel=a: which one, where the text has several
//   // given: x = 1 2.5 -inf     an input, a scalar parameter, or the value of an open dimension
//   // gives: y = 2 nan 0        a result, exactly
//   // near: z = 0.3333333333    a result, within the bound that runtime/tolerance.h derives from the kernel
// A further line for a name goes on where the first ended.
#include <cmath>
#include <cstdio>
#include <sstream>

#include <gtest/gtest.h>

#include "runtime/file_io.h"
#include "runtime/tolerance.h"
#include "targets/reference/sampled.h"
#include "tests/differential/kernel_case.h"

namespace sparkle::test {
namespace {

constexpr int64_t kMostBytes = 1 << 20;
/// What a bound may be at most, of the largest result: a wider one would let wrong kernels pass.
constexpr double kWidestBound = 1e-3;

using Values = std::map<std::string, std::vector<double>>;

struct NumpyCase {
  std::string name;
  KernelText kernel;
  Values given, gives, near;
};

void read_sizes(const std::string &line, KernelText &kernel) {
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    const size_t sign = word.find('=');
    const std::string name = word.substr(0, sign), value = word.substr(sign + 1);
    if (name == "open")
      kernel.open.insert(value);
    else if (name == "kernel")
      kernel.name = value;
    else
      kernel.values[name] = std::strtoll(value.c_str(), nullptr, 10);
  }
}

void read_values(const std::string &line, Values &values) {
  std::istringstream words(line);
  std::string name, word;
  words >> name >> word;
  for (std::vector<double> &list = values[name]; words >> word;) list.push_back(std::strtod(word.c_str(), nullptr));
}

void read_line(const std::string &line, NumpyCase &one) {
  const std::string bind = "// bind: ", given = "// given: ", gives = "// gives: ", near = "// near: ";
  if (line.starts_with(bind))
    read_sizes(line.substr(bind.size()), one.kernel);
  else if (line.starts_with(given))
    read_values(line.substr(given.size()), one.given);
  else if (line.starts_with(gives))
    read_values(line.substr(gives.size()), one.gives);
  else if (line.starts_with(near))
    read_values(line.substr(near.size()), one.near);
  else
    one.kernel.text += line + "\n";
}

std::vector<NumpyCase> read_cases(const std::string &file) {
  const Result<std::string> text = read_text_file(SPARKLE_NUMPY_RESULTS "/" + file + ".spk", kMostBytes);
  if (!text) return {};
  std::istringstream lines(*text);
  std::vector<NumpyCase> cases;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("//// "))
      cases.push_back({line.substr(5), {}, {}, {}, {}});
    else if (!cases.empty())
      read_line(line, cases.back());
  }
  return cases;
}

enum class Target : uint8_t { kInterpreter, kLowered, kLlvm, kX86, kX86Avx2, kVulkan };

std::string name_of(Target target) {
  switch (target) {
  case Target::kLlvm: return "llvm";
  case Target::kX86:
  case Target::kX86Avx2: return "x86";
  case Target::kVulkan: return "vulkan";
  case Target::kInterpreter:
  case Target::kLowered: break;
  }
  return "reference";
}

/// One case on one target.
class NumpyRun {
public:
  NumpyRun(const NumpyCase &one, Target target) : case_(one), target_(target) {}

  void check() {
    Result<Program> program = import_text(case_.kernel);
    ASSERT_TRUE(program) << program.error().text;
    program_ = std::make_unique<Program>(std::move(*program));
    ASSERT_NO_FATAL_FAILURE(fill());
    const Status status = run();
    ASSERT_TRUE(status) << status.error().text;
    for (const auto &[name, values] : case_.gives) compare(name, values);
    for (const auto &[name, values] : case_.near) compare_within(name, values);
  }
  /// Largest error over its bound.
  double worst_share() const { return worst_share_; }

private:
  void fill() {
    std::map<std::string, int64_t> symbols;
    for (const std::string &name : case_.kernel.open) symbols[name] = static_cast<int64_t>(case_.given.at(name).at(0));
    Result<TensorSet> tensors = TensorSet::make(*program_, 1, symbols);
    ASSERT_TRUE(tensors) << tensors.error().text;
    tensors_.emplace(std::move(*tensors));
    for (const Uniform &uniform : program_->uniforms)
      tensors_->set_uniform(uniform.name, case_.given.at(uniform.name).at(0));
    for (const Tensor &tensor : program_->tensors) {
      if (!is_argument(tensor.role) || tensor.role == Role::kOutput) continue;
      HostTensor &host = tensors_->tensor(tensor.name);
      const std::vector<double> &given = case_.given.at(tensor.name);
      ASSERT_EQ(static_cast<size_t>(host.element_count()), given.size()) << tensor.name;
      for (size_t i = 0; i < given.size(); ++i) host.set(static_cast<int64_t>(i), given[i]);
    }
  }

  Status run() {
    if (target_ == Target::kInterpreter) return run_reference(*program_, *tensors_);
    CompileOptions options;
    options.target = name_of(target_);
    if (target_ == Target::kX86Avx2) options.isa = "avx2";
    const DeviceInfo &device = target_ == Target::kVulkan ? test_machine()->vulkan().front() : test_machine()->cpu();
    return run_on_device(*program_, test_machine(), device, options, *tensors_);
  }

  void compare(const std::string &name, const std::vector<double> &wanted) {
    HostTensor &host = tensors_->tensor(name);
    ASSERT_EQ(static_cast<size_t>(host.element_count()), wanted.size()) << name;
    for (size_t i = 0; i < wanted.size(); ++i) {
      const double seen = host.get(static_cast<int64_t>(i));
      ASSERT_TRUE(seen == wanted[i] || (std::isnan(seen) && std::isnan(wanted[i])))
          << name << " element " << i << " is " << seen << ", not " << wanted[i];
    }
  }

  void compare_within(const std::string &name, const std::vector<double> &wanted) {
    HostTensor &host = tensors_->tensor(name);
    ASSERT_EQ(static_cast<size_t>(host.element_count()), wanted.size()) << name;
    const auto memory = tensors_->memory();
    const reference::RunValues values = tensors_->values();
    reference::Sampler sampler(*program_, memory, values);
    const Tolerance tolerance = tolerance_of(*program_, values.symbols);
    double largest = 0;
    for (const double value : wanted) largest = std::fmax(largest, std::fabs(value));
    for (size_t i = 0; i < wanted.size(); ++i) {
      const Result<reference::Sample> sample = sampler.at(id_of(name), point_of(host, static_cast<int64_t>(i)));
      ASSERT_TRUE(sample) << sample.error().text;
      const double bound = allowed_error(tolerance, host.element(), sample->magnitude, false);
      const double seen = host.get(static_cast<int64_t>(i)), error = std::fabs(seen - wanted[i]);
      ASSERT_LE(bound, kWidestBound * std::fmax(largest, 1)) << name << ": a bound that says nothing";
      ASSERT_LE(error, bound) << name << " element " << i << " is " << seen << ", not " << wanted[i];
      worst_share_ = std::fmax(worst_share_, error / bound);
    }
  }

  TensorId id_of(const std::string &name) const {
    uint32_t i = 0;
    while (program_->tensors[static_cast<TensorId>(i)].name != name) ++i;
    return static_cast<TensorId>(i);
  }

  static std::vector<int64_t> point_of(const HostTensor &host, int64_t number) {
    std::vector<int64_t> point(host.shape().size());
    for (size_t d = point.size(); d-- > 0; number /= host.shape()[d]) point[d] = number % host.shape()[d];
    return point;
  }

  const NumpyCase &case_;
  Target target_;
  std::unique_ptr<Program> program_;
  std::optional<TensorSet> tensors_;
  double worst_share_ = 0;
};

class Numpy : public testing::TestWithParam<std::string> {
protected:
  void check_all(Target target) {
    const std::vector<NumpyCase> cases = read_cases(GetParam());
    ASSERT_FALSE(cases.empty()) << "there are no results of " << GetParam();
    double worst_share = 0;
    for (const NumpyCase &one : cases) {
      SCOPED_TRACE(one.name + "\n" + to_string(one.kernel));
      ASSERT_FALSE(one.gives.empty() && one.near.empty());
      NumpyRun run(one, target);
      run.check();
      worst_share = std::fmax(worst_share, run.worst_share());
    }
    std::printf("%zu cases; largest error over its bound: %.4g\n", cases.size(), worst_share);
  }
};

TEST_P(Numpy, EqualsTheInterpreter) { check_all(Target::kInterpreter); }
/// What the passes left, interpreted: tells a wrong pass from a wrong target.
TEST_P(Numpy, EqualsTheLoweredProgram) { check_all(Target::kLowered); }
TEST_P(Numpy, EqualsLlvm) { check_all(Target::kLlvm); }
TEST_P(Numpy, EqualsX86) {
  if (const std::string missing = missing_target("x86"); !missing.empty()) GTEST_SKIP() << missing;
  check_all(Target::kX86);
  check_all(Target::kX86Avx2);
}
TEST_P(Numpy, EqualsVulkan) {
  if (test_machine()->vulkan().empty()) GTEST_SKIP() << "no Vulkan device";
  check_all(Target::kVulkan);
}

INSTANTIATE_TEST_SUITE_P(Results, Numpy, testing::Values("convolutions", "images", "products"),
                         [](const auto &info) { return info.param; });

} // namespace
} // namespace sparkle::test
