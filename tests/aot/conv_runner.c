/* Runs a convolution that was built ahead of time and compares it with the obvious loops. Knows the generated header
 * alone, named by HEADER; FUNCTION is what its functions' names start with, N, IH, IW... are the sizes it was built for.
 * Ends with 0 when all is right, 77 when this processor has no machine for it, else 1. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include HEADER

#define JOIN_AGAIN(a, b) a##b
#define JOIN(a, b) JOIN_AGAIN(a, b)
#define CALL(suffix) JOIN(FUNCTION, suffix)

enum { SRC = N * IH * IW * G * IC, WEI = KH * KW * IC * OC, BIAS = OC, DST = N * OH * OW * OC };
enum { ALIGNMENT = 64, GUARD = 64, GUARD_BYTE = 0x5a };

/* Memory of `bytes` that starts `shift` bytes after a multiple of 64, with a guard behind. */
typedef struct Block {
  unsigned char *whole;
  unsigned char *at;
  size_t bytes;
} Block;

static Block block(size_t bytes, size_t shift) {
  Block out;
  out.whole = malloc(bytes + shift + ALIGNMENT + GUARD);
  if (!out.whole) exit(1);
  out.at = out.whole + (ALIGNMENT - (size_t)out.whole % ALIGNMENT) % ALIGNMENT + shift;
  out.bytes = bytes;
  memset(out.at, GUARD_BYTE, bytes + GUARD);
  return out;
}

static void need(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "FAILED: %s\n", what);
  exit(1);
}

static void release(Block *memory) {
  for (size_t i = 0; i < GUARD; ++i) need(memory->at[memory->bytes + i] == GUARD_BYTE, "a write behind the end");
  free(memory->whole);
}

static unsigned random_state = 1;
static unsigned next_random(void) { return (random_state = random_state * 1664525u + 1013904223u) >> 8; }

static void fill(float *to, size_t count, int whole_numbers) {
  for (size_t i = 0; i < count; ++i)
    to[i] = whole_numbers ? (float)(next_random() % 5) - 2.0f : (float)(next_random() % 65536) / 32768.0f - 1.0f;
}

/* One output by the definition, in double precision, with the sum of the terms' sizes. */
static double obvious(const float *src, const float *wei, const float *bias, const int at[4], double *sizes) {
  double sum = bias[at[3]];
  *sizes = fabs(sum);
  for (int kh = 0; kh < KH; ++kh) {
    const int ih = at[1] * SH + kh * DH - PH;
    for (int kw = 0; kw < KW; ++kw) {
      const int iw = at[2] * SW + kw * DW - PW;
      if (ih < 0 || ih >= IH || iw < 0 || iw >= IW) continue;
      const float *pixel = src + ((size_t)(at[0] * IH + ih) * IW + iw) * (G * IC) + at[3] / (OC / G) * IC;
      const float *weights = wei + (size_t)(kh * KW + kw) * IC * OC + at[3];
      for (int ic = 0; ic < IC; ++ic) {
        const double term = (double)pixel[ic] * weights[(size_t)ic * OC];
        sum += term;
        *sizes += fabs(term);
      }
    }
  }
  return sum > 0 ? sum : 0;
}

static void compare(const float *src, const float *wei, const float *bias, const float *dst, int whole_numbers) {
  const double rounding = whole_numbers ? 0 : (KH * KW * IC + 1) * 1.2e-7;
  const float *next = dst;
  for (int n = 0; n < N; ++n)
    for (int oh = 0; oh < OH; ++oh)
      for (int ow = 0; ow < OW; ++ow)
        for (int oc = 0; oc < OC; ++oc, ++next) {
          const int at[4] = {n, oh, ow, oc};
          double sizes;
          const double wanted = obvious(src, wei, bias, at, &sizes);
          if (fabs(*next - wanted) <= rounding * sizes) continue;
          fprintf(stderr, "FAILED: [%d, %d, %d, %d] is %.9g, not %.9g\n", n, oh, ow, oc, *next, wanted);
          exit(1);
        }
}

/* As a pool of threads would: tasks of a stage in pieces, the later ones first, each with scratch of its own. */
static void run_in_pieces(const JOIN(KERNEL, _arguments) * arguments, void *workspace) {
  for (int stage = 0; stage < CALL(_stages)(); ++stage) {
    const int64_t tasks = CALL(_tasks)(stage), middle = tasks - tasks / 3;
    Block scratch = block(CALL(_scratch_bytes)(), 0);
    need(tasks > 0, "a stage without tasks");
    need(CALL(_run_tasks)(arguments, stage, middle, tasks, workspace, scratch.at) == SPARKLE_OK, "the later tasks");
    need(CALL(_run_tasks)(arguments, stage, 0, middle, workspace, NULL) == SPARKLE_OK, "the first tasks");
    release(&scratch);
  }
}

static void refuse_mistakes(const JOIN(KERNEL, _arguments) * arguments, unsigned char *workspace) {
  JOIN(KERNEL, _arguments) wrong = *arguments;
  const int64_t tasks = CALL(_tasks)(0);
  wrong.dst = NULL;
  need(CALL(_run_tasks)(&wrong, 0, 0, 1, workspace, NULL) == SPARKLE_BAD_ARGUMENT, "a null tensor is refused");
  wrong.dst = (float *)((unsigned char *)arguments->dst + 1);
  need(CALL(_run_tasks)(&wrong, 0, 0, 1, workspace, NULL) == SPARKLE_BAD_ARGUMENT, "a tensor off its alignment is refused");
  need(CALL(_run_tasks)(NULL, 0, 0, 1, workspace, NULL) == SPARKLE_BAD_ARGUMENT, "no arguments are refused");
  need(CALL(_run_tasks)(arguments, 0, 0, 1, workspace + 4, NULL) == SPARKLE_BAD_ARGUMENT, "a crooked workspace is refused");
  need(CALL(_run_tasks)(arguments, 0, -1, 1, workspace, NULL) == SPARKLE_BAD_ARGUMENT, "a task below 0 is refused");
  need(CALL(_run_tasks)(arguments, 0, 0, tasks + 1, workspace, NULL) == SPARKLE_BAD_ARGUMENT, "a task too many is refused");
  need(CALL(_run_tasks)(arguments, CALL(_stages)(), 0, 1, workspace, NULL) == SPARKLE_BAD_ARGUMENT, "no such stage");
  need(CALL(_tasks)(-1) == 0, "no stage, no tasks");
}

static void check(int whole_numbers) {
  /* Tensors need no more than the alignment of an element. */
  Block src = block(SRC * sizeof(float), 4), wei = block(WEI * sizeof(float), 12), bias = block(BIAS * sizeof(float), 20);
  Block dst = block(DST * sizeof(float), 36), again = block(DST * sizeof(float), 0);
  Block packed = block(CALL(_packed_bytes)(), 0), workspace = block(CALL(_workspace_bytes)(), 0);
  float *const s = (float *)src.at, *const w = (float *)wei.at, *const b = (float *)bias.at;
  fill(s, SRC, whole_numbers);
  fill(w, WEI, whole_numbers);
  fill(b, BIAS, whole_numbers);
  need(CALL(_pack)(w, b, packed.at, workspace.at) == SPARKLE_OK, "packing");
  need(FUNCTION(s, w, b, (float *)dst.at, packed.at, workspace.at) == SPARKLE_OK, "the run");
  compare(s, w, b, (float *)dst.at, whole_numbers);
  const JOIN(KERNEL, _arguments) arguments = {s, w, b, (float *)again.at, packed.at};
  run_in_pieces(&arguments, workspace.at);
  need(memcmp(dst.at, again.at, DST * sizeof(float)) == 0, "pieces give what the whole gives");
  refuse_mistakes(&arguments, workspace.at);
  Block *const all[] = {&src, &wei, &bias, &dst, &again, &packed, &workspace};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) release(all[i]);
}

int main(void) {
  if (CALL(_stages)() == 0) {
    float none = 0;
    need(FUNCTION(&none, &none, &none, &none, &none, NULL) == SPARKLE_NO_MACHINE, "without a machine the run says so");
    need(JOIN(KERNEL, _machine)() == NULL, "without a machine there is no name");
    puts("no machine");
    return 77;
  }
  check(1);
  check(0);
  printf("right on %s\n", JOIN(KERNEL, _machine)());
  return 0;
}
