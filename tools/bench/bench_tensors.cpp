#include "tools/bench/bench_tensors.h"

#include "runtime/fill.h"

namespace sparkle::bench {

Result<Tensors> Tensors::make(const Program &program) {
  Tensors set;
  for (uint32_t i = 0; i < program.tensors.size(); ++i) {
    const Tensor &tensor = program.tensors[static_cast<TensorId>(i)];
    if (!is_argument(tensor.role)) continue;
    std::vector<int64_t> shape;
    for (const Extent &extent : tensor.extents) shape.push_back(value_of(extent, {}));
    SPARKLE_TRY(HostTensor host, HostTensor::allocate(tensor.element, std::move(shape)));
    const bool is_unsigned = tensor.element == Scalar::kU8;
    if (tensor.role != Role::kOutput) {
      const FillSpec fill = {64 + i, is_unsigned ? 0 : -2, is_unsigned ? 4 : 2};
      fill_integers(host, fill.seed, fill.low, fill.high);
      set.fills_.emplace(tensor.name, fill);
    }
    set.entries_.emplace(tensor.name, std::move(host));
  }
  for (const Uniform &uniform : program.uniforms)
    set.scalars_.emplace_back(uniform.name, uniform.type == Scalar::kF32 ? 0.5 : 3);
  return set;
}

const HostTensor *Tensors::find(const std::string &name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

Arguments Tensors::arguments() {
  Arguments arguments;
  for (auto &[name, tensor] : entries_) arguments.tensors.emplace_back(name, &tensor);
  arguments.uniforms = scalars_;
  return arguments;
}

int64_t Tensors::bytes() const {
  int64_t sum = 0;
  for (const auto &[name, tensor] : entries_) sum += tensor.span_bytes();
  return sum;
}

} // namespace sparkle::bench
