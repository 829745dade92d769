/* Compiles a kernel for `argv[1]` (a device), packs its weights ahead, binds, runs twice, compares. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sparkle/sparkle.h>

enum { M = 5, N = 40, K = 7 };

static const char text[] = "kernel product(a: f32[M, K], const b: f32[K, N], scale: f32) -> c: f32[M, N] {\n"
                           "  c[m, n] = scale * sum[k](a[m, k] * b[k, n]);\n"
                           "}\n";

static int failed(sparkle_error *error) {
  if (!error) return 0;
  fprintf(stderr, "%s: %s\n%s", sparkle_code_name(sparkle_error_code(error)), sparkle_error_text(error),
          sparkle_error_diagnostics(error));
  sparkle_error_free(error);
  return 1;
}

static int is_right(const float *a, const float *b, const float *c, float scale) {
  for (int m = 0; m < M; ++m)
    for (int n = 0; n < N; ++n) {
      float sum = 0;
      for (int k = 0; k < K; ++k) sum += a[m * K + k] * b[k * N + n];
      if (c[m * N + n] != scale * sum) return 0;
    }
  return 1;
}

/* Weights packed ahead serve two bindings; on devices that pack themselves the call does it. */
static int run(sparkle_kernel *kernel, float *a, float *b, float *c) {
  const int64_t a_shape[] = {M, K}, b_shape[] = {K, N}, c_shape[] = {M, N};
  sparkle_argument arguments[] = {{"a", {a, SPARKLE_F32, 2, a_shape, NULL}},
                                  {"c", {c, SPARKLE_F32, 2, c_shape, NULL}},
                                  {"b", {b, SPARKLE_F32, 2, b_shape, NULL}}};
  sparkle_scalar scale = {"scale", 2};
  sparkle_call call = SPARKLE_CALL_INIT;
  call.arguments = arguments, call.argument_count = 3;
  call.scalars = &scale, call.scalar_count = 1;
  void *memory = NULL;
  const int64_t bytes = sparkle_kernel_packed_bytes(kernel);
  if (bytes > 0 && strcmp(sparkle_kernel_device(kernel), "cpu") == 0) {
    memory = malloc((size_t)bytes + 63);
    void *packed = (void *)(((uintptr_t)memory + 63) / 64 * 64);
    if (failed(sparkle_pack(kernel, &call, packed, bytes))) return 1;
    call.packed = packed;
  }
  sparkle_binding *binding = NULL;
  if (failed(sparkle_bind(kernel, &call, &binding))) return 1;
  int wrong = 0;
  for (int round = 0; round < 2; ++round) {
    a[0] += 1;
    wrong += failed(sparkle_binding_refresh(binding, 0)) || failed(sparkle_binding_run(binding));
    wrong += !is_right(a, b, c, 2);
  }
  sparkle_binding_free(binding);
  free(memory);
  return wrong;
}

int main(int argc, char **argv) {
  sparkle_size sizes[] = {{"M", M}, {"N", N}, {"K", K}};
  sparkle_jit_options options = SPARKLE_JIT_OPTIONS_INIT;
  options.sizes = sizes, options.size_count = 3;
  options.device = argc > 1 ? argv[1] : "cpu!";
  sparkle_kernel *kernel = NULL;
  if (failed(sparkle_jit("product.spk", text, strlen(text), &options, &kernel))) return 1;
  float a[M * K], b[K * N], c[M * N];
  for (int i = 0; i < M * K; ++i) a[i] = (float)(i % 5 - 2);
  for (int i = 0; i < K * N; ++i) b[i] = (float)(i % 7 - 3);
  const int wrong = run(kernel, a, b, c);
  printf("%s, %s: %s\n", sparkle_version(), sparkle_kernel_device(kernel), wrong ? "wrong" : "right");
  sparkle_kernel_free(kernel);

  /* A mistake in the text is an error with its place. */
  sparkle_kernel *none = NULL;
  sparkle_error *error = sparkle_jit("bad.spk", "kernel k(", 9, NULL, &none);
  if (!error || none || sparkle_error_code(error) != SPARKLE_INVALID_INPUT) return 1;
  if (!strstr(sparkle_error_diagnostics(error), "bad.spk:1:")) return 1;
  sparkle_error_free(error);
  return wrong;
}
