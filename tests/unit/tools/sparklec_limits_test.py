"""Hostile and broken inputs: a clear error, the right exit code, within a second and 512 MiB, never a crash."""
import json
import os
import struct
import subprocess
import sys
import zlib

import sparklec
from sparklec import CommandTest, MATMUL, NO_VULKAN, SIZES

REFERENCE = ["--device", "reference!"]
COPY = "kernel copy(x: f32[N]) -> y: f32[N] { y[n] = x[n]; }\n"
MOST_SECONDS, MOST_BYTES = 1.0, 512 << 20


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


class Limits(CommandTest):
    @classmethod
    def setUpClass(cls):
        if sparklec.SANITIZERS:
            print(f"[SKIP] seconds and bytes: sanitizers ({sparklec.SANITIZERS}) take more of both", file=sys.stderr)

    def measured(self, *words, env=None):
        """Exit code, standard error, seconds of processor time and bytes of memory of one run."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SPARKLE_")}
        environment |= {"XDG_CACHE_HOME": self.path("cache")} | (env or {})
        with open(self.path("out"), "w+b") as out, open(self.path("err"), "w+b") as err:
            child = subprocess.Popen([sparklec.SPARKLEC, *words], stdout=out, stderr=err, cwd=self.folder,
                                     env=environment)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        return (child.returncode, self.read("err").decode(errors="replace"), usage.ru_utime + usage.ru_stime,
                usage.ru_maxrss << 10)

    def refused(self, wanted, *words, code=1, env=None):
        """Ends with `code`, says `wanted`, and stays within the limits. Returns what was said."""
        seen, text, seconds, size = self.measured(*words, env=env)
        self.assertEqual(seen, code, f"{words}\n{text[:2000]}")
        self.assertIn(wanted, text[:100000], words)
        self.assertLess(len(text), 1 << 20, "a message is for people")
        if not sparklec.SANITIZERS:
            self.assertLess(seconds, MOST_SECONDS, words)
            self.assertLess(size, MOST_BYTES, words)
        return text

    def test_a_million_open_brackets(self):
        for bracket in ("(", "[", "-", "!", "{"):
            path = self.write("deep.spk", "kernel a(x: f32[N]) -> y: f32[N] { y[n] = " + bracket * 1000000)
            self.refused("deep.spk:1:", "run", path, "-D", "N=1")
        path = self.write("table.spk", "const T: f32[1] = " + "[" * 1000000)
        self.refused("[too-deep]", "run", path)
        path = self.write("wide.spk", COPY.replace("x[n]", "x[n]" + "+x[n]" * 1000))
        self.refused("[too-deep]", "run", path, "-D", "N=1")

    def test_a_text_of_100_megabytes(self):
        path = self.path("large.spk")
        with open(path, "wb") as file:
            file.write(COPY.encode())
            file.seek((100 << 20) - 1)
            file.write(b"\n")
        self.refused("large.spk", "run", path, "-D", "N=1")
        path = self.write("medium.spk", COPY + " " * (2 << 20))
        self.refused("[source-too-large]", "run", path, "-D", "N=1")

    def test_bytes_that_are_no_text(self):
        path = self.write("noise.spk", bytes(range(256)) * 2000)
        text = self.refused("noise.spk:1:", "run", path)
        self.assertNotIn("\x1b", text)

    def test_functions_and_kernels_that_double(self):
        lines = ["fn g0(x: f32) -> f32 = x*x;"]
        lines += [f"fn g{i}(x: f32) -> f32 = g{i - 1}(x) * g{i - 1}(x + 1);" for i in range(1, 41)]
        path = self.write("double.spk", "\n".join(lines) + "\n" + COPY.replace("= x[n]", "= g40(x[n])"))
        self.refused("[too-large]", "run", path, "-D", "N=1")
        many = "g0(x)" + " + g0(x)" * 100
        lines = ["fn g0(x: f32) -> f32 = " + "x + x" + " + x" * 100 + ";", f"fn g1(x: f32) -> f32 = {many};"]
        lines += [f"fn g{i}(x: f32) -> f32 = " + many.replace("g0", f"g{i - 1}") + ";" for i in range(2, 10)]
        self.refused("[too-large]", "run", self.write("wide.spk", "\n".join(lines)), "-D", "N=1")
        lines = ["kernel k0(x: f32[N]) -> y: f32[N] { y[n] = x[n]; }"]
        lines += [f"kernel k{i}(x: f32[N]) -> y: f32[N] {{ let s = k{i - 1}(x); let t = k{i - 1}(s); y[n] = t[n]; }}"
                  for i in range(1, 41)]
        self.refused("[too-large]", "run", self.write("kernels.spk", "\n".join(lines)), "--kernel", "k40", "-D", "N=1")
        lines[1:] = [f"kernel k{i}(x: f32[N]) -> y: f32[N] {{ let s = k{i - 1}(x); y[n] = s[n]; }}"
                     for i in range(1, 41)]
        self.refused("[too-deep]", "run", self.write("chain.spk", "\n".join(lines)), "--kernel", "k40", "-D", "N=1")

    def test_a_table_of_many_entries(self):
        entries = "[" + ",".join(["1"] * 100000) + "]"
        text = f"const T: f32[100000] = {entries};\n" + COPY
        self.refused("[table-shape]", "run", self.write("table.spk", text), "-D", "N=1")
        million = "[" + ",".join(["1"] * 1000000) + "]"
        text = f"const T: f32[1000000] = {million};\n" + COPY
        self.refused("[source-too-large]", "run", self.write("table.spk", text), "-D", "N=1")

    def test_sizes_that_overflow(self):
        path = self.write("m.spk", MATMUL)
        huge = str(10**18)
        self.refused("[shape-overflow]", "run", path, "-D", "M=" + huge, "-D", "N=" + huge, "-D", "K=1")
        self.refused("leaves 64 bits", "run", path, "-D", "M=" + "9" * 30, "-D", "N=1", "-D", "K=1")
        self.refused("[negative-extent]", "run", path, "-D", "M=-1", "-D", "N=1", "-D", "K=1")
        path = self.write("c.spk", COPY)
        self.refused("`x`", "run", path, "-D", "N=" + huge, *REFERENCE, code=3)
        path = self.write("f.spk", "kernel a(x: f32[N]) -> y: f32[N*N*N*N] { y[n] = 0*x[n%N]; }")
        self.refused("[shape-overflow]", "run", path, "-D", "N=100000000")

    def test_names_that_are_not_there(self):
        path = self.write("two.spk", MATMUL + COPY)
        self.refused("it holds `matmul`, `copy`", "run", path, "--kernel", "cpoy")
        self.refused("name one with --kernel", "run", path)
        self.refused("did you mean `K`", "run", path, "--kernel", "matmul", *SIZES, "-D", "k=1")
        self.refused("No such file", "run", self.path("nowhere.spk"))
        self.refused("", "run", self.folder)
        path = self.write("m.spk", MATMUL)
        self.refused("No such file", "run", path, *SIZES, "--schedule", self.path("none.schedule"))
        self.refused("no input `d`", "run", path, *SIZES, "--input", "d=zeros")
        self.refused("no output `d`", "run", path, *SIZES, "--output", "d=d.npy")

    def test_files_that_are_damaged(self):
        path = self.write("m.spk", MATMUL)
        head = b"\x93NUMPY\x01\x00"
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }"
        for broken in (b"", b"\x93NUMPY", head + b"\xff\xff", head + b"\x05\x00{{{{\n", b"PK\x03\x04" + bytes(100),
                       head + struct.pack("<H", 60) + (header % b"1000000000000,").ljust(60),
                       head + struct.pack("<H", 70) + (header % b"-1, 5").ljust(70),
                       head + struct.pack("<H", 60) + (header % b"7, 5").ljust(60) + bytes(3)):
            self.write("a.npy", broken)
            self.refused("a.npy", "run", path, "-D", "N=2", "--input", "a=a.npy", *REFERENCE)
        picture = self.write("p.spk", "kernel copy(x: f32[H, W]) -> y: f32[H, W] { y[h, w] = x[h, w]; }")
        signature = b"\x89PNG\r\n\x1a\n"
        size = struct.pack(">II", 1 << 30, 1 << 30) + b"\x08\x00\x00\x00\x00"
        for broken in (b"", signature, signature + bytes(50), signature + png_chunk(b"IHDR", size),
                       signature + png_chunk(b"IHDR", size[:4]), b"GIF89a" + bytes(20)):
            self.write("x.png", broken)
            self.refused("x.png", "run", picture, "--input", "x=x.png", *REFERENCE)
        for broken in ("kernel", "kernel @c {", "\0\1\2", "kernel @nowhere { }", "{" * 100000):
            self.write("s.schedule", broken)
            self.refused("", "run", path, *SIZES, "--schedule", "s.schedule", "--device", "cpu!")
            self.write("t.target", broken)
            self.refused("", "explain", path, *SIZES, "--target-info", "t.target")

    def test_a_damaged_cache_is_no_matter(self):
        os.mkdir(self.path("cache"))
        for broken in (b"", b"{", b"[" * 100000, b"\xff\xfe", b'{"version": 1, "peaks": 7}'):
            self.write("cache/peaks.json", broken)
            seen, text, _, _ = self.measured("devices", env=NO_VULKAN | {"SPARKLE_CACHE_DIR": self.path("cache")})
            self.assertEqual(seen, 0, text)

    def test_no_gpu(self):
        path = self.write("m.spk", MATMUL)
        text = self.refused("Vulkan", "run", path, *SIZES, "--device", "vulkan!", code=3, env=NO_VULKAN)
        self.assertIn("sparklec: error: ", text)
        self.refused("", "run", path, *SIZES, "--device", "vulkan:7!", code=3)

    def test_every_refusal_is_json_for_tools(self):
        path = self.write("bad.spk", MATMUL.replace("sum[k]", "sum[k where a[m, k] = 0]"))
        seen, text, _, _ = self.measured("--diagnostics", "json", "run", path, *SIZES)
        self.assertEqual(seen, 1)
        first = json.loads(text.splitlines()[0])
        self.assertEqual({"severity", "code", "message", "file", "line", "column", "end_line", "end_column", "length",
                          "hint", "notes", "fix"}, set(first))
        self.assertEqual((first["code"], first["line"], first["column"], first["length"]), ("expected-token", 3, 33, 1))
        self.assertEqual(first["fix"]["replacement"], "==")
        self.assertEqual(first["fix"]["range"]["column"], 33)


if __name__ == "__main__":
    sparklec.main()
