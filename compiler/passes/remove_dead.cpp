#include "compiler/passes/remove_dead.h"

#include <algorithm>

#include "compiler/analysis/walk.h"
#include "compiler/ir/builder.h"
#include "compiler/support/match.h"

namespace sparkle {

namespace {

class DeadRemover {
public:
  explicit DeadRemover(Kernel &kernel) : k_(kernel), b_(kernel) {}

  bool run() {
    do {
      removed_ = false;
      used_ = vars_used_by(k_, k_.body);
      read_ = buffers_read_by(k_, k_.body);
      k_.body = visit(k_.body);
    } while (removed_);
    return negated_;
  }

private:
  /// What takes the place of `id`: itself, or an empty block.
  StmtId visit(StmtId id) {
    Stmt stmt = k_.stmt(id);
    if (is_dead(stmt)) return drop();
    if (auto *block = std::get_if<Block>(&stmt)) return visit_block(id, *block);
    if (auto *loop = std::get_if<For>(&stmt)) {
      StmtId body = visit(loop->body);
      if (is_empty_block(k_, body)) return drop();
      std::get<For>(k_.stmt(id)).body = body;
    }
    if (auto *branch = std::get_if<If>(&stmt)) return visit_if(id, *branch);
    return id;
  }

  StmtId visit_block(StmtId id, const Block &block) {
    std::vector<StmtId> kept;
    for (StmtId child : block.stmts) {
      StmtId fresh = visit(child);
      if (!is_empty_block(k_, fresh)) kept.push_back(fresh);
    }
    if (kept == block.stmts) return id;
    return b_.block(std::move(kept));
  }

  StmtId visit_if(StmtId id, If branch) {
    branch.then_body = visit(branch.then_body);
    if (is_valid(branch.else_body)) branch.else_body = visit(branch.else_body);
    if (is_valid(branch.else_body) && is_empty_block(k_, branch.else_body)) branch.else_body = kNoId<StmtId>;
    bool no_then = is_empty_block(k_, branch.then_body);
    if (no_then && !is_valid(branch.else_body)) return drop();
    negated_ |= no_then;
    if (no_then) branch = {b_.unary(UnaryOp::kNot, branch.cond), branch.else_body, kNoId<StmtId>};
    k_.stmt(id) = branch;
    return id;
  }

  StmtId drop() {
    removed_ = true;
    return k_.add_stmt(Block{});
  }

  bool is_dead(const Stmt &stmt) const {
    return match(
        stmt, [](const Block &) { return false; }, [](const For &) { return false; }, [](const If &) { return false; },
        [&](const Let &s) { return !used_.contains(s.var); }, [&](const Load &s) { return !used_.contains(s.var); },
        [&](const Store &s) { return is_never_read(s.buffer); }, [&](const Copy &s) { return is_never_read(s.dst); },
        [&](const Prefetch &s) { return is_never_read(s.buffer); }, [](const Barrier &) { return false; },
        [&](const Alloc &s) { return is_never_read(s.buffer); },
        [&](const FragmentFill &s) { return is_never_read(s.fragment); },
        [&](const FragmentMove &s) { return is_never_read(s.is_store ? s.buffer : s.fragment); },
        [&](const FragmentMma &s) { return is_never_read(s.d); });
  }

  bool is_never_read(BufferId id) const {
    const Buffer &buffer = k_.buffer(id);
    return buffer.role == Role::kLocal && buffer.level != MemoryLevel::kFar && !read_.contains(id);
  }

  Kernel &k_;
  Builder b_;
  std::set<VarId> used_;
  std::set<BufferId> read_;
  bool removed_ = false;
  bool negated_ = false;
};

} // namespace

bool is_empty_block(const Kernel &kernel, StmtId stmt) {
  auto *block = std::get_if<Block>(&kernel.stmt(stmt));
  if (!block) return false;
  return std::all_of(block->stmts.begin(), block->stmts.end(), [&](StmtId id) { return is_empty_block(kernel, id); });
}

bool remove_dead(Kernel &kernel) { return is_valid(kernel.body) && DeadRemover(kernel).run(); }

} // namespace sparkle
