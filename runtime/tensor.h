// HostTensor: shape, strides and storage of a tensor in host memory. What the API, files and devices exchange.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compiler/support/result.h"
#include "compiler/target/artifact.h"

namespace sparkle {

inline constexpr int kMaxTensorRank = 8;
inline constexpr int64_t kTensorAlignment = 64; ///< Bytes; of owned storage.

/// Either owns its storage (64-byte aligned) or borrows the caller's. Movable, not copyable.
/// Strides are in elements, >= 0; 0 repeats an element. Extents are >= 0; an empty tensor has no storage.
class HostTensor {
public:
  /// Dense row-major and zeroed. kShapeOverflow: sizes leave 63 bits; kOutOfMemory: no storage of that size;
  /// kInvalidInput: a negative extent, or more than kMaxTensorRank dimensions.
  static Result<HostTensor> allocate(Scalar element, std::vector<int64_t> shape);
  /// The same with given strides; the storage holds the farthest element.
  static Result<HostTensor> allocate(Scalar element, std::vector<int64_t> shape, std::vector<int64_t> strides);
  /// Memory of the caller that must outlive the tensor. Empty `strides`: dense row-major.
  /// kInvalidInput: `data` is null (of a tensor with elements) or not aligned to the element.
  static Result<HostTensor> borrow(void *data, Scalar element, std::vector<int64_t> shape,
                                   std::vector<int64_t> strides = {});

  HostTensor(HostTensor &&) = default;
  HostTensor &operator=(HostTensor &&) = default;

  Scalar element() const { return element_; }
  int rank() const { return static_cast<int>(shape_.size()); }
  const std::vector<int64_t> &shape() const { return shape_; }
  const std::vector<int64_t> &strides() const { return strides_; }
  int64_t element_count() const { return count_; }
  /// Bytes from the first to the end of the farthest element.
  int64_t span_bytes() const { return span_bytes_; }
  bool is_dense() const;
  bool owns_storage() const { return storage_ != nullptr; }

  void *data() { return data_; }
  const void *data() const { return data_; }
  /// The first element as T, whose size must be the element's.
  template <class T> T *as() {
    SPARKLE_CHECK(static_cast<int64_t>(sizeof(T)) == bytes_of(element_), "element type of another size");
    return static_cast<T *>(data_);
  }
  template <class T> const T *as() const { return const_cast<HostTensor *>(this)->as<T>(); }

  /// Distance in elements from the first element to the one with this row-major number, in [0, element_count()).
  int64_t offset_of(int64_t number) const;
  /// Element by row-major number, as a double (exact for every type but int64).
  double get(int64_t number) const;
  /// Rounds to nearest even, saturates integers; bool is value != 0.
  void set(int64_t number, double value);

  /// A dense row-major copy with storage of its own.
  Result<HostTensor> dense_copy() const;

private:
  struct Free {
    void operator()(std::byte *memory) const;
  };
  HostTensor() = default;
  static Result<HostTensor> describe(Scalar element, std::vector<int64_t> shape, std::vector<int64_t> strides);

  Scalar element_ = Scalar::kF32;
  std::vector<int64_t> shape_;
  std::vector<int64_t> strides_;
  int64_t count_ = 0;
  int64_t span_bytes_ = 0;
  void *data_ = nullptr;
  std::unique_ptr<std::byte, Free> storage_;
};

/// `f32[2, 3]`; names the strides when the tensor is not dense: `f32[2, 3] strides (8, 1)`.
std::string to_string(const HostTensor &tensor);

} // namespace sparkle
