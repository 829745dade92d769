#include "targets/vulkan/glsl_emitter.h"

#include "targets/vulkan/glsl_declarations.h"
#include "targets/vulkan/glsl_expressions.h"
#include "targets/vulkan/glsl_statements.h"

namespace sparkle::vulkan {
namespace {

std::string group_text(const GlslContext &c) {
  StringBuilder out;
  out.indent();
  bool is_one_group = c.shape.total_groups == 1;
  if (!is_one_group) {
    out.line("const uint group =");
    out.line("    gl_WorkGroupID.x + gl_NumWorkGroups.x * (gl_WorkGroupID.y + gl_NumWorkGroups.y * gl_WorkGroupID.z);");
    std::string total = c.shape.total_groups ? std::to_string(*c.shape.total_groups) + "u" : "launch.total_groups";
    out.line("if (group >= ", total, ") return;");
  }
  if (c.shape.local_size > 1) out.line("const uint worker = gl_LocalInvocationIndex;");
  return out.take();
}

std::string helpers_text(const GlslContext &c) {
  std::string out;
  for (const Helper &helper : c.helpers) out += helper_text(helper, c.kernel.index_bits) + "\n";
  return out;
}

} // namespace

Result<Shader> emit_glsl(const Program &program, const Kernel &kernel, const TargetInfo &info) {
  GlslContext c(kernel);
  SPARKLE_TRY(c.shape, launch_shape(c.build, info.near_element_bytes));
  choose_views(c);
  // Names are given in the order of the text, so that the plain ones go to what is seen first.
  std::string parameters = parameter_text(c, program);
  std::string header = header_text(c, program);
  c.out.indent();
  StatementWriter(c).write(c.kernel.body);
  std::string body = c.out.take();

  Shader shader;
  shader.local_size = c.shape.local_size;
  shader.near_bytes = c.shape.near_bytes;
  shader.glsl = header + push_constant_text(c, program) + buffer_text(c) + shared_text(c) + helpers_text(c);
  shader.glsl += "void main() {\n" + group_text(c) + parameters + body + "}\n";
  return shader;
}

} // namespace sparkle::vulkan
