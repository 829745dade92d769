// Expressions of the loop IR as GLSL.
#pragma once

#include "targets/vulkan/glsl_context.h"

namespace sparkle::vulkan {

class ExpressionWriter {
public:
  explicit ExpressionWriter(GlslContext &context) : c_(context), k_(context.kernel) {}

  /// The expression, or the name it goes by (GlslContext::named).
  Text write(ExprId id);
  std::string text(ExprId id) { return write(id).text; }
  /// Component `lane` of a vector whose text is `vector`.
  static Text pick(const Text &vector, int lane);

  /// Gives names to what occurs twice or more in expressions that are written next, by `type name = ...;` lines.
  /// `copied`: roots that the caller writes several times.
  void name_shared(const std::vector<ExprId> &roots, const std::vector<ExprId> &copied = {});
  /// True when `var` would be written exactly once in `root`.
  bool occurs_once(ExprId root, VarId var);

private:
  Text write_expr(ExprId id);
  Text write_var(VarId var);
  Text write_unary(const Unary &e);
  Text write_binary(ExprId id, const Binary &e);
  Text write_arithmetic(ExprId id, const Binary &e);
  Text write_division(const Binary &e, Type type);
  Text write_min_max(const Binary &e, Type type);
  Text write_logical(ExprId id, const Binary &e);
  Text write_compare(const Compare &e);
  Text write_select(ExprId id, const Select &e);
  Text write_cast(const Cast &e);
  Text to_float(const Text &value, Type from);
  Text to_small_float(const Text &value, Type from, Type to);
  Text to_byte(const Text &value, Type from, Type to);
  /// The operand of a comparison: f16 and bf16 as float.
  Text comparable(ExprId id);
  Text write_ramp(ExprId id, const Ramp &e);
  Text write_shuffle(ExprId id, const Shuffle &e);
  Text write_reduce_lanes(const ReduceLanes &e);
  Text write_dot(const Dot &e);

  Text infix(ExprId a, std::string_view op, ExprId b, Precedence precedence);
  static Text infix(const Text &a, std::string_view op, const Text &b, Precedence precedence);
  Text call(std::string_view function, std::initializer_list<ExprId> arguments);
  Text helper(HelperKind kind, std::initializer_list<ExprId> arguments);
  /// Of one argument of type `from`.
  Text helper(HelperKind kind, Type from, const Text &argument);
  /// A vector built from each lane's own expression.
  Text by_lanes(ExprId id);
  /// The scalar inside a broadcast, where GLSL broadcasts by itself.
  ExprId unsplat(ExprId id) const;

  GlslContext &c_;
  Kernel &k_;
};

std::string helper_name(HelperKind kind);
/// The definition of a helper function.
std::string helper_text(const Helper &helper, int index_bits);

} // namespace sparkle::vulkan
