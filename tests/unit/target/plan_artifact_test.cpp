#include <limits>

#include <gtest/gtest.h>

#include "compiler/ir/builder.h"
#include "compiler/target/target.h"
#include "compiler/target/workspace_layout.h"

namespace sparkle {
namespace {

/// A program of element-wise copies `to[i, j] = from[i, j]`, with group loops over i and j.
class Chain {
public:
  Program program;

  TensorId tensor(std::string name, Role role, std::vector<Extent> extents) {
    Tensor tensor;
    tensor.name = std::move(name);
    tensor.role = role;
    tensor.extents = std::move(extents);
    return program.tensors.add(tensor);
  }

  Kernel copy(const std::string &name, TensorId from, TensorId to) {
    Kernel kernel;
    kernel.name = name;
    Builder build(kernel);
    const BufferId src = buffer(build, from), dst = buffer(build, to);
    const VarId i = build.loop_var("i"), j = build.loop_var("j");
    const std::vector<ExprId> at = {build.var(i), build.var(j)};
    StmtId body = build.store(dst, at, build.read(src, at));
    body = build.loop(j, build.index(0), extent(build, to, 1), LoopKind::kGroup, body);
    kernel.body = build.loop(i, build.index(0), extent(build, to, 0), LoopKind::kGroup, body);
    return kernel;
  }

private:
  ExprId extent(Builder &build, TensorId id, size_t dim) {
    const Extent &extent = program.tensors[id].extents[dim];
    if (extent.is_constant()) return build.index(extent.value);
    Variable symbol{"N", kIndexType, VarKind::kSymbol, {}, 0};
    symbol.symbol = extent.symbol;
    return build.var(build.kernel().add_var(symbol));
  }
  BufferId buffer(Builder &build, TensorId id) {
    Buffer buffer;
    buffer.name = program.tensors[id].name;
    buffer.tensor = id;
    buffer.extents = {extent(build, id, 0), extent(build, id, 1)};
    buffer.strides = {extent(build, id, 1), build.index(1)};
    buffer.role = program.tensors[id].role;
    return build.kernel().add_buffer(buffer);
  }
};

std::vector<Extent> box(int64_t rows, int64_t columns) { return {{rows, kNoId<SymbolId>}, {columns, kNoId<SymbolId>}}; }

TEST(PlanArtifact, BindsBuffersAndWritesAndGroups) {
  Chain chain;
  const TensorId src = chain.tensor("src", Role::kInput, box(3, 5));
  const TensorId dst = chain.tensor("dst", Role::kOutput, box(3, 5));
  chain.program.name = "copy";
  chain.program.flops = 7;
  chain.program.flops_executed = 5;
  chain.program.kernels.push_back(chain.copy("dst", src, dst));
  auto artifact = plan_artifact(chain.program, "reference");
  ASSERT_TRUE(artifact) << artifact.error().text;
  EXPECT_EQ(artifact->target, "reference");
  EXPECT_EQ(artifact->program_name, "copy");
  EXPECT_EQ(artifact->flops, 7);
  EXPECT_EQ(artifact->flops_executed, 5);
  EXPECT_EQ(artifact->tensors.size(), 2u);
  ASSERT_EQ(artifact->launches.size(), 1u);
  const Launch &launch = artifact->launches[0];
  EXPECT_EQ(launch.name, "dst");
  EXPECT_EQ(launch.buffers, (std::vector<TensorId>{src, dst}));
  EXPECT_EQ(launch.writes, (std::vector<bool>{false, true}));
  EXPECT_EQ(launch.groups, box(3, 5));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(launch.code));
  EXPECT_EQ(artifact->workspace_bytes, 0);
}

TEST(PlanArtifact, ChainOfIntermediatesNeedsTwoPlaces) {
  Chain chain;
  std::vector<TensorId> ids = {chain.tensor("src", Role::kInput, box(4, 8))};
  for (const char *name : {"a", "b", "c"}) ids.push_back(chain.tensor(name, Role::kWorkspace, box(4, 8)));
  ids.push_back(chain.tensor("dst", Role::kOutput, box(4, 8)));
  for (size_t i = 1; i < ids.size(); ++i) chain.program.kernels.push_back(chain.copy("k", ids[i - 1], ids[i]));
  auto artifact = plan_artifact(chain.program, "reference");
  ASSERT_TRUE(artifact) << artifact.error().text;
  EXPECT_EQ(artifact->offsets, (std::vector<int64_t>{0, 0, 128, 0, 0}));
  EXPECT_EQ(artifact->workspace_bytes, 256);
  EXPECT_EQ(artifact->packed_bytes, 0);
}

TEST(PlanArtifact, PackedTensorsNeverShare) {
  Chain chain;
  const TensorId wei = chain.tensor("wei", Role::kConst, box(1, 10));
  const TensorId dst = chain.tensor("dst", Role::kOutput, box(1, 10));
  const TensorId first = chain.tensor("first", Role::kPacked, box(1, 10));
  const TensorId second = chain.tensor("second", Role::kPacked, box(1, 10));
  chain.program.prepack.push_back(chain.copy("pack_first", wei, first));
  chain.program.prepack.push_back(chain.copy("pack_second", wei, second));
  chain.program.kernels.push_back(chain.copy("use_first", first, dst));
  chain.program.kernels.push_back(chain.copy("use_second", second, dst));
  auto artifact = plan_artifact(chain.program, "reference");
  ASSERT_TRUE(artifact) << artifact.error().text;
  EXPECT_EQ(artifact->prepack.size(), 2u);
  EXPECT_EQ(artifact->packed_bytes, 128);
  EXPECT_NE(artifact->offsets[index_of(first)], artifact->offsets[index_of(second)]);
}

TEST(PlanArtifact, OpenExtentBecomesASymbolOfTheGroups) {
  Chain chain;
  const SymbolId n = chain.program.symbols.add({"N", 1});
  const std::vector<Extent> open = {{0, n}, {5, kNoId<SymbolId>}};
  const TensorId src = chain.tensor("src", Role::kInput, open), dst = chain.tensor("dst", Role::kOutput, open);
  chain.program.kernels.push_back(chain.copy("dst", src, dst));
  auto artifact = plan_artifact(chain.program, "reference");
  ASSERT_TRUE(artifact) << artifact.error().text;
  EXPECT_EQ(artifact->launches[0].groups, open);

  const TensorId mid = chain.tensor("mid", Role::kWorkspace, open);
  chain.program.kernels.push_back(chain.copy("mid", src, mid));
  auto stored = plan_artifact(chain.program, "reference");
  ASSERT_TRUE(stored) << stored.error().text;
  EXPECT_EQ(stored->workspace_bytes, 0);
  for (const int64_t extent : {0, 1, 7}) {
    const auto places = place_tensors(*stored, {extent});
    ASSERT_TRUE(places) << places.error().text;
    EXPECT_EQ(places->workspace_bytes, (extent * 5 * 4 + 63) / 64 * 64);
  }
  EXPECT_EQ(place_tensors(*stored, {INT64_MAX / 4}).error().code, ErrorCode::kShapeOverflow);

  chain.program.tensors[mid].role = Role::kPacked;
  auto refused = plan_artifact(chain.program, "reference");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
}

TEST(PlanArtifact, SizesThatLeave64BitsAreErrors) {
  Chain chain;
  const TensorId src = chain.tensor("src", Role::kInput, box(3, 5));
  chain.tensor("huge", Role::kInput, box(int64_t{1} << 40, int64_t{1} << 30));
  chain.program.kernels.push_back(chain.copy("k", src, chain.tensor("dst", Role::kOutput, box(3, 5))));
  auto artifact = plan_artifact(chain.program, "reference");
  ASSERT_FALSE(artifact);
  EXPECT_EQ(artifact.error().code, ErrorCode::kShapeOverflow);
}

TEST(PlanArtifact, TwoLargeIntermediatesOverflowTogether) {
  Chain chain;
  const TensorId src = chain.tensor("src", Role::kInput, box(1, 1));
  const int64_t many = std::numeric_limits<int64_t>::max() / 8;
  const TensorId a = chain.tensor("a", Role::kWorkspace, box(1, many));
  const TensorId b = chain.tensor("b", Role::kWorkspace, box(1, many));
  const TensorId c = chain.tensor("c", Role::kWorkspace, box(1, many));
  for (const TensorId id : {a, b, c}) chain.program.kernels.push_back(chain.copy("k", src, id));
  EXPECT_EQ(plan_artifact(chain.program, "reference").error().code, ErrorCode::kShapeOverflow);
}

TEST(PlanArtifact, StridesCountInTheSize) {
  Chain chain;
  const TensorId src = chain.tensor("src", Role::kInput, box(2, 3));
  const TensorId mid = chain.tensor("mid", Role::kWorkspace, box(2, 3));
  chain.program.tensors[mid].strides = {100, 1};
  chain.program.kernels.push_back(chain.copy("mid", src, mid));
  auto artifact = plan_artifact(chain.program, "reference");
  ASSERT_TRUE(artifact);
  EXPECT_EQ(artifact->workspace_bytes, 448); // 103 elements, 412 bytes, rounded up to 64
}

} // namespace
} // namespace sparkle
