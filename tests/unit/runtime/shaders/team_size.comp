#version 450
#extension GL_KHR_shader_subgroup_basic : require
layout(local_size_x = 128) in;
layout(set = 0, binding = 0) buffer Out { uint size; };
layout(push_constant) uniform Push { uint groups; };
void main() {
  if (gl_LocalInvocationID.x == 0) size = gl_SubgroupSize;
}
