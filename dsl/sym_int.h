// Sizes: a constant plus multiples of dimensions that were left open (a batch, say). Each open dimension is >= 0.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "dsl/typed.h"

namespace sparkle::dsl {

/// Most often a plain number. Operations return nothing when 64 bits do not hold the result.
class SymInt {
public:
  SymInt(int64_t constant = 0) : constant_(constant) {}
  static SymInt of_symbol(IntId symbol);

  bool is_constant() const { return terms_.empty(); }
  int64_t constant() const { return constant_; }
  /// (open dimension, factor), factors not 0, ascending by dimension.
  const std::vector<std::pair<IntId, int64_t>> &terms() const { return terms_; }

  static std::optional<SymInt> add(const SymInt &a, const SymInt &b);
  static std::optional<SymInt> sub(const SymInt &a, const SymInt &b);
  static std::optional<SymInt> mul(const SymInt &a, int64_t factor);

  /// True when a <= b whatever the open dimensions are; false when that can't be told.
  static bool surely_le(const SymInt &a, const SymInt &b);
  bool operator==(const SymInt &) const = default;

private:
  int64_t constant_;
  std::vector<std::pair<IntId, int64_t>> terms_;
};

} // namespace sparkle::dsl
