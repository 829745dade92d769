#include "compiler/schedule/inlining.h"

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

} // namespace

TensorId tensor_written(const Kernel &kernel) { return kernel.buffer(definition_of(kernel).store->buffer).tensor; }

Program inline_lets(const Program &in, const Schedule &schedule) {
  Program out = in;
  out.kernels.clear();
  std::vector<Kernel> bodies; // Inlined definitions, with earlier ones already inlined into them.
  bodies.reserve(in.kernels.size());
  Inlined inlined;
  for (const Kernel &kernel : in.kernels) {
    Kernel merged = Inliner(kernel, inlined).run();
    if (is_inlined(kernel, in, schedule)) {
      bodies.push_back(std::move(merged));
      inlined[tensor_written(bodies.back())] = &bodies.back();
    } else {
      out.kernels.push_back(std::move(merged));
    }
  }
  return out;
}

} // namespace sparkle
