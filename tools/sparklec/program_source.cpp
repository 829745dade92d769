#include "tools/sparklec/program_source.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "compiler/import/import.h"
#include "dsl/limits.h"
#include "dsl/parser.h"
#include "runtime/file_io.h"

namespace sparkle::cli {
namespace {

/// Above the language's own limit, so that its error is the one that is seen.
constexpr int64_t kMaxFileBytes = 16 << 20;

bool has_scalar(const dsl::CheckedKernel &kernel, const std::string &name) {
  return std::ranges::any_of(kernel.scalars, [&](const dsl::ScalarParam &scalar) { return scalar.name == name; });
}

template <class Number> std::errc read_number(const std::string &text, Number &value) {
  const char *end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + (text.starts_with('+') ? 1 : 0), end, value);
  if (read.ec != std::errc()) return read.ec;
  return read.ptr == end ? std::errc() : std::errc::invalid_argument;
}

Status add_define(const std::string &define, const dsl::CheckedKernel &kernel, Defines &out) {
  const size_t equals = define.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == define.size())
    return Error{ErrorCode::kInvalidInput, "`-D " + define + "` is not of the form NAME=VALUE"};
  const std::string name = define.substr(0, equals), text = define.substr(equals + 1);
  if (out.ints.contains(name) || out.scalars.contains(name))
    return Error{ErrorCode::kInvalidInput, "`" + name + "` is given twice with -D"};
  if (has_scalar(kernel, name)) {
    if (read_number(text, out.scalars[name]) == std::errc()) return ok();
    return Error{ErrorCode::kInvalidInput, "`-D " + define + "`: `" + name + "` is a number such as 1.5"};
  }
  const std::errc problem = read_number(text, out.ints[name]);
  if (problem == std::errc()) return ok();
  if (problem == std::errc::result_out_of_range)
    return Error{ErrorCode::kShapeOverflow, "`-D " + define + "`: the value leaves 64 bits"};
  return Error{ErrorCode::kInvalidInput, "`-D " + define + "`: `" + name + "` is a whole number"};
}

Result<std::vector<int64_t>> parse_extents(const std::string &open, const std::string &list) {
  std::vector<int64_t> extents;
  std::istringstream words(list);
  for (std::string word; std::getline(words, word, ',');) {
    int64_t extent = 0;
    if (read_number(word, extent) != std::errc() || extent < 0)
      return Error{ErrorCode::kInvalidInput, "`--open " + open + "`: `" + word + "` is no extent"};
    extents.push_back(extent);
  }
  return extents;
}

} // namespace

Result<OpenDimensions> OpenDimensions::parse(const std::vector<std::string> &texts) {
  OpenDimensions out;
  for (const std::string &text : texts) {
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (name.empty() || equals + 1 == text.size())
      return Error{ErrorCode::kInvalidInput, "`--open " + text + "` is not of the form NAME or NAME=EXTENT,EXTENT..."};
    if (out.extents_.contains(name))
      return Error{ErrorCode::kInvalidInput, "`" + name + "` is given twice with --open"};
    std::vector<int64_t> &extents = out.extents_[name];
    if (equals == std::string::npos) continue;
    SPARKLE_TRY(extents, parse_extents(text, text.substr(equals + 1)));
  }
  for (const auto &[name, extents] : out.extents_)
    if (extents.size() > 1 && extents.size() != out.runs())
      return Error{ErrorCode::kInvalidInput, "--open gives `" + name + "` " + std::to_string(extents.size()) +
                                                 " extents, and another dimension " + std::to_string(out.runs())};
  return out;
}

std::set<std::string> OpenDimensions::names() const {
  std::set<std::string> all;
  for (const auto &[name, extents] : extents_) all.insert(name);
  return all;
}

size_t OpenDimensions::runs() const {
  size_t most = 1;
  for (const auto &[name, extents] : extents_) most = std::max(most, extents.size());
  return most;
}

std::map<std::string, int64_t> OpenDimensions::extents_of(size_t run) const {
  std::map<std::string, int64_t> values;
  for (const auto &[name, extents] : extents_)
    if (!extents.empty()) values[name] = extents[std::min(run, extents.size() - 1)];
  return values;
}

Result<ProgramSource> read_program(const std::string &path, Console &console) {
  SPARKLE_TRY(std::string text, read_text_file(path, kMaxFileBytes));
  Source source(path, std::move(text));
  Diagnostics diagnostics;
  Result<dsl::File> ast = dsl::parse(source, diagnostics);
  console.show(diagnostics, source);
  if (!ast) return ast.error();
  return ProgramSource{std::move(source), std::move(*ast)};
}

Result<CheckedSource> check_program(ProgramSource source, Console &console) {
  Diagnostics diagnostics;
  Result<dsl::CheckedFile> file = dsl::check(source.ast, diagnostics);
  console.show(diagnostics, source.source);
  if (!file) return file.error();
  return CheckedSource{std::move(source.source), std::move(*file)};
}

Result<const dsl::CheckedKernel *> find_kernel(const CheckedSource &source, const std::string &name) {
  const std::vector<dsl::CheckedKernel> &kernels = source.file.kernels;
  const std::string &file = source.source.name();
  if (kernels.empty()) return Error{ErrorCode::kInvalidInput, file + " holds no kernel"};
  if (name.empty() && kernels.size() == 1) return &kernels.front();
  std::string names;
  for (const dsl::CheckedKernel &kernel : kernels) {
    if (kernel.name == name) return &kernel;
    names += (names.empty() ? "`" : ", `") + kernel.name + "`";
  }
  if (name.empty())
    return Error{ErrorCode::kInvalidInput, file + " holds several kernels: " + names + "; name one with --kernel"};
  return Error{ErrorCode::kInvalidInput, file + " holds no kernel `" + name + "`; it holds " + names};
}

Result<Defines> parse_defines(const std::vector<std::string> &defines, const dsl::CheckedKernel &kernel) {
  Defines out;
  for (const std::string &define : defines) SPARKLE_TRY_STATUS(add_define(define, kernel, out));
  return out;
}

Result<dsl::BoundKernel> bind_kernel(const CheckedSource &source, const dsl::CheckedKernel &kernel,
                                     const Defines &defines, const std::map<std::string, std::vector<int64_t>> &shapes,
                                     Console &console) {
  Diagnostics diagnostics;
  Result<dsl::BoundKernel> bound =
      dsl::bind(source.file, {kernel.name, defines.ints, shapes, defines.open}, diagnostics);
  console.show(diagnostics, source.source);
  return bound;
}

Result<BoundSource> load_program(const ProgramOptions &options, bool strict, Console &console) {
  SPARKLE_TRY(ProgramSource text, read_program(options.file, console));
  SPARKLE_TRY(const CheckedSource source, check_program(std::move(text), console));
  SPARKLE_TRY(const dsl::CheckedKernel *kernel, find_kernel(source, options.kernel));
  SPARKLE_TRY(const OpenDimensions open, OpenDimensions::parse(options.open));
  SPARKLE_TRY(Defines defines, parse_defines(options.defines, *kernel));
  defines.open = open.names();
  SPARKLE_TRY(dsl::BoundKernel bound, bind_kernel(source, *kernel, defines, {}, console));
  SPARKLE_TRY(Program program, import_kernel(bound, {strict}));
  return BoundSource{std::move(bound), std::move(program)};
}

} // namespace sparkle::cli
