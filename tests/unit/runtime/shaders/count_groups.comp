#version 450
// Counts how often each group number below the total comes up; others must not come up after the check.
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Hits { uint hits[]; };
layout(push_constant) uniform Push { uint groups; };
void main() {
  uint group = gl_WorkGroupID.x + gl_NumWorkGroups.x * (gl_WorkGroupID.y + gl_NumWorkGroups.y * gl_WorkGroupID.z);
  if (group < groups) atomicAdd(hits[group], 1u);
}
