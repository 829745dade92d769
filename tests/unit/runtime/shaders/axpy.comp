#version 450
// out[i] = scale * a[i] + b[i] for i < n
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };
layout(set = 0, binding = 2) writeonly buffer Out { float result[]; };
layout(push_constant) uniform Push { uint n; float scale; uint groups; };
void main() {
  uint group = gl_WorkGroupID.x + gl_NumWorkGroups.x * (gl_WorkGroupID.y + gl_NumWorkGroups.y * gl_WorkGroupID.z);
  uint i = group * 64 + gl_LocalInvocationID.x;
  if (group < groups && i < n) result[i] = scale * a[i] + b[i];
}
