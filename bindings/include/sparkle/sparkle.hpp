// sparkle.hpp: compile tensor kernels and run them, from C++17 and later. Thin and header-only, over sparkle.h, so
// that the library's binary interface is C alone.
//
//   using namespace sparkle;
//   Result<Kernel> kernel = jit("smooth.spk", text, {.sizes = {{"W", 8}, {"K", 3}}});    // designated: C++20
//   if (!kernel) return std::puts(kernel.error().message().c_str());
//   Result<Report> done = kernel->run({{"src", tensor(src, {8})}, {"wei", tensor(wei, {3})}, {"dst", tensor(dst,
//   {8})}});
//
// Errors are values: nothing here throws but std::bad_alloc, and Result::value() when there is none.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <sparkle/sparkle.h>

namespace sparkle {

/// Why something failed.
class Error {
public:
  /// Takes what a function of sparkle.h returned; not nullptr.
  explicit Error(sparkle_error *raw) : raw_(raw, sparkle_error_free) {}

  sparkle_code code() const { return sparkle_error_code(raw_.get()); }
  std::string text() const { return sparkle_error_text(raw_.get()); }
  /// For mistakes in a source text: each with its line and a caret; else empty.
  std::string diagnostics() const { return sparkle_error_diagnostics(raw_.get()); }
  std::string diagnostics_json() const { return sparkle_error_diagnostics_json(raw_.get()); }
  /// The diagnostics if there are any, else the text.
  std::string message() const { return diagnostics().empty() ? text() : diagnostics(); }

private:
  std::shared_ptr<sparkle_error> raw_;
};

/// A value or an Error.
template <class T> class [[nodiscard]] Result {
public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T &value() {
    if (!has_value()) throw std::runtime_error(error().message());
    return std::get<0>(state_);
  }
  T &operator*() { return *std::get_if<0>(&state_); }
  const T &operator*() const { return *std::get_if<0>(&state_); }
  T *operator->() { return std::get_if<0>(&state_); }
  const T *operator->() const { return std::get_if<0>(&state_); }
  const Error &error() const { return *std::get_if<1>(&state_); }

private:
  std::variant<T, Error> state_;
};
using Status = Result<std::monostate>;

namespace detail {
inline Status status(sparkle_error *error) { return error ? Status(Error(error)) : Status(std::monostate{}); }
template <class T> struct Free;
template <> struct Free<sparkle_machine> {
  void operator()(sparkle_machine *raw) const { sparkle_machine_free(raw); }
};
template <> struct Free<sparkle_kernel> {
  void operator()(sparkle_kernel *raw) const { sparkle_kernel_free(raw); }
};
template <> struct Free<sparkle_binding> {
  void operator()(sparkle_binding *raw) const { sparkle_binding_free(raw); }
};
template <> struct Free<sparkle_report> {
  void operator()(sparkle_report *raw) const { sparkle_report_free(raw); }
};
template <class T> using Owned = std::unique_ptr<T, Free<T>>;
} // namespace detail

/// Memory of the caller with its shape; strides in elements, none: dense row-major.
struct Tensor {
  void *data = nullptr;
  sparkle_element element = SPARKLE_F32;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
};

template <class T> constexpr sparkle_element element_of() {
  using V = std::remove_const_t<T>;
  static_assert(std::is_same_v<V, float> || std::is_same_v<V, int32_t> || std::is_same_v<V, int8_t> ||
                    std::is_same_v<V, uint8_t>,
                "for f16 and bf16 fill in a Tensor yourself");
  if (std::is_same_v<V, float>) return SPARKLE_F32;
  if (std::is_same_v<V, int32_t>) return SPARKLE_I32;
  return std::is_same_v<V, int8_t> ? SPARKLE_I8 : SPARKLE_U8;
}

/// Inputs may be const: kernels write to results alone.
template <class T> Tensor tensor(T *data, std::vector<int64_t> shape, std::vector<int64_t> strides = {}) {
  return {const_cast<std::remove_const_t<T> *>(data), element_of<T>(), std::move(shape), std::move(strides)};
}
template <class T> Tensor tensor(std::vector<T> &data, std::vector<int64_t> shape) {
  return tensor(data.data(), std::move(shape));
}
template <class T> Tensor tensor(const std::vector<T> &data, std::vector<int64_t> shape) {
  return tensor(data.data(), std::move(shape));
}

/// The arguments of a call. `Call({{"src", tensor(...)}, ...})`, then `.scalar("alpha", 2)` and so on.
class Call {
public:
  Call(std::initializer_list<std::pair<std::string, Tensor>> tensors) : tensors_(tensors) {}
  Call &argument(std::string name, Tensor value) {
    return tensors_.emplace_back(std::move(name), std::move(value)), *this;
  }
  Call &scalar(std::string name, double value) { return scalars_.emplace_back(std::move(name), value), *this; }
  /// An open dimension that no given tensor has.
  Call &size(std::string name, int64_t value) { return sizes_.emplace_back(std::move(name), value), *this; }
  /// Constants packed by Kernel::pack.
  Call &packed(const void *memory) { return packed_ = memory, *this; }

  /// Calls `use(const sparkle_call *)`; what it points to lives as long as that.
  template <class F> auto with_raw(F &&use) const {
    std::vector<sparkle_argument> arguments;
    for (const auto &[name, value] : tensors_)
      arguments.push_back({name.c_str(),
                           {value.data, static_cast<int32_t>(value.element), static_cast<int32_t>(value.shape.size()),
                            value.shape.data(), value.strides.empty() ? nullptr : value.strides.data()}});
    std::vector<sparkle_scalar> scalars;
    for (const auto &[name, value] : scalars_) scalars.push_back({name.c_str(), value});
    std::vector<sparkle_size> sizes;
    for (const auto &[name, value] : sizes_) sizes.push_back({name.c_str(), value});
    const sparkle_call raw = {sizeof(sparkle_call), arguments.data(), arguments.size(), scalars.data(),
                              scalars.size(),       sizes.data(),     sizes.size(),     packed_};
    return use(&raw);
  }

private:
  std::vector<std::pair<std::string, Tensor>> tensors_;
  std::vector<std::pair<std::string, double>> scalars_;
  std::vector<std::pair<std::string, int64_t>> sizes_;
  const void *packed_ = nullptr;
};

/// What a run did.
class Report {
public:
  explicit Report(sparkle_report *raw) : raw_(raw) {}
  std::string device() const { return sparkle_report_device(raw_.get()); }
  bool verified() const { return sparkle_report_verified(raw_.get()) != 0; }
  double wall_seconds() const { return sparkle_report_wall_seconds(raw_.get()); }
  double kernel_seconds() const { return sparkle_report_kernel_seconds(raw_.get()); }
  double gflops() const { return sparkle_report_gflops(raw_.get()); }
  std::string json() const { return sparkle_report_json(raw_.get()); }
  std::string text() const { return sparkle_report_text(raw_.get()); }

private:
  detail::Owned<sparkle_report> raw_;
};

/// The devices of this machine, shared between kernels. Copies are the same machine.
class Machine {
public:
  /// `threads` of the CPU, 0: one for each usable core.
  static Result<Machine> open(int threads = 0) {
    sparkle_machine_options options = SPARKLE_MACHINE_OPTIONS_INIT;
    options.threads = threads;
    sparkle_machine *raw = nullptr;
    if (sparkle_error *error = sparkle_machine_open(&options, &raw)) return Error(error);
    return Machine(raw);
  }
  /// The strings live as long as the machine.
  std::vector<sparkle_device> devices() const {
    std::vector<sparkle_device> devices(sparkle_machine_device_count(raw_.get()));
    for (size_t i = 0; i < devices.size(); ++i)
      if (sparkle_error *error = sparkle_machine_device(raw_.get(), i, &devices[i])) sparkle_error_free(error);
    return devices;
  }
  sparkle_machine *raw() const { return raw_.get(); }

private:
  explicit Machine(sparkle_machine *raw) : raw_(raw, sparkle_machine_free) {}
  std::shared_ptr<sparkle_machine> raw_;
};

/// A kernel with its memory: checked once, run often. The tensors' memory must outlive it.
class Binding {
public:
  explicit Binding(sparkle_binding *raw) : raw_(raw) {}
  Status run() { return detail::status(sparkle_binding_run(raw_.get())); }
  /// Takes the tensors' contents anew; packs constants again when `constants`.
  Status refresh(bool constants) { return detail::status(sparkle_binding_refresh(raw_.get(), constants ? 1 : 0)); }

private:
  detail::Owned<sparkle_binding> raw_;
};

struct RunOptions {
  int repeats = 1;
  int warmups = 0;
  bool verify = false;
  bool measure_peak = false;
};

class Kernel {
public:
  explicit Kernel(sparkle_kernel *raw) : raw_(raw) {}

  Result<Report> run(const Call &call, const RunOptions &options = {}) {
    const sparkle_run_options wanted = {sizeof(sparkle_run_options), options.repeats, options.warmups,
                                        options.verify ? 1 : 0, options.measure_peak ? 1 : 0};
    sparkle_report *report = nullptr;
    sparkle_error *error =
        call.with_raw([&](const sparkle_call *raw) { return sparkle_run(raw_.get(), raw, &wanted, &report); });
    if (error) return Error(error);
    return Report(report);
  }
  Result<Binding> bind(const Call &call) {
    sparkle_binding *binding = nullptr;
    sparkle_error *error =
        call.with_raw([&](const sparkle_call *raw) { return sparkle_bind(raw_.get(), raw, &binding); });
    if (error) return Error(error);
    return Binding(binding);
  }
  /// `packed`: 64-byte aligned, `bytes` >= packed_bytes().
  Status pack(const Call &constants, void *packed, int64_t bytes) {
    return detail::status(
        constants.with_raw([&](const sparkle_call *raw) { return sparkle_pack(raw_.get(), raw, packed, bytes); }));
  }
  int64_t packed_bytes() const { return sparkle_kernel_packed_bytes(raw_.get()); }
  std::string packed_layout() const { return sparkle_kernel_packed_layout(raw_.get()); }

  std::vector<sparkle_tensor_info> tensors() const {
    std::vector<sparkle_tensor_info> infos(sparkle_kernel_tensor_count(raw_.get()));
    for (size_t i = 0; i < infos.size(); ++i)
      if (sparkle_error *error = sparkle_kernel_tensor(raw_.get(), i, &infos[i])) sparkle_error_free(error);
    return infos;
  }
  std::string device() const { return sparkle_kernel_device(raw_.get()); }
  std::string fallback_reason() const { return sparkle_kernel_fallback_reason(raw_.get()); }
  std::string schedule() const { return sparkle_kernel_schedule(raw_.get()); }
  int64_t flops() const { return sparkle_kernel_flops(raw_.get()); }
  int64_t workspace_bytes() const { return sparkle_kernel_workspace_bytes(raw_.get()); }

private:
  detail::Owned<sparkle_kernel> raw_;
};

struct JitOptions {
  std::string kernel;                                                ///< Of a text with several.
  std::vector<std::pair<std::string, int64_t>> sizes;                ///< Dimensions and `int` parameters.
  std::vector<std::string> open;                                     ///< Dimensions that get their value at the call.
  std::vector<std::pair<std::string, std::vector<int64_t>>> layouts; ///< Strides of arguments, in elements.
  std::string device = "auto";
  std::string target;
  std::string schedule;
  bool strict = false;
  const Machine *machine = nullptr;
};

inline Result<Kernel> jit(const std::string &name, std::string_view text, const JitOptions &options = {}) {
  std::vector<sparkle_size> sizes;
  for (const auto &[size, value] : options.sizes) sizes.push_back({size.c_str(), value});
  std::vector<const char *> open;
  for (const std::string &size : options.open) open.push_back(size.c_str());
  std::vector<sparkle_layout> layouts;
  for (const auto &[tensor_name, strides] : options.layouts)
    layouts.push_back({tensor_name.c_str(), strides.data(), static_cast<int32_t>(strides.size())});
  sparkle_jit_options raw = SPARKLE_JIT_OPTIONS_INIT;
  const auto optional = [](const std::string &value) { return value.empty() ? nullptr : value.c_str(); };
  raw.kernel = optional(options.kernel);
  raw.sizes = sizes.data(), raw.size_count = sizes.size();
  raw.open = open.data(), raw.open_count = open.size();
  raw.layouts = layouts.data(), raw.layout_count = layouts.size();
  raw.device = optional(options.device);
  raw.target = optional(options.target);
  raw.schedule = optional(options.schedule);
  raw.strict = options.strict ? 1 : 0;
  raw.machine = options.machine ? options.machine->raw() : nullptr;
  sparkle_kernel *kernel = nullptr;
  if (sparkle_error *error = sparkle_jit(name.c_str(), text.data(), text.size(), &raw, &kernel)) return Error(error);
  return Kernel(kernel);
}

} // namespace sparkle
