// The commands of filetests, one function each; the table is filetest_handlers.cpp. To add one: declare it here, define
// it in a file beside, add a row, and link what it needs in tests/tools/CMakeLists.txt.
#pragma once

#include "compiler/ir/parser.h"
#include "compiler/target/target_info.h"
#include "tests/tools/filetest.h"

namespace sparkle {

// filetest_ir.cpp
/// The kernel or program of the test; with `verified`, violations become diagnostics at their places in the file.
Result<ParsedIr> parse_filetest(const Filetest &test, Diagnostics &diagnostics, bool verified);
/// Prints a parsed kernel or program as it was given.
std::string print_parsed(const ParsedIr &parsed);

/// `print`: parses and prints; the verifier is not asked.
Result<std::string> filetest_print(const Filetest &test, Diagnostics &diagnostics);
/// `verify`: the same, and the verifier must agree.
Result<std::string> filetest_verify(const Filetest &test, Diagnostics &diagnostics);
/// `clone`: what a Rewriter without hooks makes of each kernel.
Result<std::string> filetest_clone(const Filetest &test, Diagnostics &diagnostics);

// filetest_cleanup.cpp
/// `simplify`, `simplify{keep_grid}`.
Result<std::string> filetest_simplify(const Filetest &test, Diagnostics &diagnostics);
/// `expand`.
Result<std::string> filetest_expand(const Filetest &test, Diagnostics &diagnostics);
/// `hoist`, `hoist{statements}`, `hoist{expressions}`.
Result<std::string> filetest_hoist(const Filetest &test, Diagnostics &diagnostics);
/// `flatten`, `flatten{wide_indices}`.
Result<std::string> filetest_flatten(const Filetest &test, Diagnostics &diagnostics);

// filetest_interpret.cpp
/// `interpret`: runs on small whole numbers and prints the outputs, row by row; `symbols: 3` gives every symbol.
Result<std::string> filetest_interpret(const Filetest &test, Diagnostics &diagnostics);

// filetest_lanes.cpp: with `target-info`, a machine of targets/fixtures
/// The machine of header `target-info`.
Result<TargetInfo> filetest_machine(const Filetest &test);
/// `vectorize`.
Result<std::string> filetest_vectorize(const Filetest &test, Diagnostics &diagnostics);
/// `unroll`, `unroll{4096}`: with that budget in bytes instead of the machine's.
Result<std::string> filetest_unroll(const Filetest &test, Diagnostics &diagnostics);
/// `prefetch{prefetch wei at ic.0 distance 4 cache 1}`: the hint as in a schedule.
Result<std::string> filetest_prefetch(const Filetest &test, Diagnostics &diagnostics);
/// `stream{store streaming}`.
Result<std::string> filetest_stream(const Filetest &test, Diagnostics &diagnostics);

// filetest_tiling.cpp: with `target-info`, and the schedule in the lines below `; schedule:` that start with `;  `
/// `place`, on a program.
Result<std::string> filetest_place(const Filetest &test, Diagnostics &diagnostics);
/// `layout`, on a program.
Result<std::string> filetest_layout(const Filetest &test, Diagnostics &diagnostics);
/// `split_reduction`, on a program.
Result<std::string> filetest_split_reduction(const Filetest &test, Diagnostics &diagnostics);
/// `tile`.
Result<std::string> filetest_tile(const Filetest &test, Diagnostics &diagnostics);
/// `pack`; an imported kernel is tiled first.
Result<std::string> filetest_pack(const Filetest &test, Diagnostics &diagnostics);
/// `partition`; an imported kernel goes through `tile` and `pack` first.
Result<std::string> filetest_partition(const Filetest &test, Diagnostics &diagnostics);
/// `overlap`; an imported kernel goes through the passes before it first.
Result<std::string> filetest_overlap(const Filetest &test, Diagnostics &diagnostics);
/// `merge`, on a program; imported kernels go through `place` and the passes before `merge` first.
Result<std::string> filetest_merge(const Filetest &test, Diagnostics &diagnostics);

// filetest_vulkan.cpp
/// `vulkan`: the GLSL of a program's kernels; it must also compile.
Result<std::string> filetest_vulkan(const Filetest &test, Diagnostics &diagnostics);

// filetest_x86.cpp
/// `x86{verify}`, `x86{propagate_copies}`, `x86{fold_loads}`, `x86{remove_dead}`, `x86{share_results}`,
/// `x86{optimize}`: flat code after the step; `x86{allocate}`: with the machine's registers.
Result<std::string> filetest_x86(const Filetest &test, Diagnostics &diagnostics);

} // namespace sparkle
