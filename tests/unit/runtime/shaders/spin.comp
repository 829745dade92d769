#version 450
// Each group takes `steps` dependent steps; at most 65535, for llvmpipe ends a shader's loops after as many rounds in all.
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Out { uint result[16]; };
layout(push_constant) uniform Push { uint steps; uint groups; };
void main() {
  uint slot = gl_WorkGroupID.x & 15u;
  uint x = result[slot];
  for (uint i = 0; i < steps; ++i) x = x * 1664525u + 1013904223u + result[x & 15u];
  result[slot] = x;
}
