// Streaming stores into buffers whose addresses promise nothing: the call looks, and takes the plain group otherwise.
#include <numeric>

#include "tests/unit/targets/llvm/llvm_kernels.h"

namespace sparkle::test {
namespace {

constexpr int64_t kVectors = 5;

struct Streamed {
  Scalar element = Scalar::kF32;
  int lanes = 16;
  int64_t start = 0; ///< Element that the first vector goes to.
  std::vector<const char *> outputs = {"out"};
};

/// out[start + i*lanes ...] = x[i*lanes ...], a group for each vector.
Artifact lower_copy(const Streamed &what) {
  KernelMaker m;
  Builder &b = m.b;
  const Type type = Type{what.element, static_cast<uint16_t>(what.lanes)};
  const int64_t count = kVectors * what.lanes;
  const int alignment = static_cast<int>(bytes_of(what.element));
  const BufferId in = m.tensor("in", what.element, count, Role::kInput, alignment);
  const VarId i = b.loop_var("i"), value = b.value_var("value", type);
  const ExprId first = b.mul(b.var(i), b.index(what.lanes));
  std::vector<StmtId> body = {m.load(value, in, b.ramp(first, 1, what.lanes))};
  for (const char *name : what.outputs) {
    const BufferId out = m.tensor(name, what.element, count + what.start + 1, Role::kOutput, alignment);
    const ExprId at = b.ramp(b.add(first, b.index(what.start)), 1, what.lanes);
    body.push_back(m.kernel.add_stmt(Store{out, {at}, b.var(value), kNoId<ExprId>, StoreKind::kStreaming}));
  }
  LowerOptions options;
  options.keep_text = options.assembly = true;
  return lower(m.finish(b.loop(i, kVectors, LoopKind::kGroup, b.block(body))), options);
}

/// Copies to `offsets[k]` elements behind a cache line's start, for output k, and looks at every element.
template <class T> void expect_copied(const Artifact &artifact, const Streamed &what, std::vector<size_t> offsets) {
  const auto count = static_cast<size_t>(kVectors * what.lanes), start = static_cast<size_t>(what.start);
  Aligned<T> in(count);
  std::iota(in.data(), in.data() + count, static_cast<T>(1));
  std::vector<Aligned<T>> out;
  std::vector<void *> buffers = {in.data()};
  for (const size_t offset : offsets) buffers.push_back(out.emplace_back(count + start + 65).data() + offset);
  run(artifact, buffers, kVectors);
  for (size_t k = 0; k < out.size(); ++k)
    for (size_t i = 0; i < count + start + 65; ++i) {
      const size_t at = i - offsets[k] - start; // Wraps to more than `count` before the first element.
      EXPECT_EQ(out[k][i], at < count ? in[at] : T{0}) << "output " << k << ", element " << i;
    }
}

size_t count_of(const std::string &text, const std::string &what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

const std::string &text_of(const Artifact &artifact) { return artifact.launches.at(0).source_text; }

TEST(LlvmStream, LooksAtTheAddressAtTheCall) {
  const Streamed what;
  const Artifact artifact = lower_copy(what);
  EXPECT_GT(count_of(text_of(artifact), "vmovntps"), 0u) << text_of(artifact);
  EXPECT_GT(count_of(text_of(artifact), "vmovups"), 0u) << text_of(artifact);
  EXPECT_EQ(count_of(text_of(artifact), "sfence"), 1u);
  for (const size_t offset : {0, 1, 4, 8, 15}) expect_copied<float>(artifact, what, {offset});
}

TEST(LlvmStream, StreamsBytes) {
  const Streamed what{.element = Scalar::kU8, .lanes = 64};
  const Artifact artifact = lower_copy(what);
  EXPECT_GT(count_of(text_of(artifact), "vmovnt"), 0u) << text_of(artifact);
  for (const size_t offset : {0, 1, 16, 32, 63}) expect_copied<uint8_t>(artifact, what, {offset});
}

/// The machine converts while it stores, but not past the caches.
TEST(LlvmStream, StreamsWhatIsConverted) {
  KernelMaker m;
  Builder &b = m.b;
  constexpr int kBytes = 32;
  const BufferId in = m.tensor("in", Scalar::kI32, kVectors * kBytes, Role::kInput);
  const BufferId out = m.tensor("out", Scalar::kU8, kVectors * kBytes, Role::kOutput, 1);
  const VarId i = b.loop_var("i"), value = b.value_var("value", kI32Type.with_lanes(kBytes));
  const ExprId at = b.ramp(b.mul(b.var(i), b.index(kBytes)), 1, kBytes);
  const ExprId bytes = b.cast(Type{Scalar::kU8, kBytes}, b.var(value));
  const StmtId store = m.kernel.add_stmt(Store{out, {at}, bytes, kNoId<ExprId>, StoreKind::kStreaming});
  LowerOptions options;
  options.keep_text = options.assembly = true;
  const Artifact artifact =
      lower(m.finish(b.loop(i, kVectors, LoopKind::kGroup, b.block({m.load(value, in, at), store}))), options);
  EXPECT_GT(count_of(text_of(artifact), "vmovnt"), 0u) << text_of(artifact);
  std::vector<int32_t> numbers(kVectors * kBytes);
  std::iota(numbers.begin(), numbers.end(), 0);
  Aligned<uint8_t> got(kVectors * kBytes + 1);
  for (const size_t offset : {0, 1}) {
    run(artifact, {numbers.data(), got.data() + offset}, kVectors);
    for (size_t k = 0; k < numbers.size(); ++k) EXPECT_EQ(got[k + offset], numbers[k]) << k;
  }
}

TEST(LlvmStream, OneAddressAmongSeveralThatDoesNotFitIsEnough) {
  const Streamed what{.outputs = {"a", "b"}};
  const Artifact artifact = lower_copy(what);
  for (const std::vector<size_t> &offsets : {std::vector<size_t>{0, 0}, {0, 1}, {1, 0}, {3, 5}})
    expect_copied<float>(artifact, what, offsets);
}

TEST(LlvmStream, VectorsWiderThanACacheLineStreamItsLines) {
  const Streamed what{.lanes = 32};
  const Artifact artifact = lower_copy(what);
  EXPECT_GT(count_of(text_of(artifact), "vmovntps"), 0u);
  for (const size_t offset : {0, 1, 16}) expect_copied<float>(artifact, what, {offset});
}

TEST(LlvmStream, MakesNoSecondGroupForStoresThatNeverFit) {
  const Streamed what{.start = 3};
  const Artifact artifact = lower_copy(what);
  EXPECT_EQ(count_of(text_of(artifact), "vmovnt"), 0u);
  EXPECT_EQ(count_of(text_of(artifact), "aligned_group"), 0u);
  for (const size_t offset : {0, 1, 13}) expect_copied<float>(artifact, what, {offset});
}

} // namespace
} // namespace sparkle::test
