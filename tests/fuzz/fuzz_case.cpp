#include "tests/fuzz/fuzz_case.h"

#include "compiler/pipeline/pipeline.h"
#include "tests/fuzz/code_size.h"
#include "tests/fuzz/comparison.h"
#include "tests/fuzz/random_kernel.h"
#include "tests/fuzz/random_schedule.h"
#include "tests/fuzz/random_values.h"
#include "tests/fuzz/storage_types.h"

namespace sparkle::test {
namespace {

/// Each attempt compiles; a failure should be told within seconds.
constexpr int kMostAttempts = 150;
/// Of a shader, with loops unrolled: a software driver compiles that many in a few seconds at worst.
constexpr int64_t kMostStatements = 500;

FuzzResult result_of(const Error &error) {
  const bool refused = error.code == ErrorCode::kBadSchedule || error.code == ErrorCode::kUnsupported;
  return {refused ? Outcome::kRefused : Outcome::kWrong, std::string(name_of(error.code)) + ": " + error.text};
}

std::string random_machine(FuzzTarget target, Random &random) {
  switch (target) {
  case FuzzTarget::kPasses:
    return random.pick(std::vector<std::string>{"avx2", "zen4", "cascadelake", "spr", "lavapipe", "h100"});
  case FuzzTarget::kLlvm:
  case FuzzTarget::kX86: return random.pick(std::vector<std::string>{"avx2", "zen4", "cascadelake", "spr", ""});
  case FuzzTarget::kVulkan: break;
  }
  return "";
}

/// Texts of schedules read back as the same value: a reproducer is no other schedule.
Status check_round_trip(const Schedule &schedule) {
  Diagnostics diagnostics;
  const Source source("fuzz.schedule", to_text(schedule));
  const Result<Schedule> again = parse_schedule(source, diagnostics);
  if (!again)
    return Error{ErrorCode::kInternal, "the schedule does not read back\n" + render_text(diagnostics, source)};
  if (!(*again == schedule)) return Error{ErrorCode::kInternal, "the schedule reads back as\n" + to_text(*again)};
  return ok();
}

} // namespace

FuzzCase::FuzzCase(FuzzTarget target, bool storage_types, uint64_t seed, uint64_t number)
    : target_(target), storage_types_(storage_types), random_(seed, number), data_seed_(seed * 1000 + number),
      program_(Error{ErrorCode::kInternal, "not made yet"}) {}

std::string FuzzCase::text() const {
  const int64_t size = program_ ? code_size(*program_, info_, schedule_) : 0;
  return to_string(kernel_) + "// machine: " + (machine_.empty() ? "this one" : machine_) + ", " +
         std::to_string(size) + " statements\n" + to_text(schedule_);
}

FuzzResult FuzzCase::prepare() {
  const bool about_values = storage_types_ && random_.chance(1, 2);
  kernel_ = about_values ? random_values(random_) : random_kernel(random_);
  if (storage_types_ && !about_values) kernel_ = with_storage_types(kernel_, random_);
  machine_ = random_machine(target_, random_);
  program_ = import_text(kernel_);
  if (!program_) return {Outcome::kWrong, "the kernel is no kernel: " + program_.error().text};
  Result<TensorSet> inputs = TensorSet::make(*program_, data_seed_);
  if (!inputs) return {Outcome::kWrong, inputs.error().text};
  inputs_ = std::move(*inputs);
  Result<TensorSet> expected = inputs_->copy();
  if (!expected) return {Outcome::kWrong, expected.error().text};
  expected_ = std::move(*expected);
  if (Status status = run_reference(*program_, *expected_); !status)
    return {Outcome::kWrong, "the reference: " + status.error().text};
  info_ = target_ == FuzzTarget::kVulkan ? test_machine()->vulkan().front().info : test_machine()->cpu().info;
  if (!machine_.empty()) {
    const Result<TargetInfo> named = fixture(machine_);
    if (!named) return {Outcome::kWrong, named.error().text};
    info_ = *named;
  }
  Result<Schedule> schedule = random_schedule(*program_, info_, random_);
  if (!schedule) return result_of(schedule.error());
  schedule_ = std::move(*schedule);
  if (target_ == FuzzTarget::kVulkan) bound_code(*program_, info_, kMostStatements, schedule_);
  if (Status status = check_round_trip(schedule_); !status) return {Outcome::kWrong, status.error().text};
  return {};
}

FuzzResult FuzzCase::attempt(const Schedule &schedule) {
  Result<TensorSet> computed = inputs_->copy();
  if (!computed) return {Outcome::kWrong, computed.error().text};
  if (Status status = compute(schedule, *computed); !status) return result_of(status.error());
  const std::string found = difference(*program_, *inputs_, *computed, *expected_);
  if (found.empty()) return {};
  return {Outcome::kWrong, found};
}

Status FuzzCase::compute(const Schedule &schedule, TensorSet &tensors) {
  if (target_ == FuzzTarget::kPasses) return interpret_all_passes(schedule, tensors);
  CompileOptions options;
  options.verify_ir = Verification::kAfterEachPass;
  options.schedule = schedule;
  options.automatic = false;
  options.target_info = info_;
  const bool is_gpu = target_ == FuzzTarget::kVulkan;
  options.target = is_gpu ? "vulkan" : target_ == FuzzTarget::kX86 ? "x86" : "llvm";
  if (target_ == FuzzTarget::kX86 && machine_ == "avx2") options.isa = "avx2";
  const DeviceInfo &device = is_gpu ? test_machine()->vulkan().front() : test_machine()->cpu();
  return run_on_device(*program_, test_machine(), device, options, tensors);
}

Status FuzzCase::interpret_all_passes(const Schedule &schedule, TensorSet &tensors) {
  PipelineOptions options;
  options.schedule = schedule;
  options.automatic = false;
  Status found = ok();
  options.after_pass = [&](std::string_view pass, const Program &program) {
    if (!found) return;
    Result<TensorSet> computed = inputs_->copy();
    Status status = computed ? run_reference(program, *computed) : Status(computed.error());
    const std::string wrong = status ? difference(*program_, *inputs_, *computed, *expected_) : status.error().text;
    if (!wrong.empty()) found = Error{ErrorCode::kVerifyFailed, "after pass " + std::string(pass) + ": " + wrong};
    if (found) tensors = std::move(*computed);
  };
  try {
    const Result<Program> lowered = run_pipeline(*program_, options, info_);
    if (!found) return found;
    if (!lowered) return lowered.error();
  } catch (const InternalError &error) {
    return found ? Status(Error{ErrorCode::kInternal, error.what()}) : found;
  }
  return ok();
}

FuzzResult FuzzCase::shrink(FuzzResult wrong) {
  if (!program_ || !expected_) return wrong;
  int attempts = 0;
  for (bool smaller = true; smaller && attempts < kMostAttempts;) {
    smaller = false;
    for (const Schedule &simpler : simpler_schedules(schedule_)) {
      if (++attempts > kMostAttempts) break;
      const FuzzResult result = attempt(simpler);
      if (result.outcome != Outcome::kWrong) continue;
      schedule_ = simpler;
      wrong = result;
      smaller = true;
      break;
    }
  }
  return wrong;
}

} // namespace sparkle::test
