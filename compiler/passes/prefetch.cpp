#include "compiler/passes/prefetch.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "compiler/analysis/linear.h"
#include "compiler/analysis/walk.h"
#include "compiler/ir/rewriter.h"

namespace sparkle {
namespace {

/// A load below loop `at`, with what lies between.
struct Site {
  const Load *load = nullptr;
  std::vector<const Stmt *> path; ///< Loops around it, and the Lets before it that its indices or the bounds need.
  bool is_guarded = false;

  std::vector<const For *> loops() const { ///< Outermost first.
    std::vector<const For *> out;
    for (const Stmt *stmt : path)
      if (const auto *loop = std::get_if<For>(stmt)) out.push_back(loop);
    return out;
  }
  bool has_lets() const { return loops().size() < path.size(); }
};

/// One loop of the hints for a site: `points` iterations of `step` each.
struct Walk {
  const For *loop = nullptr; ///< nullptr: the lanes.
  int64_t points = 1, step = 1;
  bool operator==(const Walk &) const = default;
};

/// A hint that was made, to leave out others for the same lines.
struct Made {
  BufferId buffer;
  std::vector<Walk> walks;
  std::vector<ExprId> first; ///< Indices at the first point.
};

class SiteFinder {
public:
  SiteFinder(const Kernel &in, const PrefetchHint &hint, const TargetInfo &info) : in_(in), hint_(hint), info_(info) {}

  std::vector<Site> find(StmtId body) {
    visit(body);
    return std::move(sites_);
  }

private:
  bool is_wanted(BufferId id) const {
    const Buffer &buffer = in_.buffer(id);
    if (buffer.level == MemoryLevel::kRegister || (buffer.level == MemoryLevel::kNear && info_.near_bytes > 0))
      return false;
    return buffer.origin == hint_.tensor || (buffer.origin.empty() && buffer.name == hint_.tensor);
  }

  void visit(StmtId id) {
    const Stmt &stmt = in_.stmt(id);
    if (const auto *block = std::get_if<Block>(&stmt)) {
      const size_t depth = around_.path.size();
      for (StmtId child : block->stmts) visit(child);
      around_.path.resize(depth);
    } else if (const auto *loop = std::get_if<For>(&stmt)) {
      const size_t depth = around_.path.size();
      around_.path.push_back(&stmt);
      visit(loop->body);
      around_.path.resize(depth);
    } else if (const auto *branch = std::get_if<If>(&stmt)) {
      const bool was_guarded = std::exchange(around_.is_guarded, true);
      visit(branch->then_body);
      if (is_valid(branch->else_body)) visit(branch->else_body);
      around_.is_guarded = was_guarded;
    } else if (std::holds_alternative<Let>(stmt)) {
      around_.path.push_back(&stmt);
    } else if (const auto *load = std::get_if<Load>(&stmt)) {
      add(*load);
    }
  }

  void add(const Load &load) {
    const VarSet needed = variables_of(load);
    const bool depends_on_data =
        std::any_of(needed.begin(), needed.end(), [this](VarId var) { return loaded_.contains(var); });
    if (is_wanted(load.buffer) && !depends_on_data) {
      Site site = around_;
      site.load = &load;
      site.is_guarded |= is_valid(load.mask);
      std::erase_if(site.path, [&](const Stmt *stmt) {
        const auto *let = std::get_if<Let>(stmt);
        return let && !needed.contains(let->var);
      });
      sites_.push_back(std::move(site));
    }
    loaded_.insert(load.var);
  }

  /// What the address depends on, through Lets and the bounds of loops.
  VarSet variables_of(const Load &load) const {
    VarSet vars;
    for (ExprId index : load.indices) vars.merge(vars_of(in_, index));
    for (size_t i = around_.path.size(); i-- > 0;) {
      const auto *let = std::get_if<Let>(around_.path[i]);
      if (let && vars.contains(let->var)) vars.merge(vars_of(in_, let->value));
      if (const auto *loop = std::get_if<For>(around_.path[i])) {
        vars.merge(vars_of(in_, loop->begin));
        vars.merge(vars_of(in_, loop->end));
      }
    }
    return vars;
  }

  const Kernel &in_;
  const PrefetchHint &hint_;
  const TargetInfo &info_;
  Site around_{};
  VarSet loaded_;
  std::vector<Site> sites_;
};

class Prefetcher {
public:
  Prefetcher(const Kernel &in, const PrefetchHint &hint, const TargetInfo &info)
      : in_(in), hint_(hint), info_(info), rw_(in) {}

  Kernel run() {
    rw_.on_stmt = [this](StmtId id) { return visit(id); };
    return rw_.run();
  }

private:
  std::optional<StmtId> visit(StmtId id) {
    const auto *loop = std::get_if<For>(&in_.stmt(id));
    if (!loop || in_.var(loop->var).dim != hint_.at.dim || in_.var(loop->var).split != hint_.at.split)
      return std::nullopt;
    const std::vector<Site> sites = SiteFinder(in_, hint_, info_).find(loop->body);
    if (sites.empty()) return std::nullopt;
    Builder &b = rw_.build();
    const ExprId begin = rw_.expr(loop->begin);
    const ExprId end = rw_.expr(loop->end);
    const VarId var = rw_.bind(loop->var);
    const ExprId ahead = b.min(b.add(b.var(var), b.index(hint_.distance)), b.sub(end, b.index(1)));
    std::vector<StmtId> body;
    std::vector<Made> made;
    for (const Site &site : sites) {
      rw_.substitute(loop->var, ahead);
      if (const auto hint = hints(site, made)) body.push_back(*hint);
    }
    rw_.substitute(loop->var, b.var(var));
    body.push_back(rw_.stmt(loop->body));
    return b.loop(var, begin, end, loop->kind, b.block(std::move(body)));
  }

  /// Elements between neighbours along a loop; -1 when that is not one number.
  int64_t distance(const Site &site, const For *loop) const {
    int64_t sum = 0;
    for (size_t d = 0; d < site.load->indices.size(); ++d) {
      const ExprId index = site.load->indices[d];
      const int64_t unknown = INT64_MIN;
      const int64_t step =
          loop ? coefficient_of(in_, index, loop->var).value_or(unknown) : to_linear(in_, index).lane_stride;
      const int64_t stride = in_.stride(site.load->buffer, static_cast<int>(d)).value_or(unknown);
      if (step == unknown || (step != 0 && stride == unknown)) return -1;
      sum += step == 0 ? 0 : step * stride;
    }
    return std::abs(sum);
  }

  std::vector<Walk> walks(const Site &site) const {
    const int64_t line = std::max<int64_t>(line_bytes() / bytes_of(in_.buffer(site.load->buffer).element), 1);
    std::vector<const For *> loops = site.loops();
    loops.push_back(nullptr);
    std::vector<Walk> out;
    for (const For *loop : loops) {
      const auto begin = loop ? in_.constant(loop->begin) : std::optional<int64_t>(0);
      const auto end = loop ? in_.constant(loop->end) : std::optional<int64_t>(in_.var(site.load->var).type.lanes);
      const int64_t apart = loop && site.has_lets() ? -1 : distance(site, loop); // A Let may hide the variable.
      Walk walk{loop, begin && end ? std::max<int64_t>(*end - *begin, 0) : -1, 1};
      if (apart == 0) walk.points = std::min<int64_t>(walk.points, 1);
      if (apart > 0 && apart < line && walk.points > 0) {
        walk.step = line / apart;
        walk.points = (walk.points + walk.step - 1) / walk.step;
      }
      out.push_back(walk);
    }
    return out;
  }

  int64_t line_bytes() const {
    return info_.memories.empty() ? 64 : std::max<int64_t>(info_.memories.front().line_bytes, 1);
  }

  /// The hints for one load; nothing when it has none or another load's serve it too.
  std::optional<StmtId> hints(const Site &site, std::vector<Made> &made) {
    const std::vector<Walk> all = walks(site);
    Made first{rw_.buffer(site.load->buffer), all, indices_at(site, all, {})};
    if (first.first.empty()) return std::nullopt;
    for (const Made &other : made)
      if (is_same(other, first)) return std::nullopt;
    made.push_back(first);

    Builder &b = rw_.build();
    std::vector<VarId> vars;
    for (size_t i = 0; i < all.size(); ++i)
      vars.push_back(all[i].points == 1 ? kNoId<VarId> : b.loop_var(in_.buffer(site.load->buffer).name + "_line"));
    std::vector<std::pair<ExprId, ExprId>> bounds(all.size(), {kNoId<ExprId>, kNoId<ExprId>});
    const std::vector<ExprId> where = indices_at(site, all, vars, &bounds);
    StmtId body = rw_.out().add_stmt(Prefetch{first.buffer, where, hint_.cache});
    for (size_t i = all.size(); i-- > 0;) {
      if (!is_valid(vars[i])) continue;
      const bool is_open = all[i].points < 0;
      body = is_open ? b.loop(vars[i], bounds[i].first, bounds[i].second, LoopKind::kSerial, body)
                     : b.loop(vars[i], all[i].points, LoopKind::kUnrolled, body);
    }
    return body;
  }

  /// Indices of the new kernel with the loops' variables at begin + step * vars[i], or at begin where there is no
  /// vars[i].
  std::vector<ExprId> indices_at(const Site &site, const std::vector<Walk> &all, const std::vector<VarId> &vars,
                                 std::vector<std::pair<ExprId, ExprId>> *bounds = nullptr) {
    Builder &b = rw_.build();
    const auto offset = [&](size_t i) {
      return i < vars.size() && is_valid(vars[i]) ? b.mul(b.var(vars[i]), b.index(all[i].step)) : b.index(0);
    };
    size_t i = 0;
    for (const Stmt *stmt : site.path) {
      if (const auto *let = std::get_if<Let>(stmt)) {
        rw_.substitute(let->var, rw_.expr(let->value));
        continue;
      }
      const For &loop = std::get<For>(*stmt);
      const ExprId begin = rw_.expr(loop.begin);
      if (bounds) (*bounds)[i] = {begin, rw_.expr(loop.end)};
      const bool is_open = all[i].points < 0 && i < vars.size();
      rw_.substitute(loop.var, is_open ? b.var(vars[i]) : b.add(begin, offset(i)));
      ++i;
    }
    std::vector<ExprId> out;
    for (size_t d = 0; d < site.load->indices.size(); ++d) {
      const LinearForm form = to_linear(rw_.out(), rw_.expr(site.load->indices[d]));
      for (const LinearTerm &term : form.terms)
        if (rw_.out().type_of(term.atom).is_vector()) return {};
      LinearForm scalar = form;
      scalar.lanes = 1;
      scalar.lane_stride = 0;
      const ExprId lane = b.mul(offset(all.size() - 1), b.index(form.lane_stride));
      out.push_back(clamped(site, d, b.add(from_linear(b, scalar), lane)));
    }
    return out;
  }

  ExprId clamped(const Site &site, size_t dim, ExprId index) {
    if (!site.is_guarded) return index;
    Builder &b = rw_.build();
    const ExprId extent = rw_.expr(in_.buffer(site.load->buffer).extents[dim]);
    return b.max(b.min(index, b.sub(extent, b.index(1))), b.index(0));
  }

  bool is_same(const Made &a, const Made &b) {
    if (a.buffer != b.buffer || a.walks.size() != b.walks.size() || a.first.size() != b.first.size()) return false;
    for (size_t i = 0; i < a.walks.size(); ++i)
      if (a.walks[i].points != b.walks[i].points || a.walks[i].step != b.walks[i].step) return false;
    for (size_t d = 0; d + 1 < a.first.size(); ++d)
      if (a.first[d] != b.first[d]) return false;
    if (a.first.empty()) return true;
    const Kernel &k = rw_.out();
    const auto apart = subtract(to_linear(k, a.first.back()), to_linear(k, b.first.back()));
    if (!apart || !apart->is_constant()) return false;
    return std::abs(apart->constant) * bytes_of(k.buffer(a.buffer).element) < line_bytes();
  }

  const Kernel &in_;
  const PrefetchHint &hint_;
  const TargetInfo &info_;
  Rewriter rw_;
};

} // namespace

Result<Kernel> prefetch(Kernel in, const PrefetchOptions &options, const TargetInfo &info) {
  if (in.stage < Stage::kVectorized || in.stage > Stage::kScheduled)
    return Error{ErrorCode::kBadSchedule,
                 "prefetch needs stage vectorized or scheduled, not " + std::string(name_of(in.stage))};
  for (const PrefetchHint &hint : options.hints) {
    if (hint.distance < 1)
      return Error{ErrorCode::kBadSchedule, "prefetch distance of `" + hint.tensor + "` must be positive"};
    if (hint.cache < 1 || hint.cache > 3)
      return Error{ErrorCode::kBadSchedule, "prefetch cache level of `" + hint.tensor + "` must be 1, 2 or 3"};
  }
  if (info.fetch_ahead < 1) return in;
  for (const PrefetchHint &hint : options.hints) in = Prefetcher(in, hint, info).run();
  return in;
}

} // namespace sparkle
