// Pieces of source text in languages of C's family: how tightly expressions hold together, and names that are unique in
// their scope.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

namespace sparkle {

/// How tightly an expression holds together; C99, section 6.5, loosest first.
enum class Precedence : uint8_t {
  kConditional,
  kLogicalOr,
  kLogicalAnd,
  kBitAnd,
  kEquality,
  kRelational,
  kShift,
  kAdditive,
  kMultiplicative,
  kUnary,
  kPrimary,
};

/// An expression as text.
struct Text {
  std::string text;
  Precedence precedence = Precedence::kPrimary;

  /// The text, in parentheses when it is looser than `needed`.
  std::string at_least(Precedence needed) const { return precedence < needed ? "(" + text + ")" : text; }
};

/// The names that are visible, in nested scopes.
class VisibleNames {
public:
  /// False: it is visible already.
  bool take(const std::string &name) {
    const bool is_new = taken_.insert(name).second;
    if (is_new) order_.push_back(name);
    return is_new;
  }

  /// Leaving a scope: names taken since `mark` are free again.
  size_t mark() const { return order_.size(); }
  void release(size_t mark) {
    for (; order_.size() > mark; order_.pop_back()) taken_.erase(order_.back());
  }

private:
  std::unordered_set<std::string> taken_;
  std::vector<std::string> order_;
};

} // namespace sparkle
