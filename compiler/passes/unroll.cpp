#include "compiler/passes/unroll.h"

#include <algorithm>
#include <optional>

#include "compiler/analysis/walk.h"
#include "compiler/ir/rewriter.h"
#include "compiler/support/id_map.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

constexpr int64_t kInstructionBytes = 8; ///< A vector instruction with a memory operand takes 6 to 16.
constexpr int64_t kLoopInstructions = 3; ///< Step, compare, branch.
constexpr int64_t kMaxBytes = int64_t{1} << 50;

int64_t saturating_mul(int64_t a, int64_t b) { return a > 0 && b > kMaxBytes / a ? kMaxBytes : a * b; }

/// Registers that a value of this type takes.
int64_t parts(Type type, const TargetInfo &info) { return (type.lanes + info.lanes - 1) / std::max(info.lanes, 1); }

/// Operations on data; index arithmetic mostly becomes addressing.
int64_t instructions_of(const Kernel &kernel, ExprId root, const TargetInfo &info) {
  int64_t count = 0;
  for_each_expr(kernel, root, [&](ExprId id) {
    const Expr &expr = kernel.expr(id);
    const Type type = kernel.type_of(id);
    const bool is_leaf = std::holds_alternative<IntConst>(expr) || std::holds_alternative<FloatConst>(expr) ||
                         std::holds_alternative<VarRef>(expr) || std::holds_alternative<Broadcast>(expr);
    if (!is_leaf && type.scalar != Scalar::kIndex) count += parts(type, info);
  });
  return count;
}

int64_t access_instructions(const Kernel &kernel, BufferId buffer, Type type, const TargetInfo &info) {
  return kernel.buffer(buffer).level == MemoryLevel::kRegister ? 0 : parts(type, info);
}

std::optional<int64_t> trip_count(const Kernel &kernel, const For &loop) {
  const auto begin = kernel.constant(loop.begin);
  const auto end = kernel.constant(loop.end);
  if (!begin || !end) return std::nullopt;
  return std::max<int64_t>(*end - *begin, 0);
}

/// Variables on which some register subscript in `body` depends, through Lets too.
VarSet register_subscripts(const Kernel &kernel, StmtId body) {
  VarSet vars;
  std::vector<const Let *> lets;
  const auto add = [&](BufferId buffer, const std::vector<ExprId> &indices) {
    if (kernel.buffer(buffer).level != MemoryLevel::kRegister) return;
    for (ExprId index : indices) vars.merge(vars_of(kernel, index));
  };
  for_each_stmt(kernel, body, [&](StmtId id) {
    const Stmt &stmt = kernel.stmt(id);
    if (const auto *load = std::get_if<Load>(&stmt)) add(load->buffer, load->indices);
    if (const auto *store = std::get_if<Store>(&stmt)) add(store->buffer, store->indices);
    if (const auto *let = std::get_if<Let>(&stmt)) lets.push_back(let);
  });
  for (size_t i = lets.size(); i-- > 0;) // Definitions come before uses.
    if (vars.contains(lets[i]->var)) vars.merge(vars_of(kernel, lets[i]->value));
  return vars;
}

/// Bytes of code of statements, each looked at once.
class CodeSize {
public:
  CodeSize(const Kernel &kernel, const TargetInfo &info) : kernel_(kernel), info_(info) {}

  /// 0 for kNoId.
  int64_t of(StmtId stmt) {
    if (!is_valid(stmt)) return 0;
    if (const int64_t *known = known_.find(stmt)) return *known;
    const int64_t bytes = compute(stmt);
    known_.set(stmt, bytes);
    return bytes;
  }

private:
  int64_t data(ExprId id) const { return is_valid(id) ? instructions_of(kernel_, id, info_) : 0; }

  int64_t of_block(const Block &block) {
    int64_t sum = 0;
    for (StmtId id : block.stmts) sum = std::min(kMaxBytes, sum + of(id));
    return sum;
  }

  int64_t of_loop(const For &loop) {
    const bool expands = loop.kind == LoopKind::kUnrolled;
    const int64_t inner = of(loop.body) + (expands ? 0 : kLoopInstructions * kInstructionBytes);
    return expands ? saturating_mul(trip_count(kernel_, loop).value_or(1), inner) : inner;
  }

  int64_t compute(StmtId stmt) {
    return match(
        kernel_.stmt(stmt), [&](const Block &s) { return of_block(s); }, [&](const For &s) { return of_loop(s); },
        [&](const If &s) { return (data(s.cond) + 1) * kInstructionBytes + of(s.then_body) + of(s.else_body); },
        [&](const Let &s) { return data(s.value) * kInstructionBytes; },
        [&](const Load &s) {
          const int64_t access = access_instructions(kernel_, s.buffer, kernel_.var(s.var).type, info_);
          return (access + data(s.mask)) * kInstructionBytes;
        },
        [&](const Store &s) {
          const int64_t access = access_instructions(kernel_, s.buffer, kernel_.type_of(s.value), info_);
          return (access + data(s.value) + data(s.mask)) * kInstructionBytes;
        },
        [&](const Copy &) { return 16 * kInstructionBytes; }, // A loop of its own.
        [&](const Prefetch &) { return kInstructionBytes; }, [&](const Barrier &) { return kInstructionBytes; },
        [&](const Alloc &) { return int64_t{0}; },
        [&](const FragmentFill &s) { return data(s.value) + kInstructionBytes; },
        [&](const FragmentMove &) { return kInstructionBytes; },
        [&](const FragmentMma &) { return kInstructionBytes; });
  }

  const Kernel &kernel_;
  const TargetInfo &info_;
  IdMap<StmtId, int64_t> known_;
};

class Unroller {
public:
  Unroller(const Kernel &in, const TargetInfo &info) : in_(in), info_(info), size_(in, info), rw_(in) {}

  /// Nothing: all loops stay as they are.
  Result<std::optional<Kernel>> run() {
    bool rolls = false;
    for_each_stmt(in_, in_.body, [&](StmtId id) { rolls = rolls || is_large(id); });
    if (!rolls) return std::optional<Kernel>();
    rw_.on_stmt = [this](StmtId id) { return visit(id); };
    Kernel out = rw_.run();
    if (error_) return *error_;
    return std::optional(std::move(out));
  }

private:
  /// A loop to unroll whose code is over the budget.
  bool is_large(StmtId id) {
    const auto *loop = std::get_if<For>(&in_.stmt(id));
    return loop && loop->kind == LoopKind::kUnrolled && size_.of(id) > info_.code_bytes;
  }

  std::optional<StmtId> visit(StmtId id) {
    if (!is_large(id)) return std::nullopt;
    const auto *loop = &std::get<For>(in_.stmt(id));
    if (register_subscripts(in_, loop->body).contains(loop->var)) {
      check_limit(id, *loop);
      return std::nullopt;
    }
    const ExprId begin = rw_.expr(loop->begin);
    const ExprId end = rw_.expr(loop->end);
    const VarId var = rw_.bind(loop->var);
    return rw_.build().loop(var, begin, end, LoopKind::kSerial, rw_.stmt(loop->body));
  }

  /// `loop` stays; what inside it can be rolled will be, so only loops that must stay count.
  void check_limit(StmtId id, const For &loop) {
    const int64_t limit = saturating_mul(info_.code_bytes, UnrollOptions::kHardLimit);
    if (error_ || forced_bytes(id) <= limit) return;
    error_ = Error{ErrorCode::kBadSchedule,
                   "unrolled loop `" + in_.var(loop.var).name + "` indexes registers and expands to about " +
                       std::to_string(forced_bytes(id)) + " bytes of code, over the limit of " + std::to_string(limit)};
  }

  int64_t forced_bytes(StmtId id) {
    const Stmt &stmt = in_.stmt(id);
    if (const auto *block = std::get_if<Block>(&stmt)) {
      int64_t sum = 0;
      for (StmtId child : block->stmts) sum = std::min(kMaxBytes, sum + forced_bytes(child));
      return sum;
    }
    if (const auto *branch = std::get_if<If>(&stmt))
      return forced_bytes(branch->then_body) + (is_valid(branch->else_body) ? forced_bytes(branch->else_body) : 0);
    const auto *loop = std::get_if<For>(&stmt);
    if (!loop) return size_.of(id);
    const bool stays = loop->kind == LoopKind::kUnrolled && register_subscripts(in_, loop->body).contains(loop->var);
    const int64_t body = forced_bytes(loop->body);
    return stays ? saturating_mul(trip_count(in_, *loop).value_or(1), body) : body;
  }

  const Kernel &in_;
  const TargetInfo &info_;
  CodeSize size_;
  Rewriter rw_;
  std::optional<Error> error_;
};

} // namespace

int64_t code_bytes(const Kernel &kernel, StmtId stmt, const TargetInfo &info) {
  return CodeSize(kernel, info).of(stmt);
}

Result<Kernel> unroll(Kernel in, const UnrollOptions &, const TargetInfo &info) {
  if (in.stage < Stage::kVectorized)
    return Error{ErrorCode::kBadSchedule,
                 "unroll needs stage vectorized or later, not " + std::string(name_of(in.stage))};
  if (info.code_bytes <= 0) return Error{ErrorCode::kBadSchedule, "the target info gives no code budget"};
  SPARKLE_TRY(std::optional<Kernel> out, Unroller(in, info).run());
  return out ? std::move(*out) : std::move(in);
}

} // namespace sparkle
