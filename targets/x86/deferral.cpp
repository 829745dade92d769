#include "targets/x86/deferral.h"

#include <algorithm>

#include "compiler/analysis/walk.h"

namespace sparkle::x86 {
namespace {

bool is_byte(Scalar scalar) { return scalar == Scalar::kI8 || scalar == Scalar::kU8; }

/// What the vectors of i32 of a kernel are made of.
struct Survey {
  bool loads_bytes = false;
  bool computes = false;   ///< Sums, extrema.
  bool multiplies = false; ///< Two values of which neither is a constant: more than 16 bits.

  bool is_narrow() const { return loads_bytes && computes && !multiplies; }
};

void look(const Kernel &kernel, ExprId id, Survey &survey) {
  const Type type = kernel.type_of(id);
  if (type.scalar != Scalar::kI32 || !type.is_vector()) return;
  const auto is_constant = [&](ExprId factor) { // Tables of weights depend on loops alone.
    const VarSet vars = vars_of(kernel, factor);
    return std::ranges::all_of(vars, [&](VarId var) { return kernel.var(var).kind == VarKind::kLoop; });
  };
  const Expr &expr = kernel.expr(id);
  if (const auto *fma = std::get_if<Fma>(&expr)) {
    survey.computes = true;
    survey.multiplies |= !is_constant(fma->a) && !is_constant(fma->b);
  } else if (const auto *binary = std::get_if<Binary>(&expr)) {
    survey.computes = true;
    survey.multiplies |= binary->op == BinaryOp::kMul && !is_constant(binary->a) && !is_constant(binary->b);
  }
}

bool is_narrow(const Kernel &kernel) {
  bool has_bytes = false; // Most kernels have none, and need no walk.
  for (uint32_t i = 0; i < kernel.buffer_count(); ++i) has_bytes |= is_byte(kernel.buffer(BufferId{i}).element);
  if (!has_bytes) return false;
  Survey survey;
  for_each_stmt(kernel, kernel.body, [&](StmtId id) {
    if (const auto *load = std::get_if<Load>(&kernel.stmt(id)))
      survey.loads_bytes |= is_byte(kernel.buffer(load->buffer).element) && kernel.var(load->var).type.is_vector();
    for_each_root_expr(kernel.stmt(id), [&](ExprId root) {
      for_each_expr(kernel, root, [&](ExprId expr) { look(kernel, expr, survey); });
    });
  });
  return survey.is_narrow();
}

} // namespace

std::string reason_to_defer(const Program &program) {
  const auto kernel = std::ranges::find_if(program.kernels, is_narrow);
  if (kernel == program.kernels.end()) return {};
  return "kernel `" + kernel->name + "` adds up bytes, for which this target has no lanes of 16 bits yet";
}

} // namespace sparkle::x86
