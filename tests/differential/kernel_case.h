// A kernel's text with numbers, its tensors, and running it: what differential, fuzz and conformance tests share.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/ir/kernel.h"
#include "runtime/executable.h"
#include "targets/reference/interpreter.h"

namespace sparkle::test {

/// The text of one kernel and what binds it.
struct KernelText {
  std::string text;
  std::map<std::string, int64_t> values; ///< Dimensions and `int` parameters.
  std::set<std::string> open;            ///< Dimensions that stay open; `values` has their numbers at the call.
  std::string name = {};                 ///< Of the kernel, where the text has several.
};
/// The text, then `-D NAME=VALUE ...`: what a user would type to see the same.
std::string to_string(const KernelText &kernel);

/// Parsed, checked, bound and imported. The error holds the rendered diagnostics.
Result<Program> import_text(const KernelText &kernel);

/// Memory with a page at each end that must not be touched; `data` lies at the end of what may be.
class GuardedMemory {
public:
  GuardedMemory(int64_t bytes, int64_t alignment);
  ~GuardedMemory();
  GuardedMemory(GuardedMemory &&other) noexcept;
  GuardedMemory(const GuardedMemory &) = delete;
  GuardedMemory &operator=(const GuardedMemory &) = delete;
  void *data() const { return data_; }

private:
  void *pages_ = nullptr;
  int64_t mapped_ = 0;
  void *data_ = nullptr;
};

/// The arguments of a program. Kernels that read or write beside a tensor's end crash.
class TensorSet {
public:
  /// Inputs hold whole numbers from -2 to 2 (0 to 4 where the element has no sign), made from `seed`; results hold -77.
  /// `symbols`: values of open extents by name.
  static Result<TensorSet> make(const Program &program, uint64_t seed,
                                const std::map<std::string, int64_t> &symbols = {});
  /// Another set with equal contents.
  Result<TensorSet> copy() const;

  HostTensor &tensor(std::string_view name);
  void set_uniform(std::string_view name, double value);
  Arguments arguments();
  std::unordered_map<TensorId, reference::FarMemory> memory();
  /// As the interpreter takes them.
  reference::RunValues values() const;
  /// The first result element that differs, as a sentence; empty: all are equal (NaN equals NaN, 0 equals -0).
  std::string difference_from(const TensorSet &expected) const;

private:
  struct Entry {
    TensorId id;
    GuardedMemory memory;
    HostTensor tensor;
  };
  const Program *program_ = nullptr; ///< Outlives the set.
  std::vector<int64_t> symbols_;     ///< By SymbolId.
  std::vector<double> uniforms_;     ///< By UniformId.
  std::vector<Entry> entries_;
};

/// Why this build or machine runs nothing on target `name`; empty: it does.
std::string missing_target(std::string_view name);

/// Interprets at whatever stage the program is.
Status run_reference(const Program &program, TensorSet &tensors);

/// Compiles for `device`, binds, runs once and fetches.
Status run_on_device(const Program &program, const std::shared_ptr<Machine> &machine, const DeviceInfo &device,
                     const CompileOptions &options, TensorSet &tensors);

/// The machine, opened once in a process, with two threads; Vulkan with validation where SPARKLE_VULKAN_VALIDATION
/// is 1.
const std::shared_ptr<Machine> &test_machine();
/// Of targets/fixtures, by name without ending.
Result<TargetInfo> fixture(const std::string &name);

} // namespace sparkle::test
