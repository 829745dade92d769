#include "runtime/arguments.h"

#include <bit>
#include <cstring>
#include <optional>

namespace sparkle {
namespace {

Error wrong(std::string text) { return Error{ErrorCode::kInvalidInput, std::move(text)}; }

Result<TensorId> find_tensor(const IdTable<TensorId, Tensor> &tensors, const TensorArgument &argument) {
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    const bool is_it = argument.name.empty() ? id == argument.id : tensors[id].name == argument.name;
    if (is_it && is_argument(tensors[id].role)) return id;
  }
  std::string known;
  for (const Tensor &tensor : tensors)
    if (is_argument(tensor.role)) known += (known.empty() ? "`" : ", `") + tensor.name + "`";
  const std::string what =
      argument.name.empty() ? "with number " + std::to_string(index_of(argument.id)) : "`" + argument.name + "`";
  return wrong("there is no tensor " + what + "; there are " + known);
}

/// Values of symbols as they become known.
class Symbols {
public:
  explicit Symbols(const IdTable<SymbolId, Symbol> &table) : table_(table), values_(table.size()) {}

  Status set(SymbolId id, int64_t value, const std::string &by) {
    std::optional<int64_t> &known = values_[index_of(id)];
    if (known && *known != value)
      return wrong("`" + table_[id].name + "` is " + std::to_string(*known) + " and, by " + by + ", " +
                   std::to_string(value));
    if (value < table_[id].minimum)
      return wrong("`" + table_[id].name + "` is " + std::to_string(value) + ", less than its minimum of " +
                   std::to_string(table_[id].minimum));
    known = value;
    return ok();
  }

  Status set(const std::string &name, int64_t value) {
    for (uint32_t i = 0; i < table_.size(); ++i)
      if (table_[static_cast<SymbolId>(i)].name == name) return set(static_cast<SymbolId>(i), value, "the call");
    return wrong("there is no dimension `" + name + "` to be given a value");
  }

  Result<std::vector<int64_t>> values() const {
    std::vector<int64_t> all;
    for (uint32_t i = 0; i < table_.size(); ++i) {
      if (!values_[i]) return wrong("`" + table_[static_cast<SymbolId>(i)].name + "` has no value");
      all.push_back(*values_[i]);
    }
    return all;
  }

private:
  const IdTable<SymbolId, Symbol> &table_;
  std::vector<std::optional<int64_t>> values_;
};

Status check_shape(const Tensor &tensor, const HostTensor &host, Symbols &symbols) {
  const std::string given = "`" + tensor.name + "` is given as " + to_string(host);
  if (host.element() != tensor.element)
    return wrong(given + ", its elements are " + std::string(name_of(tensor.element)));
  if (host.shape().size() != tensor.extents.size())
    return wrong(given + ", it has " + std::to_string(tensor.extents.size()) + " dimensions");
  for (size_t d = 0; d < tensor.extents.size(); ++d) {
    const Extent &extent = tensor.extents[d];
    if (!extent.is_constant()) {
      SPARKLE_TRY_STATUS(symbols.set(extent.symbol, host.shape()[d], "`" + tensor.name + "`"));
    } else if (extent.value != host.shape()[d]) {
      return wrong(given + ", dimension " + std::to_string(d) + " was compiled as " + std::to_string(extent.value));
    }
  }
  return ok();
}

/// Strides of dimensions of at most one element are never used.
Status check_strides(const Tensor &tensor, const HostTensor &host) {
  if (host.element_count() == 0) return ok();
  const std::vector<int64_t> wanted = tensor.strides.empty() ? dense_strides(host.shape()) : tensor.strides;
  for (size_t d = 0; d < wanted.size(); ++d) {
    if (host.shape()[d] <= 1 || host.strides()[d] == wanted[d]) continue;
    return wrong("`" + tensor.name + "` is given as " + to_string(host) + ", the stride of dimension " +
                 std::to_string(d) + " was compiled as " + std::to_string(wanted[d]) +
                 "; copy it, or compile for these strides");
  }
  const auto address = reinterpret_cast<uintptr_t>(host.data());
  if (address % static_cast<uintptr_t>(tensor.alignment) != 0)
    return wrong("`" + tensor.name + "` is not aligned to " + std::to_string(tensor.alignment) +
                 " bytes, as was promised when it was compiled");
  return ok();
}

bool overlap(const HostTensor &a, const HostTensor &b) {
  const auto *from_a = static_cast<const std::byte *>(a.data());
  const auto *from_b = static_cast<const std::byte *>(b.data());
  return a.span_bytes() > 0 && b.span_bytes() > 0 && from_a < from_b + b.span_bytes() &&
         from_b < from_a + a.span_bytes();
}

Status check_overlap(const IdTable<TensorId, Tensor> &tensors, const BoundArguments &bound) {
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    const auto a = static_cast<TensorId>(i);
    if (!bound.tensors[a] || !is_result(tensors[a].role)) continue;
    for (uint32_t j = 0; j < tensors.size(); ++j) {
      const auto b = static_cast<TensorId>(j);
      if (i != j && bound.tensors[b] && overlap(*bound.tensors[a], *bound.tensors[b]))
        return wrong("the result `" + tensors[a].name + "` shares memory with `" + tensors[b].name + "`");
    }
  }
  return ok();
}

bool may_be_missing(Role role, const Arguments &arguments, Needed needed) {
  if (!is_argument(role)) return true;
  return role == Role::kConst ? arguments.packed != nullptr : needed == Needed::kConstants;
}

Result<BoundArguments> bind_tensors(const IdTable<TensorId, Tensor> &tensors, const Arguments &arguments,
                                    Symbols &symbols, Needed needed) {
  BoundArguments bound;
  for (size_t i = 0; i < tensors.size(); ++i) bound.tensors.add(nullptr);
  for (const TensorArgument &argument : arguments.tensors) {
    SPARKLE_TRY(const TensorId id, find_tensor(tensors, argument));
    if (!argument.tensor) return wrong("`" + tensors[id].name + "` is given as no tensor");
    if (bound.tensors[id]) return wrong("`" + tensors[id].name + "` is given twice");
    bound.tensors[id] = argument.tensor;
    SPARKLE_TRY_STATUS(check_shape(tensors[id], *argument.tensor, symbols));
    SPARKLE_TRY_STATUS(check_strides(tensors[id], *argument.tensor));
  }
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    if (!bound.tensors[id] && !may_be_missing(tensors[id].role, arguments, needed))
      return wrong("`" + tensors[id].name + "` is not given");
  }
  return bound;
}

uint64_t bits_of(const Uniform &uniform, double value) {
  if (uniform.type == Scalar::kF32) return std::bit_cast<uint32_t>(static_cast<float>(value));
  return static_cast<uint32_t>(static_cast<int32_t>(value));
}

Result<std::vector<uint64_t>> bind_uniforms(const IdTable<UniformId, Uniform> &uniforms, const Arguments &arguments) {
  std::vector<uint64_t> bits;
  for (const Uniform &uniform : uniforms) {
    std::optional<uint64_t> found;
    for (const auto &[name, value] : arguments.uniforms)
      if (name == uniform.name) found = bits_of(uniform, value);
    if (!found) return wrong("the parameter `" + uniform.name + "` has no value");
    bits.push_back(*found);
  }
  for (const auto &[name, value] : arguments.uniforms) {
    bool is_known = false;
    for (const Uniform &uniform : uniforms) is_known = is_known || uniform.name == name;
    if (!is_known) return wrong("there is no parameter `" + name + "`");
  }
  return bits;
}

} // namespace

Result<BoundArguments> check_arguments(const IdTable<TensorId, Tensor> &tensors,
                                       const IdTable<SymbolId, Symbol> &symbols,
                                       const IdTable<UniformId, Uniform> &uniforms, const Arguments &arguments,
                                       Needed needed) {
  Symbols values(symbols);
  for (const auto &[name, value] : arguments.symbols) SPARKLE_TRY_STATUS(values.set(name, value));
  SPARKLE_TRY(BoundArguments bound, bind_tensors(tensors, arguments, values, needed));
  bound.packed = arguments.packed;
  if (needed == Needed::kConstants) {
    bound.symbols.assign(symbols.size(), 0);
    bound.uniforms.assign(uniforms.size(), 0);
    return bound;
  }
  SPARKLE_TRY(bound.symbols, values.values());
  SPARKLE_TRY(bound.uniforms, bind_uniforms(uniforms, arguments));
  SPARKLE_TRY_STATUS(check_overlap(tensors, bound));
  return bound;
}

int64_t value_of(const Extent &extent, const std::vector<int64_t> &symbols) {
  return extent.is_constant() ? extent.value : symbols[index_of(extent.symbol)];
}

} // namespace sparkle
