"""Objects for this kind of processor: C programs that know the header alone, symbols, the dispatcher's choice."""
import glob
import os
import platform
import re
import shutil
import subprocess

import aot
from aot import AotTest, LEVELS, has_level

# What an object may ask of the C library.
ALLOWED = {"memcpy", "memmove", "memset"}
CURVES = """kernel curves(x: f32[H, W], gain: f32) -> y: f32[H, W]
{
  y[h, w] = exp(x[h, w]*gain) + tanh(x[h, w]) + erf(x[h, w]);
}
"""


class Conv1(AotTest):
    def setUp(self):
        super().setUp()
        self.build(aot.CONV1, "out", ",".join(LEVELS))
        self.objects = ["resnet50_conv1.dispatch.o"] + [f"resnet50_conv1.{level}.o" for level in LEVELS]

    def runner(self, function, objects):
        return self.compile_runner("out", "resnet50_conv1", function, aot.CONV1_SIZES, objects, name=function)

    def test_each_level_and_the_dispatcher(self):
        if not has_level("x86-64-v3"):
            self.skipTest("this processor has no AVX2")
        best = "x86-64-v4" if has_level("x86-64-v4") else "x86-64-v3"
        runner = self.runner("resnet50_conv1", self.objects)
        self.assertIn(best, self.run_tool([runner]))
        for level in filter(has_level, LEVELS):
            function = "resnet50_conv1_" + level.replace("-", "_")
            self.assertIn("right", self.run_tool([self.runner(function, self.objects)]))

    def test_processors_that_are_not_here(self):
        if not shutil.which("qemu-x86_64"):
            self.skipTest("`qemu-x86_64` is not here")
        sizes = aot.CONV1_SIZES | dict(IH=16, IW=16, OH=8, OW=8)
        self.build(aot.CONV1, "small", ",".join(LEVELS), "-D", "IH=16", "-D", "IW=16")
        runner = self.compile_runner("small", "resnet50_conv1", "resnet50_conv1", sizes, self.objects)
        self.assertIn("no machine", self.run_tool(["qemu-x86_64", "-cpu", "Nehalem", runner], code=77))
        self.assertIn("no machine", self.run_tool(["qemu-x86_64", "-cpu", "Haswell,-fma", runner], code=77))
        self.assertIn("no machine", self.run_tool(["qemu-x86_64", "-cpu", "Haswell,-xsave", runner], code=77))
        self.assertIn("x86-64-v3", self.run_tool(["qemu-x86_64", "-cpu", "Haswell", runner]))

    def test_header_is_c_and_cplusplus(self):
        self.write("user.cpp", '#include "out/resnet50_conv1.h"\n#include "out/resnet50_conv1.h"\n'
                               "static_assert(RESNET50_CONV1_FLOPS > RESNET50_CONV1_FLOPS_EXECUTED);\n"
                               "static_assert(RESNET50_CONV1_DST_ELEMENTS == 112 * 112 * 64);\n")
        self.run_tool(["c++", "-std=c++17", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "user.cpp"])

    def test_nothing_else_is_needed(self):
        for name in self.objects[1:]:
            listed = self.run_tool(["nm", "--undefined-only", "--format=posix", self.path("out/" + name)])
            self.assertLessEqual({line.split()[0] for line in listed.splitlines()}, ALLOWED, name)
        prefixes = tuple("resnet50_conv1_" + level.replace("-", "_") for level in LEVELS)
        for line in self.run_tool(["nm", "--undefined-only", "--format=posix", self.path("out/" + self.objects[0])]).splitlines():
            self.assertTrue(line.startswith(prefixes), line)
        for name in self.objects:
            defined = self.run_tool(["nm", "--extern-only", "--defined-only", "--format=posix", self.path("out/" + name)])
            for line in defined.splitlines():
                self.assertTrue(line.startswith("resnet50_conv1"), f"{name} defines {line}")

    def test_links_into_a_shared_library(self):
        objects = [self.path("out/" + name) for name in self.objects]
        self.run_tool(["cc", "-shared", "-Wl,-z,text,-z,defs,--fatal-warnings", "-o", self.path("libconv.so"), *objects, "-lm"])


class OtherPrograms(AotTest):
    def test_run_time_scalar_and_element_functions(self):
        program = self.write("curves.spk", CURVES)
        self.build(program, "out", "x86-64-v3", "-D", "H=5", "-D", "W=11")
        listed = self.run_tool(["nm", "--undefined-only", "--format=posix", self.path("out/curves.x86-64-v3.o")])
        self.assertLessEqual({line.split()[0] for line in listed.splitlines()}, ALLOWED)
        self.write("user.c", """#include <math.h>
#include "out/curves.h"
int main(void) {
  float x[55], y[55];
  for (int i = 0; i < 55; ++i) x[i] = (float)i / 32.0f;
  if (curves_machine() == NULL) return 77;
  if (curves_workspace_bytes() != 0 || CURVES_X_ELEMENTS != 55) return 1;
  if (curves(x, y, 0.5f, NULL) != SPARKLE_OK) return 2;
  for (int i = 0; i < 55; ++i)
    if (fabs(y[i] - (exp(x[i] * 0.5) + tanh(x[i]) + erf(x[i]))) > 1e-5) return 3;
  return 0;
}
""")
        runner = self.path("user")
        objects = [self.path("out/curves." + name + ".o") for name in ("dispatch", "x86-64-v3")]
        self.run_tool(["cc", *aot.FLAGS, "-o", runner, self.path("user.c"), *objects, "-lm"])
        self.run_tool([runner], code=0 if has_level("x86-64-v3") else 77)

    def test_stages_with_a_workspace(self):
        program = self.write("two_steps.spk", aot.TWO_STEPS)
        schedule = self.write("stored.schedule", aot.STORED)
        self.build(program, "out", "x86-64-v3", "-D", "H=9", "-D", "W=40", "--schedule", schedule)
        self.write("user.c", """#include <stdlib.h>
#include "out/two_steps.h"
int main(void) {
  float x[9 * 40], k[3] = {1, -2, 3}, y[9 * 36], rows[38];
  for (int i = 0; i < 9 * 40; ++i) x[i] = (float)(i * 7 % 5) - 2;
  if (two_steps_machine() == NULL) return 77;
  if (two_steps_stages() != 2 || two_steps_workspace_bytes() < 9 * 38 * sizeof(float)) return 1;
  char *memory = malloc(TWO_STEPS_WORKSPACE_BYTES + TWO_STEPS_PACKED_BYTES + 128);
  char *workspace = memory + (64 - (size_t)memory % 64) % 64, *packed = workspace + (TWO_STEPS_WORKSPACE_BYTES + 63) / 64 * 64;
  if (two_steps_pack(k, packed, workspace) != SPARKLE_OK) return 2;
  if (two_steps(x, k, y, packed, NULL) != SPARKLE_BAD_ARGUMENT) return 3;
  if (two_steps(x, k, y, packed, workspace) != SPARKLE_OK) return 4;
  for (int h = 0; h < 9; ++h) {
    for (int w = 0; w < 38; ++w) rows[w] = x[h * 40 + w] * k[0] + x[h * 40 + w + 1] * k[1] + x[h * 40 + w + 2] * k[2];
    for (int w = 0; w < 36; ++w)
      if (y[h * 36 + w] != rows[w] * k[0] + rows[w + 1] * k[1] + rows[w + 2] * k[2]) return 5;
  }
  free(memory);
  return 0;
}
""")
        objects = [self.path("out/two_steps." + name + ".o") for name in ("dispatch", "x86-64-v3")]
        self.run_tool(["cc", *aot.FLAGS, "-o", self.path("user"), self.path("user.c"), *objects, "-lm"])
        self.run_tool([self.path("user")], code=0 if has_level("x86-64-v3") else 77)

    def test_another_name(self):
        self.build(aot.CONV1, "out", "x86-64-v3", "--name", "first", "-D", "IH=8", "-D", "IW=8")
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["first.dispatch.o", "first.h", "first.x86-64-v3.o"])
        self.assertIn("int first(const float *src", self.read("out/first.h").decode())


class Documentation(AotTest):
    def test_example_of_the_page(self):
        with open(os.path.join(aot.ROOT, "docs", "aot.md"), encoding="utf-8") as file:
            page = file.read()
        blocks = dict(re.findall(r"<!-- file: ([\w.]+) -->\n```\w*\n(.*?)^```$", page, re.M | re.S))
        self.assertEqual(set(blocks), {"dense.spk", "build.sh", "main.c"})
        for name, text in blocks.items():
            self.write(name, text)
        os.symlink(aot.sparklec.SPARKLEC, self.path("sparklec"))
        environment = os.environ | {"PATH": self.folder + os.pathsep + os.environ["PATH"]}
        done = subprocess.run(["sh", "-e", "build.sh"], cwd=self.folder, env=environment, capture_output=True, text=True,
                              timeout=aot.sparklec.TIMEOUT_SECONDS, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        if has_level("x86-64-v3"):
            self.assertIn("dst[0] = ", self.run_tool([self.path("main")]))
        self.assertTrue(glob.glob(self.path("out/*.o")))


if __name__ == "__main__":
    if platform.machine() != "x86_64":
        print("[SKIP] these objects are for x86-64")
        raise SystemExit(aot.sparklec.SKIPPED)
    aot.skip_without("cc", "nm")
    aot.skip_without_objects()
    aot.sparklec.main()
