#include "targets/reference/machine.h"

#include <cstring>

#include "compiler/support/checked_math.h"
#include "compiler/support/string_builder.h"

namespace sparkle::reference {

Machine::Machine(const CompiledKernel &code, const KernelArguments &arguments)
    : code_(code), arguments_(arguments), root_frame_(static_cast<size_t>(code.frame_bytes)) {
  root_.frame = root_frame_.data();
  root_.machine = this;
  shapes_.resize(kernel().buffer_count());
  near_.resize(kernel().buffer_count());
  far_.resize(kernel().buffer_count());
}

bool Machine::fail(std::string text) {
  if (error_) return false;
  StringBuilder out;
  out << text << " (kernel `" << kernel().name << "`";
  if (is_valid(current)) out << ": " << describe(kernel(), current);
  out << ")";
  error_ = out.take();
  return false;
}

Status Machine::start() {
  SPARKLE_TRY_STATUS(bind_program_vars());
  if (!run_code(code_.prologue, root_)) return error();
  SPARKLE_TRY_STATUS(resolve_shapes());
  return check_far();
}

Status Machine::bind_program_vars() {
  const RunValues &values = arguments_.values;
  for (const auto &[id, slot] : code_.program_vars) {
    const Variable &var = kernel().var(id);
    const bool is_symbol = var.kind == VarKind::kSymbol;
    const size_t number = is_symbol ? index_of(var.symbol) : index_of(var.uniform);
    if (number >= (is_symbol ? values.symbols.size() : values.uniforms.size()))
      return Error{ErrorCode::kInvalidInput, "no value is given for `" + var.name + "`"};
    if (is_symbol) {
      *at<int64_t>(root_, slot) = values.symbols[number];
    } else if (var.type.scalar == Scalar::kF32) {
      const float value = std::bit_cast<float>(static_cast<uint32_t>(values.uniforms[number]));
      if (code_.precision == Precision::kEstimate)
        *at<Estimate>(root_, slot) = Estimate::exact(value);
      else
        *at<float>(root_, slot) = value;
    } else {
      std::memcpy(root_.frame + slot, &values.uniforms[number], static_cast<size_t>(bytes_of(var.type.scalar)));
    }
  }
  return ok();
}

Status Machine::resolve_shapes() {
  const Error overflow{ErrorCode::kShapeOverflow, "the size of a buffer leaves 64 bits"};
  for (size_t b = 0; b < shapes_.size(); ++b) {
    Shape &shape = shapes_[b];
    shape.element_bytes = bytes_of(kernel().buffer(static_cast<BufferId>(b)).element);
    int64_t last = 0;
    bool is_empty = false;
    for (size_t d = 0; d < code_.extents[b].size(); ++d) {
      shape.extents.push_back(*at<int64_t>(root_, code_.extents[b][d]));
      shape.strides.push_back(*at<int64_t>(root_, code_.strides[b][d]));
      if (shape.extents[d] <= 0) {
        is_empty = true;
        continue;
      }
      const auto reach = checked_mul(shape.extents[d] - 1, shape.strides[d]);
      const auto sum = reach ? checked_add(last, *reach) : std::nullopt;
      if (!sum) return overflow;
      last = *sum;
    }
    if (!checked_mul(last + 1, shape.element_bytes)) return overflow;
    shape.elements = is_empty ? 0 : last + 1;
  }
  return ok();
}

Status Machine::check_far() {
  for (const auto &[id, memory] : arguments_.buffers) {
    if (index_of(id) >= far_.size())
      return Error{ErrorCode::kInvalidInput, "memory is bound to a buffer that is not there"};
    far_[index_of(id)] = memory;
  }
  return ok();
}

// ---- Instructions that need the machine
// --------------------------------------------------------------------------------

bool divisor_error(Worker &worker) { return worker.machine->fail("a divisor is not positive"); }

bool run_read(const Instr &instr, Worker &worker) {
  Machine &machine = *worker.machine;
  const ReadOp &op = machine.code().reads[static_cast<size_t>(instr.extra)];
  if (op.guard == kNoSlot || *at<uint8_t>(worker, op.guard) != 0)
    return machine.load(op.access, worker, 0, worker.frame + instr.dst);
  std::memcpy(worker.frame + instr.dst, worker.frame + op.other,
              static_cast<size_t>(machine.shape(op.access.buffer).element_bytes));
  return true;
}

Estimate estimate_of(Scalar type, const std::byte *data) {
  int64_t bits = 0;
  std::memcpy(&bits, data, static_cast<size_t>(bytes_of(type)));
  switch (type) {
  case Scalar::kF32: return Estimate::exact(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  case Scalar::kF16: return Estimate::exact(Half{static_cast<uint16_t>(bits)}.wide());
  case Scalar::kBF16: return Estimate::exact(BFloat{static_cast<uint16_t>(bits)}.wide());
  case Scalar::kI32: return Estimate::exact(static_cast<int32_t>(bits));
  case Scalar::kI8: return Estimate::exact(static_cast<int8_t>(bits));
  default: return Estimate::exact(static_cast<double>(bits));
  }
}

bool run_read_estimate(const Instr &instr, Worker &worker) {
  Machine &machine = *worker.machine;
  const ReadOp &op = machine.code().reads[static_cast<size_t>(instr.extra)];
  const Scalar type = machine.kernel().buffer(op.access.buffer).element;
  if (op.guard != kNoSlot && *at<uint8_t>(worker, op.guard) == 0) {
    std::memcpy(worker.frame + instr.dst, worker.frame + op.other,
                static_cast<size_t>(frame_bytes(type, Precision::kEstimate)));
    return true;
  }
  int64_t offset = 0;
  Estimate element;
  if (!machine.offset(op.access, worker, 0, offset) || !machine.estimate_read(op.access, worker, offset, element))
    return false;
  const auto whole = is_float(type) ? 0 : static_cast<int64_t>(element.value);
  if (is_float(type))
    *at<Estimate>(worker, instr.dst) = element;
  else
    std::memcpy(worker.frame + instr.dst, &whole, static_cast<size_t>(bytes_of(type))); // Little-endian: the low bytes.
  return true;
}

namespace {

bool reduce_from(const ReduceLoops &loops, size_t depth, Worker &worker) {
  if (depth == loops.axes.size()) {
    if (!run_code(loops.filter_code, worker)) return false;
    if (loops.filter != kNoSlot && *at<uint8_t>(worker, loops.filter) == 0) return true;
    return run_code(loops.body_code, worker) && loops.combine.fn(loops.combine, worker);
  }
  const AxisLoop &axis = loops.axes[depth];
  if (!run_code(axis.before, worker)) return false;
  const int64_t end = *at<int64_t>(worker, axis.end);
  for (int64_t i = *at<int64_t>(worker, axis.begin); i < end; ++i) {
    *at<int64_t>(worker, axis.var) = i;
    if (!run_code(axis.each, worker) || !reduce_from(loops, depth + 1, worker)) return false;
  }
  return true;
}

} // namespace

bool run_reduction(const Instr &instr, Worker &worker) {
  return reduce_from(worker.machine->code().reductions[static_cast<size_t>(instr.extra)], 0, worker);
}

} // namespace sparkle::reference
