// What combines lanes: shuffles, reductions, dot products; the x86 target beside the interpreter.
#include "tests/unit/targets/x86/x86_values.h"

namespace sparkle::test {
namespace {

using Values = std::vector<ExprId>;

/// Inputs of given lanes, one result.
template <class Make>
void expect_combined(Scalar scalar, const std::vector<int> &lanes, Type out, Make &&make, const std::string &what) {
  KernelMaker m;
  Memory memory;
  std::vector<StmtId> stmts;
  Values values;
  const auto at = [&](int count) { return count == 1 ? m.b.index(0) : m.b.ramp(m.b.index(0), 1, count); };
  for (size_t i = 0; i < lanes.size(); ++i) {
    const BufferId buffer = m.tensor("in" + std::to_string(i), scalar, lanes[i], Role::kInput);
    const VarId var = m.b.value_var("v" + std::to_string(i), Type{scalar, static_cast<uint16_t>(lanes[i])});
    stmts.push_back(m.load(var, buffer, at(lanes[i])));
    values.push_back(m.b.var(var));
    memory[static_cast<uint32_t>(i)] = elements(scalar, static_cast<size_t>(lanes[i]), static_cast<uint32_t>(i) + 3);
  }
  const BufferId to = m.tensor("out", out.scalar, out.lanes, Role::kOutput);
  memory[static_cast<uint32_t>(lanes.size())].assign(static_cast<size_t>(out.lanes * bytes_of(out.scalar)),
                                                     std::byte{1});
  stmts.push_back(m.b.store(to, {at(out.lanes)}, make(m, values)));
  expect_as_interpreted(m.finish(m.b.block(stmts)), memory, what);
}

constexpr Scalar kAll[] = {Scalar::kF32, Scalar::kI32, Scalar::kF16, Scalar::kBF16,
                           Scalar::kI8,  Scalar::kU8,  Scalar::kBool};

TEST(X86Shuffle, RandomLanesOfRandomInputs) {
  std::mt19937 random(1);
  for (Scalar scalar : kAll)
    for (int round = 0; round < 60; ++round) {
      std::vector<int> lanes;
      int all = 0;
      for (uint32_t i = 0; i < 1 + random() % 3; ++i) {
        lanes.push_back(kLaneCounts[random() % std::size(kLaneCounts)]);
        all += lanes.back();
      }
      std::vector<int> indices(static_cast<size_t>(kLaneCounts[random() % std::size(kLaneCounts)]));
      for (int &index : indices) index = static_cast<int>(random() % static_cast<uint32_t>(all));
      const Type out{scalar, static_cast<uint16_t>(indices.size())};
      expect_combined(
          scalar, lanes, out,
          [&](KernelMaker &m, const Values &v) {
            return m.kernel.intern(Shuffle{v, indices});
          },
          "random shuffle " + std::to_string(round) + " of " + std::string(name_of(scalar)));
      if (HasFatalFailure()) return;
    }
}

TEST(X86Shuffle, UsualPatterns) {
  for (Scalar scalar : {Scalar::kF32, Scalar::kU8})
    for (int lanes : {4, 8, 16}) {
      const auto n = static_cast<size_t>(lanes);
      std::map<std::string, std::vector<int>> patterns;
      for (int i = 0; i < lanes; ++i) {
        patterns["low half twice"].push_back(i % (lanes / 2));
        patterns["reversed"].push_back(lanes - 1 - i);
        patterns["even of both"].push_back(2 * i);
        patterns["interleaved"].push_back(i / 2 + i % 2 * lanes);
        patterns["second"].push_back(lanes + i);
        patterns["shifted by one"].push_back(i + 1);
        patterns["one lane"].push_back(lanes - 1);
        patterns["first lane"].push_back(0);
        patterns["swapped pairs"].push_back(i ^ 1);
        patterns["blended"].push_back(i % 3 == 0 ? i : lanes + i);
      }
      patterns["longer"] = patterns["reversed"];
      patterns["longer"].resize(2 * n + 1, 1);
      patterns["shorter"] = {lanes + 1, 2, 0};
      for (const auto &[what, indices] : patterns)
        expect_combined(
            scalar, {lanes, lanes}, Type{scalar, static_cast<uint16_t>(indices.size())},
            [&](KernelMaker &m, const Values &v) {
              return m.kernel.intern(Shuffle{v, indices});
            },
            what + " of " + std::to_string(lanes));
      if (HasFatalFailure()) return;
    }
}

TEST(X86Shuffle, ReductionsGoFromLaneZeroUp) {
  for (Scalar scalar : {Scalar::kF32, Scalar::kI32})
    for (int lanes : kLaneCounts)
      for (ReduceOp op : {ReduceOp::kSum, ReduceOp::kProd, ReduceOp::kMin, ReduceOp::kMax}) {
        if (lanes == 1) continue;
        expect_combined(
            scalar, {lanes}, Type{scalar, 1},
            [&](KernelMaker &m, const Values &v) {
              return m.kernel.intern(ReduceLanes{op, v[0]});
            },
            std::string(name_of(op)) + " of " + std::to_string(lanes) + " " + std::string(name_of(scalar)));
        if (HasFatalFailure()) return;
      }
}

TEST(X86Shuffle, DotProducts) {
  for (Scalar scalar : {Scalar::kF32, Scalar::kI32, Scalar::kU8, Scalar::kI8, Scalar::kBF16})
    for (int lanes : {1, 2, 4, 5, 8, 16})
      for (int terms : {1, 2, 4}) {
        const Scalar acc = is_float(scalar) ? Scalar::kF32 : Scalar::kI32;
        if (lanes * terms == 1) continue;
        expect_combined(
            scalar, {lanes * terms, lanes * terms, lanes}, Type{acc, static_cast<uint16_t>(lanes)},
            [&](KernelMaker &m, const Values &v) {
              const ExprId sum = m.b.cast(Type{acc, static_cast<uint16_t>(lanes)}, v[2]);
              return m.kernel.intern(Dot{sum, v[0], v[1]});
            },
            std::to_string(terms) + " terms into " + std::to_string(lanes) + " " + std::string(name_of(scalar)));
        if (HasFatalFailure()) return;
      }
}

} // namespace
} // namespace sparkle::test
