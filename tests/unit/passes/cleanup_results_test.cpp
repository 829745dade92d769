// What simplify, hoist and flatten may not change: results. Random kernels run on the interpreter before and after.
#include <random>

#include <gtest/gtest.h>

#include "compiler/ir/builder.h"
#include "compiler/ir/printer.h"
#include "compiler/ir/verifier.h"
#include "compiler/passes/flatten.h"
#include "compiler/passes/hoist.h"
#include "compiler/passes/simplify.h"
#include "targets/reference/interpreter.h"

namespace sparkle {
namespace {

constexpr int64_t kRows = 6, kColumns = 48, kPitch = 50;

/// A nest of loops over a few dimensions around loads, stores, lets and branches, always inside the buffers.
class KernelMaker {
public:
  explicit KernelMaker(uint64_t seed) : rng_(seed) {}

  Kernel make() {
    k_.name = "random";
    k_.stage = Stage::kScheduled;
    src_ = add_buffer("src", Role::kInput, TensorId{0});
    dst_ = add_buffer("dst", Role::kOutput, TensorId{1});
    k_.body = nest(0);
    return std::move(k_);
  }

private:
  int64_t pick(int64_t lo, int64_t hi) { return std::uniform_int_distribution<int64_t>(lo, hi)(rng_); }

  BufferId add_buffer(const char *name, Role role, TensorId tensor) {
    Buffer buffer;
    buffer.name = name;
    buffer.extents = {b_.index(kRows), b_.index(kColumns)};
    buffer.strides = {b_.index(kPitch), b_.index(1)};
    buffer.role = role;
    buffer.tensor = tensor;
    return k_.add_buffer(std::move(buffer));
  }

  StmtId nest(int level) {
    if (level == 4) return b_.block(leaf());
    LoopKind kind = level == 0 ? LoopKind::kGroup : pick(0, 1) ? LoopKind::kSerial : LoopKind::kUnrolled;
    VarId var = b_.loop_var("v" + std::to_string(level));
    bool from_zero = kind == LoopKind::kGroup || pick(0, 1);
    ExprId begin = b_.index(from_zero ? 0 : pick(-2, 2));
    ExprId end = b_.index(from_zero ? pick(1, 6) : pick(-1, 4));
    if (kind == LoopKind::kSerial && pick(0, 2) == 0) end = b_.min(end, index(2));
    size_t outer = vars_.size();
    vars_.push_back(b_.var(var));
    std::vector<StmtId> body;
    if (pick(0, 1)) body.push_back(let());
    body.push_back(nest(level + 1));
    if (pick(0, 2) == 0)
      body.push_back(b_.when(condition(), b_.block(leaf()), pick(0, 1) ? b_.block(leaf()) : kNoId<StmtId>));
    vars_.resize(outer);
    StmtId loop = b_.loop(var, begin, end, kind, b_.block(std::move(body)));
    return loop;
  }

  StmtId let() {
    VarId var = b_.value_var("let", kIndexType);
    StmtId stmt = b_.let(var, index(2));
    vars_.push_back(b_.var(var));
    return stmt;
  }

  std::vector<StmtId> leaf() {
    size_t outer = vars_.size();
    std::vector<StmtId> out;
    if (pick(0, 1)) out.push_back(let());
    VarId x = b_.value_var("x", kF32Type);
    Load load{x, src_, place(), kNoId<ExprId>, kNoId<ExprId>};
    if (pick(0, 1)) load = {x, src_, place(), condition(), b_.real(kF32Type, 7.0)};
    out.push_back(k_.add_stmt(load));
    ExprId value = b_.add(b_.var(x), b_.cast(kF32Type, index(2)));
    out.push_back(b_.store(dst_, place(), value, pick(0, 2) ? kNoId<ExprId> : condition()));
    vars_.resize(outer);
    return out;
  }

  std::vector<ExprId> place() {
    return {b_.mod(index(2), b_.index(kRows)), b_.max(b_.min(index(3), b_.index(kColumns - 1)), b_.index(0))};
  }

  ExprId index(int depth) {
    if (depth == 0 || vars_.empty())
      return vars_.empty() || pick(0, 3) == 0
                 ? b_.index(pick(-3, 9))
                 : vars_[static_cast<size_t>(pick(0, static_cast<int64_t>(vars_.size()) - 1))];
    ExprId a = index(depth - 1);
    switch (pick(0, 6)) {
    case 0: return b_.sub(a, index(depth - 1));
    case 1: return b_.mul(a, b_.index(pick(1, 8)));
    case 2: return b_.div(a, b_.index(pick(1, 5)));
    case 3: return b_.mod(a, b_.index(pick(1, 8)));
    case 4: return b_.min(a, index(depth - 1));
    default: return b_.add(a, index(depth - 1));
    }
  }

  ExprId condition() {
    ExprId one = b_.compare(static_cast<CompareOp>(pick(0, 3)), index(2), index(1));
    if (pick(0, 1)) return one;
    return b_.both(one, b_.less(index(1), index(2)));
  }

  std::mt19937_64 rng_;
  Kernel k_;
  Builder b_{k_};
  BufferId src_, dst_;
  std::vector<ExprId> vars_;
};

std::vector<float> run(const Kernel &kernel) {
  std::vector<float> src(kRows * kPitch), dst(kRows * kPitch, -1.0f);
  for (size_t i = 0; i < src.size(); ++i) src[i] = static_cast<float>(i * 7 % 101);
  reference::KernelArguments arguments;
  for (uint32_t i = 0; i < kernel.buffer_count(); ++i) {
    auto id = static_cast<BufferId>(i);
    std::vector<float> &memory = kernel.buffer(id).tensor == TensorId{0} ? src : dst;
    arguments.buffers[id] = {memory.data(), static_cast<int64_t>(memory.size() * sizeof(float))};
  }
  Status status = reference::interpret(kernel, arguments);
  EXPECT_TRUE(status) << status.error().text << print(kernel);
  return dst;
}

/// Checks one step and returns what it gave.
Kernel check(const char *name, const Kernel &before, Result<Kernel> after) {
  EXPECT_TRUE(after) << after.error().text;
  Status valid = verify(*after);
  EXPECT_TRUE(valid) << name << ": " << valid.error().text;
  EXPECT_EQ(run(before), run(*after)) << name << "\n" << print(before) << print(*after);
  return *after;
}

TEST(CleanupResults, random_kernels_keep_their_results) {
  for (uint64_t seed = 1; seed <= 300 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Kernel in = KernelMaker(seed).make();
    Status valid = verify(in);
    ASSERT_TRUE(valid) << valid.error().text;
    TargetInfo info;
    check("hoist", in, hoist(in, {}, info));
    check("flatten", in, flatten(in, {}, info));
    Kernel simple = check("simplify", in, simplify(in, {}, info));
    EXPECT_EQ(print(*simplify(simple, {}, info)), print(simple)) << "simplify is not idempotent\n" << print(in);
    Kernel hoisted = check("hoist after simplify", simple, hoist(simple, {}, info));
    EXPECT_EQ(print(*hoist(hoisted, {}, info)), print(hoisted)) << "hoist is not idempotent\n" << print(simple);
    check("flatten after hoist", hoisted, flatten(hoisted, {}, info));
  }
}

} // namespace
} // namespace sparkle
