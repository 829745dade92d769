#include "targets/c/c_kernel.h"

#include <algorithm>

#include "compiler/analysis/imported.h"
#include "compiler/analysis/index_width.h"
#include "compiler/analysis/walk.h"
#include "compiler/ir/numeric.h"
#include "compiler/support/match.h"
#include "compiler/support/string_builder.h"
#include "compiler/target/target.h"
#include "targets/c/c_expressions.h"

namespace sparkle::c {
namespace {

std::string_view name_of_result(ReduceOp op) {
  switch (op) {
  case ReduceOp::kSum: return "sum";
  case ReduceOp::kProd: return "product";
  case ReduceOp::kMin: return "least";
  case ReduceOp::kMax: return "greatest";
  }
  return "result";
}

/// Calls `fn` for each operand that is computed where the expression is, not in the loops of a reduction.
template <class F> void for_each_operand_here(const Kernel &kernel, ExprId id, F &&fn) {
  if (std::holds_alternative<Reduce>(kernel.expr(id))) return;
  for_each_child(kernel.expr(id), fn);
}

/// `int` holds every index and every sum on the way to it.
bool fits_in_int(const Kernel &kernel) {
  Ranges ranges;
  for (uint32_t e = 0; e < kernel.expr_count(); ++e)
    if (const auto *reduce = std::get_if<Reduce>(&kernel.expr(static_cast<ExprId>(e))))
      for (const ReduceAxis &axis : reduce->axes) ranges.push_loop(kernel, axis.var, axis.begin, axis.end);
  return fits_in_32_bits(kernel, ranges);
}

class KernelWriter {
public:
  KernelWriter(const Kernel &kernel, Helpers &helpers)
      : kernel_(kernel), scope_{kernel, helpers, !fits_in_int(kernel), {}, {}, {}}, expressions_(scope_) {}

  Result<Function> run(const std::string &name) {
    Function function;
    function.name = name;
    names_.fresh(name);
    add_parameters(function);
    out_.line("{");
    out_.indent();
    const Definition def = definition_of(kernel_);
    write_loops(def);
    out_.dedent();
    out_.line("}");
    if (!expressions_.problem().empty())
      return Error{ErrorCode::kUnsupported, "kernel `" + kernel_.name + "`: plain C has no " + expressions_.problem()};
    function.text = "static void " + name + "(" + signature(function) + ")\n" + out_.take();
    return function;
  }

private:
  void add_parameters(Function &function) {
    const BufferSet written = buffers_written_by(kernel_, kernel_.body);
    const std::vector<BufferId> bound = bound_buffers(kernel_);
    for (const bool writes : {false, true}) {
      for (size_t i = 0; i < bound.size(); ++i) {
        const Buffer &buffer = kernel_.buffer(bound[i]);
        if (written.contains(bound[i]) != writes) continue;
        add(function, {Parameter::Kind::kTensor, index_of(buffer.tensor), buffer.element, writes, i}, buffer.name);
        scope_.buffers[bound[i]] = parameter_names_.back();
      }
      if (!writes) add_scalars(function);
    }
  }

  void add_scalars(Function &function) {
    for (uint32_t v = 0; v < kernel_.var_count(); ++v) {
      const Variable &var = kernel_.var(static_cast<VarId>(v));
      if (var.kind == VarKind::kSymbol)
        add(function, {Parameter::Kind::kSymbol, index_of(var.symbol), Scalar::kIndex, false, 0}, var.name);
      else if (var.kind == VarKind::kUniform)
        add(function, {Parameter::Kind::kUniform, index_of(var.uniform), var.type.scalar, false, 0}, var.name);
      else
        continue;
      scope_.vars[static_cast<VarId>(v)] = parameter_names_.back();
    }
  }

  void add(Function &function, const Parameter &parameter, const std::string &name) {
    function.parameters.push_back(parameter);
    parameter_names_.push_back(names_.fresh(name));
  }

  std::string signature(const Function &function) const {
    std::string text;
    for (size_t i = 0; i < function.parameters.size(); ++i)
      text += (i > 0 ? ", " : "") + function.parameters[i].declaration(parameter_names_[i]);
    return text.empty() ? "void" : text;
  }

  void write_loops(const Definition &def) {
    const Store &store = *def.store;
    for (const DefinitionDim &dim : def.dims) {
      open_loop(dim.var, dim.begin, dim.end);
      name_indices({store.value});
    }
    prepare({store.value});
    out_.line(expressions_.element(store.buffer, store.indices).text, " = ", expressions_.text(store.value).text, ";");
    for (size_t i = 0; i < def.dims.size(); ++i) close();
  }

  void open_loop(VarId id, ExprId begin, ExprId end) {
    const Variable &var = kernel_.var(id);
    prepare({begin, end});
    const std::string first = expressions_.text(begin).text;
    const std::string last = expressions_.text(end).at_least(Precedence::kAdditive);
    const std::string name = names_.fresh(var.dim.empty() ? var.name : var.dim);
    scope_.vars[id] = name;
    open("for (" + std::string(c_type(Scalar::kIndex, scope_.wide_index)) + " " + name + " = " + first + "; " + name +
         " < " + last + "; ++" + name + ") {");
  }

  void open(const std::string &line) {
    out_.line(line);
    out_.indent();
  }
  void close() {
    out_.dedent();
    out_.line("}");
  }

  bool is_in_scope(ExprId id) const {
    const VarSet used = vars_of(kernel_, id);
    return std::ranges::all_of(used, [&](VarId var) { return scope_.vars.contains(var); });
  }

  /// Arithmetic alone, of more than one operation.
  bool deserves_name(ExprId id) const {
    int operations = 0;
    bool is_plain = true;
    for_each_expr(kernel_, id, [&](ExprId e) {
      const Expr &expr = kernel_.expr(e);
      operations += std::holds_alternative<Binary>(expr) ? 1 : 0;
      is_plain &= std::holds_alternative<Binary>(expr) || std::holds_alternative<VarRef>(expr) ||
                  std::holds_alternative<IntConst>(expr);
    });
    return is_plain && operations > 1;
  }

  /// Names the positions at which tensors are read below `roots` as soon as the loops around know them.
  void name_indices(const std::vector<ExprId> &roots) {
    for (const ExprId root : roots)
      for (const ExprId id : reads_of(kernel_, root)) {
        const Read &read = std::get<Read>(kernel_.expr(id));
        for (size_t d = 0; d < read.indices.size(); ++d) {
          const ExprId position = read.indices[d];
          if (scope_.locals.contains(position) || !deserves_name(position) || !is_in_scope(position)) continue;
          prepare({position});
          if (!scope_.locals.contains(position))
            bind(position, kernel_.buffer(read.buffer).name + "_" + std::to_string(d));
        }
      }
  }

  void bind(ExprId id, const std::string &wanted) {
    const std::string text = expressions_.text(id).text;
    const std::string name = names_.fresh(wanted);
    out_.line("const ", c_type(kernel_.type_of(id).scalar, scope_.wide_index), " ", name, " = ", text, ";");
    scope_.locals[id] = name;
  }

  /// Variables for what `roots` cannot say in place: reductions, and values used more than once.
  void prepare(const std::vector<ExprId> &roots) {
    std::unordered_map<ExprId, int> uses;
    std::vector<ExprId> order;
    for (const ExprId root : roots) count(root, uses, order);
    for (const ExprId id : order) {
      if (scope_.locals.contains(id)) continue;
      if (std::holds_alternative<Reduce>(kernel_.expr(id)))
        write_reduce(id);
      else if (uses[id] > 1 && is_worth_a_variable(id))
        bind(id, "t");
    }
  }

  /// Operands before what uses them.
  void count(ExprId id, std::unordered_map<ExprId, int> &uses, std::vector<ExprId> &order) {
    if (scope_.locals.contains(id) || ++uses[id] > 1) return;
    for_each_operand_here(kernel_, id, [&](ExprId operand) { count(operand, uses, order); });
    order.push_back(id);
  }

  bool is_worth_a_variable(ExprId id) const {
    const Expr &expr = kernel_.expr(id);
    if (std::holds_alternative<IntConst>(expr) || std::holds_alternative<FloatConst>(expr) ||
        std::holds_alternative<VarRef>(expr))
      return false;
    const auto is_leaf = [&](ExprId e) {
      return kernel_.constant(e) || std::holds_alternative<VarRef>(kernel_.expr(e));
    };
    const auto *binary = std::get_if<Binary>(&expr);
    return !(binary && kernel_.type_of(id).scalar == Scalar::kIndex && is_leaf(binary->a) && is_leaf(binary->b));
  }

  void write_reduce(ExprId id) {
    const Reduce &reduce = std::get<Reduce>(kernel_.expr(id));
    const Scalar type = kernel_.type_of(id).scalar;
    const std::string result = names_.fresh(name_of_result(reduce.op));
    out_.line(c_type(type, scope_.wide_index), " ", result, " = ", expressions_.identity(type, reduce.op).text, ";");
    const size_t mark = names_.mark();
    const auto outer_locals = scope_.locals;
    std::vector<ExprId> left = conjuncts(kernel_, reduce.filter);
    int opened = open_conditions(left);
    for (const ReduceAxis &axis : reduce.axes) {
      open_loop(axis.var, axis.begin, axis.end);
      std::vector<ExprId> roots = left;
      roots.push_back(reduce.body);
      name_indices(roots);
      opened += 1 + open_conditions(left);
    }
    prepare({reduce.body});
    const Text step = expressions_.binary(type, step_of(reduce.op), {result}, expressions_.text(reduce.body));
    out_.line(assignment(result, step.text), ";");
    for (int i = 0; i < opened; ++i) close();
    for (const ReduceAxis &axis : reduce.axes) scope_.vars.erase(axis.var);
    scope_.locals = outer_locals;
    names_.release(mark);
    scope_.locals[id] = result;
  }

  /// `sum += x` where that is what it is.
  static std::string assignment(const std::string &result, const std::string &step) {
    for (const char *op : {" + ", " * "})
      if (step.starts_with(result + op)) return result + " " + op[1] + "= " + step.substr(result.size() + 3);
    return result + " = " + step;
  }

  /// Opens an `if` for those of `left` that are known here, and takes them out.
  int open_conditions(std::vector<ExprId> &left) {
    std::vector<ExprId> here;
    std::erase_if(left, [&](ExprId condition) {
      if (!is_in_scope(condition)) return false;
      here.push_back(condition);
      return true;
    });
    if (here.empty()) return 0;
    prepare(here);
    std::string text;
    for (const ExprId condition : here)
      text += (text.empty() ? "" : " && ") + expressions_.text(condition).at_least(Precedence::kEquality);
    open("if (" + text + ") {");
    return 1;
  }

  const Kernel &kernel_;
  StringBuilder out_;
  Names names_;
  Scope scope_;
  ExpressionWriter expressions_;
  std::vector<std::string> parameter_names_;
};

} // namespace

std::string Parameter::declaration(const std::string &name) const {
  // Open extents have 64 bits in a call, whatever the indices of a kernel need.
  const std::string type(c_type(this->type, true));
  if (kind != Kind::kTensor) return type + " " + name;
  return (is_written ? "" : "const ") + type + " *restrict " + name;
}

std::string name_of(const Program &program, const Parameter &parameter) {
  switch (parameter.kind) {
  case Parameter::Kind::kTensor: return program.tensors[static_cast<TensorId>(parameter.number)].name;
  case Parameter::Kind::kSymbol: return program.symbols[static_cast<SymbolId>(parameter.number)].name;
  case Parameter::Kind::kUniform: return program.uniforms[static_cast<UniformId>(parameter.number)].name;
  }
  return "";
}

Result<Function> emit_function(const Kernel &kernel, const std::string &name, Helpers &helpers) {
  if (kernel.stage != Stage::kImported)
    return Error{ErrorCode::kInvalidInput, "kernel `" + kernel.name + "` is at stage " +
                                               std::string(sparkle::name_of(kernel.stage)) +
                                               "; plain C is made from stage imported"};
  return KernelWriter(kernel, helpers).run(name);
}

} // namespace sparkle::c
