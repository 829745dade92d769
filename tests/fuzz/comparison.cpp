#include "tests/fuzz/comparison.h"

#include <cmath>

#include "runtime/tolerance.h"
#include "targets/reference/sampled.h"

namespace sparkle::test {
namespace {

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// Bounds of the elements of one program, asked for where results differ.
class Comparison {
public:
  Comparison(const Program &program, const Tolerance &tolerance, TensorSet &inputs)
      : program_(program), tolerance_(tolerance), memory_(inputs.memory()),
        sampler_(program, memory_, inputs.values()) {}

  /// Empty: no element is too far from what is expected.
  std::string difference(TensorId id, const HostTensor &computed, const HostTensor &expected) {
    for (int64_t i = 0; i < computed.element_count(); ++i) {
      const double a = computed.get(i), b = expected.get(i);
      if (same(a, b)) continue;
      const Result<reference::Sample> sample = sampler_.at(id, point_of(computed, i));
      if (!sample) return "the sampler: " + sample.error().text;
      const double allowed = 2 * allowed_error(tolerance_, computed.element(), sample->magnitude, true);
      if (std::fabs(a - b) <= allowed) continue;
      return "`" + program_.tensors[id].name + "` element " + std::to_string(i) + " is " + std::to_string(a) +
             ", not " + std::to_string(b) + " by at most " + std::to_string(allowed);
    }
    return {};
  }

private:
  static std::vector<int64_t> point_of(const HostTensor &tensor, int64_t number) {
    std::vector<int64_t> point(tensor.shape().size());
    for (size_t d = point.size(); d-- > 0; number /= tensor.shape()[d]) point[d] = number % tensor.shape()[d];
    return point;
  }

  const Program &program_;
  const Tolerance &tolerance_;
  std::unordered_map<TensorId, reference::FarMemory> memory_;
  reference::Sampler sampler_;
};

} // namespace

std::string difference(const Program &imported, TensorSet &inputs, TensorSet &computed, TensorSet &expected) {
  const Tolerance tolerance = tolerance_of(imported, inputs.values().symbols);
  if (tolerance.keeps_whole_numbers) return computed.difference_from(expected);
  Comparison comparison(imported, tolerance, inputs);
  for (uint32_t i = 0; i < imported.tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    const Tensor &tensor = imported.tensors[id];
    if (tensor.role != Role::kOutput && tensor.role != Role::kInout) continue;
    std::string found = comparison.difference(id, computed.tensor(tensor.name), expected.tensor(tensor.name));
    if (!found.empty()) return found;
  }
  return {};
}

} // namespace sparkle::test
