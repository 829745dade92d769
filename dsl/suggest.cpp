#include "dsl/suggest.h"

#include <algorithm>

namespace sparkle::dsl {
namespace {

constexpr size_t kLongestName = 64; ///< Longer names are not compared: the table is quadratic.

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Levenshtein distance; a change of case costs nothing, so that `oh` finds `OH`.
size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

} // namespace

std::string nearest_name(std::string_view wanted, const std::vector<std::string> &names) {
  std::string best;
  size_t least = wanted.size() <= 2 ? 1 : wanted.size() <= 5 ? 2 : 3;
  if (wanted.size() <= 1) least = 1;
  for (const std::string &name : names) {
    if (name.size() > kLongestName || wanted.size() > kLongestName || name == wanted) continue;
    const size_t edits = edits_between(wanted, name);
    // One letter for another is not a slip.
    if (edits >= least || edits >= wanted.size()) continue;
    least = edits;
    best = name;
  }
  return best;
}

} // namespace sparkle::dsl
