"""Data of a run: files in and out, fillings, scalars, the report."""
import struct

import sparklec
from sparklec import CommandTest, MATMUL, SIZES

REFERENCE = ["--device", "reference!"]
SCALED = "kernel scaled(x: f32[H, W], gain: f32, shift: f32 = 0.5) -> y: f32[H, W] { y[h, w] = x[h, w]*gain + shift; }\n"


def npy(values, shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape!r}, }}"
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}f", *values)


def npy_values(content):
    start = 10 + struct.unpack("<H", content[8:10])[0]
    return list(struct.unpack(f"<{(len(content) - start) // 4}f", content[start:]))


class Files(CommandTest):
    def test_shapes_come_from_files_and_results_go_to_files(self):
        path = self.write("s.spk", SCALED)
        self.write("x.npy", npy([1, 2, 3, 4, 5, 6], (2, 3)))
        self.sparklec("run", path, *REFERENCE, "--input", "x=x.npy", "--output", "y=y.npy", "-D", "gain=2")
        self.assertEqual(npy_values(self.read("y.npy")), [2.5, 4.5, 6.5, 8.5, 10.5, 12.5])

    def test_size_of_a_file_must_agree(self):
        path = self.write("s.spk", SCALED)
        self.write("x.npy", npy([1, 2], (1, 2)))
        done = self.sparklec("run", path, *REFERENCE, "--input", "x=x.npy", "-D", "gain=2", "-D", "W=3", code=1)
        self.assertIn("[dimension-conflict]", done.stderr)

    def test_picture_goes_through_unchanged(self):
        picture = f"{sparklec.ROOT}/tests/unit/runtime/data/rgb.png"
        for shape in ("H, W, C", "C, H, W"):
            for elem in ("u8", "f32"):
                path = self.write("copy.spk", f"kernel copy(x: {elem}[{shape}]) -> y: {elem}[{shape}] {{ y[i, j, k] = x[i, j, k]; }}\n")
                self.sparklec("run", path, *REFERENCE, "--input", "x=ramp", "--output", "y=first.png",
                              "-D", "H=5", "-D", "W=7", "-D", "C=3")
                self.sparklec("run", path, *REFERENCE, "--input", "x=first.png", "--output", "y=second.png")
                self.assertEqual(self.read("first.png"), self.read("second.png"), picture)

    def test_damaged_files(self):
        path = self.write("s.spk", SCALED)
        self.write("x.npy", npy([1, 2], (1, 2))[:-3])
        self.write("x.png", b"\x89PNG\r\n\x1a\nnothing")
        for name in ("x.npy", "x.png"):
            done = self.sparklec("run", path, *REFERENCE, "--input", "x=" + name, "-D", "gain=2", code=1)
            self.assertIn(name, done.stderr)


class Fillings(CommandTest):
    def values(self, filling):
        path = self.write("s.spk", SCALED)
        self.sparklec("run", path, *REFERENCE, "--input", "x=" + filling, "--output", "y=y.npy", "-D", "gain=1", "-D",
                      "shift=0", "-D", "H=3", "-D", "W=4")
        return npy_values(self.read("y.npy"))

    def test_fillings(self):
        self.assertEqual(self.values("zeros"), [0.0] * 12)
        self.assertEqual(self.values("ramp"), [float(i) for i in range(12)])
        self.assertEqual(self.values("random:7"), self.values("random:7"))
        self.assertNotEqual(self.values("random:7"), self.values("random:8"))
        whole = self.values("integers:3")
        self.assertEqual(whole, [float(int(value)) for value in whole])
        self.assertGreater(len(set(whole)), 1)

    def test_scalars(self):
        path = self.write("s.spk", SCALED)
        done = self.sparklec("run", path, *REFERENCE, "-D", "H=2", "-D", "W=2", code=1)
        self.assertIn("-D gain=", done.stderr)
        self.sparklec("run", path, *REFERENCE, "-D", "H=2", "-D", "W=2", "-D", "gain=soup", code=1)


class Report(CommandTest):
    def test_keys_and_counts(self):
        path = self.write("m.spk", MATMUL)
        report = self.report(path, *SIZES, *REFERENCE, "--verify=full", "--input", "*=integers", "--repeat", "3")
        self.assertEqual(report["kernel"], "matmul")
        self.assertEqual((report["device_requested"], report["device_used"], report["target"]),
                         ("reference!", "reference", "reference"))
        self.assertIsNone(report["fallback_reason"])
        self.assertEqual((report["verified"], report["verify_mode"], report["max_abs_error"]), (True, "full", 0))
        self.assertEqual(report["flops"], 2 * 7 * 20 * 5 + 7 * 20)
        self.assertEqual(report["flops_executed"], report["flops"])
        self.assertEqual(report["repeats"], 3)
        self.assertGreater(report["wall_s"], 0)
        for key in ("kernel_s", "gflops", "percent_of_peak", "peak_gflops", "compile_ms", "phases", "spread", "threads",
                    "schedule_source", "suspect", "bytes_moved", "bound"):
            self.assertIn(key, report)

    def test_without_verification(self):
        path = self.write("m.spk", MATMUL)
        report = self.report(path, *SIZES, *REFERENCE)
        self.assertEqual((report["verified"], report["verify_mode"], report["max_abs_error"]), (False, None, None))

    def test_what_lies_outside_is_not_executed(self):
        path = self.write("b.spk", "kernel box(x: f32[W] outside skip) -> y: f32[W] { y[w] = sum[i in 0..3](x[w + i - 1]); }\n")
        report = self.report(path, *REFERENCE, "-D", "W=10", "--verify=full")
        self.assertTrue(report["verified"])
        self.assertEqual(report["flops"] - report["flops_executed"], 2 * report["flops"] // 30)

    def test_sum_is_accumulated_once(self):
        path = self.write("g.spk", "kernel add(x: f32[W], inout y: f32[W]) { y[w] += x[w]; }\n")
        self.write("x.npy", npy([1, 2], (2,)))
        for more in ([], ["--verify"], ["--repeat", "5", "--warmup"]):
            self.sparklec("run", path, *REFERENCE, "--input", "x=x.npy", "--input", "y=zeros", "--output", "y=y.npy", *more)
            self.assertEqual(npy_values(self.read("y.npy")), [1, 2], more)


if __name__ == "__main__":
    sparklec.main()
