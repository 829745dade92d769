// `bench --jit`, and what it shares with `bench --shapes`.
#pragma once

#include <string>
#include <vector>

#include "runtime/executable.h"
#include "runtime/shape_list.h"
#include "tools/sparklec/console.h"
#include "tools/sparklec/options.h"

namespace sparkle::cli {

/// Where `--json` says; nothing for an empty path.
Status write_bench_json(const std::string &path, const std::string &text, const Console &console);
/// Target, instruction set and schedule that all rows are compiled with.
Result<CompileOptions> bench_compile_options(const BenchCommand &command, Console &console);
/// The list that --shapes names, what --filter leaves of it. kInvalidInput: nothing.
Result<std::vector<ConvolutionShape>> read_bench_shapes(const BenchCommand &command);

Result<ExitCode> bench_jit(const BenchCommand &command, Console &console);

} // namespace sparkle::cli
