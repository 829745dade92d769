#include "dsl/typed.h"

#include <array>

#include "compiler/support/match.h"
#include "compiler/support/string_builder.h"

namespace sparkle::dsl {
namespace {

constexpr size_t kLongestText = 200;
constexpr std::array<std::string_view, 12> kFunctionNames = {"exp", "log", "sqrt",  "rsqrt", "tanh",  "sigmoid",
                                                             "erf", "abs", "floor", "ceil",  "round", "trunc"};

void append(StringBuilder &out, const CheckedKernel &kernel, ExprId id, int least);

void append_binary(StringBuilder &out, const CheckedKernel &kernel, const Binary &binary, int least) {
  if (binary.op >= BinaryOp::kMin) {
    out << name_of(binary.op) << '(';
    append(out, kernel, binary.lhs, 0);
    out << ", ";
    append(out, kernel, binary.rhs, 0);
    out << ')';
    return;
  }
  const int level = precedence_of(binary.op);
  const bool bracket = level < least;
  if (bracket) out << '(';
  append(out, kernel, binary.lhs, level);
  if (level == 4)
    out << name_of(binary.op);
  else
    out << ' ' << name_of(binary.op) << ' ';
  append(out, kernel, binary.rhs, level + 1);
  if (bracket) out << ')';
}

void append(StringBuilder &out, const CheckedKernel &kernel, ExprId id, int least) {
  // Arguments of functions are shared: a small text can stand for an exponentially large one.
  if (out.text().size() > kLongestText) {
    out << "...";
    return;
  }
  match(
      kernel.exprs[id].expr, [&](const Literal &literal) { out << literal.whole; },
      [&](const IndexRef &ref) { out << kernel.indices[ref.index].name; },
      [&](const IntRef &ref) { out << kernel.ints[ref.name].name; },
      [&](const ScalarRef &ref) { out << kernel.scalars[ref.scalar].name; },
      [&](const Read &read) { out << kernel.tensors[read.tensor].name << "[...]"; },
      [&](const Unary &unary) {
        out << name_of(unary.op);
        append(out, kernel, unary.operand, 5);
      },
      [&](const Binary &binary) { append_binary(out, kernel, binary, least); },
      [&](const Select &) { out << "select(...)"; },
      [&](const Apply &apply) { out << name_of(apply.function) << "(...)"; },
      [&](const Cast &cast) {
        out << name_of(kernel.exprs[id].type) << '(';
        append(out, kernel, cast.operand, 0);
        out << ')';
      },
      [&](const Reduce &reduce) { out << name_of(reduce.op) << "[...](...)"; });
}

} // namespace

std::string_view name_of(Function function) { return kFunctionNames[static_cast<size_t>(function)]; }

std::optional<Function> function_named(std::string_view name) {
  for (size_t i = 0; i < kFunctionNames.size(); ++i)
    if (kFunctionNames[i] == name) return static_cast<Function>(i);
  return std::nullopt;
}

std::string_view name_of(TensorRole role) {
  static constexpr std::array<std::string_view, 6> kNames = {"input", "const", "inout", "output", "table", "let"};
  return kNames[static_cast<size_t>(role)];
}

Diagnostic &report_error(Diagnostics &diagnostics, const CheckedKernel &kernel, CallId call, std::string_view code,
                         SourceRange range, std::string text) {
  std::vector<Note> way;
  for (; is_valid(call); call = kernel.calls[call].parent) {
    way.push_back({range, "here, in `" + kernel.calls[call].callee + "`"});
    range = kernel.calls[call].range;
  }
  Diagnostic &d = diagnostics.error(std::string(code), range, std::move(text));
  d.notes.assign(way.rbegin(), way.rend());
  return d;
}

std::string text_of(const CheckedKernel &kernel, ExprId expr) {
  StringBuilder out;
  append(out, kernel, expr, 0);
  return out.take();
}

} // namespace sparkle::dsl
