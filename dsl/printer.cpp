#include "dsl/printer.h"

#include "compiler/support/match.h"
#include "compiler/support/string_builder.h"

namespace sparkle::dsl {
namespace {

constexpr int kUnaryPrecedence = 5, kPrimaryPrecedence = 6, kBracketed = 7;

class Printer {
public:
  explicit Printer(const File &file) : file_(file) {}

  std::string run() {
    for (const Item &item : file_.items) {
      if (!out_.empty()) out_ << '\n';
      match(
          item, [&](const ConstDecl &decl) { print_const(decl, ""); }, [&](const FnDecl &decl) { print_fn(decl); },
          [&](const KernelDecl &kernel) { print_kernel(kernel); });
    }
    return out_.take();
  }

  std::string run(AstId expr) {
    print_expr(expr, 0);
    return out_.take();
  }

private:
  int precedence(const AstNode &node) const {
    if (const auto *binary = std::get_if<AstBinary>(&node.expr)) return precedence_of(binary->op);
    return std::holds_alternative<AstUnary>(node.expr) ? kUnaryPrecedence : kPrimaryPrecedence;
  }

  /// In brackets where `expr` binds less than `least`.
  void print_expr(AstId expr, int least) {
    const AstNode &node = file_.exprs[expr];
    const bool bracket = precedence(node) < least;
    if (bracket) out_ << '(';
    match(
        node.expr, [&](const AstNumber &number) { out_ << number.digits; }, [&](const AstInf &) { out_ << "inf"; },
        [&](const AstName &name) { out_ << name.name; },
        [&](const AstRead &read) {
          out_ << read.tensor.name << '[';
          print_list(read.subscripts);
          out_ << ']';
        },
        [&](const AstCall &call) { print_call(call); },
        [&](const AstUnary &unary) {
          out_ << name_of(unary.op);
          print_expr(unary.operand, kUnaryPrecedence);
        },
        [&](const AstBinary &binary) { print_binary(binary); }, [&](const AstReduce &reduce) { print_reduce(reduce); });
    if (bracket) out_ << ')';
  }

  void print_binary(const AstBinary &binary) {
    const int level = precedence_of(binary.op);
    const bool comparison = level == 2;
    print_expr(binary.lhs, comparison ? level + 1 : level);
    out_ << ' ' << name_of(binary.op) << ' ';
    print_expr(binary.rhs, level + 1);
  }

  void print_call(const AstCall &call) {
    out_ << call.callee.name << '(';
    const char *comma = "";
    for (const AstArgument &argument : call.arguments) {
      out_ << comma;
      if (argument.name) out_ << argument.name->name << " = ";
      print_expr(argument.value, 0);
      comma = ", ";
    }
    out_ << ')';
  }

  void print_reduce(const AstReduce &reduce) {
    out_ << name_of(reduce.op);
    if (reduce.accumulator) out_ << '.' << name_of(*reduce.accumulator);
    out_ << '[';
    print_binds(reduce.binds);
    if (is_valid(reduce.filter)) {
      out_ << " where ";
      print_expr(reduce.filter, 0);
    }
    out_ << "](";
    print_expr(reduce.body, 0);
    out_ << ')';
  }

  void print_list(const std::vector<AstId> &list) {
    const char *comma = "";
    for (AstId expr : list) {
      out_ << comma;
      print_expr(expr, 0);
      comma = ", ";
    }
  }

  void print_names(const std::vector<Ident> &names) {
    const char *comma = "";
    for (const Ident &name : names) {
      out_ << comma << name.name;
      comma = ", ";
    }
  }

  void print_binds(const std::vector<Bind> &binds) {
    const char *comma = "";
    for (const Bind &bind : binds) {
      out_ << comma << bind.index.name;
      comma = ", ";
      if (bind.kind == RangeKind::kNone) continue;
      out_ << " in ";
      if (is_valid(bind.begin)) print_expr(bind.begin, 0);
      out_ << (bind.kind == RangeKind::kClosed ? "..=" : "..");
      if (is_valid(bind.end)) print_expr(bind.end, 0);
    }
  }

  void print_type(const TypeText &type) {
    out_ << name_of(type.elem);
    if (type.extents.empty()) return;
    out_ << '[';
    print_list(type.extents);
    out_ << ']';
  }

  void print_table(const Table &table) {
    if (is_valid(table.leaf)) return print_expr(table.leaf, 0);
    out_ << '[';
    const char *comma = "";
    for (const Table &row : table.rows) {
      out_ << comma;
      print_table(row);
      comma = ", ";
    }
    out_ << ']';
  }

  void print_outside(const std::vector<OutsideClause> &clauses) {
    for (const OutsideClause &clause : clauses) {
      out_ << " outside ";
      // `outside skip` is a mode; brackets keep a parameter called `skip` a value.
      const bool name = is_valid(clause.value) && std::holds_alternative<AstName>(file_.exprs[clause.value].expr);
      if (clause.mode == OutsideMode::kValue)
        print_expr(clause.value, name ? kBracketed : kUnaryPrecedence);
      else
        out_ << name_of(clause.mode);
      if (clause.on.empty()) continue;
      out_ << " on (";
      print_names(clause.on);
      out_ << ')';
    }
  }

  void print_const(const ConstDecl &decl, std::string_view margin) {
    out_ << margin << "const " << decl.name.name << ": ";
    print_type(decl.type);
    out_ << " = ";
    print_table(decl.table);
    out_ << ";\n";
  }

  void print_fn(const FnDecl &decl) {
    out_ << "fn " << decl.name.name << '(';
    const char *comma = "";
    for (const FnParam &param : decl.params) {
      out_ << comma << param.name.name << ": " << name_of(param.elem);
      comma = ", ";
    }
    out_ << ") -> " << name_of(decl.result) << " = ";
    print_expr(decl.body, 0);
    out_ << ";\n";
  }

  void print_param(const Param &param) {
    if (param.kind == ParamKind::kConst) out_ << "const ";
    if (param.kind == ParamKind::kInOut) out_ << "inout ";
    out_ << param.name.name << ": ";
    print_type(param.type);
    print_outside(param.outside);
    if (!is_valid(param.default_value)) return;
    out_ << " = ";
    print_expr(param.default_value, 0);
  }

  void print_kernel(const KernelDecl &kernel) {
    out_ << "kernel " << kernel.name.name << '(';
    const char *comma = "";
    for (const Param &param : kernel.params) {
      out_ << comma;
      print_param(param);
      comma = ", ";
    }
    out_ << ')';
    comma = " -> ";
    for (const Out &out : kernel.outs) {
      out_ << comma << out.name.name << ": ";
      print_type(out.type);
      comma = ", ";
    }
    comma = "\nwhere ";
    for (const Fact &fact : kernel.facts) {
      out_ << comma;
      if (fact.defines) out_ << fact.defines->name << " = ";
      print_expr(fact.expr, 0);
      comma = ", ";
    }
    out_ << "\n{\n";
    for (const StatementText &statement : kernel.body) print_statement(statement);
    out_ << "}\n";
  }

  void print_statement(const StatementText &statement) {
    match(
        statement, [&](const ConstDecl &decl) { print_const(decl, "  "); },
        [&](const LetText &let) {
          out_ << "  let ";
          print_names(let.names);
          if (let.has_indices) {
            out_ << '[';
            print_binds(let.binds);
            out_ << ']';
          }
          print_outside(let.outside);
          out_ << " = ";
          print_expr(let.value, 0);
          out_ << ";\n";
        },
        [&](const DefText &def) {
          out_ << "  " << def.target.name;
          if (!def.subscripts.empty()) {
            out_ << '[';
            print_list(def.subscripts);
            out_ << ']';
          }
          out_ << (def.accumulate ? " += " : " = ");
          print_expr(def.value, 0);
          out_ << ";\n";
        });
  }

  const File &file_;
  StringBuilder out_;
};

} // namespace

std::string print(const File &file) { return Printer(file).run(); }
std::string print_expr(const File &file, AstId expr) { return Printer(file).run(expr); }

} // namespace sparkle::dsl
