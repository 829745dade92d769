#version 450
// Takes 1000 * `kilosteps` dependent steps. Two loops, for llvmpipe ends any loop after 65535 rounds.
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint kilosteps; uint groups; };
void main() {
  uint x = result[0];
  for (uint i = 0; i < kilosteps; ++i) {
    for (uint k = 0; k < 1000; ++k) x = x * 1664525u + 1013904223u + result[x & 1u];
  }
  result[0] = x;
}
