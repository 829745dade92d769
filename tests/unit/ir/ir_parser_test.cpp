#include "compiler/ir/parser.h"

#include <gtest/gtest.h>

#include <random>

#include "compiler/ir/builder.h"
#include "compiler/ir/printer.h"
#include "compiler/ir/verifier.h"

namespace sparkle {
namespace {

constexpr const char *kText = R"(program @p {
  symbol N >= 1
  tensor src: f32[N, 64] input align 64
  tensor dst: f32[N] output
  flops 128 executed 127
  kernel @k stage tiled index 32 strict {
    symbol %N = N
    buffer @src: f32[%N, 64] far input = tensor src align 64
    buffer @dst: f32[%N] far output = tensor dst
    buffer @acc: f32[2] register local align 64
    for.group %n.0 in 0..%N {
      alloc @acc
      store @acc[0] = 0.0
      for %c in 0 .. min(%n.0 + 3, 64) {
        %x: f32 = load @src[%n.0, %c] if %c % 2 == 1 else -1.5
        %a: f32 = load @acc[0]
        store @acc[0] = fma(%x, %x, %a)
      }
      %s: f32 = load @acc[0]
      store @dst[%n.0] = select(0.0 < %s, %s, 0.0)
    }
  }
}
)";

/// Prints whatever parses and checks that it reads back as itself.
void expect_sane(const std::string &text) {
  Diagnostics diagnostics;
  const Source source("fuzz", text);
  const auto parsed = parse_ir(source, diagnostics);
  ASSERT_EQ(!parsed, diagnostics.has_errors());
  if (!parsed) {
    EXPECT_FALSE(render_text(diagnostics, source).empty());
    return;
  }
  const auto text_of = [](const ParsedIr &ir) {
    return ir.is_kernel ? print(ir.program.kernels.front()) : print(ir.program);
  };
  const std::string once = text_of(*parsed);
  Diagnostics again;
  const Source printed("printed", once);
  const auto reparsed = parse_ir(printed, again);
  ASSERT_TRUE(reparsed) << text << render_text(again, printed);
  EXPECT_EQ(text_of(*reparsed), once) << text;
  for (const Kernel &kernel : parsed->program.kernels) find_violations(kernel);
}

TEST(IrParser, RoundTrips) {
  Diagnostics diagnostics;
  const auto program = parse_program(Source("text", kText), diagnostics);
  ASSERT_TRUE(program) << render_text(diagnostics, Source("text", kText));
  std::string expected = kText;
  expected.replace(expected.find("0 .. min"), 8, "0..min"); // A call is not compound.
  EXPECT_EQ(print(*program), expected);
  const auto valid = verify(*program);
  EXPECT_TRUE(valid) << valid.error().text;
  const Kernel &kernel = program->kernels.front();
  EXPECT_EQ(kernel.index_bits, 32);
  EXPECT_TRUE(kernel.strict);
  const auto &loop = std::get<For>(kernel.stmt(kernel.body));
  EXPECT_EQ(kernel.var(loop.var).dim, "n");
  EXPECT_EQ(kernel.var(loop.var).split, 0);
  EXPECT_EQ(program->flops_executed, 127);
}

TEST(IrParser, RoundTripsOddNamesAndNumbers) {
  Kernel k;
  k.name = "a \"b\"\\\n";
  k.stage = Stage::kTiled;
  Builder b(k);
  Buffer buffer;
  buffer.name = "buf fer";
  buffer.role = Role::kOutput;
  buffer.extents = {b.index(4)};
  buffer.strides = {b.index(-3)};
  buffer.origin = "x.y";
  const BufferId out = k.add_buffer(buffer);
  const VarId loop = k.add_var({"", kIndexType, VarKind::kLoop, "d.i m", 7});
  const ExprId least = b.index(std::numeric_limits<int64_t>::min());
  const ExprId odd = k.intern(FloatConst{kF32Type, std::bit_cast<double>(0x7ff8000000000123ull)});
  const ExprId twice = k.intern(Unary{UnaryOp::kNeg, k.intern(Unary{UnaryOp::kNeg, b.real(kF32Type, -2.0)})});
  const ExprId sum = k.intern(Binary{BinaryOp::kSub, odd, k.intern(Binary{BinaryOp::kSub, twice, odd})});
  const StmtId store = b.store(out, {k.intern(Binary{BinaryOp::kMod, least, b.var(loop)})}, sum);
  k.body = b.loop(loop, 4, LoopKind::kSerial, store);
  const std::string text = print(k);
  EXPECT_NE(text.find("nan(0x7ff8000000000123) - (--(-2.0) - nan"), std::string::npos) << text;
  Diagnostics diagnostics;
  const auto parsed = parse_kernel(Source("text", text), diagnostics);
  ASSERT_TRUE(parsed) << render_text(diagnostics, Source("text", text));
  EXPECT_EQ(print(*parsed), text);
  EXPECT_EQ(parsed->var(std::get<For>(parsed->stmt(parsed->body)).var).dim, "d.i m");
}

TEST(IrParser, RefusesWhatIsTooDeep) {
  const auto code_of = [](const std::string &expr) {
    Diagnostics diagnostics;
    const std::string text =
        "kernel @k stage tiled {\n  buffer @a: f32[1] far output\n  store @a[0] = " + expr + "\n}\n";
    const auto parsed = parse_kernel(Source("deep", text), diagnostics);
    return parsed ? std::string("fine") : diagnostics.list().front().code;
  };
  EXPECT_EQ(code_of(std::string(100000, '(')), "ir-limit");
  EXPECT_EQ(code_of(std::string(100000, '-') + "1.0"), "ir-limit");
  std::string chain = "1.0";
  for (int i = 0; i < 1000; ++i) chain += " + 1.0";
  EXPECT_EQ(code_of(chain), "fine");
  for (int i = 0; i < 100000; ++i) chain += " + 1.0";
  EXPECT_EQ(code_of(chain), "ir-limit");
}

TEST(IrParser, SurvivesDamage) {
  const std::string text = kText;
  for (size_t cut = 0; cut < text.size(); cut += 3) expect_sane(text.substr(0, cut));
  std::mt19937 random(7);
  const std::string pieces = "%@#(){}[]<>=+-*/.,:;\"\\ \n\t09afnx_\xff";
  for (int i = 0; i < 4000; ++i) {
    std::string damaged = text;
    for (int j = 0; j < 1 + i % 3; ++j) {
      const size_t at = random() % damaged.size();
      switch (random() % 3) {
      case 0: damaged[at] = pieces[random() % pieces.size()]; break;
      case 1: damaged.erase(at, 1 + random() % 20); break;
      default: damaged.insert(at, damaged.substr(random() % damaged.size(), random() % 30)); break;
      }
      if (damaged.empty()) break;
    }
    ASSERT_NO_FATAL_FAILURE(expect_sane(damaged));
  }
}

} // namespace
} // namespace sparkle
