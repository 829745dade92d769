// Loads and stores of every layout, type and number of lanes, masked and not, on memory between forbidden pages.
#include "tests/unit/targets/x86/x86_values.h"

namespace sparkle::test {
namespace {

constexpr Scalar kAll[] = {Scalar::kF32, Scalar::kI32, Scalar::kF16, Scalar::kBF16,
                           Scalar::kI8,  Scalar::kU8,  Scalar::kBool};

/// What a test says of one load and one store.
struct Accesses {
  Scalar scalar;
  int lanes;
  int64_t elements = 0;               ///< Of the tensor loaded from, and of that stored to.
  bool gives_element_numbers = false; ///< By a tensor, as i32.
  bool has_mask = false;              ///< By a tensor of bool.
  bool zero_other = true;             ///< Of masked loads.
  int index_bits = 64;
  bool scatters = false; ///< The index is that of the store, too; else it stores side by side.
};

class AccessTest : public ::testing::Test {
protected:
  /// `index(b, numbers)`: the element numbers of the lanes; `numbers`: those of the tensor.
  template <class MakeIndex>
  void check(const Accesses &a, const std::vector<int32_t> &numbers, const std::vector<bool> &mask, MakeIndex &&index,
             const std::string &what) {
    KernelMaker m;
    m.kernel.index_bits = a.index_bits;
    Builder &b = m.b;
    const auto lanes = static_cast<uint16_t>(a.lanes);
    const ExprId side_by_side = a.lanes == 1 ? b.index(0) : b.ramp(b.index(0), 1, a.lanes);
    const BufferId from = m.tensor("from", a.scalar, a.elements, Role::kInput);
    const BufferId at = m.tensor("at", Scalar::kI32, a.lanes, Role::kInput);
    const BufferId active = m.tensor("active", Scalar::kBool, a.lanes, Role::kInput);
    const BufferId to = m.tensor("to", a.scalar, a.scatters ? a.elements : a.lanes, Role::kInout);
    const VarId number = b.value_var("number", kI32Type.with_lanes(a.lanes));
    const VarId is_active = b.value_var("is_active", kBoolType.with_lanes(a.lanes));
    const VarId value = b.value_var("value", Type{a.scalar, lanes});
    const ExprId none = kNoId<ExprId>;
    const ExprId where = index(b, b.cast(kIndexType.with_lanes(a.lanes), b.var(number)));
    const ExprId bits = a.has_mask ? b.var(is_active) : none;
    const Type one{a.scalar, 1};
    const double rest = a.zero_other ? 0 : 1;
    const ExprId other = is_float(a.scalar) ? b.real(one, rest) : b.integer(one, static_cast<int64_t>(rest));
    const ExprId others = a.lanes == 1 ? other : b.broadcast(other, a.lanes);
    std::vector<StmtId> stmts{m.load(number, at, side_by_side), m.load(is_active, active, side_by_side)};
    stmts.push_back(a.scatters ? m.load(value, from, side_by_side, bits, a.has_mask ? others : none)
                               : m.load(value, from, where, bits, a.has_mask ? others : none));
    stmts.push_back(b.store(to, {a.scatters ? where : side_by_side}, b.var(value), a.scatters ? bits : none));

    Memory memory;
    memory[0] = elements(a.scalar, static_cast<size_t>(a.elements), 5);
    std::vector<int32_t> own = numbers;
    own.resize(static_cast<size_t>(a.lanes), 0);
    memory[1] = bytes_from(own);
    memory[2].assign(static_cast<size_t>(a.lanes), std::byte{1});
    for (size_t i = 0; i < mask.size() && i < memory[2].size(); ++i) memory[2][i] = std::byte{mask[i]};
    const int64_t stored = a.scatters ? a.elements : a.lanes;
    memory[3].assign(static_cast<size_t>(stored * bytes_of(a.scalar)), std::byte{0x01});
    expect_as_interpreted(m.finish(b.block(stmts)), memory,
                          what + " of " + std::to_string(a.lanes) + " " + std::string(name_of(a.scalar)) +
                              (a.has_mask ? " masked" : "") + " " + std::to_string(a.index_bits));
  }

  static ExprId ramp(Builder &b, int64_t first, int64_t stride, int lanes) {
    return lanes == 1 ? b.index(first) : b.ramp(b.index(first), stride, lanes);
  }
};

std::vector<bool> pattern(int lanes, uint32_t bits) {
  std::vector<bool> out;
  for (int i = 0; i < lanes; ++i) out.push_back((bits >> (i % 32) & 1) != 0);
  return out;
}

TEST_F(AccessTest, Neighbours) {
  for (Scalar scalar : kAll)
    for (int lanes : kLaneCounts) {
      Accesses a{scalar, lanes, lanes + 3};
      for (int64_t first : {0, 3})
        check(
            a, {}, {}, [&](Builder &b, ExprId) { return ramp(b, first, 1, lanes); }, "neighbours");
      a.scatters = true;
      for (int64_t first : {0, 3})
        check(
            a, {}, {}, [&](Builder &b, ExprId) { return ramp(b, first, 1, lanes); }, "stores of neighbours");
      if (HasFatalFailure()) return;
    }
}

TEST_F(AccessTest, MaskedNeighbours) {
  for (Scalar scalar : kAll)
    for (int lanes : kLaneCounts)
      for (uint32_t bits : {0u, 0xFFFFFFFFu, 0x5A5AC3C3u, 0x80000001u})
        for (bool zero : {true, false}) {
          Accesses a{scalar, lanes, lanes};
          a.has_mask = true;
          a.zero_other = zero;
          const auto index = [&](Builder &b, ExprId) { return ramp(b, 0, 1, lanes); };
          check(a, {}, pattern(lanes, bits), index, "neighbours");
          a.scatters = true;
          if (!zero) check(a, {}, pattern(lanes, bits), index, "stores of neighbours");
          if (HasFatalFailure()) return;
        }
}

/// Lanes beyond the end of a tensor are masked off and not touched.
TEST_F(AccessTest, TailsBeyondTheTensor) {
  for (Scalar scalar : kAll)
    for (int lanes : kLaneCounts)
      for (int count : {1, lanes / 2, lanes - 1}) {
        if (count < 1 || count > lanes) continue;
        KernelMaker m;
        Builder &b = m.b;
        m.kernel.index_bits = count % 2 == 0 ? 32 : 64;
        const BufferId from = m.tensor("from", scalar, count, Role::kInput);
        const BufferId to = m.tensor("to", scalar, count, Role::kOutput);
        const VarId n = b.loop_var("n");
        const VarId value = b.value_var("value", Type{scalar, static_cast<uint16_t>(lanes)});
        const ExprId at = ramp(b, 0, 1, lanes);
        const ExprId limit = b.add(b.var(n), b.index(count));
        const ExprId mask = b.less(at, lanes == 1 ? limit : b.broadcast(limit, lanes));
        const Type type{scalar, static_cast<uint16_t>(lanes)};
        const ExprId other = is_float(scalar) ? b.real(type, 0) : b.integer(type, 0);
        const StmtId body = b.block({m.load(value, from, at, mask, other), b.store(to, {at}, b.var(value), mask)});
        Memory memory;
        memory[0] = elements(scalar, static_cast<size_t>(count), 11);
        memory[1].assign(memory[0].size(), std::byte{0x01});
        expect_as_interpreted(m.finish(b.loop(n, 1, LoopKind::kSerial, body)), memory,
                              "tail of " + std::to_string(count) + " in " + std::to_string(lanes) + " " +
                                  std::string(name_of(scalar)));
        if (HasFatalFailure()) return;
      }
}

/// Masks that are known where the kernel is compiled: lanes from `first` to before `last` lie in the tensor.
TEST_F(AccessTest, KnownMasks) {
  for (Scalar scalar : kAll)
    for (int lanes : {2, 5, 8, 16, 17, 32})
      for (int stride : {0, 1, 2, 3})
        for (auto [first, last] : {std::pair{0, lanes}, {1, lanes}, {0, lanes - 1}, {lanes / 2, lanes / 2}}) {
          Accesses a{scalar, lanes, std::max(stride * (last - first - 1) + 1, 1)};
          KernelMaker m;
          Builder &b = m.b;
          const BufferId from = m.tensor("from", scalar, a.elements, Role::kInput);
          const BufferId to = m.tensor("to", scalar, lanes, Role::kInout);
          const Type type{scalar, static_cast<uint16_t>(lanes)};
          const VarId value = b.value_var("value", type);
          const ExprId number = b.ramp(b.index(0), 1, lanes), at = b.ramp(b.index(-first * stride), stride, lanes);
          const auto all = [&](int64_t n) { return b.integer(kIndexType.with_lanes(lanes), n); };
          const ExprId mask = b.both(b.less_equal(all(first), number), b.less(number, all(last)));
          const ExprId other = is_float(scalar) ? b.real(type, 1) : b.integer(type, 1);
          const StmtId body = b.block({m.load(value, from, at, mask, other),
                                       b.store(to, {number}, b.var(value), b.unary(UnaryOp::kNot, mask)),
                                       b.store(to, {number}, b.var(value), b.less(number, all(last)))});
          Memory memory;
          memory[0] = elements(scalar, static_cast<size_t>(a.elements), 3);
          memory[1].assign(static_cast<size_t>(lanes * bytes_of(scalar)), std::byte{0x01});
          expect_as_interpreted(m.finish(body), memory,
                                std::to_string(first) + " to " + std::to_string(last) + " of " + std::to_string(lanes) +
                                    " " + std::string(name_of(scalar)) + " by " + std::to_string(stride));
          if (HasFatalFailure()) return;
        }
}

TEST_F(AccessTest, LanesAtConstantDistances) {
  for (Scalar scalar : kAll)
    for (int lanes : kLaneCounts)
      for (int stride : {0, 2, 3, 4, 7, -1, -2}) {
        Accesses a{scalar, lanes, std::abs(stride) * (lanes - 1) + 1};
        const int64_t first = stride < 0 ? -stride * (lanes - 1) : 0;
        const auto index = [&](Builder &b, ExprId) { return ramp(b, first, stride, lanes); };
        const std::string what = "distance " + std::to_string(stride);
        check(a, {}, {}, index, what);
        a.has_mask = true;
        check(a, {}, pattern(lanes, 0x5A5AC3C3), index, what);
        check(a, {}, pattern(lanes, 0), index, what);
        a.scatters = true;
        a.elements = std::max<int64_t>(a.elements, lanes);
        check(a, {}, pattern(lanes, 0x5A5AC3C3), index, "stores at " + what);
        a.has_mask = false;
        check(a, {}, {}, index, "stores at " + what);
        if (HasFatalFailure()) return;
      }
}

TEST_F(AccessTest, LanesInPairs) {
  for (Scalar scalar : kAll)
    for (int lanes : {4, 8, 12, 16, 17, 32})
      for (int64_t group : {2, 3}) {
        const Accesses a{scalar, lanes, lanes};
        const auto divided = [&](Builder &b, ExprId) {
          return b.div(b.ramp(b.index(0), 1, lanes), b.integer(kIndexType.with_lanes(lanes), group));
        };
        check(a, {}, {}, divided, "lanes in groups");
        const auto wrapped = [&](Builder &b, ExprId) {
          return b.mod(b.ramp(b.index(0), 1, lanes), b.integer(kIndexType.with_lanes(lanes), group + 2));
        };
        check(a, {}, {}, wrapped, "lanes that wrap");
        if (HasFatalFailure()) return;
      }
}

TEST_F(AccessTest, LanesAnywhere) {
  for (Scalar scalar : kAll)
    for (int lanes : kLaneCounts)
      for (int bits : {32, 64}) {
        Accesses a{scalar, lanes, 2 * lanes + 1};
        a.index_bits = bits;
        std::vector<int32_t> numbers;
        for (int i = 0; i < lanes; ++i) numbers.push_back((i * 7 + 2 * lanes) % (2 * lanes + 1));
        const auto same = [](Builder &, ExprId own) { return own; };
        check(a, numbers, {}, same, "anywhere");
        a.has_mask = true;
        a.zero_other = false;
        check(a, numbers, pattern(lanes, 0x5A5AC3C3), same, "anywhere");
        a.scatters = true;
        check(a, numbers, pattern(lanes, 0xA5A5C3C3), same, "stores anywhere");
        a.has_mask = false;
        check(a, numbers, {}, same, "stores anywhere");
        if (HasFatalFailure()) return;
      }
}

/// Of lanes that store to one element, the last one wins.
TEST_F(AccessTest, LanesThatMeet) {
  for (int lanes : {4, 16, 17}) {
    Accesses a{Scalar::kF32, lanes, lanes};
    a.scatters = true;
    a.index_bits = 32;
    std::vector<int32_t> numbers;
    for (int i = 0; i < lanes; ++i) numbers.push_back(i / 3);
    check(
        a, numbers, {}, [](Builder &, ExprId own) { return own; }, "stores that meet");
  }
}

TEST_F(AccessTest, IndexArithmeticOfLanes) {
  for (int bits : {32, 64})
    for (int lanes : {2, 5, 8, 16, 17}) {
      Accesses a{Scalar::kF32, lanes, 64};
      a.index_bits = bits;
      std::vector<int32_t> numbers;
      for (int i = 0; i < lanes; ++i) numbers.push_back((i * 37) % 128 - 40);
      const auto all = [&](Builder &b, int64_t n) { return b.integer(kIndexType.with_lanes(lanes), n); };
      const auto clamped = [&](Builder &b, ExprId own) { return b.max(b.min(own, all(b, 63)), all(b, 0)); };
      check(a, numbers, {}, clamped, "clamped");
      const auto wrapped = [&](Builder &b, ExprId own) { return b.mod(own, all(b, 64)); };
      check(a, numbers, {}, wrapped, "wrapped");
      const auto odd = [&](Builder &b, ExprId own) { return b.mod(b.mul(own, all(b, 3)), all(b, 61)); };
      check(a, numbers, {}, odd, "modulo 61");
      const auto halves = [&](Builder &b, ExprId own) { return b.add(b.div(own, all(b, 3)), all(b, 20)); };
      check(a, numbers, {}, halves, "thirds");
      const auto chosen = [&](Builder &b, ExprId own) {
        return b.select(b.less(own, all(b, 0)), b.unary(UnaryOp::kNeg, own), b.min(own, all(b, 63)));
      };
      check(a, numbers, {}, chosen, "mirrored");
      if (HasFatalFailure()) return;
    }
}

} // namespace
} // namespace sparkle::test
