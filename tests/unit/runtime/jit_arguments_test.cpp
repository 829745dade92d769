// Every mistake in a call is a refusal that names it, before any memory is touched.
#include <gtest/gtest.h>

#include "runtime/arguments.h"
#include "tests/unit/support_programs.h"

namespace sparkle {
namespace {

HostTensor make(std::vector<int64_t> shape, Scalar element = Scalar::kF32) {
  return std::move(*HostTensor::allocate(element, std::move(shape)));
}

struct ArgumentsTest : testing::Test {
  Program program = test::conv_program({1, 4, 5, 3, 2, 1, 1, 1, 0});
  HostTensor src = make({1, 4, 5, 3}), wei = make({1, 1, 3, 2}), bias = make({2}), dst = make({1, 4, 5, 2});
  Arguments arguments{{"src", &src}, {"wei", &wei}, {"bias", &bias}, {"dst", &dst}};

  Result<BoundArguments> check() {
    return check_arguments(program.tensors, program.symbols, program.uniforms, arguments);
  }
  void expect_refusal(const std::string &part) {
    const Result<BoundArguments> bound = check();
    ASSERT_FALSE(bound);
    EXPECT_EQ(bound.error().code, ErrorCode::kInvalidInput);
    EXPECT_NE(bound.error().text.find(part), std::string::npos) << bound.error().text;
  }
};

TEST_F(ArgumentsTest, TakesNamesAndIds) {
  ASSERT_TRUE(check());
  arguments.tensors[1] = {static_cast<TensorId>(1), &wei};
  const Result<BoundArguments> bound = check();
  ASSERT_TRUE(bound) << bound.error().text;
  EXPECT_EQ(bound->tensors[static_cast<TensorId>(1)], &wei);
}

TEST_F(ArgumentsTest, RefusesUnknownMissingAndRepeatedTensors) {
  arguments.tensors[0].name = "srcc";
  expect_refusal("`srcc`");
  arguments.tensors[0].name = "wei";
  expect_refusal("`wei` is given as"); // the shape of src does not fit
  arguments.tensors.erase(arguments.tensors.begin());
  expect_refusal("`src` is not given");
  arguments.tensors.push_back({"dst", &dst});
  expect_refusal("`dst` is given twice");
  arguments.tensors.back().tensor = nullptr;
  expect_refusal("no tensor");
}

TEST_F(ArgumentsTest, RefusesOtherShapesTypesAndStrides) {
  HostTensor wrong = make({1, 4, 5, 4});
  arguments.tensors[0].tensor = &wrong;
  expect_refusal("dimension 3 was compiled as 3");
  wrong = make({4, 5, 3});
  expect_refusal("it has 4 dimensions");
  wrong = make({1, 4, 5, 3}, Scalar::kF16);
  expect_refusal("its elements are f32");
  wrong = std::move(*HostTensor::allocate(Scalar::kF32, {1, 4, 5, 3}, {128, 32, 4, 1}));
  expect_refusal("stride of dimension 1 was compiled as 15");
}

TEST_F(ArgumentsTest, RefusesResultsThatShareMemory) {
  HostTensor inside = std::move(*HostTensor::borrow(dst.as<float>() + 8, Scalar::kF32, {2}));
  arguments.tensors[2].tensor = &inside;
  expect_refusal("shares memory");
}

TEST_F(ArgumentsTest, ReadsSymbolsOffShapesAndChecksThem) {
  const SymbolId batch = program.symbols.add({"N", 1});
  program.tensors[static_cast<TensorId>(0)].extents[0] = {0, batch};
  program.tensors[static_cast<TensorId>(3)].extents[0] = {0, batch};
  Result<BoundArguments> bound = check();
  ASSERT_TRUE(bound) << bound.error().text;
  EXPECT_EQ(bound->symbols, std::vector<int64_t>{1});
  arguments.symbols = {{"N", 2}};
  expect_refusal("`N` is 2 and, by `src`, 1");
  arguments.symbols = {{"M", 2}};
  expect_refusal("`M`");
  arguments.symbols.clear();
  program.symbols[batch].minimum = 2;
  expect_refusal("less than its minimum of 2");
}

TEST_F(ArgumentsTest, PassesUniformsAsBits) {
  program.uniforms.add({"alpha", Scalar::kF32});
  program.uniforms.add({"steps", Scalar::kI32});
  expect_refusal("`alpha` has no value");
  arguments.uniforms = {{"alpha", 0.5}, {"steps", -3}};
  const Result<BoundArguments> bound = check();
  ASSERT_TRUE(bound) << bound.error().text;
  EXPECT_EQ(bound->uniforms, (std::vector<uint64_t>{0x3F000000u, 0xFFFFFFFDu}));
  arguments.uniforms.push_back({"beta", 1});
  expect_refusal("`beta`");
}

} // namespace
} // namespace sparkle
