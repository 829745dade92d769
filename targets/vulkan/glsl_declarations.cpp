#include "targets/vulkan/glsl_declarations.h"

#include <algorithm>

#include "compiler/analysis/walk.h"
#include "compiler/target/target.h"
#include "targets/vulkan/glsl_expressions.h"

namespace sparkle::vulkan {
namespace {

/// Program variables in use, in the order of the program's tables.
std::vector<VarId> program_vars(const Kernel &kernel) {
  std::vector<VarId> out;
  for (VarId var : vars_used_by(kernel, kernel.body)) {
    VarKind kind = kernel.var(var).kind;
    if (kind == VarKind::kSymbol || kind == VarKind::kUniform) out.push_back(var);
  }
  return out;
}

bool needs_push_constants(const GlslContext &c) { return !c.shape.total_groups || !program_vars(c.kernel).empty(); }

int width_of(const BufferView &view, const std::string &array) {
  return &array == &view.quads ? 4 : &array == &view.pairs ? 2 : 1;
}

std::string loop_list(GlslContext &c, const std::vector<StmtId> &loops) {
  ExpressionWriter expressions(c);
  std::string out;
  for (StmtId id : loops) {
    const For loop = std::get<For>(c.kernel.stmt(id));
    std::string extent = expressions.text(c.build.sub(loop.end, loop.begin));
    out += (out.empty() ? "" : ", ") + c.name_of_var(loop.var) + " " + extent;
  }
  return out;
}

std::vector<StmtId> worker_loops(const GlslContext &c) {
  std::vector<StmtId> out;
  for_each_stmt(c.kernel, c.kernel.body, [&](StmtId id) {
    if (c.shape.workers.contains(id)) out.push_back(id);
  });
  return out;
}

void name_arrays(GlslContext &c, BufferId id, const std::set<int> &widths, BufferView &view) {
  const Buffer &buffer = c.kernel.buffer(id);
  bool is_far = buffer.level == MemoryLevel::kFar;
  for (int width : widths) {
    std::string suffix = is_far && width > 1 ? std::to_string(width) : "";
    std::string name = c.names.fresh(buffer.name + suffix);
    (width == 4 ? view.quads : width == 2 ? view.pairs : view.scalars) = name;
  }
}

std::string capitalised(std::string name) {
  if (name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

/// `restrict` promises that no other name reaches the memory while it is written.
std::string qualifiers(const Buffer &buffer, const BufferView &view, bool has_barrier) {
  int names = !view.scalars.empty() + !view.pairs.empty() + !view.quads.empty();
  bool is_alone = buffer.no_alias && (names == 1 || !view.is_written);
  std::string out;
  if (view.is_read && view.is_written && has_barrier) out += "coherent ";
  if (!view.is_written) out += "readonly ";
  if (!view.is_read) out += "writeonly ";
  if (is_alone) out += "restrict ";
  return out;
}

/// Type of the elements of a view's array of vectors of `width` elements.
std::string array_type(const GlslContext &c, const Buffer &buffer, const BufferView &view, int width) {
  Type type{buffer.element, static_cast<uint16_t>(width)};
  return view.is_narrow ? memory_type(type) : c.type_name(type);
}

/// Extensions that let memory hold elements of 8 and 16 bits: storage buffers, then shared memory.
std::set<std::string> memory_extensions(const GlslContext &c) {
  std::set<std::string> out;
  for (const auto &[id, view] : c.views) {
    if (!view.is_narrow) continue;
    const Buffer &buffer = c.kernel.buffer(id);
    std::string bits = bytes_of(buffer.element) == 1 ? "8" : "16";
    bool is_far = buffer.level == MemoryLevel::kFar;
    out.insert(is_far ? "GL_EXT_shader_" + bits + "bit_storage" : "GL_EXT_shader_explicit_arithmetic_types_int" + bits);
  }
  return out;
}

bool has_barrier(const Kernel &kernel) {
  bool found = false;
  for_each_stmt(kernel, kernel.body, [&](StmtId id) { found |= std::holds_alternative<Barrier>(kernel.stmt(id)); });
  return found;
}

} // namespace

void choose_views(GlslContext &c) {
  for (const auto &[id, use] : buffer_uses(c.kernel, c.divisors)) {
    BufferView &view = c.views[id];
    view.is_read = use.is_read;
    view.is_written = use.is_written;
    view.is_narrow = is_narrow(c.kernel.buffer(id), c.shape.near_element_bytes);
    name_arrays(c, id, array_widths(use, c.kernel.buffer(id).level), view);
  }
}

std::string header_text(GlslContext &c, const Program &program) {
  StringBuilder out;
  std::string title = program.name == c.kernel.name || program.name.empty() ? "" : program.name + ": ";
  out.line("// ", title, c.kernel.name);
  StringBuilder shape;
  if (c.shape.total_groups) shape << *c.shape.total_groups << (*c.shape.total_groups == 1 ? " group" : " groups");
  if (!c.shape.total_groups) shape << "groups";
  if (!c.shape.group_loops.empty()) shape << " (" << loop_list(c, c.shape.group_loops) << ")";
  shape << " of " << c.shape.local_size << (c.shape.local_size == 1 ? " worker" : " workers");
  if (auto loops = worker_loops(c); !loops.empty()) shape << " (" << loop_list(c, loops) << ")";
  if (c.shape.near_bytes > 0) shape << ", " << c.shape.near_bytes << " bytes of shared memory";
  out.line("// ", shape.text());
  out.line("#version 450");
  out.line("#extension GL_EXT_control_flow_attributes : require");
  if (c.kernel.index_bits == 64) out.line("#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require");
  for (const std::string &extension : memory_extensions(c)) out.line("#extension ", extension, " : require");
  out.line("");
  out.line("layout(local_size_x = ", c.shape.local_size, ") in;");
  out.line("");
  return out.take();
}

std::string push_constant_text(const GlslContext &c, const Program &program) {
  if (!needs_push_constants(c)) return "";
  Names members;
  StringBuilder out;
  out.line("layout(push_constant) uniform Launch {");
  out.indent();
  for (const Symbol &symbol : program.symbols) {
    std::string name = members.fresh(symbol.name);
    if (c.kernel.index_bits == 64) out.line("int64_t ", name, ";");
    if (c.kernel.index_bits == 32) out.line("ivec2 ", name, "; // 64 bits, the low word first");
  }
  for (const Uniform &uniform : program.uniforms) {
    out.line(uniform.type == Scalar::kF32 ? "float " : "int ", members.fresh(uniform.name), ";");
  }
  out.line("uint total_groups;");
  out.dedent();
  out.line("} launch;");
  out.line("");
  return out.take();
}

std::string parameter_text(GlslContext &c, const Program &program) {
  Names members;
  std::vector<std::string> symbols, uniforms;
  for (const Symbol &symbol : program.symbols) symbols.push_back(members.fresh(symbol.name));
  for (const Uniform &uniform : program.uniforms) uniforms.push_back(members.fresh(uniform.name));
  StringBuilder out;
  out.indent();
  for (VarId id : program_vars(c.kernel)) {
    const Variable &var = c.kernel.var(id);
    bool is_symbol = var.kind == VarKind::kSymbol;
    std::string member = is_symbol ? symbols[index_of(var.symbol)] : uniforms[index_of(var.uniform)];
    if (is_symbol && c.kernel.index_bits == 32) member += ".x";
    out.line("const ", c.type_name(var.type), " ", c.name_of_var(id), " = launch.", member, ";");
  }
  return out.take();
}

std::string buffer_text(GlslContext &c) {
  StringBuilder out;
  bool barrier = has_barrier(c.kernel);
  std::vector<BufferId> bound = bound_buffers(c.kernel);
  for (size_t binding = 0; binding < bound.size(); ++binding) {
    auto found = c.views.find(bound[binding]);
    if (found == c.views.end()) continue;
    const BufferView &view = found->second;
    const Buffer &buffer = c.kernel.buffer(bound[binding]);
    for (const std::string *array : {&view.scalars, &view.pairs, &view.quads}) {
      if (array->empty()) continue;
      std::string type = array_type(c, buffer, view, width_of(view, *array));
      std::string block = c.names.fresh(capitalised(*array) + "Buffer");
      out.line("layout(std430, set = 0, binding = ", binding, ") ", qualifiers(buffer, view, barrier), "buffer ", block,
               " { ", type, " ", *array, "[]; };");
    }
  }
  if (!out.empty()) out.line("");
  return out.take();
}

std::string shared_text(const GlslContext &c) {
  StringBuilder out;
  for_each_stmt(c.kernel, c.kernel.body, [&](StmtId id) {
    auto *alloc = std::get_if<Alloc>(&c.kernel.stmt(id));
    if (!alloc || c.kernel.buffer(alloc->buffer).level != MemoryLevel::kNear) return;
    const BufferView &view = c.views.at(alloc->buffer);
    int width = !view.quads.empty() ? 4 : !view.pairs.empty() ? 2 : 1;
    int64_t length = *local_length(c.kernel, alloc->buffer) / width;
    std::string type = array_type(c, c.kernel.buffer(alloc->buffer), view, width);
    out.line("shared ", type, " ", view.array(width), "[", length, "];");
  });
  if (!out.empty()) out.line("");
  return out.take();
}

} // namespace sparkle::vulkan
