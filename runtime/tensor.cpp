#include "runtime/tensor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "compiler/support/checked_math.h"
#include "compiler/support/string_builder.h"
#include "runtime/element.h"

namespace sparkle {

namespace {

std::string shape_text(const std::vector<int64_t> &values, std::string_view open, std::string_view close) {
  StringBuilder text;
  text << open;
  for (size_t i = 0; i < values.size(); ++i) text << (i > 0 ? ", " : "") << values[i];
  text << close;
  return text.take();
}

Error overflow(Scalar element, const std::vector<int64_t> &shape) {
  return {ErrorCode::kShapeOverflow, "the size of a tensor " + std::string(name_of(element)) +
                                         shape_text(shape, "[", "]") + " in bytes leaves 63 bits"};
}

Status check_dimensions(const std::vector<int64_t> &shape, const std::vector<int64_t> &strides) {
  if (shape.size() > kMaxTensorRank) {
    return Error{ErrorCode::kInvalidInput, "a tensor has " + std::to_string(shape.size()) + " dimensions; at most " +
                                               std::to_string(kMaxTensorRank) + " are allowed"};
  }
  if (strides.size() != shape.size()) {
    return Error{ErrorCode::kInvalidInput, "a tensor has " + std::to_string(shape.size()) + " dimensions and " +
                                               std::to_string(strides.size()) + " strides; one for each is needed"};
  }
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 0 || strides[i] < 0) {
      return Error{ErrorCode::kInvalidInput, "dimension " + std::to_string(i) + " of a tensor has extent " +
                                                 std::to_string(shape[i]) + " and stride " +
                                                 std::to_string(strides[i]) + "; neither may be negative"};
    }
  }
  return ok();
}

/// Row-major. Without elements: all 0, for there is no distance to overflow.
Result<std::vector<int64_t>> dense_strides_checked(Scalar element, const std::vector<int64_t> &shape) {
  std::vector<int64_t> strides(shape.size());
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return strides;
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    auto next = checked_mul(stride, shape[i]);
    if (!next) return overflow(element, shape);
    stride = *next;
  }
  return strides;
}

} // namespace

void HostTensor::Free::operator()(std::byte *memory) const { std::free(memory); }

Result<HostTensor> HostTensor::describe(Scalar element, std::vector<int64_t> shape, std::vector<int64_t> strides) {
  SPARKLE_TRY_STATUS(check_dimensions(shape, strides));
  HostTensor tensor;
  int64_t count = 1, last = 0; // `last`: distance of the farthest element from the first
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) count = 0;
  }
  for (size_t i = 0; i < shape.size() && count != 0; ++i) {
    auto new_count = checked_mul(count, shape[i]);
    auto reach = checked_mul(shape[i] - 1, strides[i]);
    auto new_last = reach ? checked_add(last, *reach) : std::nullopt;
    if (!new_count || !new_last) return overflow(element, shape);
    count = *new_count, last = *new_last;
  }
  auto end = checked_add(last, 1);
  auto bytes = end ? checked_mul(*end, bytes_of(element)) : std::nullopt;
  if (!bytes || *bytes > INT64_MAX - kTensorAlignment) return overflow(element, shape);
  tensor.element_ = element;
  tensor.shape_ = std::move(shape);
  tensor.strides_ = std::move(strides);
  tensor.count_ = count;
  tensor.span_bytes_ = count == 0 ? 0 : *bytes;
  return tensor;
}

Result<HostTensor> HostTensor::allocate(Scalar element, std::vector<int64_t> shape) {
  SPARKLE_TRY_STATUS(check_dimensions(shape, std::vector<int64_t>(shape.size())));
  SPARKLE_TRY(std::vector<int64_t> strides, dense_strides_checked(element, shape));
  return allocate(element, std::move(shape), std::move(strides));
}

Result<HostTensor> HostTensor::allocate(Scalar element, std::vector<int64_t> shape, std::vector<int64_t> strides) {
  SPARKLE_TRY(HostTensor tensor, describe(element, std::move(shape), std::move(strides)));
  if (tensor.span_bytes_ == 0) return tensor;
  // aligned_alloc wants a multiple of the alignment; the rounding also lets vector code read whole last lines.
  int64_t bytes = ceil_div(tensor.span_bytes_, kTensorAlignment) * kTensorAlignment;
  tensor.storage_.reset(static_cast<std::byte *>(std::aligned_alloc(kTensorAlignment, static_cast<size_t>(bytes))));
  if (!tensor.storage_) {
    return Error{ErrorCode::kOutOfMemory, "no memory for a tensor of " + std::to_string(bytes) + " bytes"};
  }
  std::memset(tensor.storage_.get(), 0, static_cast<size_t>(bytes));
  tensor.data_ = tensor.storage_.get();
  return tensor;
}

Result<HostTensor> HostTensor::borrow(void *data, Scalar element, std::vector<int64_t> shape,
                                      std::vector<int64_t> strides) {
  if (strides.empty() && !shape.empty()) {
    SPARKLE_TRY_STATUS(check_dimensions(shape, std::vector<int64_t>(shape.size())));
    SPARKLE_TRY(strides, dense_strides_checked(element, shape));
  }
  SPARKLE_TRY(HostTensor tensor, describe(element, std::move(shape), std::move(strides)));
  if (data == nullptr && tensor.count_ > 0) {
    return Error{ErrorCode::kInvalidInput, "a tensor of " + std::to_string(tensor.count_) + " elements has no memory"};
  }
  if (reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(bytes_of(element)) != 0) {
    return Error{ErrorCode::kInvalidInput,
                 "the memory of a tensor is not aligned to its element, " + std::string(name_of(element))};
  }
  tensor.data_ = data;
  return tensor;
}

bool HostTensor::is_dense() const {
  if (count_ == 0) return true;
  int64_t expected = 1;
  for (size_t i = shape_.size(); i-- > 0;) {
    if (shape_[i] > 1 && strides_[i] != expected) return false;
    expected *= shape_[i];
  }
  return true;
}

int64_t HostTensor::offset_of(int64_t number) const {
  SPARKLE_CHECK(number >= 0 && number < count_, "element number out of range");
  int64_t offset = 0;
  for (size_t i = shape_.size(); i-- > 0;) {
    offset += number % shape_[i] * strides_[i];
    number /= shape_[i];
  }
  return offset;
}

double HostTensor::get(int64_t number) const {
  return load_element(static_cast<const std::byte *>(data_) + offset_of(number) * bytes_of(element_), element_);
}

void HostTensor::set(int64_t number, double value) {
  store_element(static_cast<std::byte *>(data_) + offset_of(number) * bytes_of(element_), element_, value);
}

Result<HostTensor> HostTensor::dense_copy() const {
  SPARKLE_TRY(HostTensor copy, allocate(element_, shape_));
  if (is_dense()) {
    if (span_bytes_ > 0) std::memcpy(copy.data_, data_, static_cast<size_t>(span_bytes_));
    return copy;
  }
  const size_t bytes = static_cast<size_t>(bytes_of(element_));
  auto *to = static_cast<std::byte *>(copy.data_);
  const auto *from = static_cast<const std::byte *>(data_);
  for (int64_t i = 0; i < count_; ++i) {
    std::memcpy(to + static_cast<size_t>(i) * bytes, from + static_cast<size_t>(offset_of(i)) * bytes, bytes);
  }
  return copy;
}

std::string to_string(const HostTensor &tensor) {
  std::string text = std::string(name_of(tensor.element())) + shape_text(tensor.shape(), "[", "]");
  if (!tensor.is_dense()) text += shape_text(tensor.strides(), " strides (", ")");
  return text;
}

} // namespace sparkle
