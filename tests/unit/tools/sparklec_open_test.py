"""Dimensions that are left open: compiled once, run with several extents."""
import json
import unittest

import sparklec
from sparklec import CommandTest, NO_VULKAN

CONV = """// A layer with bias, of any batch.
kernel conv(src: f32[N, H, W, C] outside skip on (H, W), const wei: f32[3, 3, C, D], const bias: f32[D])
    -> dst: f32[N, H, W, D]
{
  let acc[n, y, x, d] = sum[i, j, c](src[n, y + i - 1, x + j - 1, c] * wei[i, j, c, d]);
  dst[n, y, x, d] = max(acc[n, y, x, d] + bias[d], 0);
}
"""
SIZES = ["-D", "H=7", "-D", "W=9", "-D", "C=4", "-D", "D=16"]
EXTENTS = [1, 2, 5, 16]
FLOPS = 2 * 9 * 7 * 9 * 4 * 16 + 2 * 7 * 9 * 16  # For each image: products and sums, bias and maximum.


class Open(CommandTest):
    def several(self, *words, env=None):
        path = self.write("conv.spk", CONV)
        done = self.sparklec("run", path, *SIZES, "--open", "N=" + ",".join(map(str, EXTENTS)), "--input",
                             "*=integers", "--verify=full", "--repeat", "1", "--json", *words, env=env)
        runs = json.loads(done.stdout)["runs"]
        self.assertEqual([run["flops"] for run in runs], [FLOPS * n for n in EXTENTS])
        self.assertTrue(all(run["verified"] for run in runs))
        return runs

    def test_reference(self):
        self.several("--device", "reference!")

    def test_cpu(self):
        runs = self.several("--device", "cpu!")
        self.assertEqual({run["device_used"] for run in runs}, {"cpu"})

    def test_gpu(self):
        devices = json.loads(self.sparklec("devices", "--json").stdout)["devices"]
        if not any(device["kind"] == "vulkan" for device in devices):
            self.skipTest("no Vulkan device")
        runs = self.several("--device", "vulkan!")
        self.assertEqual({run["device_used"] for run in runs}, {"vulkan:0"})

    def test_extents_of_zero_and_one_run(self):
        path = self.write("conv.spk", CONV)
        for device in ("reference!", "cpu!"):
            report = self.report(path, *SIZES, "--open", "N=0", "--device", device, "--verify", env=NO_VULKAN)
            self.assertTrue(report["verified"])
        self.assertIn("verified", self.sparklec("run", path, *SIZES, "--open", "N=3", "--device", "cpu!", "--verify").stdout)

    def test_extents_come_from_files(self):
        path = self.write("conv.spk", CONV)
        self.sparklec("run", path, *SIZES, "-D", "N=3", "--device", "reference!", "--output", "dst=a.npy")
        copy = self.write("copy.spk", "kernel copy(x: f32[B, H, W, D]) -> y: f32[B, H, W, D] { y[b, h, w, d] = x[b, h, w, d]; }")
        self.sparklec("run", copy, "--open", "B", "--input", "x=a.npy", "--output", "y=b.npy", "--device", "cpu!")
        self.assertEqual(self.read("a.npy"), self.read("b.npy"))

    def test_code_holds_the_extent_as_a_symbol(self):
        path = self.write("conv.spk", CONV)
        self.assertIn("N", self.sparklec("emit", path, *SIZES, "--open", "N", "--stage", "ir").stdout)
        glsl = self.sparklec("emit", path, *SIZES, "--open", "N", "--stage", "glsl", "--target-info", "h100").stdout
        self.assertIn("N;", glsl)

    def test_refusals(self):
        path = self.write("conv.spk", CONV)
        for words, text in ((["--open", "N"], "--open N=EXTENT"), (["--open", "N=x"], "is no extent"),
                            (["--open", "N="], "not of the form"), (["--open", "M=1"], "no dimension"),
                            (["--open", "N=1", "-D", "N=1"], "given with -D"),
                            (["--open", "N=1,2", "--open", "H=1,2,3"], "extents"),
                            (["--open", "N=1,2", "--output", "dst=a.npy"], "--output")):
            done = self.sparklec("run", path, *SIZES, *words, "--device", "reference!", code=1)
            self.assertIn(text, done.stderr, words)
        half = self.write("half.spk", "kernel half(x: f32[N]) -> y: f32[M] where M = N/2 { y[m] = x[2*m]; }")
        self.assertIn("[dimension-needed]", self.sparklec("run", half, "--open", "N=4", code=1).stderr)


if __name__ == "__main__":
    sparklec.main()
