// Verifier: what every kernel must satisfy, and what its stage promises (kernel.h, Stage).
//
// General
//  1 id           Ids refer to entries of the kernel; a statement stands in one place of the body alone.
//  2 name         Names of variables and buffers are unique; `dim` and `split` are those in the name (Variable::name).
//  3 index-bits   index_bits is 32 or 64.
//  4 stage        Every node may occur at the kernel's stage (nodes.def); loops of stage kImported are serial; there
//  are no
//                 lane loops from kVectorized on.
// Variables
//  5 bound-once   A variable is bound by one statement or expression alone, of the kind that it says (VarKind).
//  6 scope        A variable is used where its binding has been: below its loop, or behind its Let or Load in the same
//  block.
// Expressions
//  7 constant     Constants are scalar and values of their type.
//  8 operand      Operands have the types that nodes.h asks for; all lanes agree; there is no arithmetic on f16, bf16,
//  i8, u8. 9 divisor      A constant divisor of an integer division is positive.
// Buffers
// 10 buffer       One stride per extent; both are index expressions over constants and symbols; local buffers have
// constant
//                 extents of at least 1; the alignment is a power of two.
// 11 role         A buffer is kLocal exactly when its level is not far; only local buffers have a fragment use.
// 12 write        Inputs and constants are not written.
// 13 alloc        A local buffer is allocated by one Alloc, before its uses, in a block around them; others by none.
// 14 rank         There is one index per dimension.
// Statements
// 15 mask         A mask or guard comes with `other`, and `other` with a mask or guard.
// 16 type         Bounds are scalar index values; conditions scalar bool; a value has the buffer's element, a variable
// the
//                 type of what it is bound to; lanes of indices, value and mask agree or are scalar.
// 17 group-loop   Group loops nest perfectly, outermost; they run from 0 to an expression over symbols.
// 18 worker-loop  Team and worker loops run from 0 to a constant; team loops are not inside worker loops; neither
// inside lanes. 19 unrolled     Unrolled loops have constant bounds, lane loops constant bounds from 0. 20 copy A Copy
// has axes with extents of at least 1, equal element types on both sides, 1 or 2 buffers, and does not
//                 depend on a worker or team; its buffers are not fragments.
// 21 barrier      A Barrier is not under a condition or bound that differs between workers, nor in a lane loop.
// 22 fragment     Fragments are two-dimensional, are used by fragment statements alone, and shapes and uses fit: d[m,
// n] and
//                 c[m, n] accumulators, a[m, k], b[k, n].
// 23 prefetch     The cache level is 1, 2 or 3.
// Stages
// 24 imported     kImported: serial loops around one unmasked Store of a far buffer, which the kernel does not read; of
//                 an inout buffer, it may read the element that it writes.
// 25 lowerable    kLowerable: buffers other than fragments have one dimension of stride 1.
// Programs
// 26 program      Buffers, symbols and uniforms refer to entries of the program, of the same element type; a tensor is
//                 written by prepack kernels exactly when it is packed; far buffers have a tensor and its role.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/support/diagnostics.h"
#include "compiler/support/result.h"

namespace sparkle {

enum class Rule : uint8_t {
  kId = 1,
  kName,
  kIndexBits,
  kStage,
  kBoundOnce,
  kScope,
  kConstant,
  kOperand,
  kDivisor,
  kBuffer,
  kRole,
  kWrite,
  kAlloc,
  kRank,
  kMask,
  kType,
  kGroupLoop,
  kWorkerLoop,
  kUnrolled,
  kCopy,
  kBarrier,
  kFragment,
  kPrefetch,
  kImported,
  kLowerable,
  kProgram,
};
inline constexpr int kRuleCount = 26;

/// The word in the list above; as a diagnostic's code: `ir-` and this.
std::string_view name_of(Rule rule);

struct Violation {
  Rule rule;
  StmtId stmt = kNoId<StmtId>; ///< kNoId: the kernel or its tables.
  std::string text;
};

/// In order of discovery. Ids out of range end the search, for nothing else can be said then.
std::vector<Violation> find_violations(const Kernel &kernel);
std::vector<Violation> find_violations(const Program &program, const Kernel &kernel);

/// The violations at their places in the text from which the kernel was parsed (Kernel::range).
void report_violations(const Kernel &kernel, const std::vector<Violation> &violations, Diagnostics &diagnostics);

/// kInternal with the violations, each with its line of the printed kernel, when there are any.
Status verify(const Kernel &kernel);
Status verify(const Program &program);

} // namespace sparkle
