#include "compiler/ir/printer.h"

#include <algorithm>

#include "compiler/ir/printer_impl.h"
#include "compiler/support/checked_math.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

/// `src`, or `#2` where the name is shared with an earlier or later one.
template <class Table> std::string reference(const Table *table, size_t at) {
  const std::string number = "#" + std::to_string(at);
  if (!table || at >= table->size()) return number;
  const std::string &name = (table->begin() + static_cast<ptrdiff_t>(at))->name;
  const auto same = [&](const auto &other) { return other.name == name; };
  return std::count_if(table->begin(), table->end(), same) == 1 ? printed_name(name) : number;
}

class KernelPrinter {
public:
  KernelPrinter(const Kernel &kernel, const Program *program, StringBuilder &out)
      : k_(kernel), program_(program), out_(out), e_(kernel, out), ranges_(kernel.stmt_count()) {}

  void kernel(std::string_view prefix);
  /// The statements of a block, or the one statement.
  void body(StmtId id);
  void stmt(StmtId id);
  std::vector<SourceRange> take_ranges() { return std::move(ranges_); }

private:
  void start_line() { out_ << std::string(static_cast<size_t>(out_.indentation()) * 2, ' '); }
  void variable(const Variable &variable);
  void buffer(BufferId id);
  bool has_dense_strides(const Buffer &buffer) const;
  void clause(std::string_view word, ExprId id);
  void braces(StmtId id);
  void node(const Stmt &stmt);
  void loop(const For &s);
  void branch(const If &s);
  void load(const Load &s);
  void store(const Store &s);
  void copy(const Copy &s);
  void move(const FragmentMove &s);
  void mma(const FragmentMma &s);

  const Kernel &k_;
  const Program *program_;
  StringBuilder &out_;
  ExprPrinter e_;
  std::vector<SourceRange> ranges_;
};

void KernelPrinter::kernel(std::string_view prefix) {
  start_line();
  out_ << prefix << "kernel @" << printed_name(k_.name) << " stage " << name_of(k_.stage);
  if (k_.index_bits != 64) out_ << " index " << k_.index_bits;
  if (k_.strict) out_ << " strict";
  out_ << " {\n";
  out_.indent();
  for (size_t i = 0; i < k_.var_count(); ++i) variable(k_.var(static_cast<VarId>(i)));
  for (size_t i = 0; i < k_.buffer_count(); ++i) buffer(static_cast<BufferId>(i));
  if (is_valid(k_.body)) body(k_.body);
  out_.dedent();
  out_.line("}");
}

/// Declares what the program binds.
void KernelPrinter::variable(const Variable &v) {
  const bool is_symbol = v.kind == VarKind::kSymbol;
  if (!is_symbol && v.kind != VarKind::kUniform) return;
  start_line();
  out_ << (is_symbol ? "symbol %" : "uniform %") << printed_name(v.name);
  if (!is_symbol || v.type != kIndexType) out_ << ": " << to_string(v.type);
  const auto *symbols = program_ ? &program_->symbols : nullptr;
  const auto *uniforms = program_ ? &program_->uniforms : nullptr;
  if (is_symbol && is_valid(v.symbol)) out_ << " = " << reference(symbols, index_of(v.symbol));
  if (!is_symbol && is_valid(v.uniform)) out_ << " = " << reference(uniforms, index_of(v.uniform));
  out_ << '\n';
}

/// Row-major without gaps, and all extents but the first constant: then the strides need not be written.
bool KernelPrinter::has_dense_strides(const Buffer &buffer) const {
  if (buffer.strides.size() != buffer.extents.size()) return false;
  std::optional<int64_t> dense = 1;
  for (size_t i = buffer.strides.size(); i-- > 0;) {
    if (!dense || k_.expr(buffer.strides[i]) != Expr(IntConst{kIndexType, *dense})) return false;
    const auto extent = k_.constant(buffer.extents[i]);
    dense = extent ? checked_mul(*dense, *extent) : std::nullopt;
  }
  return true;
}

void KernelPrinter::buffer(BufferId id) {
  const Buffer &b = k_.buffer(id);
  start_line();
  out_ << "buffer ";
  e_.buffer(id);
  out_ << ": " << name_of(b.element) << '[';
  e_.list(b.extents);
  out_ << "] " << name_of(b.level) << ' ' << name_of(b.role);
  if (is_valid(b.tensor))
    out_ << " = tensor " << reference(program_ ? &program_->tensors : nullptr, index_of(b.tensor));
  if (!has_dense_strides(b)) {
    out_ << " strides [";
    e_.list(b.strides);
    out_ << ']';
  }
  if (b.alignment != 4) out_ << " align " << b.alignment;
  if (!b.no_alias) out_ << " alias";
  if (!b.origin.empty()) out_ << " origin " << printed_name(b.origin);
  if (b.fragment != FragmentUse::kNone) out_ << " fragment " << name_of(b.fragment);
  out_ << '\n';
}

void KernelPrinter::body(StmtId id) {
  const auto *block = std::get_if<Block>(&k_.stmt(id));
  if (!block) return stmt(id);
  for (StmtId inner : block->stmts) stmt(inner);
}

void KernelPrinter::stmt(StmtId id) {
  start_line();
  const size_t begin = out_.text().size();
  node(k_.stmt(id));
  const size_t end = out_.text().find('\n', begin);
  ranges_[index_of(id)] = {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
}

void KernelPrinter::clause(std::string_view word, ExprId id) {
  if (!is_valid(id)) return;
  out_ << word;
  e_.expr(id);
}

/// `{`, the statements, and the closing brace on its own line, which is left open.
void KernelPrinter::braces(StmtId id) {
  out_ << "{\n";
  out_.indent();
  body(id);
  out_.dedent();
  start_line();
  out_ << '}';
}

void KernelPrinter::loop(const For &s) {
  out_ << "for";
  if (s.kind != LoopKind::kSerial) out_ << '.' << name_of(s.kind);
  out_ << ' ';
  e_.var(s.var);
  if (k_.var(s.var).type != kIndexType) out_ << ": " << to_string(k_.var(s.var).type);
  out_ << " in ";
  e_.range(s.begin, s.end);
  out_ << ' ';
  braces(s.body);
  out_ << '\n';
}

void KernelPrinter::branch(const If &s) {
  clause("if ", s.cond);
  out_ << ' ';
  braces(s.then_body);
  if (is_valid(s.else_body)) {
    out_ << " else ";
    braces(s.else_body);
  }
  out_ << '\n';
}

void KernelPrinter::load(const Load &s) {
  e_.var(s.var);
  out_ << ": " << to_string(k_.var(s.var).type) << " = load ";
  e_.element(s.buffer, s.indices);
  clause(" if ", s.mask);
  clause(" else ", s.other);
  out_ << '\n';
}

void KernelPrinter::store(const Store &s) {
  out_ << (s.kind == StoreKind::kStreaming ? "store.streaming " : "store ");
  e_.element(s.buffer, s.indices);
  clause(" = ", s.value);
  clause(" if ", s.mask);
  out_ << '\n';
}

void KernelPrinter::copy(const Copy &s) {
  out_ << "copy[";
  for (size_t i = 0; i < s.axes.size(); ++i) {
    if (i > 0) out_ << ", ";
    e_.var(s.axes[i].var);
    out_ << " in 0.." << s.axes[i].extent;
  }
  out_ << "] ";
  e_.element(s.dst, s.dst_indices);
  out_ << " = ";
  e_.element(s.src, s.src_indices);
  clause(" if ", s.guard);
  clause(" else ", s.other);
  if (s.lanes != 1) out_ << " lanes " << s.lanes;
  if (s.buffers != 1) out_ << " buffers " << s.buffers;
  if (s.fetch_ahead != 0) out_ << " ahead " << s.fetch_ahead;
  out_ << '\n';
}

void KernelPrinter::move(const FragmentMove &s) {
  out_ << (s.is_store ? "fragment.store " : "fragment.load ");
  if (s.is_store) {
    e_.element(s.buffer, s.indices);
    out_ << " = ";
    e_.buffer(s.fragment);
  } else {
    e_.buffer(s.fragment);
    out_ << " = ";
    e_.element(s.buffer, s.indices);
  }
  if (s.transposed) out_ << " transposed";
  out_ << '\n';
}

void KernelPrinter::mma(const FragmentMma &s) {
  out_ << "fragment.mma ";
  e_.buffer(s.d);
  out_ << " = ";
  e_.buffer(s.a);
  out_ << " * ";
  e_.buffer(s.b);
  out_ << " + ";
  e_.buffer(s.c);
  out_ << '\n';
}

void KernelPrinter::node(const Stmt &stmt) {
  match(
      stmt,
      [&](const Block &s) {
        out_ << "{\n";
        out_.indent();
        for (StmtId inner : s.stmts) this->stmt(inner);
        out_.dedent();
        out_.line("}");
      },
      [&](const For &s) { loop(s); }, [&](const If &s) { branch(s); },
      [&](const Let &s) {
        e_.var(s.var);
        out_ << ": " << to_string(k_.var(s.var).type);
        clause(" = ", s.value);
        out_ << '\n';
      },
      [&](const Load &s) { load(s); }, [&](const Store &s) { store(s); }, [&](const Copy &s) { copy(s); },
      [&](const Prefetch &s) {
        out_ << "prefetch.l" << s.cache << ' ';
        e_.element(s.buffer, s.indices);
        out_ << '\n';
      },
      [&](const Barrier &s) { out_ << "barrier." << name_of(s.scope) << '\n'; },
      [&](const Alloc &s) {
        out_ << "alloc ";
        e_.buffer(s.buffer);
        out_ << '\n';
      },
      [&](const FragmentFill &s) {
        out_ << "fragment.fill ";
        e_.buffer(s.fragment);
        clause(" = ", s.value);
        out_ << '\n';
      },
      [&](const FragmentMove &s) { move(s); }, [&](const FragmentMma &s) { mma(s); });
}

void print_tensor(const Program &program, const Tensor &t, StringBuilder &out) {
  out << "  tensor " << printed_name(t.name) << ": " << name_of(t.element) << '[';
  for (size_t i = 0; i < t.extents.size(); ++i) {
    if (i > 0) out << ", ";
    if (t.extents[i].is_constant())
      out << t.extents[i].value;
    else
      out << reference(&program.symbols, index_of(t.extents[i].symbol));
  }
  out << "] " << name_of(t.role);
  if (!t.strides.empty()) {
    out << " strides [";
    for (size_t i = 0; i < t.strides.size(); ++i) out << (i > 0 ? ", " : "") << t.strides[i];
    out << ']';
  }
  if (t.alignment != 4) out << " align " << t.alignment;
  out << '\n';
}

} // namespace

PrintedKernel print_with_ranges(const Kernel &kernel, const Program *program) {
  StringBuilder out;
  KernelPrinter printer(kernel, program, out);
  printer.kernel("");
  return {out.take(), printer.take_ranges()};
}

std::string print(const Kernel &kernel, const Program *program) { return print_with_ranges(kernel, program).text; }

std::string print(const Program &program) {
  StringBuilder out;
  out << "program @" << printed_name(program.name) << " {\n";
  for (const Symbol &symbol : program.symbols)
    out << "  symbol " << printed_name(symbol.name) << " >= " << symbol.minimum << '\n';
  for (const Uniform &uniform : program.uniforms)
    out << "  uniform " << printed_name(uniform.name) << ": " << name_of(uniform.type) << '\n';
  for (const Tensor &tensor : program.tensors) print_tensor(program, tensor, out);
  if (program.flops != 0 || program.flops_executed != 0)
    out << "  flops " << program.flops << " executed " << program.flops_executed << '\n';
  out.indent();
  for (const Kernel &kernel : program.prepack) KernelPrinter(kernel, &program, out).kernel("prepack ");
  for (const Kernel &kernel : program.kernels) KernelPrinter(kernel, &program, out).kernel("");
  out.dedent();
  out << "}\n";
  return out.take();
}

std::string print_expr(const Kernel &kernel, ExprId id) {
  StringBuilder out;
  ExprPrinter(kernel, out).expr(id);
  return out.take();
}

std::string print_stmt(const Kernel &kernel, StmtId id) {
  StringBuilder out;
  KernelPrinter(kernel, nullptr, out).stmt(id);
  return out.take();
}

} // namespace sparkle
