#include "compiler/ir/transplant.h"

#include "compiler/support/match.h"

namespace sparkle {

Kernel empty_like(const Kernel &in) {
  Kernel out;
  out.name = in.name;
  out.stage = in.stage;
  out.index_bits = in.index_bits;
  out.strict = in.strict;
  out.reserve_like(in);
  return out;
}

Buffer buffer_without_extents(const Program &program, TensorId id) {
  const Tensor &tensor = program.tensors[id];
  Buffer buffer;
  buffer.name = tensor.name;
  buffer.element = tensor.element;
  buffer.role = tensor.role;
  buffer.tensor = id;
  buffer.alignment = tensor.alignment;
  return buffer;
}

BufferId tensor_buffer(Builder &b, const Program &program, TensorId id) {
  for (uint32_t i = 0; i < b.kernel().buffer_count(); ++i)
    if (b.kernel().buffer(BufferId{i}).tensor == id) return BufferId{i};
  const Tensor &tensor = program.tensors[id];
  Buffer buffer = buffer_without_extents(program, id);
  std::vector<int64_t> sizes;
  for (const Extent &extent : tensor.extents) {
    SPARKLE_CHECK(extent.is_constant(), "a buffer of an open extent");
    sizes.push_back(extent.value);
  }
  for (int64_t size : sizes) buffer.extents.push_back(b.index(size));
  for (int64_t stride : tensor.strides.empty() ? dense_strides(sizes) : tensor.strides)
    buffer.strides.push_back(b.index(stride));
  return b.kernel().add_buffer(std::move(buffer));
}

ExprId map_operands(Builder &out, const Expr &expr, FunctionRef<ExprId(ExprId)> map_expr,
                    FunctionRef<ExprId(VarId)> map_var, FunctionRef<VarId(VarId)> map_axis,
                    FunctionRef<BufferId(BufferId)> map_buffer) {
  auto all = [&](const std::vector<ExprId> &ids) {
    std::vector<ExprId> mapped;
    mapped.reserve(ids.size());
    for (ExprId id : ids) mapped.push_back(map_expr(id));
    return mapped;
  };
  auto optional = [&](ExprId id) { return is_valid(id) ? map_expr(id) : id; };
  return match(
      expr, [&](const IntConst &e) { return out.kernel().intern(e); },
      [&](const FloatConst &e) { return out.kernel().intern(e); }, [&](const VarRef &e) { return map_var(e.var); },
      [&](const Unary &e) { return out.unary(e.op, map_expr(e.a)); },
      [&](const Binary &e) {
        ExprId a = map_expr(e.a);
        return out.binary(e.op, a, map_expr(e.b));
      },
      [&](const Compare &e) {
        ExprId a = map_expr(e.a);
        return out.compare(e.op, a, map_expr(e.b));
      },
      [&](const Select &e) {
        ExprId cond = map_expr(e.cond);
        ExprId a = map_expr(e.a);
        return out.select(cond, a, map_expr(e.b));
      },
      [&](const Fma &e) {
        ExprId a = map_expr(e.a);
        ExprId b = map_expr(e.b);
        return out.fma(a, b, map_expr(e.c));
      },
      [&](const Cast &e) { return out.cast(e.type, map_expr(e.a)); },
      [&](const Bitcast &e) { return out.bitcast(e.type, map_expr(e.a)); },
      [&](const Ramp &e) { return out.ramp(map_expr(e.base), e.stride, e.lanes); },
      [&](const Broadcast &e) { return out.broadcast(map_expr(e.a), e.lanes); },
      [&](const Shuffle &e) {
        return out.kernel().intern(Shuffle{all(e.inputs), e.indices});
      },
      [&](const ReduceLanes &e) {
        return out.kernel().intern(ReduceLanes{e.op, map_expr(e.a)});
      },
      [&](const Dot &e) {
        ExprId acc = map_expr(e.acc);
        ExprId a = map_expr(e.a);
        return out.kernel().intern(Dot{acc, a, map_expr(e.b)});
      },
      [&](const Read &e) {
        auto indices = all(e.indices);
        ExprId guard = optional(e.guard);
        return out.read(map_buffer(e.buffer), std::move(indices), guard, optional(e.other));
      },
      [&](const Reduce &e) {
        std::vector<ReduceAxis> axes;
        for (const ReduceAxis &axis : e.axes) {
          ExprId begin = map_expr(axis.begin);
          ExprId end = map_expr(axis.end);
          axes.push_back({map_axis(axis.var), begin, end});
        }
        ExprId body = map_expr(e.body);
        return out.reduce(e.op, std::move(axes), body, optional(e.filter));
      });
}

void Transplant::substitute(VarId var, ExprId value) {
  vars_.set(var, value);
  memo_.clear();
}

ExprId Transplant::expr(ExprId id) {
  if (const ExprId *found = memo_.find(id)) return *found;
  ExprId result = rebuild(id);
  memo_.set(id, result);
  return result;
}

ExprId Transplant::rebuild(ExprId id) {
  if (on_expr)
    if (auto replaced = on_expr(id)) return *replaced;
  return map_operands(
      to_, from_.expr(id), [this](ExprId e) { return expr(e); }, [this](VarId v) { return var(v); },
      [this](VarId v) { return axis(v); }, [this](BufferId b) { return buffer(b); });
}

Transplant::ReadParts Transplant::read(const Read &read) {
  ReadParts parts{buffer(read.buffer), {}, read.guard, read.other};
  for (ExprId index : read.indices) parts.indices.push_back(expr(index));
  if (is_valid(read.guard)) parts.guard = expr(read.guard);
  if (is_valid(read.other)) parts.other = expr(read.other);
  return parts;
}

ExprId Transplant::var(VarId id) {
  if (const ExprId *found = vars_.find(id)) return *found;
  const Variable &variable = from_.var(id);
  SPARKLE_CHECK(variable.kind == VarKind::kSymbol || variable.kind == VarKind::kUniform,
                "a transplanted expression mentions a variable that is not substituted");
  for (uint32_t i = 0; i < to_.kernel().var_count(); ++i) {
    const Variable &other = to_.kernel().var(VarId{i});
    if (other.kind == variable.kind && other.symbol == variable.symbol && other.uniform == variable.uniform)
      return set_var(id, VarId{i});
  }
  return set_var(id, to_.kernel().add_var(variable));
}

ExprId Transplant::set_var(VarId id, VarId fresh) {
  const ExprId value = to_.var(fresh);
  vars_.set(id, value);
  return value;
}

BufferId Transplant::set_buffer(BufferId id, BufferId fresh) {
  buffers_.set(id, fresh);
  return fresh;
}

VarId Transplant::axis(VarId id) {
  VarId fresh = to_.kernel().add_var(from_.var(id));
  substitute(id, to_.var(fresh));
  return fresh;
}

BufferId Transplant::buffer(BufferId id) {
  if (const BufferId *found = buffers_.find(id)) return *found;
  const Buffer &source = from_.buffer(id);
  SPARKLE_CHECK(is_valid(source.tensor), "only buffers behind a tensor can be transplanted");
  for (uint32_t i = 0; i < to_.kernel().buffer_count(); ++i)
    if (to_.kernel().buffer(BufferId{i}).tensor == source.tensor) return set_buffer(id, BufferId{i});
  Buffer copy = source;
  for (ExprId &extent : copy.extents) extent = expr(extent);
  for (ExprId &stride : copy.strides) stride = expr(stride);
  return set_buffer(id, to_.kernel().add_buffer(std::move(copy)));
}

} // namespace sparkle
