#include "compiler/ir/rewriter.h"

#include <gtest/gtest.h>

#include "compiler/ir/parser.h"
#include "compiler/ir/printer.h"
#include "compiler/ir/verifier.h"

namespace sparkle {
namespace {

Kernel parsed(std::string text) {
  const Source source("test", std::move(text));
  Diagnostics diagnostics;
  auto kernel = parse_kernel(source, diagnostics);
  EXPECT_TRUE(kernel) << render_text(diagnostics, source);
  return std::move(kernel.value());
}

constexpr const char *kLoop = R"(kernel @k stage tiled {
  buffer @a: f32[8, 4] far inout
  buffer @garbage: f32[8] far input
  for %i.0 in 0..8 {
    for.unrolled %j in 0..4 {
      %x: f32 = load @a[%i.0, %j]
      %y: f32 = %x + 1.0
      store @a[%i.0, %j] = %y
    }
  }
})";

TEST(IrRewriter, CopiesWhatIsUsed) {
  const Kernel in = parsed(kLoop);
  const Kernel out = Rewriter(in).run();
  std::string expected = print(in);
  expected.erase(expected.find("  buffer @garbage"), std::string("  buffer @garbage: f32[8] far input\n").size());
  EXPECT_EQ(print(out), expected);
  EXPECT_EQ(out.range(out.body), in.range(in.body));
}

TEST(IrRewriter, ClonesABodyTwice) {
  const Kernel in = parsed(kLoop);
  Rewriter rw(in);
  rw.on_stmt = [&](StmtId id) -> std::optional<StmtId> {
    const auto *loop = std::get_if<For>(&in.stmt(id));
    if (!loop || loop->kind != LoopKind::kUnrolled) return std::nullopt;
    const StmtId first = rw.clone(id);
    const StmtId second = rw.clone(id);
    return rw.build().block({first, second});
  };
  const Kernel out = rw.run();
  EXPECT_TRUE(verify(out)) << verify(out).error().text;
  EXPECT_EQ(print(out), R"(kernel @k stage tiled {
  buffer @a: f32[8, 4] far inout
  for %i.0 in 0..8 {
    for.unrolled %j in 0..4 {
      %x: f32 = load @a[%i.0, %j]
      %y: f32 = %x + 1.0
      store @a[%i.0, %j] = %y
    }
    for.unrolled %j_2 in 0..4 {
      %x_2: f32 = load @a[%i.0, %j_2]
      %y_2: f32 = %x_2 + 1.0
      store @a[%i.0, %j_2] = %y_2
    }
  }
}
)");
}

TEST(IrRewriter, UnrollsBySubstitution) {
  const Kernel in = parsed(kLoop);
  Rewriter rw(in);
  rw.on_stmt = [&](StmtId id) -> std::optional<StmtId> {
    const auto *loop = std::get_if<For>(&in.stmt(id));
    if (!loop || loop->kind != LoopKind::kUnrolled) return std::nullopt;
    std::vector<StmtId> copies;
    for (int64_t i = 0; i < 4; ++i) {
      rw.substitute(loop->var, rw.build().index(i));
      copies.push_back(rw.stmt(loop->body));
    }
    return rw.build().block(std::move(copies));
  };
  const Kernel out = rw.run();
  EXPECT_TRUE(verify(out)) << verify(out).error().text;
  EXPECT_NE(print(out).find("store @a[%i.0, 3] = %y_4"), std::string::npos) << print(out);
}

TEST(IrRewriter, VariablesGetTheTypeAskedFor) {
  const Kernel in = parsed(kLoop);
  Rewriter rw(in);
  rw.on_stmt = [&](StmtId id) -> std::optional<StmtId> {
    const auto *load = std::get_if<Load>(&in.stmt(id));
    if (!load) return std::nullopt;
    Load wide{kNoId<VarId>, rw.buffer(load->buffer), rw.exprs(load->indices)};
    wide.var = rw.bind(load->var, kF32Type.with_lanes(4));
    return rw.out().add_stmt(std::move(wide));
  };
  const Kernel out = rw.run();
  EXPECT_NE(print(out).find("%y: f32x4 = %x + broadcast(1.0, 4)"), std::string::npos) << print(out);
}

TEST(IrRewriter, ReductionsGetFreshAxes) {
  const Kernel in = parsed(R"(kernel @k stage imported {
  buffer @a: f32[8, 4] far input
  buffer @b: f32[8] far output
  for %i in 0..8 {
    store @b[%i] = sum[%k in 0..4](@a[%i, %k])
  }
})");
  const Kernel out = Rewriter(in).run();
  EXPECT_NE(print(out).find("store @b[%i] = sum[%k in 0..4](@a[%i, %k])"), std::string::npos) << print(out);
  EXPECT_TRUE(verify(out)) << verify(out).error().text;
}

} // namespace
} // namespace sparkle
