// Decides by intervals what a kernel computes again and again, and removes it.
//   before:  for.group g in 0..1 { for i in 0..14 { if g*14 + i < 56 { %x = load src[(i*64 + c)/64 ...] } } }
//   after:   for i in 0..14 { %x = load src[i ...] }                                        (0 <= c < 64)
// Decided comparisons, min, max, select, / and % go (rules: simplify_expr.h); so do conjuncts of guards that are
// proven, loops that never or once run (a group, team or worker loop when its extent is 1), branches never taken, Lets
// and Loads that nothing uses, and local buffers that nothing reads, with what is stored to them. Index arithmetic gets
// its normal form. Works at every stage and keeps it. Idempotent. Keeps: results bit-identical. Pinned by
// filetests/passes/simplify/ and, rule by rule, by tests/unit/passes/simplify_expr_test.cpp.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct SimplifyOptions {
  /// Keep group, team and worker loops of extent 1.
  bool keep_grid = false;
  /// Leave nodes that nothing refers to any more: for callers that rewrite the kernel again anyway.
  bool keep_garbage = false;
  /// Only these statements with all inside them, the rest being simple already; empty: everything.
  std::vector<StmtId> within = {};
};

Result<Kernel> simplify(const Kernel &in, const SimplifyOptions &options, const TargetInfo &info);

} // namespace sparkle
