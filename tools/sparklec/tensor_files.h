// Tensors of a run: what --input and --output say, read from files, filled and written.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dsl/bound.h"
#include "runtime/arguments.h"
#include "tools/sparklec/program_source.h"

namespace sparkle::cli {

enum class InputKind : uint8_t { kRandom, kIntegers, kZeros, kRamp, kPng, kNpy };

struct InputSpec {
  std::string tensor; ///< `*`: every input without an entry of its own.
  InputKind kind = InputKind::kRandom;
  std::string path;  ///< With kPng and kNpy.
  uint64_t seed = 0; ///< With kRandom and kIntegers; the tensor's number is added.
};

struct OutputSpec {
  std::string tensor;
  std::string path; ///< Ends in .png or .npy.
};

/// kInvalidInput: another form, or a tensor twice.
Result<std::vector<InputSpec>> parse_inputs(const std::vector<std::string> &texts);
Result<std::vector<OutputSpec>> parse_outputs(const std::vector<std::string> &texts);

/// Owns what a run reads and writes, by name.
class TensorSet {
public:
  /// Reads what lies in files, so that their shapes can bind dimensions. A picture fits f32 and u8 tensors [H, W],
  /// [H, W, C] and, when the first dimension is called `C`, planes [C, H, W].
  static Result<TensorSet> read(const std::vector<InputSpec> &specs, const dsl::CheckedKernel &kernel);
  std::map<std::string, std::vector<int64_t>> shapes() const;

  /// Allocates and fills the others. `extents`: of open dimensions that the files do not say. kInvalidInput: an input
  /// or output of a name that `program` does not have, an open dimension without extent.
  Status complete(const Program &program, const std::vector<InputSpec> &inputs, const std::vector<OutputSpec> &outputs,
                  const std::map<std::string, int64_t> &extents = {});
  /// `scalars` by name; without a value the default of the kernel counts. kInvalidInput: neither is there.
  Result<Arguments> arguments(const Program &program, const dsl::BoundKernel &bound,
                              const std::map<std::string, double> &scalars);
  /// What `inout` tensors hold before the first run; `restore` puts it back.
  Status save_inouts(const Program &program);
  void restore_inouts();
  Status write(const std::vector<OutputSpec> &outputs, const dsl::BoundKernel &bound) const;

private:
  std::map<std::string, HostTensor> tensors_;
  std::map<std::string, HostTensor> saved_;
};

} // namespace sparkle::cli
