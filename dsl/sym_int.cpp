#include "dsl/sym_int.h"

#include <algorithm>

#include "compiler/support/checked_math.h"

namespace sparkle::dsl {

SymInt SymInt::of_symbol(IntId symbol) {
  SymInt result;
  result.terms_.emplace_back(symbol, 1);
  return result;
}

std::optional<SymInt> SymInt::add(const SymInt &a, const SymInt &b) {
  SymInt result = a;
  const auto constant = checked_add(a.constant_, b.constant_);
  if (!constant) return std::nullopt;
  result.constant_ = *constant;
  for (const auto &[symbol, factor] : b.terms_) {
    const auto at = std::lower_bound(result.terms_.begin(), result.terms_.end(), symbol,
                                     [](const auto &term, IntId id) { return term.first < id; });
    if (at == result.terms_.end() || at->first != symbol) {
      result.terms_.insert(at, {symbol, factor});
      continue;
    }
    const auto sum = checked_add(at->second, factor);
    if (!sum) return std::nullopt;
    at->second = *sum;
    if (*sum == 0) result.terms_.erase(at);
  }
  return result;
}

std::optional<SymInt> SymInt::sub(const SymInt &a, const SymInt &b) {
  SymInt negated;
  const auto constant = checked_sub(a.constant_, b.constant_);
  if (!constant) return std::nullopt;
  for (const auto &[symbol, factor] : b.terms_) {
    const auto negative = checked_sub(0, factor);
    if (!negative) return std::nullopt;
    negated.terms_.emplace_back(symbol, *negative);
  }
  SymInt symbols = a;
  symbols.constant_ = 0;
  auto result = add(symbols, negated);
  if (result) result->constant_ = *constant;
  return result;
}

std::optional<SymInt> SymInt::mul(const SymInt &a, int64_t factor) {
  SymInt result;
  const auto constant = checked_mul(a.constant_, factor);
  if (!constant) return std::nullopt;
  result.constant_ = *constant;
  for (const auto &[symbol, own] : a.terms_) {
    const auto product = checked_mul(own, factor);
    if (!product) return std::nullopt;
    if (*product != 0) result.terms_.emplace_back(symbol, *product);
  }
  return result;
}

bool SymInt::surely_le(const SymInt &a, const SymInt &b) {
  const auto difference = sub(b, a);
  return difference && difference->constant_ >= 0 &&
         std::all_of(difference->terms_.begin(), difference->terms_.end(), [](const auto &t) { return t.second > 0; });
}

} // namespace sparkle::dsl
