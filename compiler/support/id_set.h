// A set of dense ids as a row of bits: no allocation for ids below 64 * kInlineWords. Iterates in order of the ids.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <vector>

#include "compiler/support/id.h"

namespace sparkle {

template <class Id, size_t kInlineWords = 4> class IdSet {
public:
  class Iterator {
  public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Id;
    using difference_type = std::ptrdiff_t;
    using pointer = const Id *;
    using reference = Id;

    Iterator() = default;
    Iterator(const IdSet *set, size_t at) : set_(set), at_(at) {}
    Id operator*() const { return static_cast<Id>(at_); }
    Iterator &operator++() {
      at_ = set_->next(at_ + 1);
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator &other) const { return at_ == other.at_; }

  private:
    const IdSet *set_ = nullptr;
    size_t at_ = 0;
  };

  IdSet() = default;
  IdSet(std::initializer_list<Id> ids) : IdSet(ids.begin(), ids.end()) {}
  template <class It> IdSet(It first, It last) {
    for (; first != last; ++first) insert(*first);
  }

  bool contains(Id id) const { return index_of(id) < limit() && (word(index_of(id) / 64) & bit(id)) != 0; }
  /// Whether it is new.
  bool insert(Id id) {
    const size_t at = index_of(id) / 64;
    if (at >= kInlineWords + more_.size()) more_.resize(std::max(at + 1 - kInlineWords, 2 * more_.size()));
    uint64_t &bits = word(at);
    const bool is_new = (bits & bit(id)) == 0;
    bits |= bit(id);
    return is_new;
  }
  void erase(Id id) {
    if (contains(id)) word(index_of(id) / 64) &= ~bit(id);
  }
  void merge(const IdSet &other) {
    if (more_.size() < other.more_.size()) more_.resize(other.more_.size());
    for (size_t i = 0; i < kInlineWords + other.more_.size(); ++i) word(i) |= other.word(i);
  }
  void clear() { *this = {}; }

  bool empty() const { return begin() == end(); }
  size_t size() const {
    size_t count = 0;
    for (size_t i = 0; i < limit() / 64; ++i) count += static_cast<size_t>(std::popcount(word(i)));
    return count;
  }
  /// All words as one: the bit `id % 64` of each member.
  uint64_t folded() const {
    uint64_t bits = 0;
    for (size_t i = 0; i < limit() / 64; ++i) bits |= word(i);
    return bits;
  }
  bool intersects(const IdSet &other) const {
    for (size_t i = 0; i < std::min(limit(), other.limit()) / 64; ++i)
      if ((word(i) & other.word(i)) != 0) return true;
    return false;
  }
  bool operator==(const IdSet &other) const { return std::equal(begin(), end(), other.begin(), other.end()); }
  Iterator begin() const { return {this, next(0)}; }
  Iterator end() const { return {this, kEnd}; }

private:
  static constexpr size_t kEnd = kInvalidIdValue;

  static uint64_t bit(Id id) { return uint64_t{1} << index_of(id) % 64; }
  size_t limit() const { return 64 * (kInlineWords + more_.size()); }
  uint64_t word(size_t at) const { return at < kInlineWords ? inline_[at] : more_[at - kInlineWords]; }
  uint64_t &word(size_t at) { return at < kInlineWords ? inline_[at] : more_[at - kInlineWords]; }
  /// The first member from `at` on.
  size_t next(size_t at) const {
    for (size_t i = at / 64; i < limit() / 64; ++i) {
      const uint64_t rest = i == at / 64 ? word(i) >> at % 64 << at % 64 : word(i);
      if (rest != 0) return 64 * i + static_cast<size_t>(std::countr_zero(rest));
    }
    return kEnd;
  }

  std::array<uint64_t, kInlineWords> inline_{};
  std::vector<uint64_t> more_;
};

} // namespace sparkle
