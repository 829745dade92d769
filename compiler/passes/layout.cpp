#include "compiler/passes/layout.h"

#include <algorithm>
#include <map>

#include "compiler/analysis/walk.h"
#include "compiler/ir/transplant.h"
#include "compiler/schedule/loop_plan.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// For each place at which `read` stands in the definition: the conjuncts of the filters around it that depend on no
/// memory and on no variable but those of the read.
class FilterFinder {
public:
  FilterFinder(const Kernel &kernel, ExprId read) : kernel_(kernel), read_(read), vars_(vars_of(kernel, read)) {}

  std::vector<std::vector<ExprId>> run(ExprId root) {
    visit(root, {});
    return std::move(found_);
  }

private:
  bool holds(ExprId id) {
    auto [known, is_new] = holds_.emplace(id, id == read_);
    if (!is_new || known->second) return known->second;
    bool any = false;
    for_each_child(kernel_.expr(id), [&](ExprId child) { any |= holds(child); });
    return holds_[id] = any;
  }

  void visit(ExprId id, std::vector<ExprId> filters) {
    if (!holds(id)) return;
    if (id == read_) {
      found_.push_back(std::move(filters));
      return;
    }
    // A filter's reads of data come after its conditions of being inside.
    if (const auto *reduce = std::get_if<Reduce>(&kernel_.expr(id))) add_conjuncts(reduce->filter, filters);
    for_each_child(kernel_.expr(id), [&](ExprId child) { visit(child, filters); });
  }

  void add_conjuncts(ExprId filter, std::vector<ExprId> &out) const {
    for (ExprId part : conjuncts(kernel_, filter)) {
      const VarSet used = vars_of(kernel_, part);
      if (reads_of(kernel_, part).empty() && std::includes(vars_.begin(), vars_.end(), used.begin(), used.end()))
        out.push_back(part);
    }
  }

  const Kernel &kernel_;
  ExprId read_;
  VarSet vars_;
  std::map<ExprId, bool> holds_;
  std::vector<std::vector<ExprId>> found_;
};

std::vector<std::vector<ExprId>> filters_around(const Kernel &kernel, ExprId read) {
  return FilterFinder(kernel, read).run(definition_of(kernel).store->value);
}

/// Panels of one read of one tensor.
class Packer {
public:
  Packer(const Program &program, const Kernel &kernel, const LoopPlan &plan, const Staging &staging, ExprId read)
      : program_(program), in_(kernel), plan_(plan), staging_(staging), read_id_(read),
        read_(std::get<Read>(kernel.expr(read))) {}

  Status check() {
    VarSet used;
    for (ExprId index : read_.indices) used.merge(vars_of(in_, index));
    if (is_valid(read_.guard)) used.merge(vars_of(in_, read_.guard));
    for (const LoopRef &ref : staging_.layout) SPARKLE_TRY_STATUS(add_loop(ref));
    for (const PlannedDim &dim : plan_.dims) SPARKLE_TRY_STATUS(check_dim(dim, used));
    for (const PlannedSource &source : plan_.sources) used.erase(source.var);
    if (!used.empty())
      return bad("its index uses `" + in_.var(*used.begin()).name + "`, which no scheduled loop computes");
    return ok();
  }

  std::vector<Extent> extents() const {
    std::vector<Extent> extents;
    for (const Loop &loop : loops_) extents.push_back({loop.dim->factors[loop.split], kNoId<SymbolId>});
    return extents;
  }

  /// for each layout loop: panel[...] = tensor[...] inside it, else 0.
  Kernel pack_kernel(const std::string &name, TensorId panel) {
    Kernel out;
    out.name = name;
    out.strict = in_.strict;
    Builder b(out);
    BufferId target = add_panel(b, panel);
    Transplant carry(in_, b);
    std::vector<VarId> vars;
    for (const Loop &loop : loops_) {
      std::string name = loop.dim->name + "_" + std::to_string(loop.split);
      vars.push_back(out.add_var({name, kIndexType, VarKind::kLoop, name, 0}));
    }
    ExprId guard = enter_dims(b, carry, vars);
    Transplant::ReadParts parts = carry.read(read_);
    if (is_valid(parts.guard)) guard = is_valid(guard) ? b.both(guard, parts.guard) : parts.guard;
    if (ExprId wanted = wanted_by_filters(b, carry); is_valid(wanted))
      guard = is_valid(guard) ? b.both(guard, wanted) : wanted;
    ExprId other = is_valid(parts.other) ? parts.other : b.zero({out.buffer(parts.buffer).element, 1});
    ExprId value = b.read(parts.buffer, parts.indices, guard, is_valid(guard) ? other : kNoId<ExprId>);
    std::vector<ExprId> indices;
    for (VarId var : vars) indices.push_back(b.var(var));
    StmtId body = b.store(target, std::move(indices), value);
    for (size_t i = vars.size(); i-- > 0;)
      body = b.loop(vars[i], loops_[i].dim->factors[loops_[i].split], LoopKind::kSerial, body);
    out.body = body;
    return out;
  }

  /// The read as a read of the panel, in the kernel of `b`, whose sources have the values in `carry`.
  ExprId replacement(Builder &b, Transplant &carry, TensorId panel) {
    BufferId buffer = add_panel(b, panel);
    std::vector<ExprId> indices;
    for (const Loop &loop : loops_) {
      ExprId index = dim_index(b, carry, *loop.dim);
      index = b.div(index, b.index(loop.dim->stride(loop.split)));
      if (loop.split > 0) index = b.mod(index, b.index(loop.dim->factors[loop.split]));
      indices.push_back(index);
    }
    return b.read(buffer, std::move(indices));
  }

private:
  struct Loop {
    const PlannedDim *dim;
    int split;
  };

  Error bad(const std::string &text) const {
    return {ErrorCode::kBadSchedule, "`stage " + staging_.tensor + " far` in kernel `" + in_.name + "`: " + text};
  }

  Status add_loop(const LoopRef &ref) {
    const PlannedDim *dim = plan_.find(ref.dim);
    if (!dim || ref.split < 0 || ref.split >= static_cast<int>(dim->factors.size()))
      return bad("`layout` names loop `" + ref.text() + "`, which does not exist");
    for (const Loop &loop : loops_)
      if (loop.dim == dim && loop.split == ref.split) return bad("`layout` names loop `" + ref.text() + "` twice");
    loops_.push_back({dim, ref.split});
    return ok();
  }

  Status check_dim(const PlannedDim &dim, const VarSet &used) const {
    bool needed =
        std::any_of(dim.sources.begin(), dim.sources.end(), [&](int s) { return used.contains(plan_.sources[s].var); });
    auto count = std::count_if(loops_.begin(), loops_.end(), [&](const Loop &loop) { return loop.dim == &dim; });
    if (needed && static_cast<size_t>(count) != dim.factors.size())
      return bad("`layout` must hold all loops of `" + dim.name + "`, on which the read depends");
    if (!needed && count > 0)
      return bad("`layout` holds a loop of `" + dim.name + "`, on which the read does not depend");
    if (needed && !dim.extent) return bad("the extent of `" + dim.name + "` is open");
    return ok();
  }

  /// Sources as functions of the layout loops; returns the condition of being inside all extents (kNoId: always).
  ExprId enter_dims(Builder &b, Transplant &carry, const std::vector<VarId> &vars) {
    ExprId guard = kNoId<ExprId>;
    for (const PlannedDim &dim : plan_.dims) {
      ExprId index = b.index(0);
      bool present = false;
      for (size_t i = 0; i < loops_.size(); ++i) {
        if (loops_[i].dim != &dim) continue;
        present = true;
        index = b.add(index, b.mul(b.var(vars[i]), b.index(dim.stride(loops_[i].split))));
      }
      if (!present) continue;
      std::vector<ExprId> values = plan_.source_indices(b, dim, index);
      for (size_t i = 0; i < values.size(); ++i) {
        const PlannedSource &source = plan_.sources[dim.sources[i]];
        carry.substitute(source.var, b.add(values[i], carry.expr(source.begin)));
      }
      if (dim.covered() == *dim.extent) continue;
      ExprId inside = b.less(index, b.index(*dim.extent));
      guard = is_valid(guard) ? b.both(guard, inside) : inside;
    }
    return guard;
  }

  /// Filters of reductions keep reads inside (`outside skip`); the panel is filled outside of them. kNoId: always
  /// wanted.
  ExprId wanted_by_filters(Builder &b, Transplant &carry) {
    ExprId wanted = kNoId<ExprId>;
    for (const std::vector<ExprId> &conditions : filters_around(in_, read_id_)) {
      ExprId all = kNoId<ExprId>;
      for (ExprId condition : conditions) {
        ExprId carried = carry.expr(condition);
        all = is_valid(all) ? b.both(all, carried) : carried;
      }
      if (!is_valid(all)) return kNoId<ExprId>;
      wanted = is_valid(wanted) ? b.binary(BinaryOp::kOr, wanted, all) : all;
    }
    return wanted;
  }

  ExprId dim_index(Builder &b, Transplant &carry, const PlannedDim &dim) {
    ExprId index = b.index(0);
    for (int s : dim.sources) {
      const PlannedSource &source = plan_.sources[s];
      ExprId value = b.sub(carry.var(source.var), carry.expr(source.begin));
      index = b.add(b.mul(index, b.index(std::max<int64_t>(1, *source.extent))), value);
    }
    return index;
  }

  /// Schedules go on to call the panel by the name of the tensor whose elements it holds.
  BufferId add_panel(Builder &b, TensorId panel) {
    BufferId id = tensor_buffer(b, program_, panel);
    b.kernel().buffer(id).origin = staging_.tensor;
    return id;
  }

  const Program &program_;
  const Kernel &in_;
  const LoopPlan &plan_;
  const Staging &staging_;
  ExprId read_id_;
  const Read &read_;
  std::vector<Loop> loops_;
};

std::string unique_kernel_name(const Program &program, const std::vector<Kernel> &before, const std::string &base) {
  std::string name = base;
  auto taken = [&](const std::vector<Kernel> &list) {
    return std::any_of(list.begin(), list.end(), [&](const Kernel &k) { return k.name == name; });
  };
  for (int i = 2; taken(program.kernels) || taken(program.prepack) || taken(before); ++i)
    name = base + "_" + std::to_string(i);
  return name;
}

std::optional<ExprId> find_read(const Kernel &kernel, const std::string &tensor) {
  for (ExprId id : reads_of(kernel, definition_of(kernel).store->value))
    if (kernel.buffer(std::get<Read>(kernel.expr(id)).buffer).name == tensor) return id;
  return std::nullopt;
}

/// Applies one staging to one read of a kernel; adds tensor and packing kernel to `program`, those of the run to
/// `before`.
Result<Kernel> apply(Program &program, const Kernel &kernel, const LoopPlan &plan, const Staging &staging, ExprId read,
                     std::vector<Kernel> &before) {
  const Buffer &source = kernel.buffer(std::get<Read>(kernel.expr(read)).buffer);
  Packer packer(program, kernel, plan, staging, read);
  SPARKLE_TRY_STATUS(packer.check());
  Role role = source.role == Role::kConst || source.role == Role::kPacked ? Role::kPacked : Role::kWorkspace;
  std::string name = unique_kernel_name(program, before, staging.tensor + ".pack");
  TensorId panel = program.tensors.add({name, source.element, packer.extents(), {}, role, 64});
  (role == Role::kPacked ? program.prepack : before).push_back(packer.pack_kernel(name, panel));
  return rewrite_definition(kernel, [&](Builder &b, Transplant &carry) {
    carry.on_expr = [&](ExprId id) -> std::optional<ExprId> {
      if (id != read) return std::nullopt;
      return packer.replacement(b, carry, panel);
    };
  });
}

Result<Kernel> apply_all(Program &program, Kernel kernel, const KernelSchedule &entry, std::vector<Kernel> &before) {
  for (const Staging &staging : entry.stagings) {
    if (staging.level != MemoryLevel::kFar) continue;
    auto read = find_read(kernel, staging.tensor);
    if (!read)
      return Error{ErrorCode::kBadSchedule, "`stage " + staging.tensor + " far`: kernel `" + kernel.name +
                                                "` does not read `" + staging.tensor + "`"};
    for (; read; read = find_read(kernel, staging.tensor)) {
      SPARKLE_TRY(LoopPlan plan, plan_loops(kernel, entry));
      SPARKLE_TRY(kernel, apply(program, kernel, plan, staging, *read, before));
    }
  }
  return kernel;
}

} // namespace

Result<Program> layout(const Program &in, const LayoutOptions &options, const TargetInfo &) {
  Program out = in;
  out.kernels.clear();
  for (const Kernel &kernel : in.kernels) {
    Kernel current = kernel;
    std::vector<Kernel> before;
    if (const KernelSchedule *entry = options.schedule.find(kernel.name)) {
      SPARKLE_TRY(current, apply_all(out, std::move(current), *entry, before));
    }
    for (Kernel &pack : before) out.kernels.push_back(std::move(pack));
    out.kernels.push_back(std::move(current));
  }
  return out;
}

} // namespace sparkle
