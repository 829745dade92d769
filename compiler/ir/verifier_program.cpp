// Rule 26, and the entry points that render violations.
#include <algorithm>

#include "compiler/ir/printer.h"
#include "compiler/ir/verifier.h"

namespace sparkle {
namespace {

void check_variable(const Program &program, const Variable &v, std::vector<Violation> &out) {
  const auto report = [&](std::string text) { out.push_back({Rule::kProgram, kNoId<StmtId>, std::move(text)}); };
  if (v.kind == VarKind::kSymbol && !program.symbols.contains(v.symbol))
    report("`%" + v.name + "` stands for no symbol of the program");
  if (v.kind != VarKind::kUniform) return;
  if (!program.uniforms.contains(v.uniform))
    report("`%" + v.name + "` stands for no uniform of the program");
  else if (program.uniforms[v.uniform].type != v.type.scalar || v.type.lanes != 1)
    report("`%" + v.name + "` has another type than its uniform");
}

void check_buffer(const Program &program, const Buffer &b, std::vector<Violation> &out) {
  const auto report = [&](std::string text) { out.push_back({Rule::kProgram, kNoId<StmtId>, std::move(text)}); };
  if (b.level != MemoryLevel::kFar) return;
  if (!program.tensors.contains(b.tensor))
    return report("far buffer `@" + b.name + "` stands for no tensor of the program");
  const Tensor &tensor = program.tensors[b.tensor];
  if (tensor.element != b.element) report("buffer `@" + b.name + "` has another element type than its tensor");
  if (tensor.role != b.role) report("buffer `@" + b.name + "` has another role than its tensor");
}

/// Packed tensors are written by prepack kernels, and they write nothing else but workspace.
void check_write(const Program &program, const Kernel &kernel, StmtId id, std::vector<Violation> &out) {
  const auto *store = std::get_if<Store>(&kernel.stmt(id));
  if (!store || index_of(store->buffer) >= kernel.buffer_count()) return;
  const auto is_this = [&](const Kernel &other) { return &other == &kernel; };
  const bool is_prepack = std::any_of(program.prepack.begin(), program.prepack.end(), is_this);
  const Buffer &b = kernel.buffer(store->buffer);
  const bool is_argument = b.role == Role::kOutput || b.role == Role::kInout;
  if (is_prepack ? is_argument : b.role == Role::kPacked)
    out.push_back({Rule::kProgram, id, "`@" + b.name + "` is written by the wrong part of the program"});
}

std::string render(const Kernel &kernel, const Program *program, const std::vector<Violation> &violations) {
  // A kernel with ids out of range cannot be printed.
  const bool printable = violations.front().rule != Rule::kId;
  PrintedKernel printed;
  if (printable) printed = print_with_ranges(kernel, program);
  const Source source("kernel " + kernel.name, std::move(printed.text));
  Diagnostics diagnostics;
  for (const Violation &v : violations) {
    const bool has_place = is_valid(v.stmt) && index_of(v.stmt) < printed.ranges.size();
    const SourceRange range = has_place ? printed.ranges[index_of(v.stmt)] : SourceRange{};
    diagnostics.error("ir-" + std::string(name_of(v.rule)), range, v.text);
  }
  return render_text(diagnostics, source);
}

Status status_of(const Kernel &kernel, const Program *program, const std::vector<Violation> &violations) {
  if (violations.empty()) return ok();
  return Error{ErrorCode::kInternal, "the IR is not valid\n" + render(kernel, program, violations)};
}

} // namespace

std::vector<Violation> find_violations(const Program &program, const Kernel &kernel) {
  std::vector<Violation> out = find_violations(kernel);
  if (!out.empty() && out.front().rule == Rule::kId) return out;
  for (size_t i = 0; i < kernel.var_count(); ++i) check_variable(program, kernel.var(static_cast<VarId>(i)), out);
  for (size_t i = 0; i < kernel.buffer_count(); ++i)
    check_buffer(program, kernel.buffer(static_cast<BufferId>(i)), out);
  for (size_t i = 0; i < kernel.stmt_count(); ++i) check_write(program, kernel, static_cast<StmtId>(i), out);
  return out;
}

Status verify(const Kernel &kernel) { return status_of(kernel, nullptr, find_violations(kernel)); }

Status verify(const Program &program) {
  for (const std::vector<Kernel> *list : {&program.prepack, &program.kernels})
    for (const Kernel &kernel : *list)
      SPARKLE_TRY_STATUS(status_of(kernel, &program, find_violations(program, kernel)));
  return ok();
}

} // namespace sparkle
