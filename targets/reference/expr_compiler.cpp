#include "targets/reference/expr_compiler.h"

#include <algorithm>
#include <bit>

#include "compiler/ir/numeric.h"
#include "compiler/support/match.h"
#include "targets/reference/arithmetic.h"
#include "targets/reference/machine.h"

namespace sparkle::reference {

ExprCompiler::ExprCompiler(CompiledKernel &out) : out_(out), kernel_(*out.kernel), ops_(out.precision) {
  open(out.prologue);
}

void ExprCompiler::open(Code &place) { places_.push_back({&place, {}, {}}); }

void ExprCompiler::close() {
  for (ExprId id : places_.back().exprs) exprs_.erase(id);
  for (VarId id : places_.back().vars) vars_.erase(id);
  places_.pop_back();
}

void ExprCompiler::fail(ErrorCode code, std::string text) {
  if (!error_) error_ = Error{code, std::move(text)};
}

Slot ExprCompiler::allocate(int64_t bytes) {
  constexpr int64_t kAlignment = 16; // An Estimate.
  constexpr int64_t kMaxFrameBytes = int64_t{1} << 30;
  const int64_t slot = out_.frame_bytes;
  if (bytes > kMaxFrameBytes - slot - kAlignment) {
    fail(ErrorCode::kUnsupported, "registers of kernel `" + kernel_.name + "` need over 1 GiB for one worker");
    return 0;
  }
  out_.frame_bytes = (slot + bytes + kAlignment - 1) / kAlignment * kAlignment;
  return static_cast<Slot>(slot);
}

Slot ExprCompiler::value(ExprId id) { return known(id).slot; }

Access ExprCompiler::access(BufferId buffer, const std::vector<ExprId> &indices) {
  Access access{buffer, {}};
  for (ExprId index : indices) {
    if (scalar(index) != Scalar::kIndex)
      fail(ErrorCode::kInternal, "subscript of `" + kernel_.buffer(buffer).name + "` is no index");
    access.indices.push_back({value(index), is_vector(index)});
  }
  if (indices.size() != kernel_.buffer(buffer).extents.size())
    fail(ErrorCode::kInternal, "wrong number of subscripts for `" + kernel_.buffer(buffer).name + "`");
  return access;
}

Slot ExprCompiler::bind(VarId var) {
  const Type type = kernel_.var(var).type;
  const Slot slot = allocate(int64_t{type.lanes} * frame_bytes(type.scalar, out_.precision));
  vars_[var] = {slot, top()};
  places_.back().vars.push_back(var);
  return slot;
}

void ExprCompiler::alias(VarId var, ExprId value) {
  vars_[var] = known(value);
  places_.back().vars.push_back(var);
}

ExprCompiler::Known ExprCompiler::known(ExprId id) {
  if (const auto found = exprs_.find(id); found != exprs_.end()) return found->second;
  const Known result = compute(id);
  exprs_[id] = result;
  places_[static_cast<size_t>(result.level)].exprs.push_back(id);
  return result;
}

ExprCompiler::Known ExprCompiler::variable(VarId var) {
  if (const auto found = vars_.find(var); found != vars_.end()) return found->second;
  const VarKind kind = kernel_.var(var).kind;
  if (kind != VarKind::kSymbol && kind != VarKind::kUniform) {
    fail(ErrorCode::kInternal, "variable `" + kernel_.var(var).name + "` is used where it is not bound");
    return {0, 0};
  }
  const Slot slot = allocate(frame_bytes(kernel_.var(var).type.scalar, out_.precision));
  out_.program_vars.push_back({var, slot});
  return vars_[var] = {slot, 0};
}

ExprCompiler::Known ExprCompiler::add_instr(Instr instr, ExprId id, int level) {
  if (!instr.fn)
    fail(ErrorCode::kInternal, "operation on " + to_string(kernel_.type_of(id)) + " that the type does not have");
  instr.lanes = lanes(id);
  instr.dst = allocate(int64_t{lanes(id)} * frame_bytes(scalar(id), out_.precision));
  places_[static_cast<size_t>(level)].code->push_back(instr);
  return {instr.dst, level};
}

ExprCompiler::Known ExprCompiler::emit(InstrFn fn, ExprId id, std::vector<ExprId> operands, int extra, int64_t imm,
                                       bool pinned) {
  Instr instr;
  instr.fn = fn;
  instr.extra = extra;
  instr.imm = imm;
  int level = 0;
  Slot *slots[] = {&instr.a, &instr.b, &instr.c};
  for (size_t i = 0; i < operands.size(); ++i) {
    const Known operand = known(operands[i]);
    *slots[i] = operand.slot;
    level = std::max(level, operand.level);
  }
  return add_instr(instr, id, pinned ? top() : level);
}

ExprCompiler::Known ExprCompiler::constant(ExprId id, Type type, int64_t bits) {
  Instr instr;
  instr.fn = ops_.constant(type.scalar);
  instr.imm = bits;
  return add_instr(instr, id, 0);
}

ExprCompiler::Known ExprCompiler::binary(ExprId id, const Binary &e) {
  const bool divides = (e.op == BinaryOp::kDiv || e.op == BinaryOp::kMod) && is_integer(scalar(id));
  const bool checked = divides && kernel_.constant(e.b).value_or(0) <= 0;
  if (checked) {
    // The division stays where it stands, behind a check: elsewhere its divisor may be anything.
    Instr check;
    check.fn = scalar(id) == Scalar::kIndex ? check_divisor<int64_t> : check_divisor<int32_t>;
    check.a = value(e.b);
    check.lanes = lanes(e.b);
    value(e.a);
    places_.back().code->push_back(check);
  }
  return emit(ops_.binary(e.op, scalar(e.a)), id, {e.a, e.b}, 0, 0, checked);
}

ExprCompiler::Known ExprCompiler::shuffle(ExprId id, const Shuffle &e) {
  const int width = frame_bytes(scalar(id), out_.precision);
  std::vector<Slot> sources;
  int level = 0;
  for (ExprId input : e.inputs) {
    const Known part = known(input);
    level = std::max(level, part.level);
    for (int lane = 0; lane < lanes(input); ++lane) sources.push_back(part.slot + static_cast<Slot>(lane * width));
  }
  const Slot dst = allocate(static_cast<int64_t>(e.indices.size()) * width);
  for (size_t i = 0; i < e.indices.size(); ++i) {
    Instr instr;
    instr.fn = ops_.copy_lane(scalar(id));
    instr.dst = dst + static_cast<Slot>(i) * static_cast<Slot>(width);
    if (e.indices[i] < 0 || static_cast<size_t>(e.indices[i]) >= sources.size()) {
      fail(ErrorCode::kInternal, "shuffle of a lane that is not there");
      break;
    }
    instr.a = sources[static_cast<size_t>(e.indices[i])];
    places_[static_cast<size_t>(level)].code->push_back(instr);
  }
  return {dst, level};
}

ExprCompiler::Known ExprCompiler::read(ExprId id, const Read &e) {
  ReadOp op;
  if (is_valid(e.guard)) op.guard = value(e.guard);
  if (is_valid(e.guard)) op.other = value(e.other);
  op.access = access(e.buffer, e.indices);
  out_.reads.push_back(std::move(op));
  const bool estimate = out_.precision == Precision::kEstimate;
  Instr instr;
  instr.fn = estimate ? run_read_estimate : run_read;
  instr.extra = static_cast<int32_t>(out_.reads.size() - 1);
  return add_instr(instr, id, top());
}

ExprCompiler::Known ExprCompiler::reduce(ExprId id, const Reduce &e) {
  const size_t number = out_.reductions.size();
  out_.reductions.emplace_back();
  auto loops = std::make_unique<ReduceLoops>(); // Nested reductions move the table: work on the side.
  loops->axes.resize(e.axes.size());
  const int level = top();
  for (size_t i = 0; i < e.axes.size(); ++i) {
    AxisLoop &axis = loops->axes[i];
    open(axis.before);
    axis.begin = value(e.axes[i].begin);
    axis.end = value(e.axes[i].end);
    open(axis.each);
    axis.var = bind(e.axes[i].var);
  }
  open(loops->filter_code);
  if (is_valid(e.filter)) loops->filter = value(e.filter);
  open(loops->body_code);
  Instr &combine = loops->combine;
  combine.b = value(e.body);
  combine.fn = ops_.binary(step_of(e.op), scalar(id));
  for (size_t i = 0; i < 2 * e.axes.size() + 2; ++i) close();

  Instr begin;
  begin.fn = ops_.identity(e.op, scalar(id));
  const Known accumulator = add_instr(begin, id, level);
  combine.a = combine.dst = accumulator.slot;
  Instr run;
  run.fn = run_reduction;
  run.extra = static_cast<int32_t>(number);
  places_[static_cast<size_t>(level)].code->push_back(run);
  // Nested loops keep pointers into nothing: the codes are only reached through the table from here on.
  out_.reductions[number] = std::move(*loops);
  return accumulator;
}

ExprCompiler::Known ExprCompiler::compute(ExprId id) {
  const Scalar type = scalar(id);
  return match(
      kernel_.expr(id), [&](const IntConst &e) { return constant(id, e.type, e.value); },
      [&](const FloatConst &e) { return constant(id, e.type, std::bit_cast<int64_t>(e.value)); },
      [&](const VarRef &e) { return variable(e.var); },
      [&](const Unary &e) { return emit(ops_.unary(e.op, type), id, {e.a}); },
      [&](const Binary &e) { return binary(id, e); },
      [&](const Compare &e) {
        return emit(ops_.compare(e.op, scalar(e.a)), id, {e.a, e.b});
      },
      [&](const Select &e) {
        return emit(ops_.select(type), id, {e.cond, e.a, e.b}, lanes(e.cond));
      },
      [&](const Fma &e) {
        return emit(ops_.fma(type), id, {e.a, e.b, e.c});
      },
      [&](const Cast &e) { return emit(ops_.cast(scalar(e.a), type), id, {e.a}); },
      [&](const Bitcast &e) { return emit(ops_.bitcast(), id, {e.a}); },
      [&](const Ramp &e) { return emit(ops_.ramp(), id, {e.base}, 0, e.stride); },
      [&](const Broadcast &e) { return emit(ops_.broadcast(type), id, {e.a}); },
      [&](const Shuffle &e) { return shuffle(id, e); },
      [&](const ReduceLanes &e) { return emit(ops_.reduce_lanes(e.op, type), id, {e.a}, lanes(e.a)); },
      [&](const Dot &e) {
        return emit(ops_.dot(type, scalar(e.a), scalar(e.b)), id, {e.acc, e.a, e.b}, lanes(e.a) / lanes(e.acc));
      },
      [&](const Read &e) { return read(id, e); }, [&](const Reduce &e) { return reduce(id, e); });
}

} // namespace sparkle::reference
