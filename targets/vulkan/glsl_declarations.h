// Everything in a shader outside main: header, push constants, storage buffers, shared arrays, helper functions.
#pragma once

#include "targets/vulkan/glsl_context.h"

namespace sparkle::vulkan {

/// Decides how every buffer is declared and names the arrays.
void choose_views(GlslContext &context);

/// Comment with the kernel's name and launch shape, #version, extensions, local size.
std::string header_text(GlslContext &context, const Program &program);
/// The push constant block; empty when nothing in it is needed. Members: all symbols, all uniforms, total_groups.
std::string push_constant_text(const GlslContext &context, const Program &program);
/// `const int N = ...;` for the symbols and uniforms that the kernel uses, as lines of main.
std::string parameter_text(GlslContext &context, const Program &program);
std::string buffer_text(GlslContext &context);
std::string shared_text(const GlslContext &context);

} // namespace sparkle::vulkan
