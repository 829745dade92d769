// Checked kernel + numbers -> bound kernel ("bind time"): dimensions, facts, ranges of indices, proofs of bounds.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/support/result.h"
#include "dsl/bound.h"
#include "dsl/typed.h"

namespace sparkle::dsl {

struct BindRequest {
  std::string kernel;                                 ///< May be empty when the file has one kernel.
  std::map<std::string, int64_t> values;              ///< `-D NAME=VALUE`: dimensions and `int` parameters.
  std::map<std::string, std::vector<int64_t>> shapes; ///< Of parameters, where known.
  std::set<std::string> open; ///< Dimensions to leave open; bounds are proven for any value >= 0.
};

/// Reports every mistake with its numbers, and fails if there was one. Pure.
Result<BoundKernel> bind(const CheckedFile &file, const BindRequest &request, Diagnostics &diagnostics);

} // namespace sparkle::dsl
