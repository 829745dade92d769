// A kernel with every size known ("bind time"): what import turns into loop IR, and what `emit --stage bound` prints.
#pragma once

#include <string>
#include <vector>

#include "dsl/linear.h"
#include "dsl/typed.h"

namespace sparkle::dsl {

/// A dimension or `int` parameter. Open: its value is the symbol itself, and is known at the call.
struct BoundInt {
  std::string name;
  bool is_parameter = false;
  bool open = false;
  SymInt value;
};
struct BoundIndex {
  std::string name;
  IndexRange extent; ///< Of its loop.
  SourceRange range; ///< In the text.
};
/// Elements exist for subscripts in `extent`: from 0 except for a `let` whose index starts elsewhere.
struct BoundDim {
  std::string name; ///< Of the dimension, or of a let's index; empty where the shape has a formula.
  IndexRange extent;
};
struct BoundTensor {
  std::string name;
  Elem elem = Elem::kF32;
  TensorRole role = TensorRole::kInput;
  std::vector<BoundDim> dims;
  std::vector<Access> rules;   ///< What its name says about outside; reads carry their own (views may differ).
  std::vector<Literal> values; ///< Of kTable, row-major.
  SourceRange range;
};

/// Ids of ints, scalars, indices and tensors are those of the CheckedKernel. Expressions are new:
/// - subscripts, conditions on indices and every int are sums of factor * part, parts being IndexRef, open IntRef, or
///   a Binary of kDiv or kMod by a positive Literal, kMin, kMax; dimensions are folded into Literals;
/// - `Read::access` has kNone where the subscript provably stays inside, else the rule that applies;
/// - a read with kSkip has an enclosing Reduce;
/// - loops whose range is empty are kept: their bodies never run, and their reads are not proven.
/// Expressions are shared (a DAG): walk them with a memo.
struct BoundKernel {
  std::string name;
  SourceRange range;
  IdTable<ExprId, ExprNode> exprs;
  IdTable<IntId, BoundInt> ints;
  IdTable<ScalarId, ScalarParam> scalars; ///< `default_value` is a Literal of `exprs`.
  IdTable<IndexId, BoundIndex> indices;
  IdTable<TensorId, BoundTensor> tensors; ///< In order of the signature, then of the text.
  std::vector<Definition> definitions;
};

/// Text of the whole, for people and tests: one line a tensor and a definition.
std::string print(const BoundKernel &kernel);
std::string text_of(const BoundKernel &kernel, const SymInt &value);

} // namespace sparkle::dsl
