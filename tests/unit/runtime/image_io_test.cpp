#include "runtime/image_io.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>
#include <unistd.h>

#include "runtime/fill.h"

namespace sparkle {
namespace {

HostTensor ramp(Scalar element, std::vector<int64_t> shape) {
  HostTensor image = *HostTensor::allocate(element, std::move(shape));
  fill_ramp(image);
  return image;
}

TEST(Png, RoundTripsGrayRgbAndRgba) {
  for (int64_t channels : {1, 3, 4}) {
    for (Scalar element : {Scalar::kU8, Scalar::kF32}) {
      HostTensor image = ramp(element, {7, 5, channels});
      auto bytes = encode_png(image);
      ASSERT_TRUE(bytes) << bytes.error().text;
      auto back = decode_png(*bytes, "a.png", {element, 0});
      ASSERT_TRUE(back) << back.error().text;
      EXPECT_EQ(to_string(*back), to_string(image));
      EXPECT_EQ(std::memcmp(back->data(), image.data(), static_cast<size_t>(image.span_bytes())), 0);
    }
  }
}

TEST(Png, ConvertsChannels) {
  HostTensor rgb = *HostTensor::allocate(Scalar::kU8, {1, 1, 3});
  rgb.set(0, 200), rgb.set(1, 100), rgb.set(2, 50);
  const auto bytes = *encode_png(rgb);
  auto gray = decode_png(bytes, "a.png", {Scalar::kU8, 1});
  ASSERT_TRUE(gray);
  EXPECT_EQ(gray->get(0), 124); // 59.8 + 58.7 + 5.7 = 124.2
  auto rgba = decode_png(bytes, "a.png", {Scalar::kF32, 4});
  ASSERT_TRUE(rgba);
  EXPECT_EQ(rgba->get(2), 50);
  EXPECT_EQ(rgba->get(3), 255);
  auto spread = decode_png(*encode_png(*gray), "a.png", {Scalar::kU8, 3});
  ASSERT_TRUE(spread);
  EXPECT_EQ(spread->get(2), 124);
  EXPECT_EQ(decode_png(bytes, "a.png", {Scalar::kU8, 2}).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(decode_png(bytes, "a.png", {Scalar::kI32, 0}).error().code, ErrorCode::kUnsupported);
}

TEST(Png, FloatsAreRoundedAndClamped) {
  HostTensor image = *HostTensor::allocate(Scalar::kF32, {1, 6});
  const double values[] = {-5, 0.4, 1.5, 254.6, 1e9, std::numeric_limits<double>::quiet_NaN()};
  for (int64_t i = 0; i < 6; ++i) image.set(i, values[i]);
  auto back = decode_png(*encode_png(image), "a.png");
  ASSERT_TRUE(back);
  const double expected[] = {0, 0, 2, 255, 255, 0};
  for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(back->get(i), expected[i]);
}

TEST(Png, TensorsThatAreNoImagesAreRefused) {
  for (std::vector<int64_t> shape : {std::vector<int64_t>{4}, {4, 4, 2}, {0, 4}, {4, 70000}, {1, 2, 3, 4}}) {
    HostTensor tensor = *HostTensor::allocate(Scalar::kU8, shape);
    EXPECT_EQ(encode_png(tensor).error().code, ErrorCode::kInvalidInput);
  }
  EXPECT_EQ(encode_png(*HostTensor::allocate(Scalar::kI32, {4, 4})).error().code, ErrorCode::kInvalidInput);
}

TEST(Png, EveryTruncationIsAnError) {
  const auto bytes = *encode_png(ramp(Scalar::kU8, {9, 9, 3}));
  for (size_t size = 0; size < bytes.size(); ++size) {
    auto image = decode_png(std::span(bytes).first(size), "a.png");
    ASSERT_FALSE(image) << size;
    EXPECT_EQ(image.error().code, ErrorCode::kInvalidInput);
    EXPECT_EQ(image.error().text.rfind("`a.png`: ", 0), 0u);
  }
}

TEST(Png, EveryBitFlipIsSurvived) {
  const auto bytes = *encode_png(ramp(Scalar::kU8, {9, 9, 3}));
  int failures = 0;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto damaged = bytes;
    damaged[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    failures += decode_png(damaged, "a.png", {Scalar::kF32, 1}).has_value() ? 0 : 1;
  }
  EXPECT_GT(failures, 0);
}

TEST(Png, HugeSidesAreRefusedBeforePixelsAreAllocated) {
  // IHDR of 2^16 x 2^16 pixels with a right checksum, and nothing behind it
  const uint8_t header[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D',
                            'R',  0,   1,   0,   0,  0,  1,  0,  0, 8, 2, 0,  0,   0};
  auto crc = [](std::span<const uint8_t> data) {
    uint32_t c = ~0u;
    for (uint8_t byte : data) {
      c ^= byte;
      for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
    }
    return ~c;
  };
  auto with_checksum = [&](std::span<const uint8_t> chunk, std::vector<uint8_t> to) {
    const uint32_t sum = crc(chunk);
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<uint8_t>(sum >> shift));
    return to;
  };
  auto bytes = with_checksum(std::span(header).subspan(12), {std::begin(header), std::end(header)});
  const uint8_t data_chunk[] = {0, 0, 0, 0, 'I', 'D', 'A', 'T'};
  bytes.insert(bytes.end(), std::begin(data_chunk), std::end(data_chunk));
  bytes = with_checksum(std::span(data_chunk).subspan(4), bytes);
  auto image = decode_png(bytes, "a.png");
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().text, "`a.png`: 65536 x 65536 pixels; the limit is 67108864");
}

TEST(Png, Files) {
  const std::string path = testing::TempDir() + "sparkle_png_" + std::to_string(getpid()) + ".png";
  ASSERT_TRUE(write_png(path, ramp(Scalar::kU8, {3, 4})));
  auto back = read_png(path);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->shape(), (std::vector<int64_t>{3, 4, 1}));
  unlink(path.c_str());
  EXPECT_EQ(read_png(path).error().code, ErrorCode::kIo);
}

} // namespace
} // namespace sparkle
