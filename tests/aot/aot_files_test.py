"""What `sparklec build` writes, and what it leaves alone when something is wrong."""
import hashlib
import json
import os
import re

import aot
from aot import AotTest

SMALL = ["-D", "IH=16", "-D", "IW=16"]
ALL = "x86-64-v3,x86-64-v4,aarch64,vulkan"


class Files(AotTest):
    def contents(self, folder):
        return {name: self.read(os.path.join(folder, name)) for name in sorted(os.listdir(self.path(folder)))}

    def test_two_builds_are_the_same_bytes(self):
        # Another folder, another place of the program, another order of targets.
        os.makedirs(self.path("elsewhere/deep"))
        with open(aot.CONV1, encoding="utf-8") as file:
            copy = self.write("elsewhere/deep/copy.spk", file.read())
        self.build(aot.CONV1, "one", ALL, *SMALL)
        self.build(copy, "elsewhere/deep/two", "vulkan,aarch64,x86-64-v4,x86-64-v3", *SMALL)
        one, two = self.contents("one"), self.contents("elsewhere/deep/two")
        self.assertEqual(list(one), list(two))
        for name, content in one.items():
            self.assertEqual(content, two[name], name)
            self.assertNotIn(self.folder.encode(), content)
            self.assertNotIn(aot.ROOT.encode(), content)

    def test_lists_what_it_wrote(self):
        done = self.build(aot.CONV1, "out/deeper", ALL, *SMALL)
        listed = sorted(os.path.basename(line) for line in done.stdout.splitlines())
        self.assertEqual(listed, sorted(os.listdir(self.path("out/deeper"))))
        for name in ("resnet50_conv1.h", "resnet50_conv1.dispatch.o", "resnet50_conv1.x86-64-v3.o", "resnet50_conv1.x86-64-v4.o",
                     "resnet50_conv1.aarch64.o", "resnet50_conv1.vulkan.json", "resnet50_conv1.spv", "resnet50_conv1.comp"):
            self.assertIn(name, listed)

    def test_description_of_shaders(self):
        self.build(aot.CONV1, "out", "vulkan", *SMALL)
        described = json.loads(self.read("out/resnet50_conv1.vulkan.json"))
        tensors = {tensor["name"]: tensor for tensor in described["tensors"]}
        self.assertEqual(tensors["src"]["shape"], [1, 16, 16, 3])
        self.assertEqual(tensors["src"]["strides"], [768, 48, 3, 1])
        self.assertEqual(tensors["dst"]["role"], "output")
        self.assertGreater(described["flops"], described["flops_executed"])
        for kernel in described["prepack"] + described["kernels"]:
            self.assertEqual(hashlib.sha256(self.read("out/" + kernel["spirv"])).hexdigest(), kernel["sha256"])
            x, y, z = kernel["group_counts"]
            self.assertGreaterEqual(x * y * z, kernel["groups"])
            self.assertTrue(set(binding["tensor"] for binding in kernel["bindings"]) <= set(tensors))
            self.assertIn("void main()", self.read("out/" + kernel["glsl"]).decode())

    def test_another_machine_is_another_schedule(self):
        self.build(aot.CONV1, "one", "vulkan", *SMALL)
        self.build(aot.CONV1, "two", "vulkan=h100", *SMALL)
        self.build(aot.CONV1, "three", "vulkan", "--target-info", "h100", *SMALL)
        self.assertNotEqual(self.contents("one"), self.contents("two"))
        self.assertEqual(self.contents("two"), self.contents("three"))

    def test_dependency_file(self):
        program = self.write("a b$.spk", "kernel twice(x: f32[W]) -> y: f32[W] { y[w] = x[w] + x[w]; }\n")
        words = ["-D", "W=4", "--schedule", self.write("s.schedule", ""), "-MD"]
        self.build("a b$.spk", "out", "vulkan", *words)
        text = self.read("out/twice.d").decode()
        self.assertIn("out/twice.spv", text)
        self.assertIn(": \\\n a\\ b$$.spk", text)
        self.assertRegex(text, r"s\.schedule:\n")
        self.build(program, "out", "vulkan", *words, "-MF", "mine.d")
        self.assertIn(r"a\ b$$.spk", self.read("mine.d").decode())


class Mistakes(AotTest):
    def fails(self, *words, code, says):
        done = self.sparklec("build", *words, code=code)
        for word in says:
            self.assertIn(word, done.stderr)
        self.assertEqual(done.stdout, "")
        return done

    def test_unknown_target(self):
        self.fails(aot.CONV1, "-o", "out", "--target", "x86-64-v9", code=2,
                   says=["x86-64-v9", "x86-64-v3", "x86-64-v4", "aarch64", "vulkan"])
        self.fails(aot.CONV1, "-o", "out", "--target", "vulkan,vulkan", code=2, says=["twice"])
        self.fails(aot.CONV1, "-o", "out", "--target", "vulkan,", code=2, says=["there is no target"])
        self.fails(aot.CONV1, "-o", "out", "--target", "vulkan=gone", code=1, says=["gone", "h100", "target `vulkan`"])
        self.fails(aot.CONV1, "-o", "out", "--target", ALL, "--target-info", "h100", code=2, says=["NAME=MACHINE"])
        self.fails(aot.CONV1, "-o", "out", code=2, says=["--target"])
        self.assertFalse(os.path.exists(self.path("out")))

    def test_folders_that_take_nothing(self):
        self.write("file", "text")
        self.fails(aot.CONV1, "-o", "file", "--target", "vulkan", *SMALL, code=1, says=["file"])
        self.fails(aot.CONV1, "-o", "file/out", "--target", "vulkan", *SMALL, code=1, says=["file/out"])
        self.fails(aot.CONV1, "-o", "/proc/none", "--target", "vulkan", *SMALL, code=1, says=["/proc/none"])
        self.assertEqual(self.read("file"), b"text")

    def test_nothing_is_half_written(self):
        # The header's name is taken by a folder: objects and shaders must not appear, what was there stays.
        os.makedirs(self.path("out/resnet50_conv1.vulkan.json"))
        self.write("out/resnet50_conv1.spv", "old")
        self.fails(aot.CONV1, "-o", "out", "--target", "vulkan", *SMALL, code=1, says=["resnet50_conv1.vulkan.json"])
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["resnet50_conv1.spv", "resnet50_conv1.vulkan.json"])
        self.assertEqual(self.read("out/resnet50_conv1.spv"), b"old")

    def test_mistakes_in_the_program_have_a_place(self):
        self.write("bad.spk", "kernel k(x: f32[W]) -> y: f32[W]\n{\n  y[w] = z[w];\n}\n")
        self.assertIn("bad.spk:3:10", self.fails("bad.spk", "-o", "out", "--target", "vulkan", "-D", "W=4", code=1, says=[]).stderr)
        self.fails(aot.CONV2D, "-o", "out", "--target", "vulkan", code=1, says=["conv2d.spk:", "N"])
        self.fails("gone.spk", "-o", "out", "--target", "vulkan", code=1, says=["gone.spk"])
        self.assertFalse(os.path.exists(self.path("out")))

    def test_open_dimensions_are_refused(self):
        program = self.write("twice.spk", "kernel twice(x: f32[W]) -> y: f32[W] { y[w] = x[w] + x[w]; }\n")
        for target in ("x86-64-v3", "aarch64", "vulkan"):
            self.fails(program, "-o", "out", "--target", target, "--open", "W", code=3, says=["`W` is open", target])
        self.assertFalse(os.path.exists(self.path("out")))

    def test_which_kernel(self):
        text = "kernel a(x: f32[4]) -> y: f32[4] { y[w] = x[w]; }\nkernel b(x: f32[4]) -> y: f32[4] { y[w] = x[w]; }\n"
        two = self.write("two.spk", text)
        self.fails(two, "-o", "out", "--target", "vulkan", code=1, says=["`a`", "`b`", "--kernel"])
        self.fails(two, "-o", "out", "--target", "vulkan", "--kernel", "c", code=1, says=["`c`", "`a`", "`b`"])
        self.build(two, "out", "vulkan", "--kernel", "b")
        self.assertTrue(all(re.match(r"b\.", name) for name in os.listdir(self.path("out"))))

    def test_names_that_c_does_not_have(self):
        program = self.write("k.spk", "kernel register(x: f32[4]) -> y: f32[4] { y[w] = x[w]; }\n")
        self.fails(program, "-o", "out", "--target", "vulkan", code=1, says=["`register`", "--name"])
        self.build(program, "out", "vulkan", "--name", "keep")
        self.fails(program, "-o", "out", "--target", "vulkan", "--name", "a b", code=1, says=["`a b`"])
        self.fails(program, "-o", "out", "--target", "vulkan", "--name", "../k", code=1, says=["`../k`"])

    def test_schedule_that_does_not_fit_names_the_target(self):
        schedule = self.write("s.schedule", "kernel dst {\n  split nowhere: serial 4\n}\n")
        self.fails(aot.CONV1, "-o", "out", "--target", "vulkan", "--schedule", schedule, *SMALL, code=1, says=["nowhere", "target `vulkan`"])
        self.assertFalse(os.path.exists(self.path("out")))


if __name__ == "__main__":
    aot.skip_without_objects()
    aot.sparklec.main()
