// Random numbers that are the same everywhere for the same seed.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace sparkle::test {

/// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
class Random {
public:
  explicit Random(uint64_t seed) : state_(seed) {}
  /// An independent sequence for case `number` of a run.
  Random(uint64_t seed, uint64_t number) : state_(Random(seed).next() ^ (number * 0xD1342543DE82EF95ull)) { next(); }

  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  /// In [low, high].
  int64_t in(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(next() % static_cast<uint64_t>(high - low + 1));
  }
  /// True in `times` of `of` cases.
  bool chance(int64_t times, int64_t of) { return in(1, of) <= times; }
  template <class T> const T &pick(const std::vector<T> &list) {
    return list[static_cast<size_t>(in(0, static_cast<int64_t>(list.size()) - 1))];
  }
  template <class T> void shuffle(std::vector<T> &list) {
    for (size_t i = list.size(); i > 1; --i)
      std::swap(list[i - 1], list[static_cast<size_t>(in(0, static_cast<int64_t>(i) - 1))]);
  }

private:
  uint64_t state_;
};

} // namespace sparkle::test
