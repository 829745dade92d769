#include "targets/cpu/legality.h"

#include <algorithm>
#include <optional>

#include "compiler/support/checked_math.h"
#include "compiler/support/match.h"

namespace sparkle::cpu {
namespace {

/// Workers are run one after the other, which is right as long as none looks at what another one did.
class Checker {
public:
  explicit Checker(const Kernel &kernel) : k_(kernel) {}

  Status run() {
    if (k_.stage != Stage::kLowerable)
      return refuse("is at stage " + std::string(name_of(k_.stage)) + ", not " +
                    std::string(name_of(Stage::kLowerable)));
    visit(k_.body, 1, 1);
    if (!reason_.empty()) return refuse(reason_);
    if (workers_ > 1 && !shared_.empty())
      return refuse(shared_ + " with " + std::to_string(workers_) +
                    " workers in a group; this target runs one at a time");
    if (statements_ > kMaxExpandedStmts)
      return refuse("expands to " + std::to_string(statements_) + " statements, more than " +
                    std::to_string(kMaxExpandedStmts));
    return ok();
  }

private:
  Status refuse(const std::string &why) const {
    return Error{ErrorCode::kUnsupported, "kernel `" + k_.name + "` " + why};
  }
  void because(std::string why) {
    if (reason_.empty()) reason_ = std::move(why);
  }
  void shares(std::string what) {
    if (shared_.empty()) shared_ = std::move(what);
  }

  /// `copies`: how often unrolled loops around repeat it; `workers`: of the worker and team loops around.
  void visit(StmtId id, int64_t copies, int64_t workers) {
    statements_ = checked_add(statements_, copies).value_or(INT64_MAX);
    match(
        k_.stmt(id),
        [&](const Block &s) {
          for (StmtId child : s.stmts) visit(child, copies, workers);
        },
        [&](const For &s) { visit_loop(s, copies, workers); },
        [&](const If &s) {
          visit(s.then_body, copies, workers);
          if (is_valid(s.else_body)) visit(s.else_body, copies, workers);
        },
        [&](const Let &) {}, [&](const Load &s) { check_access(s.buffer, s.indices); },
        [&](const Store &s) { check_access(s.buffer, s.indices); },
        [&](const Copy &) { because("holds a copy; copies are expanded before this target"); },
        [&](const Prefetch &s) { check_access(s.buffer, s.indices); },
        [&](const Barrier &) { shares("has a barrier"); }, [&](const Alloc &s) { visit_alloc(s, workers); },
        [&](const FragmentFill &) { because("uses fragments"); },
        [&](const FragmentMove &) { because("uses fragments"); },
        [&](const FragmentMma &) { because("uses fragments"); });
  }

  void visit_loop(const For &loop, int64_t copies, int64_t workers) {
    const auto begin = k_.constant(loop.begin);
    const auto end = k_.constant(loop.end);
    const bool is_constant = begin && end;
    const int64_t extent = is_constant ? std::max<int64_t>(*end - *begin, 0) : 0;
    if (loop.kind == LoopKind::kLane) because("holds a lane loop; they are gone after vectorize");
    if (loop.kind == LoopKind::kUnrolled) {
      if (!is_constant) because("unrolls a loop without constant bounds");
      copies = checked_mul(copies, extent).value_or(INT64_MAX);
    }
    if (loop.kind == LoopKind::kWorker || loop.kind == LoopKind::kTeam) {
      if (!is_constant) because("has a worker loop without constant bounds");
      workers = checked_mul(workers, extent).value_or(INT64_MAX);
      workers_ = std::max(workers_, workers);
    }
    visit(loop.body, copies, workers);
  }

  void visit_alloc(const Alloc &alloc, int64_t workers) {
    const Buffer &buffer = k_.buffer(alloc.buffer);
    if (buffer.fragment != FragmentUse::kNone) because("uses fragments");
    if (buffer.level == MemoryLevel::kFar) because("allocates far buffer `" + buffer.name + "`");
    if (!k_.extent(alloc.buffer, 0)) because("allocates `" + buffer.name + "` without a constant extent");
    if (buffer.level == MemoryLevel::kNear) shares("shares `" + buffer.name + "`");
    if (workers == 1) shares("keeps registers `" + buffer.name + "` across its worker loops");
  }

  void check_access(BufferId id, const std::vector<ExprId> &indices) {
    if (indices.size() != 1) because("accesses `" + k_.buffer(id).name + "` with other than one subscript");
  }

  const Kernel &k_;
  std::string reason_;
  std::string shared_; ///< What forbids more than one worker; empty: nothing.
  int64_t workers_ = 1;
  int64_t statements_ = 0;
};

} // namespace

Status check_kernel(const Kernel &kernel) { return Checker(kernel).run(); }

} // namespace sparkle::cpu
