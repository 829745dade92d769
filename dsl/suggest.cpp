#include "dsl/suggest.h"

#include <algorithm>

namespace sparkle::dsl {
namespace {

constexpr size_t kLongestName = 64; ///< Longer names are not compared: the table is quadratic.

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Letters added, left out, replaced, or swapped with a neighbour (optimal string alignment distance). A change of case
/// costs nothing, so that `oh` finds `OH`.
size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> edits(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) edits[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) edits[0][j] = j;
  const auto same = [&](size_t i, size_t j) { return lower(a[i - 1]) == lower(b[j - 1]); };
  for (size_t i = 1; i <= a.size(); ++i)
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t &least = edits[i][j];
      least = std::min({edits[i - 1][j] + 1, edits[i][j - 1] + 1, edits[i - 1][j - 1] + (same(i, j) ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j);
      if (swapped) least = std::min(least, edits[i - 2][j - 2] + 1);
    }
  return edits[a.size()][b.size()];
}

} // namespace

std::string nearest_name(std::string_view wanted, const std::vector<std::string> &names) {
  std::string best;
  // Names of one or two letters differ by case at most, up to five by one edit, longer ones by two.
  size_t least = wanted.size() <= 2 ? 1 : wanted.size() <= 5 ? 2 : 3;
  for (const std::string &name : names) {
    if (name.size() > kLongestName || wanted.size() > kLongestName || name == wanted) continue;
    const size_t edits = edits_between(wanted, name);
    if (edits >= least) continue;
    least = edits;
    best = name;
  }
  return best;
}

} // namespace sparkle::dsl
