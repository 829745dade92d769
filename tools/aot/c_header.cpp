#include "tools/aot/c_header.h"

#include <algorithm>

#include "compiler/support/string_builder.h"
#include "tools/aot/c_names.h"
#include "tools/aot/tensor_layout.h"

namespace sparkle::aot {
namespace {

std::string list_of(const std::vector<int64_t> &numbers) {
  std::string out;
  for (const int64_t number : numbers) out += (out.empty() ? "" : ", ") + std::to_string(number);
  return out;
}

int64_t elements_of(const Tensor &tensor) {
  int64_t count = 1;
  for (const int64_t extent : shape_of(tensor)) count *= extent;
  return count;
}

std::string_view use_of(Role role) {
  switch (role) {
  case Role::kConst: return "constant";
  case Role::kOutput: return "written";
  case Role::kInout: return "read and written";
  default: return "read";
  }
}

struct Parameter {
  std::string type;
  std::string name;
};

constexpr size_t kLineLength = 110;

std::string declared(const std::string &type, const std::string &name) {
  return type + (type.ends_with('*') ? "" : " ") + name;
}

/// `result name(type a, type b);`, in several lines where it is long.
std::string prototype_text(const std::string &result, const std::string &name,
                           const std::vector<Parameter> &parameters) {
  std::string text = declared(result, name) + "(";
  size_t line_start = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::string next = declared(parameters[i].type, parameters[i].name) + (i + 1 < parameters.size() ? "," : "");
    const bool is_full = text.size() - line_start + next.size() > kLineLength;
    if (is_full) line_start = text.size();
    if (i > 0) text += is_full ? "\n    " : " ";
    text += next;
  }
  return text + (parameters.empty() ? "void);" : ");");
}

class Writer {
public:
  explicit Writer(const HeaderOptions &options)
      : options_(options), plan_(*options.variants.front().plan), signature_(c_signature(plan_)),
        macro_(c_macro(options.symbol)) {}

  std::string run() {
    title();
    out_.line("#ifndef ", macro_, "_H");
    out_.line("#define ", macro_, "_H\n");
    out_.line("#include <stddef.h>");
    out_.line("#include <stdint.h>\n");
    out_.line("#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    status_codes();
    tensors();
    constants();
    struct_of_arguments();
    documented_functions();
    variants();
    out_.line("#ifdef __cplusplus\n}\n#endif\n");
    out_.line("#endif");
    return out_.take();
  }

private:
  void title();
  void status_codes();
  void tensors();
  void constants();
  void struct_of_arguments();
  void documented_functions();
  void packing_functions();
  void variants();
  void prototype(const std::string &result, const std::string &name, const std::vector<Parameter> &parameters);
  void prototypes(const std::string &prefix);
  Parameter tensor_parameter(TensorId id) const;
  std::vector<Parameter> all_parameters() const;
  std::vector<Parameter> pack_parameters() const;
  std::vector<Parameter> task_parameters() const;
  template <class Of> int64_t most(Of of) const {
    int64_t value = 0;
    for (const HeaderVariant &variant : options_.variants) value = std::max(value, of(*variant.plan));
    return value;
  }

  const HeaderOptions &options_;
  const Artifact &plan_;
  CSignature signature_;
  std::string macro_;
  StringBuilder out_;
};

void Writer::title() {
  out_.line("/* ", options_.symbol, ".h: C functions of the kernel `", plan_.program_name, "`. Made by ",
            options_.compiler, "; do not edit.");
  out_.line(" *");
  std::string dispatched;
  for (const HeaderVariant &variant : options_.variants) {
    if (!variant.is_dispatched)
      out_.line(" * Link on ", variant.machine, ": ", variant.object);
    else
      dispatched += " " + variant.object;
  }
  if (!dispatched.empty()) out_.line(" * Link on x86-64: ", options_.dispatcher, dispatched);
  out_.line(" * Beyond memcpy, memmove and memset of the C library they need nothing. */");
}

void Writer::status_codes() {
  out_.line("#ifndef SPARKLE_STATUS_CODES");
  out_.line("#define SPARKLE_STATUS_CODES");
  out_.line("/* What the functions return. SPARKLE_BAD_ARGUMENT: nothing was done, for an address is null or not "
            "aligned, or a stage");
  out_.line(" * or a task does not exist. SPARKLE_NO_MACHINE: nothing was done, for the processor, or its operating "
            "system, lacks");
  out_.line(" * instructions that all objects need. */");
  out_.line("enum { SPARKLE_OK = ", static_cast<int>(CStatus::kOk),
            ", SPARKLE_BAD_ARGUMENT = ", static_cast<int>(CStatus::kBadArgument),
            ", SPARKLE_NO_MACHINE = ", static_cast<int>(CStatus::kNoMachine), " };");
  out_.line("#endif\n");
}

/// The table of tensors, and the number of their elements.
void Writer::tensors() {
  out_.line("/* Tensors, row-major in this order of dimensions; strides in elements. Results overlap no other tensor. "
            "Addresses that");
  out_.line(" * are multiples of 64 are fastest.");
  for (const TensorId id : signature_.tensors) {
    const Tensor &tensor = plan_.tensors[id];
    out_.line(" *   ", c_parameter(tensor.name), ": ", name_of(tensor.element), "[", list_of(shape_of(tensor)),
              "], strides ", list_of(strides_of(tensor)), "; ", use_of(tensor.role), "; aligned to ", tensor.alignment,
              tensor.alignment == 1 ? " byte" : " bytes");
  }
  for (const Uniform &uniform : plan_.uniforms)
    out_.line(" *   ", c_parameter(uniform.name), ": ", name_of(uniform.type), ", a number given at each run");
  out_.line(" */");
  for (const TensorId id : signature_.tensors) {
    const Tensor &tensor = plan_.tensors[id];
    out_.line("#define ", macro_, "_", c_macro(tensor.name), "_ELEMENTS ", elements_of(tensor));
  }
  out_.line("");
}

void Writer::constants() {
  out_.line("/* Operations of a run: of the source over whole boxes, and without the terms that lie outside. */");
  out_.line("#define ", macro_, "_FLOPS INT64_C(", plan_.flops, ")");
  out_.line("#define ", macro_, "_FLOPS_EXECUTED INT64_C(", plan_.flops_executed, ")\n");
  out_.line("/* The most bytes that any machine of this header wants of each block; the functions say it for the one "
            "at hand. */");
  out_.line("#define ", macro_, "_WORKSPACE_BYTES ",
            most([](const Artifact &plan) { return plan.workspace_bytes + scratch_bytes(plan); }));
  out_.line("#define ", macro_, "_SCRATCH_BYTES ", most([](const Artifact &plan) { return scratch_bytes(plan); }));
  if (signature_.is_packing())
    out_.line("#define ", macro_, "_PACKED_BYTES ", most([](const Artifact &plan) { return plan.packed_bytes; }));
  out_.line("#define ", macro_, "_BLOCK_ALIGNMENT 64 /* of workspace, scratch and packed memory */\n");
}

Parameter Writer::tensor_parameter(TensorId id) const {
  const Tensor &tensor = plan_.tensors[id];
  const bool is_written = tensor.role == Role::kOutput || tensor.role == Role::kInout;
  return {(is_written ? "" : "const ") + std::string(c_type(tensor.element)) + " *", c_parameter(tensor.name)};
}

std::vector<Parameter> Writer::all_parameters() const {
  std::vector<Parameter> out;
  for (const TensorId id : signature_.tensors) out.push_back(tensor_parameter(id));
  if (signature_.is_packing()) out.push_back({"const void *", "packed"});
  for (const Uniform &uniform : plan_.uniforms)
    out.push_back({std::string(c_type(uniform.type)), c_parameter(uniform.name)});
  return out;
}

std::vector<Parameter> Writer::pack_parameters() const {
  std::vector<Parameter> out;
  for (const TensorId id : signature_.constants) out.push_back(tensor_parameter(id));
  out.push_back({"void *", "packed"});
  out.push_back({"void *", "workspace"});
  return out;
}

std::vector<Parameter> Writer::task_parameters() const {
  return {{"const " + options_.symbol + "_arguments *", "arguments"},
          {"int", "stage"},
          {"int64_t", "first"},
          {"int64_t", "last"},
          {"void *", "workspace"},
          {"void *", "scratch"}};
}

void Writer::struct_of_arguments() {
  out_.line("/* Arguments of a run: what ", options_.symbol, "() takes, in its order. */");
  out_.line("typedef struct ", options_.symbol, "_arguments {");
  for (const Parameter &parameter : all_parameters()) out_.line("  ", declared(parameter.type, parameter.name), ";");
  out_.line("} ", options_.symbol, "_arguments;\n");
}

void Writer::prototype(const std::string &result, const std::string &name, const std::vector<Parameter> &parameters) {
  out_.line(prototype_text(result, name, parameters));
}

void Writer::documented_functions() {
  const std::string &k = options_.symbol;
  std::vector<Parameter> whole = all_parameters();
  whole.push_back({"void *", "workspace"});
  out_.line("/* Does everything, on the calling thread. `workspace`: ", k,
            "_workspace_bytes() bytes; NULL will do when that is 0. */");
  prototype("int", k, whole);
  out_.line("");
  out_.line("/* For a pool of threads: a run is ", k, "_stages() stages, one after another, each of ", k,
            "_tasks(stage) independent");
  out_.line(" * tasks. ", k,
            "_run_tasks does tasks first, first + 1, ... last - 1 of a stage; all tasks of a stage must have returned");
  out_.line(" * before the next stage starts. Threads share `arguments` and `workspace`. Each has ", k,
            "_scratch_bytes() bytes of");
  out_.line(" * `scratch` of its own; with NULL the end of the workspace serves, which only one thread at a time may "
            "use. */");
  prototype("int", k + "_stages", {});
  prototype("int64_t", k + "_tasks", {{"int", "stage"}});
  prototype("int", k + "_run_tasks", task_parameters());
  out_.line("");
  out_.line("/* Bytes of memory of the caller's, which need not be cleared; 0 also when no machine fits. */");
  prototype("size_t", k + "_workspace_bytes", {});
  prototype("size_t", k + "_scratch_bytes", {});
  out_.line("");
  if (signature_.is_packing()) packing_functions();
  out_.line("/* The machine whose code is run here: `", options_.variants.front().machine,
            "`...; NULL when none fits (SPARKLE_NO_MACHINE). */");
  prototype("const char *", k + "_machine", {});
  out_.line("");
}

void Writer::packing_functions() {
  const std::string &k = options_.symbol;
  out_.line("/* Once for given constants: packs them into `packed`, ", k, "_packed_bytes() bytes. `workspace` as for ",
            k, "().");
  out_.line(" * The layout is that of the machine at hand: pack where you run. */");
  prototype("int", k + "_pack", pack_parameters());
  prototype("size_t", k + "_packed_bytes", {});
  for (const TensorId id : signature_.constants) {
    const bool is_read = std::ranges::any_of(
        options_.variants, [&](const HeaderVariant &variant) { return is_used_by_runs(*variant.plan, id); });
    if (!is_read)
      out_.line("/* `", c_parameter(plan_.tensors[id].name), "` is not read by runs: they may be given NULL. */");
  }
  out_.line("");
}

void Writer::prototypes(const std::string &prefix) {
  std::vector<Parameter> whole = all_parameters();
  whole.push_back({"void *", "workspace"});
  prototype("int", prefix, whole);
  prototype("int", prefix + "_stages", {});
  prototype("int64_t", prefix + "_tasks", {{"int", "stage"}});
  prototype("int", prefix + "_run_tasks", task_parameters());
  prototype("size_t", prefix + "_workspace_bytes", {});
  prototype("size_t", prefix + "_scratch_bytes", {});
  if (!signature_.is_packing()) return;
  prototype("int", prefix + "_pack", pack_parameters());
  prototype("size_t", prefix + "_packed_bytes", {});
}

void Writer::variants() {
  out_.line("/* The same for one machine each, without a look at the processor: it must be such a machine. */");
  for (const HeaderVariant &variant : options_.variants) {
    out_.line("/* ", variant.machine, ": ", variant.object, " */");
    prototypes(c_prefix(options_.symbol, variant.machine));
  }
  out_.line("");
}

} // namespace

std::string c_header(const HeaderOptions &options) { return Writer(options).run(); }

} // namespace sparkle::aot
