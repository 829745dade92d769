// Strong ids and the tables they index: a node refers to another by a small integer, never by pointer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "compiler/support/check.h"

namespace sparkle {

/// Value of an id that refers to nothing; every id type is an `enum class : uint32_t`.
inline constexpr uint32_t kInvalidIdValue = 0xFFFFFFFFu;

template <class Id> inline constexpr Id kNoId = static_cast<Id>(kInvalidIdValue);

template <class Id> constexpr bool is_valid(Id id) { return id != kNoId<Id>; }

template <class Id> constexpr uint32_t index_of(Id id) { return static_cast<uint32_t>(id); }

/// A vector of T indexed by Id. Ids are dense and handed out in order of `add`.
template <class Id, class T> class IdTable {
public:
  Id add(T value) {
    SPARKLE_CHECK(items_.size() < kInvalidIdValue, "id table overflow");
    items_.push_back(std::move(value));
    return static_cast<Id>(items_.size() - 1);
  }
  template <class... Args> Id emplace(Args &&...args) {
    SPARKLE_CHECK(items_.size() < kInvalidIdValue, "id table overflow");
    items_.emplace_back(std::forward<Args>(args)...);
    return static_cast<Id>(items_.size() - 1);
  }
  void reserve(size_t count) { items_.reserve(count); }
  T &operator[](Id id) {
    SPARKLE_CHECK(index_of(id) < items_.size(), "id out of range");
    return items_[index_of(id)];
  }
  const T &operator[](Id id) const {
    SPARKLE_CHECK(index_of(id) < items_.size(), "id out of range");
    return items_[index_of(id)];
  }
  bool contains(Id id) const { return index_of(id) < items_.size(); }
  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

private:
  std::vector<T> items_;
};

} // namespace sparkle
