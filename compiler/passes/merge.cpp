#include "compiler/passes/merge.h"

#include <algorithm>
#include <map>

#include "compiler/analysis/grid.h"
#include "compiler/analysis/interval.h"
#include "compiler/analysis/walk.h"
#include "compiler/ir/rewriter.h"
#include "compiler/ir/transplant.h"
#include "compiler/schedule/fusion.h"
#include "compiler/schedule/tile_skew.h"

namespace sparkle {
namespace {

StmtId only_stmt(const Kernel &kernel, StmtId id) {
  const auto *block = std::get_if<Block>(&kernel.stmt(id));
  return block && block->stmts.size() == 1 ? only_stmt(kernel, block->stmts.front()) : id;
}

/// The nest of group loops around everything, outermost first, and what is inside.
struct GroupNest {
  std::vector<For> loops;
  StmtId body;
};

GroupNest group_nest(const Kernel &kernel) {
  GroupNest nest{{}, kernel.body};
  while (true) {
    const auto *loop = std::get_if<For>(&kernel.stmt(only_stmt(kernel, nest.body)));
    if (!loop || loop->kind != LoopKind::kGroup) return nest;
    nest.loops.push_back(*loop);
    nest.body = loop->body;
  }
}

/// Applies `fn` to buffer and indices of an access; false when the statement is another access, of that buffer.
void for_each_access(Kernel &kernel, StmtId id, FunctionRef<void(BufferId, std::vector<ExprId> &)> fn) {
  Stmt &stmt = kernel.stmt(id);
  if (auto *load = std::get_if<Load>(&stmt)) fn(load->buffer, load->indices);
  if (auto *store = std::get_if<Store>(&stmt)) fn(store->buffer, store->indices);
  if (auto *hint = std::get_if<Prefetch>(&stmt)) fn(hint->buffer, hint->indices);
  if (auto *move = std::get_if<FragmentMove>(&stmt)) fn(move->buffer, move->indices);
}

/// What kernels that become one hand each other, with the skews of the tiles (PlaceAt).
using HandedTensors = std::map<TensorId, std::vector<int64_t>>;

class Merger {
public:
  Merger(const std::vector<const Kernel *> &members, const HandedTensors &tensors, size_t shared,
         const TargetInfo &info)
      : members_(members), tensors_(tensors), shared_(shared), info_(info), loops_(shared) {}

  Result<Kernel> run() {
    out_ = empty_like(*members_.back());
    std::vector<StmtId> parts;
    bool many = std::any_of(members_.begin(), members_.end(),
                            [](const Kernel *k) { return worker_count(grid_of(*k)).value_or(2) > 1; });
    for (const Kernel *member : members_) {
      SPARKLE_TRY(StmtId part, add(*member));
      if (many && !parts.empty()) parts.push_back(out_.add_stmt(Barrier{BarrierScope::kGroup}));
      parts.push_back(part);
    }
    nest(parts);
    SPARKLE_TRY_STATUS(make_near(parts));
    SPARKLE_TRY_STATUS(check_near(parts));
    nest(parts);
    return Rewriter(out_).run(); // Leaves the tables of the parts behind.
  }

private:
  /// A shared group loop in the new kernel; no variable: it has one step and `simplify` took it away.
  struct SharedVar {
    VarId var = kNoId<VarId>;
    ExprId end = kNoId<ExprId>;
  };

  void nest(const std::vector<StmtId> &parts) {
    Builder b(out_);
    out_.body = b.block(parts);
    for (size_t i = loops_.size(); i-- > 0;)
      if (is_valid(loops_[i].var))
        out_.body = b.loop(loops_[i].var, b.index(0), loops_[i].end, LoopKind::kGroup, out_.body);
  }

  Error bad(const std::string &text) const {
    return {ErrorCode::kBadSchedule, "`place at` of lets of `" + members_.back()->name + "`: " + text};
  }

  /// The extents of the tiles' dimensions, in a kernel's own expressions.
  std::vector<ExprId> tile_counts(const Kernel &kernel) const {
    for (uint32_t i = 0; i < kernel.buffer_count(); ++i)
      if (const Buffer &buffer = kernel.buffer(BufferId{i}); tensors_.contains(buffer.tensor))
        return {buffer.extents.begin(), buffer.extents.begin() + static_cast<std::ptrdiff_t>(shared_)};
    return {};
  }

  /// Which of the kernel's group loops each shared one is: loops of one step may be gone.
  Result<std::vector<std::optional<For>>> shared_loops(const Kernel &member, const GroupNest &nest) const {
    std::vector<ExprId> counts = tile_counts(member);
    std::vector<std::optional<For>> found(shared_);
    size_t next = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
      if (next < nest.loops.size() && nest.loops[next].end == counts[i])
        found[i] = nest.loops[next++];
      else if (member.constant(counts[i]) != 1)
        return bad("kernel `" + member.name + "` does not have the group loops of `" + members_.back()->name + "`");
    }
    if (counts.empty() || next != nest.loops.size())
      return bad("kernel `" + member.name + "` has group loops beside those of `" + members_.back()->name + "`");
    return found;
  }

  /// The body of `member` below the shared loops, in the new kernel.
  Result<StmtId> add(const Kernel &member) {
    GroupNest nest = group_nest(member);
    SPARKLE_TRY(auto found, shared_loops(member, nest));
    SPARKLE_TRY(auto named, shared_loops(*members_.back(), group_nest(*members_.back())));
    out_.strict |= member.strict;
    Rewriter rw(member, std::move(out_));
    for (size_t i = 0; i < shared_; ++i) {
      if (!found[i]) continue;
      ExprId end = rw.expr(found[i]->end);
      const Variable &like = named[i] ? members_.back()->var(named[i]->var) : member.var(found[i]->var);
      if (!is_valid(loops_[i].var)) loops_[i] = {rw.out().add_var(like), end};
      rw.substitute(found[i]->var, rw.build().var(loops_[i].var));
    }
    StmtId body = rw.stmt(nest.body);
    out_ = std::move(rw.out());
    return body;
  }

  /// Workspace becomes memory of the group: without the dimensions of the tiles, allocated before all parts.
  Status make_near(std::vector<StmtId> &parts) {
    Status status = ok();
    for (StmtId part : parts)
      for_each_stmt(out_, part, [&](StmtId id) {
        for_each_access(out_, id, [&](BufferId buffer, std::vector<ExprId> &indices) {
          if (!tensors_.contains(out_.buffer(buffer).tensor)) return;
          if (!is_own_tile(id, indices))
            status = bad("`" + out_.buffer(buffer).name + "` is accessed beyond its own tile");
          if (std::holds_alternative<FragmentMove>(out_.stmt(id))) status = bad("fragments of tiles");
          indices.erase(indices.begin(), indices.begin() + static_cast<std::ptrdiff_t>(shared_));
          if (indices.empty()) indices.push_back(Builder(out_).index(0));
        });
        if (auto *store = std::get_if<Store>(&out_.stmt(id));
            store && tensors_.contains(out_.buffer(store->buffer).tensor))
          store->kind = StoreKind::kPlain;
      });
    SPARKLE_TRY_STATUS(status);
    std::vector<StmtId> allocs;
    for (uint32_t i = 0; i < out_.buffer_count(); ++i) {
      if (!tensors_.contains(out_.buffer(BufferId{i}).tensor)) continue;
      SPARKLE_TRY_STATUS(drop_tiles(BufferId{i}));
      allocs.push_back(out_.add_stmt(Alloc{BufferId{i}}));
    }
    parts.insert(parts.begin(), allocs.begin(), allocs.end());
    return ok();
  }

  /// Variants of first and last tiles name their numbers: what the conditions around them say counts.
  bool is_own_tile(StmtId at, const std::vector<ExprId> &indices) {
    Builder b(out_);
    for (size_t i = 0; i < shared_; ++i) {
      ExprId own = is_valid(loops_[i].var) ? b.var(loops_[i].var) : b.index(0);
      if (indices[i] == own) continue;
      if (bounds(out_, b.sub(indices[i], own), ranges_at(out_, at)) != Interval::point(0)) return false;
    }
    return true;
  }

  Status drop_tiles(BufferId id) {
    Buffer buffer = out_.buffer(id);
    auto shared = static_cast<std::ptrdiff_t>(shared_);
    buffer.extents.erase(buffer.extents.begin(), buffer.extents.begin() + shared);
    buffer.strides.erase(buffer.strides.begin(), buffer.strides.begin() + shared);
    if (buffer.extents.empty()) buffer.extents = buffer.strides = {Builder(out_).index(1)};
    const std::vector<int64_t> &skew = tensors_.at(buffer.tensor);
    SPARKLE_TRY_STATUS(check_skew(buffer.name, skew, buffer.extents.size()));
    if (!skew.empty()) add_skew(buffer, skew);
    buffer.level = MemoryLevel::kNear;
    buffer.role = Role::kLocal;
    buffer.origin = buffer.name;
    buffer.tensor = kNoId<TensorId>;
    buffer.alignment = 64;
    out_.buffer(id) = std::move(buffer);
    return ok();
  }

  /// Lays the rows of a tile out with what `skew` leaves between them.
  void add_skew(Buffer &buffer, const std::vector<int64_t> &skew) {
    Builder b(out_);
    ExprId stride = b.index(1);
    for (size_t d = buffer.extents.size(); d-- > 0;) {
      if (d < skew.size()) stride = b.add(stride, b.index(skew[d]));
      buffer.strides[d] = stride;
      stride = b.mul(stride, buffer.extents[d]);
    }
  }

  Status check_near(const std::vector<StmtId> &parts) const {
    if (info_.near_bytes == 0) return ok();
    int64_t bytes = 0;
    for (StmtId part : parts)
      for_each_stmt(out_, part, [&](StmtId id) {
        const auto *alloc = std::get_if<Alloc>(&out_.stmt(id));
        if (!alloc || out_.buffer(alloc->buffer).level != MemoryLevel::kNear) return;
        int64_t elements = 1; // From the strides: rows may lie apart.
        for (int d = 0; d < static_cast<int>(out_.buffer(alloc->buffer).extents.size()); ++d)
          elements =
              std::max(elements, out_.extent(alloc->buffer, d).value_or(1) * out_.stride(alloc->buffer, d).value_or(1));
        bytes += elements * bytes_of(out_.buffer(alloc->buffer).element);
      });
    if (bytes <= info_.near_bytes) return ok();
    return bad("a group holds " + std::to_string(bytes) + " bytes, the machine has " +
               std::to_string(info_.near_bytes) + " of near memory");
  }

  const std::vector<const Kernel *> &members_; ///< In order of execution, the consumer last.
  const HandedTensors &tensors_;
  size_t shared_;
  const TargetInfo &info_;
  Kernel out_;
  std::vector<SharedVar> loops_;
};

/// The tensor that the lets of a kernel `name` are stored in.
std::optional<TensorId> tensor_of(const Program &program, const std::string &name) {
  for (uint32_t i = 0; i < program.tensors.size(); ++i)
    if (program.tensors[TensorId{i}].name == name) return TensorId{i};
  return std::nullopt;
}

Status check_others(const Program &program, const std::vector<const Kernel *> &members, const HandedTensors &tensors) {
  for (const Kernel &kernel : program.kernels) {
    if (std::find(members.begin(), members.end(), &kernel) != members.end()) continue;
    for (uint32_t i = 0; i < kernel.buffer_count(); ++i)
      if (tensors.contains(kernel.buffer(BufferId{i}).tensor))
        return Error{ErrorCode::kBadSchedule, "`place at` of `" + kernel.buffer(BufferId{i}).name + "`: kernel `" +
                                                  kernel.name + "` reads it in another launch"};
  }
  return ok();
}

} // namespace

Result<Program> merge(Program in, const MergeOptions &options, const TargetInfo &info) {
  const bool has_lets = std::ranges::any_of(in.kernels, [&](const Kernel &kernel) {
    const KernelSchedule *entry = options.schedule.find(kernel.name);
    return entry && entry->placement == Placement::kAt;
  });
  if (!has_lets) return in;
  Program out = in;
  out.kernels.clear();
  std::vector<const Kernel *> waiting;
  for (const Kernel &kernel : in.kernels) {
    const KernelSchedule *entry = options.schedule.find(kernel.name);
    if (entry && entry->placement == Placement::kAt) {
      waiting.push_back(&kernel);
      continue;
    }
    std::vector<const Kernel *> members;
    HandedTensors tensors;
    for (const Kernel *let : waiting) {
      const PlaceAt &at = options.schedule.find(let->name)->at;
      if (at.consumer != kernel.name) continue;
      members.push_back(let);
      if (auto tensor = tensor_of(in, let->name)) tensors.emplace(*tensor, at.skew);
    }
    if (members.empty()) {
      out.kernels.push_back(kernel);
      continue;
    }
    members.push_back(&kernel);
    if (!entry) return Error{ErrorCode::kInternal, "`" + kernel.name + "` has lets at its loops and no entry"};
    SPARKLE_TRY_STATUS(check_others(in, members, tensors));
    SPARKLE_TRY(Kernel merged, Merger(members, tensors, shared_loop_count(*entry), info).run());
    out.kernels.push_back(std::move(merged));
  }
  return out;
}

} // namespace sparkle
