#include "targets/x86/selector.h"

#include <algorithm>

#include "compiler/support/check.h"
#include "compiler/target/target.h"
#include "targets/cpu/legality.h"

namespace sparkle::x86 {
namespace {

constexpr int kPointerBytes = 8;

Address at(VReg base, int64_t displacement) {
  Address address;
  address.kind = Address::Kind::kRegisters;
  address.base = base;
  address.displacement = static_cast<int32_t>(displacement);
  return address;
}

} // namespace

Selector::Selector(const Kernel &kernel, const Launch &launch, const Isa &isa)
    : k_(kernel), launch_(launch), b_(isa), values_(kernel.var_count()), memo_(kernel.expr_count()),
      forms_(kernel, [this](ExprId id) { return opaque_atom(id); }), sums_(1), access_sums_(kernel.expr_count()),
      steps_(kernel.expr_count()), bases_(kernel.buffer_count()), slices_(kernel.buffer_count()),
      is_written_(kernel.buffer_count()), is_broadcast_(kernel.var_count()) {}

Result<Selected> Selector::run() {
  plan();
  levels_.push_back({});
  enter_scope();
  take_arguments();
  if (!refusal_.empty()) return Error{ErrorCode::kUnsupported, "kernel `" + k_.name + "` " + refusal_};
  Selected selected{b_.finish(), scratch_bytes_};
  selected.function.name = k_.name;
  return selected;
}

void Selector::refuse(std::string why) {
  if (refusal_.empty()) refusal_ = std::move(why);
}

void Selector::enter_scope() {
  Scope scope;
  scope.loads = loads_.size();
  if (!scopes_.empty()) scope.first_load = scopes_.back().first_load;
  scopes_.push_back(std::move(scope));
  prefetched_.clear();
  ++straight_;
}

void Selector::leave_scope() {
  for (SumId id : scopes_.back().sums) sums_[index_of(id)].reg = kNoId<VReg>;
  loads_.resize(scopes_.back().loads);
  scopes_.pop_back();
  prefetched_.clear();
  ++straight_;
}

// ---- The function around the body

/// SparkleCpuEntry: (arguments, first task, last task, scratch).
void Selector::take_arguments() {
  const VReg arguments = b_.argument(0), first = b_.argument(1), last = b_.argument(2), scratch = b_.argument(3);
  const VReg buffers = b_.general_load(Op::kGLoad, kPointerBytes, at(arguments, 0));
  symbols_address_ = b_.general_load(Op::kGLoad, kPointerBytes, at(arguments, kPointerBytes));
  const VReg uniforms = b_.general_load(Op::kGLoad, kPointerBytes, at(arguments, 2 * kPointerBytes));

  const auto add_base = [&](VReg reg) {
    Sum sum;
    sum.reg = reg;
    sums_.push_back(sum);
    return Base{SumId{static_cast<uint32_t>(sums_.size() - 1)}, 0};
  };
  const std::vector<BufferId> bound = bound_buffers(k_);
  SPARKLE_CHECK(bound.size() == launch_.buffers.size(), "the launch binds other buffers than its kernel has");
  for (size_t i = 0; i < bound.size(); ++i)
    bases_[index_of(bound[i])] =
        add_base(b_.general_load(Op::kGLoad, kPointerBytes, at(buffers, static_cast<int64_t>(i) * kPointerBytes)));
  scratch_ = add_base(scratch);

  for (uint32_t i = 0; i < k_.var_count(); ++i) {
    const Variable &variable = k_.var(VarId{i});
    if (variable.kind != VarKind::kUniform) continue;
    has_uniforms_ = true;
    const Address slot = at(uniforms, int64_t{index_of(variable.uniform)} * kPointerBytes);
    Value value;
    value.type = variable.type;
    value.is_splat = variable.type.scalar == Scalar::kF32;
    value.parts = {value.is_splat ? b_.vector_load(Op::kVBroadcast, b_.isa().vector_bytes(), slot)
                                  : b_.general_load(Op::kGLoad, 4, slot)};
    bind(VarId{i}, std::move(value));
  }
  walk_tasks(first, last);
}

/// Divides once, for the first task; from then on the group numbers count like an odometer, the last one fastest.
void Selector::walk_tasks(VReg first, VReg last) {
  Region::Loop &loop = b_.add_loop();
  {
    const CodeBuilder::Into into(b_, loop.enter); // No division by an extent of 0 where there is no task.
    b_.jump_if(Condition::kGe, 8, first, last, loop.exit);
  }
  enter_scope();
  Level level;
  level.loop = &loop;
  level.scope = scopes_.size() - 1;
  levels_.push_back(std::move(level));
  {
    const CodeBuilder::Into into(b_, loop.before);
    first_numbers(first);
  }
  {
    const CodeBuilder::Into into(b_, loop.body);
    statement(k_.body);
  }
  {
    const CodeBuilder::Into into(b_, loop.latch);
    b_.set_line(0);
    next_numbers();
    b_.general(Op::kGAdd, 8, first, 1, first);
    b_.jump_if(Condition::kLt, 8, first, last, loop.head);
  }
  leave_scope();
  levels_.pop_back();
  Inst inst;
  if (streams_) {
    inst.op = Op::kStoreFence;
    b_.add(inst);
  }
  inst.op = Op::kReturn;
  b_.add(inst);
}

void Selector::first_numbers(VReg first) {
  const size_t count = launch_.groups.size();
  extents_.assign(count, kNoId<VReg>);
  for (size_t i = 0; i < count; ++i)
    if (!launch_.groups[i].is_constant())
      extents_[i] = b_.general_load(Op::kGLoad, kPointerBytes,
                                    at(symbols_address_, int64_t{index_of(launch_.groups[i].symbol)} * kPointerBytes));
  digits_.assign(count, kNoId<VReg>);
  VReg rest = first;
  for (size_t i = count; i-- > 0;) {
    digits_[i] = b_.function().add_register(RegClass::kGeneral);
    if (i == 0) {
      b_.general(Op::kGMove, 8, rest, kNoId<VReg>, digits_[i]);
      break;
    }
    const VReg extent = is_valid(extents_[i]) ? extents_[i] : b_.constant(launch_.groups[i].value);
    b_.general(Op::kGMod, 8, rest, extent, digits_[i]);
    rest = b_.general(Op::kGDiv, 8, rest, extent);
  }
}

void Selector::next_numbers() {
  const Label done = b_.function().add_label();
  for (size_t i = digits_.size(); i-- > 0;) {
    b_.general(Op::kGAdd, 8, digits_[i], 1, digits_[i]);
    if (i == 0) break;
    if (is_valid(extents_[i])) {
      b_.jump_if(Condition::kLt, 8, digits_[i], extents_[i], done);
    } else {
      b_.jump_if(Condition::kLt, 8, digits_[i], launch_.groups[i].value, done);
    }
    b_.constant(0, digits_[i]);
  }
  b_.place(done);
}

Status check_kernel(const Kernel &kernel) { return cpu::check_kernel(kernel); }

Result<Selected> select(const Kernel &kernel, const Launch &launch, const Isa &isa) {
  SPARKLE_TRY_STATUS(check_kernel(kernel));
  return Selector(kernel, launch, isa).run();
}

} // namespace sparkle::x86
