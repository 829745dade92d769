#include "tests/tools/filetest_handlers.h"

namespace sparkle {
namespace {

constexpr FiletestCommand kCommands[] = {
    // keep-sorted
    {"clone", filetest_clone},
    {"print", filetest_print},
    {"verify", filetest_verify},
};

} // namespace

std::span<const FiletestCommand> filetest_commands() { return kCommands; }

} // namespace sparkle
