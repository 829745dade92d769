// From imported to lowerable: every pass of the pipeline leaves the results of every program as they were, for
// schedules by hand and those of the cost model, on machines of every kind.
#include <algorithm>
#include <cstring>
#include <map>

#include <gtest/gtest.h>

#include "compiler/ir/parser.h"
#include "compiler/ir/printer.h"
#include "compiler/pipeline/pipeline.h"
#include "compiler/schedule/cost_model.h"
#include "targets/reference/interpreter.h"
#include "tests/unit/machines.h"
#include "tests/unit/passes/chain_cases.h"

namespace sparkle {
namespace {

constexpr const char *kMachines[] = {"cascadelake", "avx2", "h100", "lavapipe"};
constexpr size_t kSample = 12;     ///< Enumerated schedules that are tried, per program and machine.
constexpr int64_t kOpenExtent = 3; ///< The value of every symbol.

Program program_of(std::string_view text) {
  Diagnostics diagnostics;
  const Source source("program", std::string(text));
  auto parsed = parse_ir(source, diagnostics);
  EXPECT_TRUE(parsed) << render_text(diagnostics, source);
  return parsed ? parsed->program : Program{};
}

Schedule schedule_of(std::string_view text) {
  Diagnostics diagnostics;
  const Source source("schedule", std::string(text));
  auto schedule = parse_schedule(source, diagnostics);
  EXPECT_TRUE(schedule) << render_text(diagnostics, source);
  return schedule ? *schedule : Schedule{};
}

template <class T> void fill(std::vector<std::byte> &bytes, unsigned seed) {
  for (size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
    seed = seed * 1664525u + 1013904223u;
    const T value = static_cast<T>(static_cast<int>((seed >> 20) % 9) - (std::is_signed_v<T> ? 4 : 0));
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
}

/// What is left in the outputs, by name; small whole numbers go in.
Result<std::map<std::string, std::vector<std::byte>>> outputs(const Program &program) {
  std::map<std::string, std::vector<std::byte>> memory;
  std::unordered_map<TensorId, reference::FarMemory> arguments;
  const std::vector<int64_t> symbols(program.symbols.size(), kOpenExtent);
  for (uint32_t i = 0; i < program.tensors.size(); ++i) {
    const Tensor &tensor = program.tensors[TensorId{i}];
    if (tensor.role == Role::kWorkspace || tensor.role == Role::kPacked) continue;
    SPARKLE_TRY(const int64_t size, reference::bytes_of(tensor, symbols));
    std::vector<std::byte> &bytes = memory[tensor.name];
    bytes.assign(static_cast<size_t>(size), std::byte{0xA5});
    const auto seed = static_cast<unsigned>(tensor.name.front());
    if (tensor.role == Role::kOutput) {
    } else if (tensor.element == Scalar::kF32) {
      fill<float>(bytes, seed);
    } else if (tensor.element == Scalar::kI8) {
      fill<int8_t>(bytes, seed);
    } else {
      fill<uint8_t>(bytes, seed);
    }
    arguments[TensorId{i}] = {bytes.data(), size};
  }
  SPARKLE_TRY_STATUS(reference::interpret(program, arguments, {symbols, {}}));
  std::erase_if(memory, [&](const auto &entry) {
    for (uint32_t i = 0; i < program.tensors.size(); ++i)
      if (program.tensors[TensorId{i}].name == entry.first) return program.tensors[TensorId{i}].role != Role::kOutput;
    return true;
  });
  return memory;
}

/// Runs the pipeline; stops at the first pass that changes a result.
void expect_same_after_each_pass(const Program &imported, const PipelineOptions &base, const TargetInfo &info) {
  const auto wanted = outputs(imported);
  ASSERT_TRUE(wanted) << wanted.error().text;
  PipelineOptions options = base;
  bool wrong = false;
  size_t passes = 0;
  options.after_pass = [&](std::string_view pass, const Program &program) {
    ++passes;
    if (wrong) return;
    const auto got = outputs(program);
    wrong = !got || *got != *wanted;
    EXPECT_FALSE(wrong) << "after " << pass << " " << (got ? "" : got.error().text) << "\n" << print(program);
  };
  PipelineReport report;
  const auto lowered = run_pipeline(imported, options, info, &report);
  EXPECT_TRUE(lowered) << lowered.error().text;
  EXPECT_GE(passes, pass_names().size());
  if (lowered) {
    for (const Kernel &kernel : lowered->kernels) EXPECT_EQ(kernel.stage, Stage::kLowerable) << kernel.name;
  }
  if (wrong || !lowered) ADD_FAILURE() << to_text(report.schedule);
}

class Chain : public testing::TestWithParam<std::tuple<test::ChainCase, const char *>> {};

TEST_P(Chain, KeepsResultsWithSchedulesByHand) {
  const auto &[c, name] = GetParam();
  const Program program = program_of(c.program);
  for (const std::string_view schedule : c.schedules) {
    PipelineOptions options;
    options.schedule = schedule_of(schedule);
    options.automatic = false;
    SCOPED_TRACE(schedule);
    expect_same_after_each_pass(program, options, test::machine(name));
  }
}

TEST_P(Chain, KeepsResultsWithTheCostModelsSchedule) {
  const auto &[c, name] = GetParam();
  expect_same_after_each_pass(program_of(c.program), {}, test::machine(name));
}

/// Of the last definition as it is after `place`, spread over the whole list; the others are left to the cost model.
TEST_P(Chain, KeepsResultsWithSchedulesThatWereNotChosen) {
  const auto &[c, name] = GetParam();
  const Program program = program_of(c.program);
  const auto wanted = outputs(program);
  ASSERT_TRUE(wanted) << wanted.error().text;
  PipelineOptions until_placed;
  until_placed.stop_after = "place";
  const auto placed = run_pipeline(program, until_placed, test::machine(name));
  ASSERT_TRUE(placed) << placed.error().text;
  const auto candidates = enumerate_schedules(placed->kernels.back(), test::machine(name), 1000000);
  const size_t step = std::max<size_t>(1, candidates.size() / kSample);
  for (size_t i = 0; i < candidates.size(); i += step) {
    PipelineOptions options;
    options.schedule.kernels = {candidates[i].schedule};
    const auto lowered = run_pipeline(program, options, test::machine(name));
    ASSERT_TRUE(lowered) << lowered.error().text << "\n" << to_text(options.schedule);
    const auto got = outputs(*lowered);
    ASSERT_TRUE(got) << got.error().text << "\n" << to_text(options.schedule);
    EXPECT_TRUE(*got == *wanted) << to_text(options.schedule) << print(*lowered);
  }
}

TEST_P(Chain, KeepsResultsWithoutASchedule) {
  const auto &[c, name] = GetParam();
  PipelineOptions options;
  options.automatic = false;
  expect_same_after_each_pass(program_of(c.program), options, test::machine(name));
}

INSTANTIATE_TEST_SUITE_P(Programs, Chain,
                         testing::Combine(testing::ValuesIn(test::chain_cases()), testing::ValuesIn(kMachines)),
                         [](const auto &info) {
                           return std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param);
                         });

} // namespace
} // namespace sparkle
