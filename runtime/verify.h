// Comparing computed results with the reference.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/arguments.h"

namespace sparkle {

enum class VerifyMode : uint8_t {
  kAuto,    ///< Full up to VerifyOptions::full_flops, else sampled.
  kFull,    ///< Every element, against the interpreter.
  kSampled, ///< Corners, borders, tails and random elements, in double precision.
};
std::string_view name_of(VerifyMode mode);

struct VerifyOptions {
  VerifyMode mode = VerifyMode::kAuto;
  int64_t full_flops = 20'000'000;
  int64_t samples = 4096; ///< Random elements of each result, beside corners, borders and tails.
  uint64_t seed = 1;
};

struct VerifyReport {
  bool passed = false;
  VerifyMode mode = VerifyMode::kFull; ///< What was done.
  bool exact = false;                  ///< Every element that was compared had to be equal, and was.
  int64_t compared = 0;                ///< Elements.
  int64_t wrong = 0;                   ///< Elements outside the derived bound (tolerance.h).
  double max_abs_error = 0;
  double max_bound_share = 0; ///< Largest error over what was allowed; 0 where all had to be equal and were.
  std::string worst_tensor;   ///< Where the share (or, without wrong elements, the error) is largest.
  std::vector<int64_t> worst_point;
  double worst_computed = 0;
  double worst_expected = 0;
  /// One sentence: what was compared and what came out.
  std::string text() const;
};

/// Made before the run, for it keeps what `inout` tensors hold then. `imported` and the tensors must outlive it.
class Verifier {
public:
  /// kOutOfMemory: no room for the copies.
  static Result<Verifier> prepare(const Program &imported, const BoundArguments &arguments,
                                  const VerifyOptions &options = {});
  /// Compares the results as they are after exactly one run. kUnsupported: the program can neither be interpreted
  /// within reason nor sampled.
  Result<VerifyReport> check() const;

private:
  Verifier(const Program &imported, const BoundArguments &arguments, const VerifyOptions &options)
      : program_(&imported), arguments_(&arguments), options_(options) {}

  const Program *program_;
  const BoundArguments *arguments_;
  VerifyOptions options_;
  std::vector<std::pair<TensorId, std::shared_ptr<HostTensor>>> before_; ///< Of inout tensors.
};

} // namespace sparkle
