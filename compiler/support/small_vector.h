// A vector that keeps its first elements in itself: for the many short lists of a compiler, whose allocation would cost
// more than their use.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <type_traits>

namespace sparkle {

/// As std::vector, with room for `N` elements before it allocates. Elements are copied as bytes.
template <class T, uint32_t N> class SmallVector {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T> && N > 0);

public:
  using value_type = T;
  using iterator = T *;
  using const_iterator = const T *;

  SmallVector() = default;
  SmallVector(std::initializer_list<T> items) { append(items.begin(), items.end()); }
  template <class Iterator> SmallVector(Iterator first, Iterator last) { append(first, last); }
  SmallVector(const SmallVector &other) { append(other.begin(), other.end()); }
  SmallVector(SmallVector &&other) noexcept { take(other); }
  SmallVector &operator=(const SmallVector &other) {
    if (this == &other) return *this;
    clear();
    append(other.begin(), other.end());
    return *this;
  }
  SmallVector &operator=(SmallVector &&other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  ~SmallVector() = default;

  T *begin() { return data(); }
  T *end() { return data() + size_; }
  const T *begin() const { return data(); }
  const T *end() const { return data() + size_; }
  T *data() { return heap_ ? heap_.get() : inline_items(); }
  const T *data() const { return heap_ ? heap_.get() : inline_items(); }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T &operator[](size_t i) { return data()[i]; }
  const T &operator[](size_t i) const { return data()[i]; }
  T &front() { return data()[0]; }
  const T &front() const { return data()[0]; }
  T &back() { return data()[size_ - 1]; }
  const T &back() const { return data()[size_ - 1]; }

  void clear() { size_ = 0; }
  void reserve(size_t count) {
    if (count > capacity_) grow(count);
  }
  void push_back(T item) {
    if (size_ == capacity_) grow(size_t{2} * capacity_);
    data()[size_++] = item;
  }
  void pop_back() { --size_; }
  template <class Iterator> void append(Iterator first, Iterator last) {
    for (; first != last; ++first) push_back(*first);
  }
  /// Before `at`.
  T *insert(const T *at, T item) {
    const auto index = static_cast<size_t>(at - data());
    push_back(item);
    std::rotate(begin() + index, end() - 1, end());
    return begin() + index;
  }
  T *erase(const T *at) { return erase(at, at + 1); }
  T *erase(const T *first, const T *last) {
    T *to = data() + (first - data());
    const auto rest = static_cast<size_t>(end() - last);
    std::memmove(static_cast<void *>(to), last, rest * sizeof(T));
    size_ = static_cast<uint32_t>(to - data()) + static_cast<uint32_t>(rest);
    return to;
  }

  bool operator==(const SmallVector &other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

private:
  T *inline_items() { return reinterpret_cast<T *>(storage_); }
  const T *inline_items() const { return reinterpret_cast<const T *>(storage_); }

  void grow(size_t count) {
    const size_t capacity = std::max<size_t>(count, 2 * N);
    std::unique_ptr<T[]> items(new T[capacity]);
    std::memcpy(static_cast<void *>(items.get()), data(), size_ * sizeof(T));
    heap_ = std::move(items);
    capacity_ = static_cast<uint32_t>(capacity);
  }
  /// Leaves `other` empty.
  void take(SmallVector &other) {
    heap_ = std::move(other.heap_);
    capacity_ = other.capacity_;
    size_ = other.size_;
    if (!heap_) std::memcpy(storage_, other.storage_, size_ * sizeof(T));
    other.capacity_ = N;
    other.size_ = 0;
  }

  uint32_t size_ = 0, capacity_ = N;
  std::unique_ptr<T[]> heap_; ///< Null: the elements are in `storage_`.
  alignas(T) std::byte storage_[N * sizeof(T)];
};

} // namespace sparkle
