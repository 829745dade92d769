// Single elements of a program's results in double precision, to verify results that are too large to recompute.
#pragma once

#include <memory>
#include <vector>

#include "targets/reference/interpreter.h"

namespace sparkle::reference {

struct Sample {
  double value = 0;
  /// What rounding errors scale with: the sum of the absolute terms, taken through every operation (arithmetic.h,
  /// Estimate). A result computed with n roundings of precision eps lies within about n * eps * magnitude of `value`.
  double magnitude = 0;
};

/// Evaluates elements on demand. Reads of workspace tensors are evaluated in turn and remembered.
class Sampler {
public:
  /// `program`: at stage kImported, one kernel per output and workspace tensor; it and `inputs` must outlive the
  /// sampler.
  Sampler(const Program &program, const std::unordered_map<TensorId, FarMemory> &inputs, const RunValues &values = {});
  ~Sampler();

  /// `point` has one index per dimension of `output`. kInvalidInput: outside; kUnsupported: `output` is not written by
  /// a kernel of loops over its dimensions around one store, or definitions nest too deeply.
  Result<Sample> at(TensorId output, const std::vector<int64_t> &point);

private:
  struct State;
  std::unique_ptr<State> state_;
};

/// One element; make a Sampler for more of them.
Result<Sample> evaluate_at(const Program &imported, TensorId output, const std::vector<int64_t> &point,
                           const std::unordered_map<TensorId, FarMemory> &inputs, const RunValues &values = {});

} // namespace sparkle::reference
