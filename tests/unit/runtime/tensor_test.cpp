#include "runtime/tensor.h"

#include <gtest/gtest.h>

#include "tests/unit/sanitizers.h"

namespace sparkle {
namespace {

TEST(HostTensor, AllocatesDenseAlignedZeroes) {
  auto tensor = HostTensor::allocate(Scalar::kF32, {2, 3, 5});
  ASSERT_TRUE(tensor);
  EXPECT_EQ(tensor->strides(), (std::vector<int64_t>{15, 5, 1}));
  EXPECT_EQ(tensor->element_count(), 30);
  EXPECT_EQ(tensor->span_bytes(), 120);
  EXPECT_TRUE(tensor->is_dense());
  EXPECT_TRUE(tensor->owns_storage());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor->data()) % kTensorAlignment, 0u);
  for (int64_t i = 0; i < 30; ++i) EXPECT_EQ(tensor->get(i), 0);
}

TEST(HostTensor, ScalarAndEmptyTensors) {
  auto scalar = HostTensor::allocate(Scalar::kI32, {});
  ASSERT_TRUE(scalar);
  EXPECT_EQ(scalar->element_count(), 1);
  scalar->set(0, -7);
  EXPECT_EQ(*scalar->as<int32_t>(), -7);

  auto empty = HostTensor::allocate(Scalar::kF32, {4, 0, INT64_MAX});
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->element_count(), 0);
  EXPECT_EQ(empty->span_bytes(), 0);
  EXPECT_TRUE(empty->dense_copy());
}

TEST(HostTensor, SizesThatOverflowAreRefused) {
  for (std::vector<int64_t> shape : {std::vector<int64_t>{INT64_MAX, 2},
                                     {int64_t{1} << 32, int64_t{1} << 32},
                                     {int64_t{1} << 62},
                                     {INT64_MAX / 4 + 1}}) {
    auto tensor = HostTensor::allocate(Scalar::kF32, shape);
    ASSERT_FALSE(tensor);
    EXPECT_EQ(tensor.error().code, ErrorCode::kShapeOverflow) << tensor.error().text;
  }
  auto strided = HostTensor::allocate(Scalar::kU8, {3}, {INT64_MAX / 2 + 1});
  ASSERT_FALSE(strided);
  EXPECT_EQ(strided.error().code, ErrorCode::kShapeOverflow);
}

TEST(HostTensor, FailedAllocationIsAnError) {
  if (test::is_sanitized("address") || test::is_sanitized("thread"))
    GTEST_SKIP() << "the sanitizer ends the process on huge requests";
  auto tensor = HostTensor::allocate(Scalar::kU8, {int64_t{1} << 60});
  ASSERT_FALSE(tensor);
  EXPECT_EQ(tensor.error().code, ErrorCode::kOutOfMemory);
  EXPECT_NE(tensor.error().text.find(std::to_string(int64_t{1} << 60)), std::string::npos);
}

TEST(HostTensor, RefusesBadDimensions) {
  EXPECT_EQ(HostTensor::allocate(Scalar::kF32, {2, -1}).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(HostTensor::allocate(Scalar::kF32, {2, 2}, {2, -1}).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(HostTensor::allocate(Scalar::kF32, {2, 2}, {1}).error().code, ErrorCode::kInvalidInput);
  EXPECT_TRUE(HostTensor::allocate(Scalar::kF32, std::vector<int64_t>(8, 1)));
  EXPECT_EQ(HostTensor::allocate(Scalar::kF32, std::vector<int64_t>(9, 1)).error().code, ErrorCode::kInvalidInput);
}

TEST(HostTensor, BorrowsWithStrides) {
  float data[12];
  for (int i = 0; i < 12; ++i) data[i] = static_cast<float>(i);
  auto view = HostTensor::borrow(data + 1, Scalar::kF32, {3, 2}, {4, 2});
  ASSERT_TRUE(view);
  EXPECT_FALSE(view->is_dense());
  EXPECT_FALSE(view->owns_storage());
  EXPECT_EQ(view->span_bytes(), 4 * (2 * 4 + 1 * 2 + 1));
  const double expected[] = {1, 3, 5, 7, 9, 11};
  for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(view->get(i), expected[i]);
  auto copy = view->dense_copy();
  ASSERT_TRUE(copy);
  EXPECT_TRUE(copy->is_dense());
  for (int i = 0; i < 6; ++i) EXPECT_EQ(copy->as<float>()[i], expected[i]);
  view->set(5, -1);
  EXPECT_EQ(data[11], -1);
  EXPECT_EQ(to_string(*view), "f32[3, 2] strides (4, 2)");
}

TEST(HostTensor, RefusesNullAndMisalignedMemory) {
  alignas(8) char bytes[16];
  EXPECT_EQ(HostTensor::borrow(nullptr, Scalar::kF32, {1}).error().code, ErrorCode::kInvalidInput);
  EXPECT_TRUE(HostTensor::borrow(nullptr, Scalar::kF32, {0}));
  EXPECT_EQ(HostTensor::borrow(bytes + 2, Scalar::kF32, {1}).error().code, ErrorCode::kInvalidInput);
  EXPECT_TRUE(HostTensor::borrow(bytes + 2, Scalar::kF16, {1}));
}

} // namespace
} // namespace sparkle
