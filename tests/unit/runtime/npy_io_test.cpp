#include "runtime/npy_io.h"

#include <cstring>

#include <gtest/gtest.h>
#include <unistd.h>

#include "runtime/fill.h"

namespace sparkle {
namespace {

std::vector<uint8_t> file(const std::string &header, size_t data_bytes, int version = 1) {
  std::string text = "\x93NUMPY";
  text += static_cast<char>(version);
  text += '\0';
  text += static_cast<char>(header.size() & 255);
  text += static_cast<char>(header.size() >> 8);
  if (version == 2) text += std::string(2, '\0');
  text += header;
  std::vector<uint8_t> bytes(text.begin(), text.end());
  for (size_t i = 0; i < data_bytes; ++i) bytes.push_back(static_cast<uint8_t>(i));
  return bytes;
}

std::string error_of(const std::vector<uint8_t> &bytes) {
  auto tensor = parse_npy(bytes, "a.npy");
  return tensor ? "no error" : tensor.error().text;
}

TEST(Npy, RoundTripOfEveryElementType) {
  for (Scalar element :
       {Scalar::kF32, Scalar::kF16, Scalar::kI32, Scalar::kIndex, Scalar::kI8, Scalar::kU8, Scalar::kBool}) {
    for (std::vector<int64_t> shape : {std::vector<int64_t>{}, {5}, {2, 3, 4}, {3, 0}}) {
      HostTensor tensor = *HostTensor::allocate(element, shape);
      fill_integers(tensor, 5, 0, 100);
      auto bytes = format_npy(tensor);
      ASSERT_TRUE(bytes);
      auto back = parse_npy(*bytes, "memory");
      ASSERT_TRUE(back) << back.error().text;
      EXPECT_EQ(to_string(*back), to_string(tensor));
      if (tensor.span_bytes() > 0) {
        EXPECT_EQ(std::memcmp(back->data(), tensor.data(), static_cast<size_t>(tensor.span_bytes())), 0);
      }
    }
  }
}

TEST(Npy, WritesWhatNumPyWrites) {
  HostTensor tensor = *HostTensor::allocate(Scalar::kF32, {2});
  auto bytes = *format_npy(tensor);
  ASSERT_EQ(bytes.size(), 128u + 8);
  const std::string header(bytes.begin() + 10, bytes.begin() + 128);
  EXPECT_EQ(header.substr(0, 56), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, ),");
  EXPECT_EQ(header.back(), '\n');
}

TEST(Npy, StridedTensorsAreWrittenDense) {
  float data[] = {0, 1, 2, 3, 4, 5};
  HostTensor transposed = *HostTensor::borrow(data, Scalar::kF32, {3, 2}, {1, 3});
  auto back = *parse_npy(*format_npy(transposed), "memory");
  const float expected[] = {0, 3, 1, 4, 2, 5};
  EXPECT_EQ(std::memcmp(back.data(), expected, sizeof expected), 0);
}

TEST(Npy, ReadsVersion2AndFortranOrder) {
  auto tensor = parse_npy(file("{\"descr\":'|u1','fortran_order':True,'shape':(2,3)}", 6, 2), "a.npy");
  ASSERT_TRUE(tensor) << tensor.error().text;
  const uint8_t expected[] = {0, 2, 4, 1, 3, 5};
  EXPECT_EQ(std::memcmp(tensor->data(), expected, sizeof expected), 0);
}

TEST(Npy, HostileHeadersGiveLocatedErrors) {
  const std::string good = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }";
  EXPECT_EQ(error_of(file(good, 6)), "no error");
  EXPECT_EQ(error_of(file(good, 5)), "`a.npy` byte 69: the shape needs 6 bytes of data, the file has 5");
  EXPECT_EQ(error_of(file("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", 48)),
            "`a.npy` byte 20: element type `<f8` is not one of <f4 <f2 <i4 <i8 |i1 |u1 |b1; convert with "
            "array.astype(numpy.float32)");
  EXPECT_EQ(error_of(file("{'descr': '|u1', 'fortran_order': 0, 'shape': (2, 3), }", 6)),
            "`a.npy` byte 44: expected `True` or `False`, found `0, 'shape': (2, `");
  EXPECT_EQ(error_of(file("{'descr': '|u1', 'fortran_order': False, 'shape': (-2, 3), }", 6)),
            "`a.npy` byte 61: expected an extent below 2^63, found `-2, 3), }`");
  EXPECT_EQ(error_of(file("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3", 6)),
            "`a.npy` byte 65: expected `)`, found the end of the header");
  EXPECT_EQ(error_of(file("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,)}", 6)),
            "`a.npy` byte 20: structured arrays are not supported");
  EXPECT_EQ(error_of(file("{'descr': '|u1', 'descr': '|u1'}", 6)), "`a.npy` byte 27: unknown or repeated key `descr`");
  EXPECT_EQ(error_of(file("{'descr': '|u1', 'shape': (2, 3)}", 6)),
            "`a.npy` byte 43: the header has no `fortran_order`");
  EXPECT_EQ(error_of(file(good + "x", 6)), "`a.npy` byte 69: unexpected text after the header's `}`");
  EXPECT_EQ(error_of({'P', 'K'}), "`a.npy` byte 0: not an .npy file: it does not start with \\x93NUMPY and a version");
  EXPECT_EQ(error_of(file(good, 6, 3)), "`a.npy` byte 6: format version 3; only 1 and 2 are known");
}

TEST(Npy, HugeShapesCostNothing) {
  auto overflow = parse_npy(
      file("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904), }", 4),
      "a.npy");
  ASSERT_FALSE(overflow);
  EXPECT_EQ(overflow.error().code, ErrorCode::kShapeOverflow);
  EXPECT_NE(
      error_of(file("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }", 4)).find("the file has 4"),
      std::string::npos);
  EXPECT_NE(error_of(file("{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 1))
                .find("more than 8 dimensions"),
            std::string::npos);
}

TEST(Npy, EveryTruncationAndBitFlipIsSurvived) {
  HostTensor tensor = *HostTensor::allocate(Scalar::kF32, {2, 3});
  const std::vector<uint8_t> bytes = *format_npy(tensor);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_npy(std::span(bytes).first(size), "a.npy")) << size;
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::vector<uint8_t> damaged = bytes;
    damaged[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    auto result = parse_npy(damaged, "a.npy");
    if (result) {
      EXPECT_LE(result->span_bytes(), 24);
    } else {
      EXPECT_NE(result.error().text.find("`a.npy` byte"), std::string::npos);
    }
  }
}

TEST(Npy, FilesAndWhatTheFormatCannotName) {
  const std::string path = testing::TempDir() + "sparkle_npy_" + std::to_string(getpid()) + ".npy";
  HostTensor tensor = *HostTensor::allocate(Scalar::kI32, {4});
  fill_ramp(tensor);
  ASSERT_TRUE(write_npy(path, tensor));
  auto back = read_npy(path);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->get(3), 3);
  unlink(path.c_str());
  EXPECT_EQ(read_npy(path).error().code, ErrorCode::kIo);
  HostTensor brain = *HostTensor::allocate(Scalar::kBF16, {4});
  EXPECT_EQ(write_npy(path, brain).error().code, ErrorCode::kUnsupported);
}

} // namespace
} // namespace sparkle
