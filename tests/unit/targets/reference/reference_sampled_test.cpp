// Single elements in double precision, against sums written out here.
#include <cmath>

#include "targets/reference/sampled.h"
#include "tests/unit/targets/reference/interpreter_fixture.h"

namespace sparkle::reference {
namespace {

constexpr const char *kProgram = R"(program @p {
  tensor a: f32[4, 300] input
  tensor b: f32[300] const
  tensor dot: f32[4] workspace
  tensor y: f32[4] output
  kernel @dot stage imported {
    buffer @a: f32[4, 300] far input = tensor a
    buffer @b: f32[300] far const = tensor b
    buffer @dot: f32[4] far workspace = tensor dot
    for %i in 0..4 { store @dot[%i] = sum[%k in 0..300](@a[%i, %k] * @b[%k]) }
  }
  kernel @y stage imported {
    buffer @dot: f32[4] far workspace = tensor dot
    buffer @y: f32[4] far output = tensor y
    for %i in 0..4 { store @y[%i] = max(@dot[3 - %i], 0.0) - (@dot[%i - 1] if 1 <= %i else 2.0) }
  }
})";

struct Data {
  std::vector<float> a, b, y = std::vector<float>(4);
  std::unordered_map<TensorId, FarMemory> memory;
  Data() {
    for (int i = 0; i < 1200; ++i) a.push_back(std::sin(static_cast<float>(i)));
    for (int i = 0; i < 300; ++i) b.push_back(std::cos(static_cast<float>(i * 3)));
    memory = {{TensorId{0}, {a.data(), 4800}}, {TensorId{1}, {b.data(), 1200}}, {TensorId{3}, {y.data(), 16}}};
  }
  double dot(int i, bool absolute) const {
    double sum = 0;
    for (int k = 0; k < 300; ++k) {
      const double term = static_cast<double>(a[static_cast<size_t>(i * 300 + k)]) * b[static_cast<size_t>(k)];
      sum += absolute ? std::fabs(term) : term;
    }
    return sum;
  }
};

TEST(Sampled, FollowsReadsOfWorkspaceInDouble) {
  Diagnostics diagnostics;
  const Source source("p", kProgram);
  auto program = parse_program(source, diagnostics);
  ASSERT_TRUE(program) << render_text(diagnostics, source);
  Data data;
  Sampler sampler(*program, data.memory);
  for (int i = 0; i < 4; ++i) {
    const auto sample = sampler.at(TensorId{3}, {i});
    ASSERT_TRUE(sample) << sample.error().text;
    EXPECT_EQ(sample->value, std::fmax(data.dot(3 - i, false), 0) - (i > 0 ? data.dot(i - 1, false) : 2.0));
    EXPECT_EQ(sample->magnitude, data.dot(3 - i, true) + (i > 0 ? data.dot(i - 1, true) : 2.0));
  }
  EXPECT_FALSE(sampler.at(TensorId{3}, {4}));
  EXPECT_FALSE(sampler.at(TensorId{3}, {0, 0}));
  EXPECT_FALSE(sampler.at(TensorId{0}, {0, 0}));
}

TEST(Sampled, BoundsWhatTheInterpreterRounds) {
  Diagnostics diagnostics;
  auto program = parse_program(Source("p", kProgram), diagnostics);
  ASSERT_TRUE(program);
  Data data;
  const Status status = interpret(*program, data.memory);
  ASSERT_TRUE(status) << status.error().text;
  for (int i = 0; i < 4; ++i) {
    const auto sample = evaluate_at(*program, TensorId{3}, {i}, data.memory);
    ASSERT_TRUE(sample) << sample.error().text;
    const double error = std::fabs(sample->value - data.y[static_cast<size_t>(i)]);
    EXPECT_LE(error, 302 * 0x1p-24 * sample->magnitude);
    EXPECT_GT(error, 0);
  }
}

} // namespace
} // namespace sparkle::reference
