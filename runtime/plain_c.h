// Plain C (targets/c) through a C compiler of this machine: what a program costs when it is written down as it stands.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/executable.h"

namespace sparkle {

struct CCompiler {
  std::string path; ///< `/usr/bin/clang-19`.
  std::string name; ///< What it was found as: `clang-19`.
};

/// The first of clang-19, clang-14, clang, cc in the folders of PATH. kNoDevice: none is there.
Result<CCompiler> find_c_compiler();

/// Emits `imported`, compiles it with `compiler path [flags] -std=c99 -fPIC -shared` in a folder of its own that is
/// gone afterwards, and opens the result. Runs on the CPU, each definition on one thread. Errors: of the emitter; kIo:
/// no such folder can be made where temporary files go (TMPDIR); kUnsupported: the compiler refuses, with the first
/// lines of what it said.
Result<std::shared_ptr<const Executable>> compile_plain_c(const Program &imported,
                                                          const std::shared_ptr<Machine> &machine,
                                                          const CCompiler &compiler,
                                                          const std::vector<std::string> &flags);

} // namespace sparkle
