// A map from dense ids that is emptied in no time: what passes remember of nodes while they walk a kernel.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "compiler/support/id.h"

namespace sparkle {

template <class Id, class T> class IdMap {
public:
  /// nullptr: nothing is known of it.
  const T *find(Id id) const {
    const size_t at = index_of(id);
    return at < entries_.size() && entries_[at].round == round_ ? &entries_[at].value : nullptr;
  }
  bool contains(Id id) const { return find(id) != nullptr; }
  /// Whether it is new.
  bool set(Id id, T value) {
    const size_t at = index_of(id);
    if (at >= entries_.size()) entries_.resize(std::max(at + 1, 2 * entries_.size()));
    const bool is_new = entries_[at].round != round_;
    entries_[at] = {std::move(value), round_};
    return is_new;
  }
  void erase(Id id) {
    if (contains(id)) entries_[index_of(id)].round = 0;
  }
  void clear() { ++round_; }

private:
  struct Entry {
    T value{};
    uint32_t round = 0; ///< Of clear(), when it was set; 0: never.
  };
  std::vector<Entry> entries_;
  uint32_t round_ = 1;
};

} // namespace sparkle
