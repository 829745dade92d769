// Expressions of stage kImported as C text.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "targets/c/c_text.h"

namespace sparkle::c {

/// What an expression may refer to where it stands.
struct Scope {
  const Kernel &kernel;
  Helpers &helpers;
  bool wide_index = false;
  std::unordered_map<VarId, std::string> vars;
  std::unordered_map<BufferId, std::string> buffers;
  std::unordered_map<ExprId, std::string> locals; ///< Expressions whose value a variable holds already.
};

/// Every Reduce in it must be a local of the scope. The first thing that C lacks ends up in `problem`.
class ExpressionWriter {
public:
  explicit ExpressionWriter(const Scope &scope) : scope_(scope), kernel_(scope.kernel) {}

  Text text(ExprId id);
  /// `buffer[offset]`.
  Text element(BufferId buffer, const std::vector<ExprId> &indices);
  /// The value of `a op b` in `type`; also of a step of a reduction.
  Text binary(Scalar type, BinaryOp op, const Text &a, const Text &b);
  Text identity(Scalar type, ReduceOp op);

  const std::string &problem() const { return problem_; }

private:
  Text unary(const Unary &node);
  Text cast(Scalar from, Scalar to, Text value);
  Text to_integer(Scalar from, Scalar to, Text value);
  Text widened(Scalar type, Text value);
  Text narrowed(Scalar type, Text value);
  Text float_binary(BinaryOp op, const Text &a, const Text &b);
  Text index_binary(BinaryOp op, const Text &a, const Text &b);
  Text i32_binary(BinaryOp op, const Text &a, const Text &b);
  Text infix(const char *op, Precedence precedence, const Text &a, const Text &b) const;
  Text call(std::string_view name, const std::vector<Text> &arguments) { return scope_.helpers.call(name, arguments); }
  Text refuse(const std::string &what);

  const Scope &scope_;
  const Kernel &kernel_;
  std::string problem_;
};

} // namespace sparkle::c
