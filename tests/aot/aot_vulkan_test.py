"""SCRIPT SPARKLEC SOURCE_FOLDER LAUNCHER: shaders are valid and run by their description alone, as the interpreter does."""
import json
import os
import random
import struct
import subprocess
import sys

import aot
from aot import AotTest

CURVES = "kernel scaled(x: f32[H, W], gain: f32, shift: f32) -> y: f32[H, W] { y[h, w] = x[h, w]*gain + shift; }\n"


def npy(values, shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({', '.join(map(str, shape))},), }}"
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}f", *values)


def payload(content):
    return content[10 + struct.unpack("<H", content[8:10])[0]:]


class Shaders(AotTest):
    def check(self, program, machine, defines, scalars=(), words_of_build=(), kernels=1):
        """Builds, validates, launches with whole numbers, compares with the interpreter bit by bit."""
        sizes = [word for define in defines for word in ("-D", define)]
        self.build(program, "out", "vulkan=" + machine, *sizes, *words_of_build)
        (path,) = [self.path("out/" + name) for name in os.listdir(self.path("out")) if name.endswith(".json")]
        with open(path, encoding="utf-8") as file:
            described = json.load(file)
        for kernel in described["prepack"] + described["kernels"]:
            self.run_tool(["spirv-val", "--target-env", "vulkan1.1", self.path("out/" + kernel["spirv"])])
        self.assertEqual(len(described["kernels"]), kernels)
        words, run = self.write_tensors(described)
        for scalar in scalars:
            words.append("scalar:" + scalar)
            run += ["-D", scalar]
        # The description is all there is: no program, no schedule.
        done = subprocess.run([LAUNCHER, path, *words], capture_output=True, text=True, timeout=100, check=False)
        if done.returncode == aot.sparklec.SKIPPED:
            self.skipTest(done.stdout.strip())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.sparklec("run", program, *sizes, "--device", "reference!", *run)
        for tensor in described["tensors"]:
            if tensor["role"] == "output":
                self.assertEqual(self.read(tensor["name"] + ".raw"), payload(self.read(tensor["name"] + ".npy")), tensor["name"])
        self.assertNotEqual(set(self.read(words_out(words))), {0})

    def write_tensors(self, described):
        generator = random.Random(7)
        words, run = [], []
        for tensor in described["tensors"]:
            name = tensor["name"]
            if tensor["role"] in ("input", "const"):
                count = tensor["bytes"] // 4
                content = npy([generator.randint(-2, 2) for _ in range(count)], tensor["shape"])
                self.write(name + ".npy", content)
                words.append(f"in:{name}=" + self.write(name + ".raw", payload(content)))
                run += ["--input", f"{name}={name}.npy"]
            if tensor["role"] == "output":
                words.append(f"out:{name}=" + self.path(name + ".raw"))
                run += ["--output", f"{name}={name}.npy"]
        return words, run

    def test_convolution(self):
        for machine in ("generic_gpu", "lavapipe", "h100"):
            with self.subTest(machine):
                self.folder_for(machine)
                self.check(aot.CONV1, machine, ["IH=18", "IW=20"])

    def test_scalars(self):
        self.check(self.write("c.spk", CURVES), "generic_gpu", ["H=7", "W=33"], ["gain=3", "shift=-2"])

    def test_kernels_with_a_workspace_between(self):
        schedule = self.write("stored.schedule", aot.STORED)
        self.check(self.write("t.spk", aot.TWO_STEPS), "generic_gpu", ["H=9", "W=40"], [], ["--schedule", schedule], 2)

    def folder_for(self, name):
        os.makedirs(os.path.join(self.folder_owner.name, name))
        self.folder = os.path.join(self.folder_owner.name, name)


def words_out(words):
    (path,) = [word.split("=", 1)[1] for word in words if word.startswith("out:")]
    return path


if __name__ == "__main__":
    LAUNCHER = os.path.abspath(sys.argv[3])
    aot.skip_without("spirv-val")
    aot.sparklec.main()
