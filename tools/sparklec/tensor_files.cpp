#include "tools/sparklec/tensor_files.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "runtime/fill.h"
#include "runtime/image_io.h"
#include "runtime/npy_io.h"

namespace sparkle::cli {
namespace {

constexpr std::string_view kPlaneDim = "C";
constexpr std::string_view kEveryInput = "*"; ///< In `--input *=zeros`: all that have no entry of their own.

Error bad_input(const std::string &text) { return {ErrorCode::kInvalidInput, text}; }

bool read_seed(std::string_view text, uint64_t &seed) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seed);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

/// `random`, `random:7`.
bool is_seeded(const std::string &what, std::string_view word, uint64_t &seed) {
  if (what == word) return true;
  return what.starts_with(std::string(word) + ":") && read_seed(std::string_view(what).substr(word.size() + 1), seed);
}

Result<InputSpec> parse_input(const std::string &text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return bad_input("`--input " + text + "` is not of the form NAME=WHAT");
  InputSpec spec;
  spec.tensor = text.substr(0, equals);
  const std::string what = text.substr(equals + 1);
  if (is_seeded(what, "random", spec.seed))
    spec.kind = InputKind::kRandom;
  else if (is_seeded(what, "integers", spec.seed))
    spec.kind = InputKind::kIntegers;
  else if (what == "zeros")
    spec.kind = InputKind::kZeros;
  else if (what == "ramp")
    spec.kind = InputKind::kRamp;
  else if (what.ends_with(".png"))
    spec.kind = InputKind::kPng;
  else if (what.ends_with(".npy"))
    spec.kind = InputKind::kNpy;
  else
    return bad_input("`--input " + text + "`: `" + what +
                     "` is none of FILE.png, FILE.npy, random[:SEED], integers[:SEED], zeros, ramp");
  if (spec.kind == InputKind::kPng || spec.kind == InputKind::kNpy) spec.path = what;
  return spec;
}

template <class Spec> Status check_unique(const std::vector<Spec> &specs, const std::string &flag) {
  for (size_t i = 0; i < specs.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (specs[i].tensor == specs[j].tensor) return bad_input("`" + specs[i].tensor + "` has two of " + flag);
  return ok();
}

const dsl::CheckedTensor *find_tensor(const dsl::CheckedKernel &kernel, const std::string &name) {
  const auto found = std::ranges::find_if(kernel.tensors, [&](const dsl::CheckedTensor &tensor) {
    return tensor.name == name && tensor.role != dsl::TensorRole::kLet && tensor.role != dsl::TensorRole::kTable;
  });
  return found == kernel.tensors.end() ? nullptr : &*found;
}

/// [H, W, C] -> [C, H, W], or back.
Result<HostTensor> rotate(const HostTensor &from, bool to_planes) {
  const std::vector<int64_t> &shape = from.shape();
  const int64_t channels = shape[to_planes ? 2 : 0];
  const int64_t pixels = from.element_count() / std::max<int64_t>(channels, 1);
  std::vector<int64_t> turned =
      to_planes ? std::vector{shape[2], shape[0], shape[1]} : std::vector{shape[1], shape[2], shape[0]};
  SPARKLE_TRY(HostTensor out, HostTensor::allocate(from.element(), std::move(turned)));
  for (int64_t pixel = 0; pixel < pixels; ++pixel)
    for (int64_t channel = 0; channel < channels; ++channel) {
      const int64_t packed = pixel * channels + channel, planar = channel * pixels + pixel;
      out.set(to_planes ? planar : packed, from.get(to_planes ? packed : planar));
    }
  return out;
}

bool has_planes(const std::vector<std::string> &dims) { return dims.size() == 3 && dims.front() == kPlaneDim; }

Result<HostTensor> read_picture(const std::string &path, const dsl::CheckedTensor &tensor) {
  if (tensor.elem != dsl::Elem::kF32 && tensor.elem != dsl::Elem::kU8)
    return bad_input("a picture fits a tensor of f32 or u8; `" + tensor.name + "` is of " +
                     std::string(name_of(tensor.elem)));
  if (tensor.rank() != 2 && tensor.rank() != 3)
    return bad_input("a picture fits a tensor [H, W], [H, W, C] or [C, H, W]; `" + tensor.name + "` has " +
                     std::to_string(tensor.rank()) + " dimensions");
  ImageReadOptions options;
  options.element = tensor.elem == dsl::Elem::kU8 ? Scalar::kU8 : Scalar::kF32;
  if (tensor.rank() == 2) options.channels = 1;
  SPARKLE_TRY(HostTensor picture, read_png(path, options));
  if (tensor.rank() == 3)
    return has_planes(tensor.dim_names) ? rotate(picture, true) : Result<HostTensor>(std::move(picture));
  SPARKLE_TRY(HostTensor gray, HostTensor::allocate(picture.element(), {picture.shape()[0], picture.shape()[1]}));
  for (int64_t i = 0; i < gray.element_count(); ++i) gray.set(i, picture.get(i));
  return gray;
}

/// By SymbolId: what the call says, or else the shapes of the tensors that are there.
Result<std::vector<int64_t>> open_extents(const Program &program, const std::map<std::string, HostTensor> &tensors,
                                          const std::map<std::string, int64_t> &given) {
  std::vector<std::optional<int64_t>> known(program.symbols.size());
  for (size_t i = 0; i < known.size(); ++i) {
    const auto at = given.find(program.symbols[static_cast<SymbolId>(i)].name);
    if (at != given.end()) known[i] = at->second;
  }
  for (const Tensor &tensor : program.tensors) {
    const auto read = tensors.find(tensor.name);
    if (read == tensors.end() || read->second.shape().size() != tensor.extents.size()) continue;
    for (size_t d = 0; d < tensor.extents.size(); ++d) {
      if (tensor.extents[d].is_constant()) continue;
      std::optional<int64_t> &extent = known[index_of(tensor.extents[d].symbol)];
      if (!extent) extent = read->second.shape()[d];
    }
  }
  std::vector<int64_t> extents;
  for (size_t i = 0; i < known.size(); ++i) {
    const std::string &name = program.symbols[static_cast<SymbolId>(i)].name;
    if (!known[i]) return bad_input("`" + name + "` is open, and a run needs its extent: --open " + name + "=EXTENT");
    extents.push_back(*known[i]);
  }
  return extents;
}

Result<HostTensor> allocate(const Tensor &tensor, const std::vector<int64_t> &symbols) {
  std::vector<int64_t> shape;
  for (const Extent &extent : tensor.extents)
    shape.push_back(extent.is_constant() ? extent.value : symbols[index_of(extent.symbol)]);
  Result<HostTensor> made = HostTensor::allocate(tensor.element, std::move(shape));
  if (!made) return Error{made.error().code, "tensor `" + tensor.name + "`: " + made.error().text};
  return made;
}

struct Range {
  int64_t low, high;
};
/// Of what fits the type and keeps sums of products within i32 for thousands of terms.
Range whole_range(Scalar element) {
  return element == Scalar::kU8 ? Range{0, 255} : element == Scalar::kI8 ? Range{-128, 127} : Range{-8, 8};
}

void fill(HostTensor &tensor, const InputSpec &spec) {
  const bool is_float =
      tensor.element() == Scalar::kF32 || tensor.element() == Scalar::kF16 || tensor.element() == Scalar::kBF16;
  if (spec.kind == InputKind::kRamp) fill_ramp(tensor);
  if (spec.kind == InputKind::kRandom && is_float) fill_uniform(tensor, spec.seed);
  if (spec.kind == InputKind::kRandom && !is_float) {
    const Range range = whole_range(tensor.element());
    fill_integers(tensor, spec.seed, range.low, range.high);
  }
  if (spec.kind == InputKind::kIntegers) fill_integers(tensor, spec.seed);
}

template <class Spec> Status check_names(const std::vector<Spec> &specs, const Program &program, bool results) {
  const auto fits = [&](const Tensor &tensor) {
    if (results) return is_result(tensor.role);
    return is_argument(tensor.role) && tensor.role != Role::kOutput;
  };
  for (const Spec &spec : specs) {
    std::string names;
    bool found = !results && spec.tensor == kEveryInput;
    for (const Tensor &tensor : program.tensors) {
      if (!fits(tensor)) continue;
      found = found || tensor.name == spec.tensor;
      names += (names.empty() ? "`" : ", `") + tensor.name + "`";
    }
    if (!found)
      return bad_input("`" + program.name + "` has no " + (results ? "output" : "input") + " `" + spec.tensor +
                       "`; it has " + names);
  }
  return ok();
}

} // namespace

Result<std::vector<InputSpec>> parse_inputs(const std::vector<std::string> &texts) {
  std::vector<InputSpec> specs;
  for (const std::string &text : texts) {
    SPARKLE_TRY(InputSpec spec, parse_input(text));
    specs.push_back(std::move(spec));
  }
  SPARKLE_TRY_STATUS(check_unique(specs, "--input"));
  return specs;
}

Result<std::vector<OutputSpec>> parse_outputs(const std::vector<std::string> &texts) {
  std::vector<OutputSpec> specs;
  for (const std::string &text : texts) {
    const size_t equals = text.find('=');
    const bool is_known = text.ends_with(".png") || text.ends_with(".npy");
    if (equals == std::string::npos || equals == 0 || !is_known)
      return bad_input("`--output " + text + "` is not of the form NAME=FILE.png or NAME=FILE.npy");
    specs.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  SPARKLE_TRY_STATUS(check_unique(specs, "--output"));
  return specs;
}

Result<TensorSet> TensorSet::read(const std::vector<InputSpec> &specs, const dsl::CheckedKernel &kernel) {
  TensorSet set;
  for (const InputSpec &spec : specs) {
    if (spec.kind != InputKind::kPng && spec.kind != InputKind::kNpy) continue;
    const dsl::CheckedTensor *tensor = find_tensor(kernel, spec.tensor);
    if (!tensor || tensor->role == dsl::TensorRole::kOutput)
      return bad_input("`" + kernel.name + "` has no input `" + spec.tensor + "`");
    SPARKLE_TRY(HostTensor read, spec.kind == InputKind::kPng ? read_picture(spec.path, *tensor) : read_npy(spec.path));
    set.tensors_.emplace(spec.tensor, std::move(read));
  }
  return set;
}

std::map<std::string, std::vector<int64_t>> TensorSet::shapes() const {
  std::map<std::string, std::vector<int64_t>> out;
  for (const auto &[name, tensor] : tensors_) out[name] = tensor.shape();
  return out;
}

Status TensorSet::complete(const Program &program, const std::vector<InputSpec> &inputs,
                           const std::vector<OutputSpec> &outputs, const std::map<std::string, int64_t> &extents) {
  SPARKLE_TRY_STATUS(check_names(inputs, program, false));
  SPARKLE_TRY_STATUS(check_names(outputs, program, true));
  SPARKLE_TRY(const std::vector<int64_t> symbols, open_extents(program, tensors_, extents));
  uint64_t number = 0;
  for (const Tensor &tensor : program.tensors) {
    ++number;
    if (!is_argument(tensor.role) || tensors_.contains(tensor.name)) continue;
    SPARKLE_TRY(HostTensor made, allocate(tensor, symbols));
    InputSpec spec{tensor.name, InputKind::kRandom, {}, 0};
    auto given = std::ranges::find(inputs, tensor.name, &InputSpec::tensor);
    if (given == inputs.end()) given = std::ranges::find(inputs, kEveryInput, &InputSpec::tensor);
    if (given != inputs.end()) spec = *given;
    spec.seed += number; // tensors of one shape must not be equal
    if (tensor.role != Role::kOutput) fill(made, spec);
    tensors_.emplace(tensor.name, std::move(made));
  }
  return ok();
}

Result<Arguments> TensorSet::arguments(const Program &program, const dsl::BoundKernel &bound,
                                       const std::map<std::string, double> &scalars) {
  Arguments out;
  for (const Tensor &tensor : program.tensors)
    if (is_argument(tensor.role)) out.tensors.emplace_back(tensor.name, &tensors_.at(tensor.name));
  for (const Uniform &uniform : program.uniforms) {
    if (const auto given = scalars.find(uniform.name); given != scalars.end()) {
      out.uniforms.emplace_back(uniform.name, given->second);
      continue;
    }
    const auto declared = std::ranges::find(bound.scalars, uniform.name, &dsl::ScalarParam::name);
    if (declared == bound.scalars.end() || !is_valid(declared->default_value))
      return bad_input("scalar `" + uniform.name + "` needs a value: -D " + uniform.name + "=VALUE");
    const auto &literal = std::get<dsl::Literal>(bound.exprs[declared->default_value].expr);
    const bool is_whole = !dsl::is_float(bound.exprs[declared->default_value].type);
    out.uniforms.emplace_back(uniform.name, is_whole ? static_cast<double>(literal.whole) : literal.number);
  }
  return out;
}

Status TensorSet::save_inouts(const Program &program) {
  for (const Tensor &tensor : program.tensors) {
    if (tensor.role != Role::kInout) continue;
    SPARKLE_TRY(HostTensor copy, tensors_.at(tensor.name).dense_copy());
    saved_.emplace(tensor.name, std::move(copy));
  }
  return ok();
}

/// Tensors of this set are dense.
void TensorSet::restore_inouts() {
  for (const auto &[name, saved] : saved_)
    if (saved.span_bytes() > 0)
      std::memcpy(tensors_.at(name).data(), saved.data(), static_cast<size_t>(saved.span_bytes()));
}

Status TensorSet::write(const std::vector<OutputSpec> &outputs, const dsl::BoundKernel &bound) const {
  for (const OutputSpec &spec : outputs) {
    const HostTensor &tensor = tensors_.at(spec.tensor);
    if (!spec.path.ends_with(".png")) {
      SPARKLE_TRY_STATUS(write_npy(spec.path, tensor));
      continue;
    }
    std::vector<std::string> dims;
    const auto declared = std::ranges::find(bound.tensors, spec.tensor, &dsl::BoundTensor::name);
    if (declared != bound.tensors.end())
      for (const dsl::BoundDim &dim : declared->dims) dims.push_back(dim.name);
    if (!has_planes(dims)) {
      SPARKLE_TRY_STATUS(write_png(spec.path, tensor));
      continue;
    }
    SPARKLE_TRY(const HostTensor packed, rotate(tensor, false));
    SPARKLE_TRY_STATUS(write_png(spec.path, packed));
  }
  return ok();
}

} // namespace sparkle::cli
