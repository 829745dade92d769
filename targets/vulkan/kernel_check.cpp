#include "targets/vulkan/kernel_check.h"

#include "compiler/analysis/loop_rounds.h"
#include "compiler/analysis/walk.h"
#include "compiler/support/checked_math.h"
#include "compiler/support/match.h"
#include "compiler/target/target.h"
#include "targets/vulkan/launch_shape.h"

namespace sparkle::vulkan {
namespace {

constexpr int kMaxLanes = 4; ///< GLSL has no longer vectors.

class Checker {
public:
  Checker(const Kernel &kernel, const TargetInfo &info) : k_(kernel), info_(info) {}

  Status run() {
    if (k_.stage != Stage::kLowerable) return refuse("it is not at stage lowerable");
    for_each_stmt(k_, k_.body, [&](StmtId id) {
      note(stmt_problem(k_.stmt(id)));
      for_each_expr(k_, id, [&](ExprId expr) { note(expr_problem(expr)); });
    });
    if (!problem_.empty()) return refuse(problem_);
    SPARKLE_TRY_STATUS(check_buffers());
    SPARKLE_TRY_STATUS(check_loops());
    return check_launch();
  }

private:
  Error refuse(std::string reason) const {
    return {ErrorCode::kUnsupported, "kernel `" + k_.name + "` cannot run as a compute shader: " + std::move(reason)};
  }
  void note(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  std::string type_problem(Type type) const {
    if (type.lanes > kMaxLanes) return to_string(type) + " has more than " + std::to_string(kMaxLanes) + " lanes";
    return "";
  }

  std::string expr_problem(ExprId id) const {
    const Expr &expr = k_.expr(id);
    Type type = k_.type_of(id);
    if (auto problem = type_problem(type); !problem.empty()) return problem;
    if (std::holds_alternative<Read>(expr) || std::holds_alternative<Reduce>(expr))
      return "it holds reads or reductions";
    if (auto *unary = std::get_if<Unary>(&expr); unary && unary->op == UnaryOp::kErf) {
      return "erf must be expanded to a polynomial first";
    }
    auto *binary = std::get_if<Binary>(&expr);
    if (binary && binary->op == BinaryOp::kMod && is_float(type.scalar)) return "% of floats is not supported";
    auto *cast = std::get_if<Cast>(&expr);
    if (!cast) return "";
    auto is_wide = [&](Scalar scalar) { return scalar == Scalar::kIndex && k_.index_bits == 64; };
    Scalar from = k_.type_of(cast->a).scalar;
    if (is_wide(cast->type.scalar) && is_float(from)) return "conversion of floats to 64-bit index is not supported";
    // By way of f32 it would be rounded twice.
    if (is_wide(from) && cast->type.scalar == Scalar::kBF16)
      return "conversion of 64-bit index to bf16 is not supported";
    return "";
  }

  std::string stmt_problem(const Stmt &stmt) const {
    return match(
        stmt, [](const Block &) { return std::string(); },
        [&](const For &s) { return std::string(s.kind == LoopKind::kLane ? "it holds lane loops" : ""); },
        [](const If &) { return std::string(); }, [](const Let &) { return std::string(); },
        [&](const Load &s) { return type_problem(k_.var(s.var).type); }, [](const Store &) { return std::string(); },
        [](const Copy &) { return std::string("it holds copies"); }, [](const Prefetch &) { return std::string(); },
        [](const Barrier &) { return std::string(); }, [](const Alloc &) { return std::string(); },
        [](const FragmentFill &) { return std::string("matrix units are not supported"); },
        [](const FragmentMove &) { return std::string("matrix units are not supported"); },
        [](const FragmentMma &) { return std::string("matrix units are not supported"); });
  }

  Status check_buffers() const {
    for (BufferId id : bound_buffers(k_)) {
      const Buffer &buffer = k_.buffer(id);
      if (bytes_of(buffer.element) < info_.far_element_bytes) {
        return refuse("buffer `" + buffer.name + "` has elements of type " + std::string(name_of(buffer.element)) +
                      ", the machine accesses far memory in " + std::to_string(8 * info_.far_element_bytes) +
                      " bits at least");
      }
      auto extent = k_.extent(id, 0);
      auto bytes = extent ? checked_mul(*extent, bytes_of(buffer.element)) : std::nullopt;
      if (bytes && info_.max_buffer_bytes > 0 && *bytes > info_.max_buffer_bytes) {
        return refuse("buffer `" + buffer.name + "` has " + std::to_string(*bytes) + " bytes, the machine binds " +
                      std::to_string(info_.max_buffer_bytes) + " at most");
      }
    }
    return check_locals();
  }

  Status check_locals() const {
    std::vector<BufferId> locals;
    for_each_stmt(k_, k_.body, [&](StmtId id) {
      if (auto *alloc = std::get_if<Alloc>(&k_.stmt(id))) locals.push_back(alloc->buffer);
    });
    for (BufferId id : locals) {
      const Buffer &buffer = k_.buffer(id);
      if (buffer.fragment != FragmentUse::kNone) return refuse("matrix units are not supported");
      if (!local_length(k_, id)) return refuse("the size of local buffer `" + buffer.name + "` is not constant");
    }
    return ok();
  }

  Status check_loops() const {
    if (info_.max_loop_rounds <= 0) return ok();
    const std::optional<int64_t> rounds = loop_rounds(k_);
    if (rounds && *rounds <= info_.max_loop_rounds) return ok();
    const std::string found = rounds ? "make " + std::to_string(*rounds) + " rounds" : "have no bound";
    return refuse("the loops of one worker " + found + ", the machine ends them after " +
                  std::to_string(info_.max_loop_rounds) + " in all: use more groups, workers or unrolled loops");
  }

  Status check_launch() const {
    Kernel copy = k_;
    Builder builder(copy);
    auto shape = launch_shape(builder, info_.near_element_bytes);
    if (!shape) return refuse(shape.error().text);
    if (info_.max_workers > 0 && shape->local_size > info_.max_workers) {
      return refuse("a group has " + std::to_string(shape->local_size) + " workers, the machine allows " +
                    std::to_string(info_.max_workers));
    }
    if (shape->near_bytes > info_.near_bytes) {
      return refuse("a group uses " + std::to_string(shape->near_bytes) + " bytes of near memory, the machine has " +
                    std::to_string(info_.near_bytes));
    }
    if (info_.max_groups > 0 && shape->total_groups.value_or(0) > info_.max_groups) {
      return refuse("it has " + std::to_string(*shape->total_groups) + " groups, the machine launches " +
                    std::to_string(info_.max_groups) + " at most");
    }
    return ok();
  }

  const Kernel &k_;
  const TargetInfo &info_;
  std::string problem_;
};

} // namespace

Status check_kernel(const Kernel &kernel, const TargetInfo &info) { return Checker(kernel, info).run(); }

} // namespace sparkle::vulkan
