#include "compiler/passes/split_reduction.h"

#include <algorithm>

#include "compiler/analysis/imported.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// The reduction of a definition, its longest axis, and how that is cut.
struct Cut {
  ExprId reduce;
  size_t axis = 0;
  int64_t extent = 0;
  int64_t parts = 1;
  int64_t length() const { return ceil_div(extent, parts); }
};

Error refuse(const Kernel &kernel, const std::string &why, ErrorCode code = ErrorCode::kBadSchedule) {
  return {code, "`split_reduction` of kernel `" + kernel.name + "`: " + why};
}

Result<Cut> plan_cut(const Kernel &kernel, int64_t parts) {
  if (kernel.strict) return refuse(kernel, "a strict kernel keeps the order of its terms", ErrorCode::kUnsupported);
  std::vector<ExprId> reduces = outer_reduces(kernel, definition_of(kernel).store->value);
  if (reduces.size() != 1)
    return refuse(kernel, "it has " + std::to_string(reduces.size()) + " reductions, one is needed");
  Cut cut;
  cut.reduce = reduces.front();
  const Reduce &reduce = std::get<Reduce>(kernel.expr(cut.reduce));
  for (size_t i = 0; i < reduce.axes.size(); ++i) {
    auto begin = kernel.constant(reduce.axes[i].begin), end = kernel.constant(reduce.axes[i].end);
    if (!begin || !end)
      return refuse(kernel, "the extent of axis `" + kernel.var(reduce.axes[i].var).name + "` is open");
    if (*end - *begin <= cut.extent) continue;
    cut.axis = i;
    cut.extent = *end - *begin;
  }
  if (parts > cut.extent)
    return refuse(kernel, std::to_string(parts) + " parts of an axis of " + std::to_string(cut.extent) + " steps");
  cut.parts = parts;
  return cut;
}

/// The tensor of partial results: one more dimension, outermost.
Result<TensorId> add_parts(Program &program, const Kernel &kernel, const Cut &cut) {
  const Buffer &target = kernel.buffer(definition_of(kernel).store->buffer);
  Tensor parts = program.tensors[target.tensor];
  parts.name = kernel.name + ".part";
  parts.element = kernel.type_of(std::get<Reduce>(kernel.expr(cut.reduce)).body).scalar;
  parts.extents.insert(parts.extents.begin(), Extent{cut.parts, kNoId<SymbolId>});
  parts.strides.clear();
  parts.role = Role::kWorkspace;
  parts.alignment = 64;
  for (const Extent &extent : parts.extents)
    if (!extent.is_constant())
      return refuse(kernel, "an open extent cannot be kept in a workspace", ErrorCode::kUnsupported);
  return program.tensors.add(std::move(parts));
}

/// parts[s, dims] = the reduction over the s-th piece of the axis.
Kernel partial_kernel(const Program &program, const Kernel &in, const Cut &cut, TensorId parts) {
  Kernel out;
  out.name = in.name + ".part";
  Builder b(out);
  Transplant carry(in, b);
  BufferId target = tensor_buffer(b, program, parts);
  Definition def = definition_of(in);
  VarId part = out.add_var({"s", kIndexType, VarKind::kLoop, "s", 0});
  std::vector<VarId> vars;
  std::vector<ExprId> indices = {b.var(part)};
  for (size_t i = 0; i < def.dims.size(); ++i) {
    vars.push_back(out.add_var(in.var(def.dims[i].var)));
    carry.substitute(def.dims[i].var, b.var(vars.back()));
  }
  for (ExprId index : def.store->indices) indices.push_back(carry.expr(index));

  const Reduce &reduce = std::get<Reduce>(in.expr(cut.reduce));
  std::vector<ReduceAxis> axes;
  ExprId inside = kNoId<ExprId>;
  for (size_t i = 0; i < reduce.axes.size(); ++i) {
    VarId axis = out.add_var(in.var(reduce.axes[i].var));
    ExprId begin = carry.expr(reduce.axes[i].begin), end = carry.expr(reduce.axes[i].end);
    if (i != cut.axis) {
      axes.push_back({axis, begin, end});
      carry.substitute(reduce.axes[i].var, b.var(axis));
      continue;
    }
    axes.push_back({axis, b.index(0), b.index(cut.length())});
    ExprId step = b.add(b.mul(b.var(part), b.index(cut.length())), b.var(axis));
    if (cut.extent % cut.length() != 0) inside = b.less(step, b.index(cut.extent));
    carry.substitute(reduce.axes[i].var, b.add(begin, step));
  }
  ExprId filter = is_valid(reduce.filter) ? carry.expr(reduce.filter) : kNoId<ExprId>;
  if (is_valid(inside)) filter = is_valid(filter) ? b.both(inside, filter) : inside;
  StmtId body =
      b.store(target, std::move(indices), b.reduce(reduce.op, std::move(axes), carry.expr(reduce.body), filter));
  for (size_t i = vars.size(); i-- > 0;)
    body = b.loop(vars[i], carry.expr(def.dims[i].begin), carry.expr(def.dims[i].end), LoopKind::kSerial, body);
  out.body = b.loop(part, cut.parts, LoopKind::kSerial, body);
  return out;
}

/// The definition with its reduction replaced by one over the parts.
Kernel final_kernel(const Program &program, const Kernel &in, const Cut &cut, TensorId parts) {
  Definition def = definition_of(in);
  return rewrite_definition(in, [&](Builder &b, Transplant &carry) {
    carry.on_expr = [&](ExprId id) -> std::optional<ExprId> {
      if (id != cut.reduce) return std::nullopt;
      VarId axis = b.kernel().add_var({"s", kIndexType, VarKind::kAxis, "s", 0});
      std::vector<ExprId> indices = {b.var(axis)};
      for (ExprId index : def.store->indices) indices.push_back(carry.expr(index));
      ExprId read = b.read(tensor_buffer(b, program, parts), std::move(indices));
      ReduceOp op = std::get<Reduce>(in.expr(cut.reduce)).op;
      return b.reduce(op, {{axis, b.index(0), b.index(cut.parts)}}, read);
    };
  });
}

} // namespace

Result<Program> split_reduction(Program in, const SplitReductionOptions &options, const TargetInfo &) {
  const bool has_cuts = std::ranges::any_of(in.kernels, [&](const Kernel &kernel) {
    const KernelSchedule *entry = options.schedule.find(kernel.name);
    return entry && entry->split_reduction > 1;
  });
  if (!has_cuts) return in;
  Program out = in;
  out.kernels.clear();
  for (const Kernel &kernel : in.kernels) {
    const KernelSchedule *entry = options.schedule.find(kernel.name);
    if (!entry || entry->split_reduction <= 1) {
      out.kernels.push_back(kernel);
      continue;
    }
    SPARKLE_TRY(Cut cut, plan_cut(kernel, entry->split_reduction));
    SPARKLE_TRY(TensorId parts, add_parts(out, kernel, cut));
    out.kernels.push_back(partial_kernel(out, kernel, cut, parts));
    out.kernels.push_back(final_kernel(out, kernel, cut, parts));
  }
  return out;
}

} // namespace sparkle
