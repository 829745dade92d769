#include "targets/x86/deferral.h"

#include <gtest/gtest.h>

#include "compiler/ir/parser.h"

namespace sparkle::x86 {
namespace {

std::string reason_for(const std::string &element, const std::string &body) {
  const std::string text = R"(program @p {
  tensor a: )" + element + R"([4096] input
  tensor c: i32[4096] output
  flops 1 executed 1
  kernel @c stage lowerable index 32 {
    buffer @a: )" + element +
                           R"([4096] far input = tensor a
    buffer @c: i32[4096] far output = tensor c
    for.group %m in 0..4 {
)" + body + R"(    }
  }
})";
  const Source source("deferral.ir", text);
  Diagnostics diagnostics;
  const Result<Program> program = parse_program(source, diagnostics);
  return program ? reason_to_defer(*program) : program.error().text;
}

const std::string kLoads = R"(      %x: u8x16 = load @a[ramp(%m * 1024, 1, 16)]
      %y: u8x16 = load @a[ramp(%m * 1024 + 16, 1, 16)]
)";

TEST(X86Deferral, BytesWithConstantWeightsAreForOthers) {
  EXPECT_NE(reason_for("u8", kLoads + "      store @c[ramp(%m * 1024, 1, 16)] = i32x16(%x) + i32x16(%y)\n")
                .find("kernel `c` adds up bytes"),
            std::string::npos);
  EXPECT_NE(reason_for("u8", kLoads + "      store @c[ramp(%m * 1024, 1, 16)] = i32x16(%x) * broadcast(3:i32, 16)\n"),
            "");
}

TEST(X86Deferral, ProductsOfWhatIsLoadedTakeMoreBits) {
  EXPECT_EQ(reason_for("u8", kLoads + "      store @c[ramp(%m * 1024, 1, 16)] = i32x16(%x) * i32x16(%y)\n"), "");
}

TEST(X86Deferral, OtherElementsStay) {
  EXPECT_EQ(reason_for("i32", R"(      %x: i32x16 = load @a[ramp(%m * 1024, 1, 16)]
      store @c[ramp(%m * 1024, 1, 16)] = %x + %x
)"),
            "");
  EXPECT_EQ(reason_for("f32", R"(      %x: f32x16 = load @a[ramp(%m * 1024, 1, 16)]
      store @c[ramp(%m * 1024, 1, 16)] = i32x16(%x)
)"),
            "");
}

} // namespace
} // namespace sparkle::x86
