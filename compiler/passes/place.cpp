#include "compiler/passes/place.h"

#include <unordered_map>

#include "compiler/analysis/imported.h"

namespace sparkle {
namespace {

/// The definitions to be inlined, by the tensor they write.
using Inlined = std::unordered_map<TensorId, const Kernel *>;

class Inliner {
public:
  Inliner(const Kernel &in, const Inlined &inlined) : in_(in), inlined_(inlined) {}

  Kernel run() {
    return rewrite_definition(in_, [this](Builder &b, Transplant &carry) {
      b_ = &b;
      hook(carry, kNoId<ExprId>);
    });
  }

private:
  /// `outer`: condition under which the surrounding inlined value is wanted at all; memory is touched only where it
  /// holds.
  void hook(Transplant &carry, ExprId outer) {
    carry.on_expr = [this, &carry, outer](ExprId id) -> std::optional<ExprId> {
      const auto *read = std::get_if<Read>(&carry.source().expr(id));
      if (!read) return std::nullopt;
      return this->read(carry.read(*read), outer);
    };
  }

  ExprId read(Transplant::ReadParts parts, ExprId outer) {
    const Buffer &target = b_->kernel().buffer(parts.buffer);
    bool guarded = is_valid(parts.guard);
    ExprId needed = guarded && is_valid(outer) ? b_->both(outer, parts.guard) : guarded ? parts.guard : outer;
    auto found = inlined_.find(target.tensor);
    if (found == inlined_.end()) {
      if (is_valid(needed) && !is_valid(parts.other)) parts.other = b_->zero({target.element, 1});
      return b_->read(parts.buffer, std::move(parts.indices), needed, parts.other);
    }
    ExprId value = inline_definition(*found->second, parts.indices, needed);
    return guarded ? b_->select(parts.guard, value, parts.other) : value;
  }

  ExprId inline_definition(const Kernel &from, const std::vector<ExprId> &indices, ExprId needed) {
    Definition def = definition_of(from);
    Transplant carry(from, *b_);
    hook(carry, needed);
    for (size_t i = 0; i < def.dims.size(); ++i) {
      // A let's store index is its loop variable minus the range's begin: invert it.
      ExprId begin = carry.expr(def.dims[i].begin);
      carry.substitute(def.dims[i].var, b_->add(indices[i], begin));
    }
    return carry.expr(def.store->value);
  }

  const Kernel &in_;
  const Inlined &inlined_;
  Builder *b_ = nullptr; ///< Of the kernel being made.
};

bool is_inlined(const Kernel &kernel, const Program &program, const Schedule &schedule) {
  Definition def = definition_of(kernel);
  TensorId tensor = kernel.buffer(def.store->buffer).tensor;
  if (program.tensors[tensor].role != Role::kWorkspace) return false;
  const KernelSchedule *entry = schedule.find(kernel.name);
  return entry && entry->placement == Placement::kInline;
}

bool reads_constants_alone(const Kernel &kernel, const Program &program) {
  for (uint32_t i = 0; i < kernel.buffer_count(); ++i) {
    const Buffer &buffer = kernel.buffer(BufferId{i});
    if (!is_valid(buffer.tensor)) continue;
    Role role = program.tensors[buffer.tensor].role;
    bool written = definition_of(kernel).store->buffer == BufferId{i};
    if (!written && role != Role::kConst && role != Role::kPacked) return false;
  }
  // Scalars of the call change from run to run.
  for (uint32_t i = 0; i < kernel.var_count(); ++i)
    if (kernel.var(VarId{i}).kind == VarKind::kUniform) return false;
  return true;
}

Status check_names(const Program &program, const Schedule &schedule) {
  for (const KernelSchedule &entry : schedule.kernels) {
    bool known = false;
    for (const Kernel &kernel : program.kernels) known |= kernel.name == entry.kernel;
    for (const Kernel &kernel : program.prepack) known |= kernel.name == entry.kernel;
    if (!known && !entry.kernel.ends_with(".pack") && !entry.kernel.ends_with(".part"))
      return Error{ErrorCode::kBadSchedule, "the schedule names kernel `" + entry.kernel + "`, which program `" +
                                                program.name + "` does not define"};
  }
  return ok();
}

/// Buffers say what their tensors became.
void renew_roles(Program &program) {
  for (std::vector<Kernel> *kernels : {&program.prepack, &program.kernels})
    for (Kernel &kernel : *kernels)
      for (uint32_t i = 0; i < kernel.buffer_count(); ++i)
        if (Buffer &buffer = kernel.buffer(BufferId{i}); is_valid(buffer.tensor))
          buffer.role = program.tensors[buffer.tensor].role;
}

} // namespace

Result<Program> place(const Program &in, const PlaceOptions &options, const TargetInfo &) {
  SPARKLE_TRY_STATUS(check_names(in, options.schedule));
  Program out = in;
  out.kernels.clear();
  std::vector<Kernel> bodies; // Inlined definitions, with earlier ones already inlined into them.
  bodies.reserve(in.kernels.size());
  Inlined inlined;
  for (const Kernel &kernel : in.kernels) {
    Kernel merged = Inliner(kernel, inlined).run();
    TensorId tensor = merged.buffer(definition_of(merged).store->buffer).tensor;
    if (is_inlined(kernel, in, options.schedule)) {
      bodies.push_back(std::move(merged));
      inlined[tensor] = &bodies.back();
    } else if (out.tensors[tensor].role == Role::kWorkspace && reads_constants_alone(merged, out)) {
      out.tensors[tensor].role = Role::kPacked;
      out.prepack.push_back(std::move(merged));
    } else {
      out.kernels.push_back(std::move(merged));
    }
  }
  renew_roles(out);
  return out;
}

} // namespace sparkle
