#include "compiler/analysis/walk.h"

#include <set>

#include <gtest/gtest.h>

#include "compiler/analysis/grid.h"
#include "compiler/analysis/index_width.h"
#include "compiler/ir/parser.h"
#include "compiler/ir/printer.h"

namespace sparkle {
namespace {

constexpr const char *kTiled = R"(kernel @k stage tiled {
  buffer @src: f32[64, 64] far input = tensor #0
  buffer @dst: f32[64, 64] far output = tensor #1
  buffer @near: f32[64] near local
  for.group %g in 0..4 {
    for.group %h in 0..5 {
      alloc @near
      for.team %t in 0..2 {
        for.worker %u in 0..3 {
          for.worker %w in 0..8 {
            copy[%i in 0..64] @near[%i] = @src[%g, %i]
            barrier.group
            for %k in 0..16 {
              %p: index = %g * 16 + %k
              %x: f32 = load @near[%p]
              if %x < 1.0 { store @dst[%g, %p] = %x + %x }
            }
          }
        }
      }
    }
  }
}
)";

class Walk : public testing::Test {
protected:
  void SetUp() override {
    Diagnostics diagnostics;
    Result<Kernel> parsed = parse_kernel(Source("walk.ir", kTiled), diagnostics);
    ASSERT_TRUE(parsed) << parsed.error().text;
    kernel = std::move(*parsed);
  }
  template <class Node> StmtId first() {
    StmtId found = kNoId<StmtId>;
    for_each_stmt(kernel, kernel.body, [&](StmtId id) {
      if (!is_valid(found) && std::holds_alternative<Node>(kernel.stmt(id))) found = id;
    });
    return found;
  }
  VarId var(const std::string &name) {
    for (uint32_t i = 0; i < kernel.var_count(); ++i)
      if (kernel.var(static_cast<VarId>(i)).name == name) return static_cast<VarId>(i);
    return kNoId<VarId>;
  }
  Kernel kernel;
};

TEST_F(Walk, visits_every_statement_outer_first) {
  std::vector<std::string> loops;
  for_each_stmt(kernel, kernel.body, [&](StmtId id) {
    if (auto *loop = std::get_if<For>(&kernel.stmt(id))) loops.push_back(kernel.var(loop->var).name);
  });
  EXPECT_EQ(loops, (std::vector<std::string>{"g", "h", "t", "u", "w", "k"}));
  EXPECT_TRUE(is_valid(first<Store>()));
}

TEST_F(Walk, visits_shared_operands_once) {
  int visits = 0;
  ExprId value = std::get<Store>(kernel.stmt(first<Store>())).value;
  for_each_expr(kernel, value, [&](ExprId) { ++visits; });
  EXPECT_EQ(visits, 2); // %x + %x and %x
}

TEST_F(Walk, tells_which_variables_are_used_and_bound) {
  StmtId let = first<Let>();
  EXPECT_EQ(vars_used_by(kernel, let), (VarSet{var("g"), var("k")}));
  EXPECT_TRUE(stmt_uses_var(kernel, kernel.body, var("x")));
  EXPECT_FALSE(stmt_uses_var(kernel, let, var("x")));
  EXPECT_TRUE(uses_var(kernel, std::get<Let>(kernel.stmt(let)).value, var("k")));
  EXPECT_EQ(vars_bound_by(kernel, first<Copy>()), VarSet{var("i")});
  EXPECT_EQ(vars_bound_by(kernel, kernel.body).size(), 9u);
}

TEST_F(Walk, tells_which_buffers_are_read_and_written) {
  auto names = [&](const BufferSet &ids) {
    std::set<std::string> out;
    for (BufferId id : ids) out.insert(kernel.buffer(id).name);
    return out;
  };
  EXPECT_EQ(names(buffers_read_by(kernel, kernel.body)), (std::set<std::string>{"near", "src"}));
  EXPECT_EQ(names(buffers_written_by(kernel, kernel.body)), (std::set<std::string>{"dst", "near"}));
  EXPECT_EQ(names(buffers_written_by(kernel, first<Copy>())), std::set<std::string>{"near"});
}

TEST_F(Walk, finds_the_loops_around_a_statement) {
  EXPECT_EQ(loops_around(kernel, first<Store>()).size(), 6u);
  EXPECT_EQ(loops_around(kernel, first<Copy>()).size(), 5u);
  EXPECT_TRUE(loops_around(kernel, kNoId<StmtId>).empty());
}

TEST_F(Walk, finds_the_grid) {
  Grid grid = grid_of(kernel);
  EXPECT_EQ(group_count(grid), 20);
  EXPECT_EQ(team_count(grid), 2);
  EXPECT_EQ(worker_count(grid), 48);
  Builder b(kernel);
  EXPECT_EQ(print_expr(kernel, worker_number(b, grid)), "(%t * 3 + %u) * 8 + %w");
  EXPECT_EQ(print_expr(kernel, group_number(b, grid)), "%g * 5 + %h");
  EXPECT_EQ(loops_around(kernel, first<Copy>()).back(), grid.workers.back().stmt);
}

TEST_F(Walk, ranges_at_a_statement_hold_what_is_around_it) {
  Ranges ranges = ranges_at(kernel, first<Store>());
  EXPECT_EQ(ranges.interval(kernel, var("p")), (Interval{0, 63}));
  EXPECT_EQ(ranges.interval(kernel, var("k")), (Interval{0, 15}));
  EXPECT_EQ(ranges_at(kernel, first<Copy>()).interval(kernel, var("k")), Interval{});
}

TEST_F(Walk, index_width) {
  EXPECT_TRUE(fits_in_32_bits(kernel));
  Builder b(kernel);
  BufferId big = std::get<Store>(kernel.stmt(first<Store>())).buffer;
  kernel.buffer(big).extents = {b.index(1 << 20), b.index(1 << 10)};
  EXPECT_TRUE(fits_in_32_bits(kernel)); // Rows still overlap: strides are as they were.
  kernel.buffer(big).strides = {b.index(1 << 10), b.index(1)};
  EXPECT_FALSE(fits_in_32_bits(kernel));
}

} // namespace
} // namespace sparkle
