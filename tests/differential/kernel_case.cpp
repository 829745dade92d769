#include "tests/differential/kernel_case.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

#include "compiler/import/import.h"
#include "runtime/embedded_files.h"
#include "runtime/fill.h"
#include "targets/registry.h"

namespace sparkle::test {
namespace {

constexpr double kUnwritten = -77;

int64_t rounded_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

void fill_input(HostTensor &tensor, uint64_t seed) {
  const bool is_unsigned = tensor.element() == Scalar::kU8 || tensor.element() == Scalar::kBool;
  fill_integers(tensor, seed, is_unsigned ? 0 : -2, is_unsigned ? 4 : 2);
}

/// A failed check as an error, as the facade returns it.
template <class Run> Status guarded(Run &&run) {
  try {
    return run();
  } catch (const InternalError &error) {
    return Error{ErrorCode::kInternal, error.what()};
  }
}

std::string place_of(const HostTensor &tensor, int64_t number) {
  std::string text;
  for (size_t d = tensor.shape().size(); d-- > 0; number /= tensor.shape()[d])
    text = std::to_string(number % tensor.shape()[d]) + (text.empty() ? "" : ", ") + text;
  return "[" + text + "]";
}

} // namespace

std::string to_string(const KernelText &kernel) {
  std::string text = kernel.text + "//";
  for (const auto &[name, value] : kernel.values) text += " -D " + name + "=" + std::to_string(value);
  for (const std::string &name : kernel.open) text += " (" + name + " open)";
  return text + "\n";
}

Result<Program> import_text(const KernelText &kernel) {
  const Source source("case.spk", kernel.text);
  ImportRequest request;
  request.kernel = kernel.name;
  request.values = kernel.values;
  request.open = kernel.open;
  for (const std::string &name : kernel.open) request.values.erase(name);
  Diagnostics diagnostics;
  Result<Program> program = import_source(source, request, diagnostics);
  if (!program) return Error{program.error().code, program.error().text + "\n" + render_text(diagnostics, source)};
  return program;
}

GuardedMemory::GuardedMemory(int64_t bytes, int64_t alignment) {
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t inner = rounded_up(std::max<int64_t>(bytes, 1), page);
  mapped_ = inner + 2 * page;
  pages_ = mmap(nullptr, static_cast<size_t>(mapped_), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SPARKLE_CHECK(pages_ != MAP_FAILED, "no memory for a test's tensor");
  std::byte *first = static_cast<std::byte *>(pages_) + page;
  SPARKLE_CHECK(mprotect(first, static_cast<size_t>(inner), PROT_READ | PROT_WRITE) == 0, "mprotect failed");
  data_ = first + inner - rounded_up(bytes, alignment);
}

GuardedMemory::~GuardedMemory() {
  if (pages_) munmap(pages_, static_cast<size_t>(mapped_));
}

GuardedMemory::GuardedMemory(GuardedMemory &&other) noexcept
    : pages_(std::exchange(other.pages_, nullptr)), mapped_(other.mapped_), data_(other.data_) {}

Result<TensorSet> TensorSet::make(const Program &program, uint64_t seed,
                                  const std::map<std::string, int64_t> &symbols) {
  TensorSet set;
  set.program_ = &program;
  for (const Symbol &symbol : program.symbols) {
    const auto found = symbols.find(symbol.name);
    if (found == symbols.end()) return Error{ErrorCode::kInvalidInput, "no value for symbol `" + symbol.name + "`"};
    set.symbols_.push_back(found->second);
  }
  for (size_t i = 0; i < program.uniforms.size(); ++i) set.uniforms_.push_back(static_cast<double>((seed + i) % 3 + 1));
  for (uint32_t i = 0; i < program.tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    const Tensor &tensor = program.tensors[id];
    if (!is_argument(tensor.role)) continue;
    std::vector<int64_t> shape;
    for (const Extent &extent : tensor.extents) shape.push_back(value_of(extent, set.symbols_));
    SPARKLE_TRY(const int64_t bytes, reference::bytes_of(tensor, set.symbols_));
    GuardedMemory memory(bytes, tensor.alignment);
    SPARKLE_TRY(HostTensor host, HostTensor::borrow(memory.data(), tensor.element, std::move(shape), tensor.strides));
    if (tensor.role == Role::kOutput)
      fill_constant(host, kUnwritten);
    else
      fill_input(host, seed * 64 + i);
    set.entries_.push_back({id, std::move(memory), std::move(host)});
  }
  return set;
}

Result<TensorSet> TensorSet::copy() const {
  TensorSet set;
  set.program_ = program_;
  set.symbols_ = symbols_;
  set.uniforms_ = uniforms_;
  for (const Entry &entry : entries_) {
    const HostTensor &from = entry.tensor;
    GuardedMemory memory(from.span_bytes(), program_->tensors[entry.id].alignment);
    SPARKLE_TRY(HostTensor host, HostTensor::borrow(memory.data(), from.element(), from.shape(), from.strides()));
    std::memcpy(memory.data(), from.data(), static_cast<size_t>(from.span_bytes()));
    set.entries_.push_back({entry.id, std::move(memory), std::move(host)});
  }
  return set;
}

HostTensor &TensorSet::tensor(std::string_view name) {
  for (Entry &entry : entries_)
    if (program_->tensors[entry.id].name == name) return entry.tensor;
  SPARKLE_CHECK(false, "a test names a tensor that is not there");
  return entries_.front().tensor;
}

void TensorSet::set_uniform(std::string_view name, double value) {
  for (uint32_t i = 0; i < program_->uniforms.size(); ++i)
    if (program_->uniforms[static_cast<UniformId>(i)].name == name) uniforms_[i] = value;
}

Arguments TensorSet::arguments() {
  Arguments arguments;
  for (Entry &entry : entries_) arguments.tensors.emplace_back(entry.id, &entry.tensor);
  for (uint32_t i = 0; i < symbols_.size(); ++i)
    arguments.symbols.emplace_back(program_->symbols[static_cast<SymbolId>(i)].name, symbols_[i]);
  for (uint32_t i = 0; i < uniforms_.size(); ++i)
    arguments.uniforms.emplace_back(program_->uniforms[static_cast<UniformId>(i)].name, uniforms_[i]);
  return arguments;
}

std::unordered_map<TensorId, reference::FarMemory> TensorSet::memory() {
  std::unordered_map<TensorId, reference::FarMemory> memory;
  for (Entry &entry : entries_) memory[entry.id] = {entry.tensor.data(), entry.tensor.span_bytes()};
  return memory;
}

reference::RunValues TensorSet::values() const {
  reference::RunValues values{symbols_, {}};
  for (uint32_t i = 0; i < uniforms_.size(); ++i) {
    const bool is_real = is_float(program_->uniforms[static_cast<UniformId>(i)].type);
    values.uniforms.push_back(is_real ? std::bit_cast<uint32_t>(static_cast<float>(uniforms_[i]))
                                      : std::bit_cast<uint32_t>(static_cast<int32_t>(uniforms_[i])));
  }
  return values;
}

std::string TensorSet::difference_from(const TensorSet &expected) const {
  for (size_t e = 0; e < entries_.size(); ++e) {
    const HostTensor &mine = entries_[e].tensor, &other = expected.entries_[e].tensor;
    for (int64_t i = 0; i < mine.element_count(); ++i) {
      const double a = mine.get(i), b = other.get(i);
      if (a == b || (std::isnan(a) && std::isnan(b))) continue;
      return "`" + program_->tensors[entries_[e].id].name + "`" + place_of(mine, i) + " is " + std::to_string(a) +
             ", not " + std::to_string(b);
    }
  }
  return {};
}

Status run_reference(const Program &program, TensorSet &tensors) {
  return guarded([&] { return reference::interpret(program, tensors.memory(), tensors.values()); });
}

Status run_on_device(const Program &program, const std::shared_ptr<Machine> &machine, const DeviceInfo &device,
                     const CompileOptions &options, TensorSet &tensors) {
  return guarded([&]() -> Status {
    SPARKLE_TRY(const std::shared_ptr<const Executable> executable, compile(program, machine, device, options));
    SPARKLE_TRY(const std::unique_ptr<Binding> binding, bind_program(executable, tensors.arguments()));
    SPARKLE_TRY(const RunTimes times, binding->run());
    return binding->fetch();
  });
}

const std::shared_ptr<Machine> &test_machine() {
  // Never destroyed: some Vulkan drivers have ended by the time in which destructors of static objects run.
  static const std::shared_ptr<Machine> &machine =
      *new std::shared_ptr<Machine>(*Machine::open({2, {}, VulkanOptions::from_environment()}));
  return machine;
}

std::string missing_target(std::string_view name) {
  const Result<const Target *> target = find_target(name);
  return target ? "" : target.error().text;
}

Result<TargetInfo> fixture(const std::string &name) {
  for (const EmbeddedFile &file : embedded_files()) {
    if (file.name != name + ".target") continue;
    Diagnostics diagnostics;
    return parse_target_info(Source(std::string(file.name), std::string(file.text)), diagnostics);
  }
  return Error{ErrorCode::kInvalidInput, "there is no machine `" + name + "`"};
}

} // namespace sparkle::test
