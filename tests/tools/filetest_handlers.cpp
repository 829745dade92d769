#include "tests/tools/filetest_handlers.h"

namespace sparkle {
namespace {

// A row a command: docs/adding-a-pass.md shows one.
// clang-format off
constexpr FiletestCommand kCommands[] = {
    {"clone", filetest_clone},
    {"expand", filetest_expand},
    {"flatten", filetest_flatten},
    {"hoist", filetest_hoist},
    {"interpret", filetest_interpret},
    {"layout", filetest_layout},
    {"merge", filetest_merge},
    {"overlap", filetest_overlap},
    {"pack", filetest_pack},
    {"partition", filetest_partition},
    {"place", filetest_place},
    {"prefetch", filetest_prefetch},
    {"print", filetest_print},
    {"simplify", filetest_simplify},
    {"split_reduction", filetest_split_reduction},
    {"stream", filetest_stream},
    {"tile", filetest_tile},
    {"unroll", filetest_unroll},
    {"vectorize", filetest_vectorize},
    {"verify", filetest_verify},
#ifdef SPARKLE_HAS_VULKAN
    {"vulkan", filetest_vulkan},
#endif
#ifdef SPARKLE_HAS_X86
    {"x86", filetest_x86},
#endif
};
// clang-format on

} // namespace

std::span<const FiletestCommand> filetest_commands() { return kCommands; }

} // namespace sparkle
