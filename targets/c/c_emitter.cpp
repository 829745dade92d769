#include "targets/c/c_emitter.h"

#include "compiler/support/string_builder.h"
#include "targets/c/c_kernel.h"

namespace sparkle::c {
namespace {

constexpr std::string_view kHeader = "#include <math.h>\n"
                                     "#include <stdbool.h>\n"
                                     "#include <stdint.h>\n"
                                     "#include <string.h>\n\n";

/// As in compiler/target/artifact.h.
constexpr std::string_view kEntryTypes = "typedef struct {\n"
                                         "  void *const *buffers;\n"
                                         "  const int64_t *symbols;\n"
                                         "  const uint64_t *uniforms;\n"
                                         "} SparkleArguments;\n";

/// Arguments of the whole: tensors of the caller, open extents, scalars, workspace.
class Interface {
public:
  Interface(const Program &program, Names &names) : program_(program) {
    for (const bool workspace : {false, true}) {
      for (uint32_t t = 0; t < program.tensors.size(); ++t) {
        const Tensor &tensor = program.tensors[static_cast<TensorId>(t)];
        if ((tensor.role == Role::kWorkspace) != workspace) continue;
        const bool is_written =
            tensor.role == Role::kOutput || tensor.role == Role::kInout || tensor.role == Role::kWorkspace;
        add({Parameter::Kind::kTensor, t, tensor.element, is_written, 0}, names);
      }
      if (workspace) continue;
      for (uint32_t s = 0; s < program.symbols.size(); ++s)
        add({Parameter::Kind::kSymbol, s, Scalar::kIndex, false, 0}, names);
      for (uint32_t u = 0; u < program.uniforms.size(); ++u)
        add({Parameter::Kind::kUniform, u, program.uniforms[static_cast<UniformId>(u)].type, false, 0}, names);
    }
  }

  std::string declaration() const {
    std::string text;
    for (size_t i = 0; i < parameters_.size(); ++i) text += (i > 0 ? ", " : "") + parameters_[i].declaration(names_[i]);
    return text;
  }

  std::string argument(const Parameter &wanted) const {
    for (size_t i = 0; i < parameters_.size(); ++i)
      if (parameters_[i].kind == wanted.kind && parameters_[i].number == wanted.number) return names_[i];
    return "0";
  }

private:
  void add(const Parameter &parameter, Names &names) {
    parameters_.push_back(parameter);
    names_.push_back(names.fresh(name_of(program_, parameter)));
  }

  const Program &program_;
  std::vector<Parameter> parameters_;
  std::vector<std::string> names_;
};

std::string entry_argument(const Parameter &parameter, Helpers &helpers) {
  switch (parameter.kind) {
  case Parameter::Kind::kTensor: return "arguments->buffers[" + std::to_string(parameter.binding) + "]";
  case Parameter::Kind::kSymbol: return "arguments->symbols[" + std::to_string(parameter.number) + "]";
  case Parameter::Kind::kUniform: break;
  }
  const std::string bits = "(uint32_t)arguments->uniforms[" + std::to_string(parameter.number) + "]";
  return is_float(parameter.type) ? helpers.call("f32_of_bits", {{bits}}).text : "(int32_t)" + bits;
}

std::string entries_of(const std::vector<Function> &functions, Helpers &helpers) {
  StringBuilder out;
  out << '\n' << kEntryTypes;
  for (size_t i = 0; i < functions.size(); ++i) {
    const std::string head =
        "void sparkle_entry_" + std::to_string(i) +
        "(const SparkleArguments *arguments, int64_t first_task, int64_t last_task, void *scratch)";
    std::string arguments;
    for (const Parameter &parameter : functions[i].parameters)
      arguments += (arguments.empty() ? "" : ", ") + entry_argument(parameter, helpers);
    out.line(head, ";");
    out.line(head);
    out.line("{");
    out.indent();
    out.line("(void)arguments, (void)scratch;");
    out.line("if (first_task < last_task) ", functions[i].name, "(", arguments, ");");
    out.dedent();
    out.line("}");
  }
  return out.take();
}

} // namespace

Result<std::string> emit_c(const Program &program, const EmitOptions &options) {
  Helpers helpers;
  Names names;
  const std::string whole = names.fresh(program.name);
  std::vector<Function> functions;
  for (const Kernel &kernel : program.kernels) {
    SPARKLE_TRY(Function function, emit_function(kernel, names.fresh(whole + "_" + kernel.name), helpers));
    functions.push_back(std::move(function));
  }
  const Interface arguments(program, names);
  const std::string entries = options.entries ? entries_of(functions, helpers) : "";
  StringBuilder out;
  out << "// " << program.name << ": as the text says it, one element after the other.\n" << kHeader;
  if (const std::string definitions = helpers.definitions(); !definitions.empty()) out << definitions << '\n';
  for (const Function &function : functions) out << function.text << '\n';
  out.line("void ", whole, "(", arguments.declaration(), ");");
  out.line("void ", whole, "(", arguments.declaration(), ")");
  out.line("{");
  out.indent();
  for (const Function &function : functions) {
    std::string given;
    for (const Parameter &parameter : function.parameters)
      given += (given.empty() ? "" : ", ") + arguments.argument(parameter);
    out.line(function.name, "(", given, ");");
  }
  out.dedent();
  out.line("}");
  out << entries;
  return out.take();
}

} // namespace sparkle::c
