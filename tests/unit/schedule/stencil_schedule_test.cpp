// What the cost model chooses for stencils of bytes in two passes: the first one placed at tiles of rows of the second
// one, lanes along the rows, over the colours of pixels where those lie together. Schedules of whole programs, on file.
#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "compiler/ir/parser.h"
#include "compiler/pipeline/pipeline.h"
#include "tests/unit/machines.h"

namespace sparkle {
namespace {

struct Stencil {
  const char *name;
  const char *text;
};
std::ostream &operator<<(std::ostream &out, const Stencil &stencil) { return out << stencil.name; }

const Stencil kStencils[] = {
    {"blur_of_bytes", R"(program @blur {
  tensor src: u8[3, 2160, 3840] input align 1
  tensor dst: u8[3, 2160, 3840] output align 1
  tensor rows: i32[3, 2164, 3840] workspace
  kernel @rows stage imported {
    buffer @rows: i32[3, 2164, 3840] far workspace = tensor rows
    buffer @src: u8[3, 2160, 3840] far input = tensor src align 1
    for %c in 0..3 { for %y in -2..2162 { for %x in 0..3840 {
      store @rows[%c, %y + 2, %x] = sum[%i in 0..5](select(%i < 2, select(%i < 1, 1:i32, 4:i32),
          select(%i < 3, 6:i32, select(%i < 4, 4:i32, 1:i32))) *
          i32(@src[%c, min(max(%y, -1 - %y), 4319 - max(%y, -1 - %y)),
                   min(max(%i + %x - 2, 1 - %i - %x), 7679 - max(%i + %x - 2, 1 - %i - %x))]))
    } } }
  }
  kernel @dst stage imported {
    buffer @dst: u8[3, 2160, 3840] far output = tensor dst align 1
    buffer @rows: i32[3, 2164, 3840] far workspace = tensor rows
    for %c in 0..3 { for %y in 0..2160 { for %x in 0..3840 {
      store @dst[%c, %y, %x] = u8((sum[%i in 0..5](select(%i < 2, select(%i < 1, 1:i32, 4:i32),
          select(%i < 3, 6:i32, select(%i < 4, 4:i32, 1:i32))) * @rows[%c, %y + %i, %x]) + 128:i32) / 256:i32)
    } } }
  }
})"},
    {"blur_of_colours", R"(program @blur {
  tensor src: u8[1080, 1920, 3] input align 1
  tensor dst: u8[1080, 1920, 3] output align 1
  tensor bx: f32[1084, 1920, 3] workspace
  kernel @bx stage imported {
    buffer @bx: f32[1084, 1920, 3] far workspace = tensor bx
    buffer @src: u8[1080, 1920, 3] far input = tensor src align 1
    for %y in -2..1082 { for %x in 0..1920 { for %c in 0..3 {
      store @bx[%y + 2, %x, %c] = sum[%i in 0..5](select(%i < 2, select(%i < 1, 0.0625, 0.25),
          select(%i < 3, 0.375, select(%i < 4, 0.25, 0.0625))) *
          f32(@src[max(min(%y, 1079), 0), max(min(%i + %x - 2, 1919), 0), %c]))
    } } }
  }
  kernel @dst stage imported {
    buffer @dst: u8[1080, 1920, 3] far output = tensor dst align 1
    buffer @bx: f32[1084, 1920, 3] far workspace = tensor bx
    for %y in 0..1080 { for %x in 0..1920 { for %c in 0..3 {
      store @dst[%y, %x, %c] = u8(round(sum[%i in 0..5](select(%i < 2, select(%i < 1, 0.0625, 0.25),
          select(%i < 3, 0.375, select(%i < 4, 0.25, 0.0625))) * @bx[%y + %i, %x, %c])))
    } } }
  }
})"},
    // Rows of the middle lie whole ways of the nearest cache apart: `skew`.
    {"blur_of_ways", R"(program @blur {
  tensor src: f32[1080, 1024] input
  tensor dst: f32[1080, 1024] output
  tensor bx: f32[1084, 1024] workspace
  kernel @bx stage imported {
    buffer @bx: f32[1084, 1024] far workspace = tensor bx
    buffer @src: f32[1080, 1024] far input = tensor src
    for %y in -2..1082 { for %x in 0..1024 {
      store @bx[%y + 2, %x] = sum[%i in 0..5](select(%i == 2, 0.5, 0.125) *
          @src[max(min(%y, 1079), 0), max(min(%i + %x - 2, 1023), 0)])
    } }
  }
  kernel @dst stage imported {
    buffer @dst: f32[1080, 1024] far output = tensor dst
    buffer @bx: f32[1084, 1024] far workspace = tensor bx
    for %y in 0..1080 { for %x in 0..1024 {
      store @dst[%y, %x] = sum[%i in 0..5](select(%i == 2, 0.5, 0.125) * @bx[%y + %i, %x])
    } }
  }
})"},
};

class StencilSchedule : public testing::TestWithParam<std::tuple<Stencil, const char *>> {};

TEST_P(StencilSchedule, IsTheOneOnFile) {
  const auto &[stencil, machine] = GetParam();
  const Source source(stencil.name, stencil.text);
  Diagnostics diagnostics;
  const auto parsed = parse_ir(source, diagnostics);
  ASSERT_TRUE(parsed) << render_text(diagnostics, source);
  PipelineReport report;
  const auto lowered = run_pipeline(parsed->program, {}, test::machine(machine), &report);
  ASSERT_TRUE(lowered) << lowered.error().text;
  EXPECT_EQ(lowered->kernels.size(), 1u);
  const std::string text = to_text(report.schedule);
  const std::string golden =
      std::string(SPARKLE_ROOT) + "/tests/filetests/schedules/" + stencil.name + "_" + machine + ".schedule";
  if (std::getenv("SPARKLE_BLESS")) std::ofstream(golden) << text;
  EXPECT_EQ(text, test::read_text(golden)) << "SPARKLE_BLESS=1 renews " << golden;
}

INSTANTIATE_TEST_SUITE_P(Machines, StencilSchedule,
                         testing::Combine(testing::ValuesIn(kStencils), testing::Values("cascadelake", "avx2", "spr")));

} // namespace
} // namespace sparkle
