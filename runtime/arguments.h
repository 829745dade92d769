// What a compiled program is called with, and the checks that stand between a caller's mistake and memory.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "compiler/support/result.h"
#include "compiler/target/artifact.h"
#include "runtime/tensor.h"

namespace sparkle {

/// A tensor by name or by id. The tensor must outlive what it is bound to.
struct TensorArgument {
  TensorArgument(std::string tensor_name, HostTensor *host) : name(std::move(tensor_name)), tensor(host) {}
  TensorArgument(TensorId tensor_id, HostTensor *host) : id(tensor_id), tensor(host) {}

  std::string name; ///< Empty: by id.
  TensorId id = kNoId<TensorId>;
  HostTensor *tensor = nullptr;
};

/// `{{"src", &src}, {"dst", &dst}}`. Symbols that are the extent of a given tensor need no value.
struct Arguments {
  Arguments() = default;
  Arguments(std::initializer_list<TensorArgument> list) : tensors(list) {}

  std::vector<TensorArgument> tensors;
  std::vector<std::pair<std::string, int64_t>> symbols;
  std::vector<std::pair<std::string, double>> uniforms;
  /// Constants packed before by `pack_constants` for the same layout, kTensorAlignment-aligned, in host memory. `const`
  /// tensors may then be missing.
  const void *packed = nullptr;
};

/// What a call must give.
enum class Needed : uint8_t { kAll, kConstants };

/// Arguments that fit a program.
struct BoundArguments {
  IdTable<TensorId, HostTensor *> tensors; ///< nullptr: workspace and packed tensors.
  std::vector<int64_t> symbols;            ///< By SymbolId.
  std::vector<uint64_t> uniforms;          ///< By UniformId: the bits (f32 or i32) in the low bytes.
  const void *packed = nullptr;            ///< The caller's packed constants; nullptr: none.
};

/// True for tensors that the caller gives.
inline bool is_argument(Role role) {
  return role == Role::kInput || role == Role::kConst || role == Role::kOutput || role == Role::kInout;
}
inline bool is_result(Role role) { return role == Role::kOutput || role == Role::kInout; }

/// All kInvalidInput, each with the names, what was given and what is wanted: a tensor that is missing, unknown, given
/// twice, null, of another element type, rank, extent or stride than was compiled, or not aligned as promised; a result
/// that overlaps another tensor; a symbol without a value, with two different ones or below its minimum; a uniform that
/// is missing or unknown. kConstants: of tensors only `const` ones must be there, symbols and uniforms count as 0.
Result<BoundArguments> check_arguments(const IdTable<TensorId, Tensor> &tensors,
                                       const IdTable<SymbolId, Symbol> &symbols,
                                       const IdTable<UniformId, Uniform> &uniforms, const Arguments &arguments,
                                       Needed needed = Needed::kAll);

/// The value of an extent under these symbols.
int64_t value_of(const Extent &extent, const std::vector<int64_t> &symbols);

} // namespace sparkle
