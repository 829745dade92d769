#include "dsl/bound.h"

#include "compiler/support/match.h"
#include "compiler/support/string_builder.h"

namespace sparkle::dsl {
namespace {

class BoundPrinter {
public:
  explicit BoundPrinter(const BoundKernel &kernel) : kernel_(kernel) {}

  std::string run() {
    out_ << "kernel " << kernel_.name << '\n';
    for (const BoundInt &bound : kernel_.ints)
      out_ << "  " << (bound.is_parameter ? "int " : "dim ") << bound.name << " = "
           << (bound.open ? "open" : text_of(kernel_, bound.value)) << '\n';
    for (const ScalarParam &scalar : kernel_.scalars)
      out_ << "  scalar " << (scalar.constant ? "const " : "") << scalar.name << ": " << name_of(scalar.elem) << '\n';
    for (const BoundTensor &tensor : kernel_.tensors)
      if (tensor.role != TensorRole::kLet) print_tensor(tensor);
    for (const Definition &definition : kernel_.definitions) print_definition(definition);
    return out_.take();
  }

private:
  void print_range(const IndexRange &range) {
    out_ << text_of(kernel_, range.begin) << ".." << text_of(kernel_, range.end);
  }

  void print_tensor(const BoundTensor &tensor) {
    out_ << "  " << name_of(tensor.role) << ' ' << tensor.name << ": " << name_of(tensor.elem);
    const char *open = "[";
    for (const BoundDim &dim : tensor.dims) {
      out_ << open << text_of(kernel_, dim.extent.end);
      open = ", ";
    }
    out_ << (tensor.dims.empty() ? "" : "]") << '\n';
  }

  void print_indices(const std::vector<IndexId> &indices) {
    const char *comma = "";
    for (IndexId id : indices) {
      out_ << comma << kernel_.indices[id].name << " in ";
      print_range(kernel_.indices[id].extent);
      comma = ", ";
    }
  }

  void print_definition(const Definition &definition) {
    const BoundTensor &target = kernel_.tensors[definition.target];
    out_ << "  " << (definition.constant ? "const " : "") << (target.role == TensorRole::kLet ? "let " : "")
         << target.name;
    if (!definition.indices.empty()) {
      out_ << '[';
      print_indices(definition.indices);
      out_ << ']';
    }
    out_ << ": " << name_of(target.elem) << " = ";
    print_expr(definition.value, 0);
    out_ << '\n';
  }

  void print_literal(const ExprNode &node, const Literal &literal) {
    if (is_float(node.type))
      out_ << literal.number << name_of(node.type);
    else
      out_ << literal.whole << (node.type == Elem::kInt ? "" : name_of(node.type));
  }

  void print_read(const Read &read) {
    out_ << kernel_.tensors[read.tensor].name;
    const char *open = "[";
    for (size_t d = 0; d < read.subscripts.size(); ++d) {
      out_ << open;
      print_expr(read.subscripts[d], 0);
      print_access(read.access[d]);
      open = ", ";
    }
    if (!read.subscripts.empty()) out_ << ']';
  }

  void print_access(const Access &access) {
    if (access.mode == OutsideMode::kNone) return;
    out_ << " outside ";
    if (access.mode == OutsideMode::kValue)
      print_expr(access.value, 0);
    else
      out_ << name_of(access.mode);
  }

  void print_binary(const Binary &binary, int least) {
    if (binary.op >= BinaryOp::kMin) return print_call(name_of(binary.op), {binary.lhs, binary.rhs});
    const int level = precedence_of(binary.op);
    if (level < least) out_ << '(';
    print_expr(binary.lhs, level);
    out_ << ' ' << name_of(binary.op) << ' ';
    print_expr(binary.rhs, level + 1);
    if (level < least) out_ << ')';
  }

  void print_call(std::string_view name, const std::vector<ExprId> &arguments) {
    out_ << name << '(';
    const char *comma = "";
    for (ExprId argument : arguments) {
      out_ << comma;
      print_expr(argument, 0);
      comma = ", ";
    }
    out_ << ')';
  }

  void print_reduce(const Reduce &reduce, Elem type) {
    out_ << name_of(reduce.op) << '.' << name_of(type) << '[';
    print_indices(reduce.indices);
    if (is_valid(reduce.filter)) {
      out_ << " where ";
      print_expr(reduce.filter, 0);
    }
    out_ << "](";
    print_expr(reduce.body, 0);
    out_ << ')';
  }

  void print_expr(ExprId id, int least) {
    const ExprNode &node = kernel_.exprs[id];
    match(
        node.expr, [&](const Literal &literal) { print_literal(node, literal); },
        [&](const IndexRef &ref) { out_ << kernel_.indices[ref.index].name; },
        [&](const IntRef &ref) { out_ << kernel_.ints[ref.name].name; },
        [&](const ScalarRef &ref) { out_ << kernel_.scalars[ref.scalar].name; },
        [&](const Read &read) { print_read(read); },
        [&](const Unary &unary) {
          out_ << name_of(unary.op);
          print_expr(unary.operand, 5);
        },
        [&](const Binary &binary) { print_binary(binary, least); },
        [&](const Select &select) {
          print_call("select", {select.condition, select.if_true, select.if_false});
        },
        [&](const Apply &apply) { print_call(name_of(apply.function), {apply.operand}); },
        [&](const Cast &cast) { print_call(name_of(node.type), {cast.operand}); },
        [&](const Reduce &reduce) { print_reduce(reduce, node.type); });
  }

  const BoundKernel &kernel_;
  StringBuilder out_;
};

} // namespace

std::string print(const BoundKernel &kernel) { return BoundPrinter(kernel).run(); }

std::string text_of(const BoundKernel &kernel, const SymInt &value) {
  StringBuilder out;
  for (const auto &[symbol, factor] : value.terms()) {
    if (!out.empty()) out << " + ";
    if (factor != 1) out << factor << '*';
    out << kernel.ints[symbol].name;
  }
  if (out.empty())
    out << value.constant();
  else if (value.constant() > 0)
    out << " + " << value.constant();
  else if (value.constant() < 0)
    out << " - " << 0 - static_cast<uint64_t>(value.constant());
  return out.take();
}

} // namespace sparkle::dsl
