// The arguments of a program, in memory of the usual kind: where a page that must not be touched follows a tensor, each
// masked access at its end takes hundreds of cycles.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "compiler/ir/kernel.h"
#include "runtime/arguments.h"
#include "runtime/tensor.h"
#include "tools/bench/peer_protocol.h"

namespace sparkle::bench {

class Tensors {
public:
  /// Inputs hold whole numbers, so that sums are exact and results are equal. All extents are numbers. Scalars are 1/2,
  /// whole ones 3.
  static Result<Tensors> make(const Program &program);

  /// What the inputs hold, for those who make the same.
  const std::map<std::string, FillSpec> &fills() const { return fills_; }
  const HostTensor *find(const std::string &name) const;
  Arguments arguments();
  /// Of all tensors, each once.
  int64_t bytes() const;

private:
  std::map<std::string, HostTensor> entries_;
  std::map<std::string, FillSpec> fills_;
  std::vector<std::pair<std::string, double>> scalars_;
};

} // namespace sparkle::bench
