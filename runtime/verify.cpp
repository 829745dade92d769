#include "runtime/verify.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "runtime/element.h"
#include "runtime/sample_points.h"
#include "runtime/tolerance.h"
#include "targets/reference/interpreter.h"
#include "targets/reference/sampled.h"

namespace sparkle {
namespace {

using reference::FarMemory;
using Memory = std::unordered_map<TensorId, FarMemory>;
using Point = std::vector<int64_t>;

/// Elements that differ from the interpreter's are bounded one by one; of more than these, the worst and every k-th.
constexpr size_t kMostBounded = 16384;

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

double distance(double a, double b) {
  if (same(a, b)) return 0;
  const double difference = std::fabs(a - b);
  return std::isnan(difference) ? HUGE_VAL : difference;
}

/// What `value` is once stored.
double rounded(double value, Scalar element) {
  std::byte memory[8]{};
  store_element(memory, element, value);
  return load_element(memory, element);
}

bool is_whole(const HostTensor &tensor) {
  if (!is_float(tensor.element())) return true;
  for (int64_t i = 0; i < tensor.element_count(); ++i) {
    const double value = tensor.get(i);
    if (std::floor(value) != value) return false;
  }
  return true;
}

Point point_of(const std::vector<int64_t> &shape, int64_t number) {
  Point point(shape.size());
  for (size_t d = shape.size(); d-- > 0;) {
    point[d] = number % shape[d];
    number /= shape[d];
  }
  return point;
}

int64_t number_of(const std::vector<int64_t> &shape, const Point &point) {
  int64_t number = 0;
  for (size_t d = 0; d < shape.size(); ++d) number = number * shape[d] + point[d];
  return number;
}

/// A copy with the same strides, so that the interpreter finds every element where the kernel puts it.
Result<HostTensor> copy_of(const HostTensor &tensor) {
  SPARKLE_TRY(HostTensor copy, HostTensor::allocate(tensor.element(), tensor.shape(), tensor.strides()));
  if (tensor.span_bytes() > 0) std::memcpy(copy.data(), tensor.data(), static_cast<size_t>(tensor.span_bytes()));
  return copy;
}

/// One comparison of a run with the reference.
class Comparison {
public:
  Comparison(const Program &program, const BoundArguments &arguments, const VerifyOptions &options, Memory inputs,
             bool whole_inputs)
      : program_(program), arguments_(arguments), options_(options), inputs_(std::move(inputs)),
        sampler_(program, inputs_, {arguments.symbols, arguments.uniforms}),
        tolerance_(tolerance_of(program, arguments.symbols)), whole_inputs_(whole_inputs) {}

  Result<VerifyReport> full();
  Result<VerifyReport> sampled();

private:
  struct Difference {
    int64_t number;
    double computed, expected;
    double size() const { return distance(computed, expected); }
  };

  std::vector<TensorId> results() const;
  Status compare_full(TensorId id, const HostTensor &expected);
  Status bound(TensorId id, std::vector<Difference> differences);
  Status compare_sampled(TensorId id);
  void add(TensorId id, const Point &point, double computed, double expected, double allowed);

  const Program &program_;
  const BoundArguments &arguments_;
  const VerifyOptions &options_;
  Memory inputs_;
  reference::Sampler sampler_;
  Tolerance tolerance_;
  bool whole_inputs_;
  double worst_share_ = -1;
  VerifyReport report_{true, VerifyMode::kFull, true, 0, 0, 0, 0, {}, {}, 0, 0};
};

std::vector<TensorId> Comparison::results() const {
  std::vector<TensorId> ids;
  for (uint32_t i = 0; i < program_.tensors.size(); ++i)
    if (is_result(program_.tensors[static_cast<TensorId>(i)].role)) ids.push_back(static_cast<TensorId>(i));
  return ids;
}

void Comparison::add(TensorId id, const Point &point, double computed, double expected, double allowed) {
  const double error = distance(computed, expected);
  const bool is_wrong = !(error <= allowed);
  const double share = error == 0 ? 0 : allowed > 0 ? error / allowed : HUGE_VAL;
  if (is_wrong) ++report_.wrong;
  report_.passed = report_.passed && !is_wrong;
  report_.exact = report_.exact && allowed == 0 && error == 0;
  report_.max_abs_error = std::max(report_.max_abs_error, error);
  report_.max_bound_share = std::max(report_.max_bound_share, share);
  if (share <= worst_share_) return;
  worst_share_ = share;
  report_.worst_tensor = program_.tensors[id].name;
  report_.worst_point = point;
  report_.worst_computed = computed;
  report_.worst_expected = expected;
}

Result<VerifyReport> Comparison::full() {
  report_.mode = VerifyMode::kFull;
  Memory memory = inputs_;
  std::vector<std::pair<TensorId, HostTensor>> expected;
  for (const TensorId id : results()) {
    const auto before = inputs_.find(id);
    SPARKLE_TRY(HostTensor copy, copy_of(*arguments_.tensors[id]));
    if (before != inputs_.end() && copy.span_bytes() > 0)
      std::memcpy(copy.data(), before->second.data, static_cast<size_t>(copy.span_bytes()));
    memory[id] = {copy.data(), copy.span_bytes()};
    expected.emplace_back(id, std::move(copy));
  }
  SPARKLE_TRY_STATUS(reference::interpret(program_, memory, {arguments_.symbols, arguments_.uniforms}));
  for (const auto &[id, tensor] : expected) SPARKLE_TRY_STATUS(compare_full(id, tensor));
  return report_;
}

Status Comparison::compare_full(TensorId id, const HostTensor &expected) {
  const HostTensor &computed = *arguments_.tensors[id];
  std::vector<Difference> differences;
  for (int64_t i = 0; i < computed.element_count(); ++i) {
    const Difference one{i, computed.get(i), expected.get(i)};
    if (!same(one.computed, one.expected)) differences.push_back(one);
  }
  report_.compared += computed.element_count();
  return bound(id, std::move(differences));
}

/// Only where results differ is it asked how far they may.
Status Comparison::bound(TensorId id, std::vector<Difference> differences) {
  const HostTensor &computed = *arguments_.tensors[id];
  std::ranges::stable_sort(differences, std::ranges::greater{}, &Difference::size);
  const size_t step = std::max<size_t>(differences.size() / kMostBounded, 1);
  for (size_t i = 0; i < differences.size(); i += i < kMostBounded ? 1 : step) {
    const Difference &one = differences[i];
    const Point point = point_of(computed.shape(), one.number);
    SPARKLE_TRY(const reference::Sample sample, sampler_.at(id, point));
    // The interpreter rounds as well: its own error adds to the allowance.
    const double allowed = 2 * allowed_error(tolerance_, computed.element(), sample.magnitude, whole_inputs_);
    add(id, point, one.computed, one.expected, allowed);
  }
  return ok();
}

Result<VerifyReport> Comparison::sampled() {
  report_.mode = VerifyMode::kSampled;
  for (const TensorId id : results()) SPARKLE_TRY_STATUS(compare_sampled(id));
  return report_;
}

Status Comparison::compare_sampled(TensorId id) {
  const HostTensor &computed = *arguments_.tensors[id];
  for (const Point &point : sample_points(computed.shape(), options_.samples, options_.seed)) {
    SPARKLE_TRY(const reference::Sample sample, sampler_.at(id, point));
    const double allowed = allowed_error(tolerance_, computed.element(), sample.magnitude, whole_inputs_);
    const double expected = allowed == 0 ? rounded(sample.value, computed.element()) : sample.value;
    add(id, point, computed.get(number_of(computed.shape(), point)), expected, allowed);
    ++report_.compared;
  }
  return ok();
}

} // namespace

std::string_view name_of(VerifyMode mode) {
  switch (mode) {
  case VerifyMode::kAuto: return "auto";
  case VerifyMode::kFull: return "full";
  case VerifyMode::kSampled: return "sampled";
  }
  return "?";
}

std::string VerifyReport::text() const {
  std::string text = std::to_string(compared) + " elements (" + std::string(name_of(mode)) + ")";
  if (passed) return text + (exact ? " are equal to the reference" : " are within the derived bound");
  text += ": " + std::to_string(wrong) + " differ; the worst is `" + worst_tensor + "`[";
  for (size_t d = 0; d < worst_point.size(); ++d) text += (d > 0 ? ", " : "") + std::to_string(worst_point[d]);
  return text + "], computed " + std::to_string(worst_computed) + ", expected " + std::to_string(worst_expected);
}

Result<Verifier> Verifier::prepare(const Program &imported, const BoundArguments &arguments,
                                   const VerifyOptions &options) {
  Verifier verifier(imported, arguments, options);
  for (uint32_t i = 0; i < imported.tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    if (imported.tensors[id].role != Role::kInout) continue;
    SPARKLE_TRY(HostTensor copy, copy_of(*arguments.tensors[id]));
    verifier.before_.emplace_back(id, std::make_shared<HostTensor>(std::move(copy)));
  }
  return verifier;
}

Result<VerifyReport> Verifier::check() const {
  Memory inputs;
  bool whole_inputs = true;
  int64_t work = program_->flops;
  const auto add_input = [&](TensorId id, HostTensor &tensor) {
    inputs[id] = {tensor.data(), tensor.span_bytes()};
    whole_inputs = whole_inputs && is_whole(tensor);
  };
  for (uint32_t i = 0; i < program_->tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    HostTensor *tensor = arguments_->tensors[id];
    if (!tensor) continue;
    if (is_result(program_->tensors[id].role))
      work = std::max(work, tensor->element_count());
    else
      add_input(id, *tensor);
  }
  for (const auto &[id, tensor] : before_) add_input(id, *tensor);
  Comparison comparison(*program_, *arguments_, options_, std::move(inputs), whole_inputs);
  const bool is_small = work <= options_.full_flops;
  if (options_.mode == VerifyMode::kFull || (options_.mode == VerifyMode::kAuto && is_small)) return comparison.full();
  return comparison.sampled();
}

} // namespace sparkle
