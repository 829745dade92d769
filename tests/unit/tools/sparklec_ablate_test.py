"""`sparklec ablate`: every variant right, the report's keys, exit codes; `emit --stage c` stands alone."""
import json
import shutil
import subprocess

import sparklec
from sparklec import CommandTest, MATMUL, NO_VULKAN

CONV = """kernel conv(src: f32[N, IH, IW, IC] outside skip on (IH, IW), const wei: f32[KH, KW, IC, OC], const bias: f32[OC])
  -> dst: f32[N, OH, OW, OC]
where OH = IH + 2 - KH + 1, OW = IW + 2 - KW + 1
{
  let acc[n, oh, ow, oc] = sum[kh, kw, ic](src[n, oh + kh - 1, ow + kw - 1, ic] * wei[kh, kw, ic, oc]);
  dst[n, oh, ow, oc] = max(acc[n, oh, ow, oc] + bias[oc], 0);
}
"""
CONV_SIZES = ["-D", "N=1", "-D", "IH=9", "-D", "IW=10", "-D", "IC=8", "-D", "OC=20", "-D", "KH=3", "-D", "KW=3"]
MATMUL_SIZES = ["-D", "M=33", "-D", "N=40", "-D", "K=24"]
QUICK = ["--repeat", "3", "--seconds", "0.1"]
TOP_KEYS = {"kernel", "flops", "bytes", "verified", "devices"}
DEVICE_KEYS = {"device", "device_name", "device_driver", "target", "threads", "verified", "patterns", "rows"}
ROW_KEYS = {"part", "name", "pattern", "refitted", "same_as", "refusal", "verified", "verify_mode", "verification",
            "max_abs_error", "seconds", "spread", "runs", "cpu_share", "gflops", "gb_per_s", "slowdown", "speedup", "schedule"}


class Ablate(CommandTest):
    def ablate(self, text, *words, code=0, env=None):
        done = self.sparklec("ablate", self.write("k.spk", text), *words, *QUICK, "--json", code=code, env=env)
        return json.loads(done.stdout)

    def check_rows(self, device):
        self.assertEqual(set(device), DEVICE_KEYS)
        names = [row["name"] for row in device["rows"]]
        for row in device["rows"]:
            self.assertEqual(set(row), ROW_KEYS)
            if row["refusal"]:
                self.assertIsNone(row["verified"])
                continue
            self.assertIs(row["verified"], True, row)
            self.assertGreater(row["seconds"], 0)
            self.assertGreater(row["slowdown"], 0)
            self.assertGreaterEqual(row["runs"], 1)
            if row["same_as"]:
                self.assertIn(row["same_as"], names)
        self.assertEqual(names[0], "full")
        self.assertEqual(device["rows"][0]["slowdown"], 1)

    def check_ladder(self, device, refitted):
        ladder = [row for row in device["rows"] if row["part"] == "ladder" and row["refitted"] == refitted]
        used = [name for name, is_used in device["patterns"].items() if is_used]
        self.assertEqual([row["pattern"] for row in ladder], [None] + used)
        self.assertEqual(ladder[-1]["schedule"], device["rows"][0]["schedule"])
        for row in ladder[1:]:
            if not row["refusal"]:
                self.assertIsNotNone(row["slowdown"])

    def check(self, report, device):
        self.assertEqual(set(report), TOP_KEYS)
        self.assertIs(report["verified"], True)
        (one,) = report["devices"]
        self.assertTrue(one["device"].startswith(device))
        self.check_rows(one)
        self.check_ladder(one, False)
        self.check_ladder(one, True)
        return one

    def has_llvm(self):
        return "left out: target llvm" not in self.sparklec("devices", env=NO_VULKAN).stdout

    def test_cpu(self):
        if not self.has_llvm():
            self.skipTest("no code for the CPU")
        one = self.check(self.ablate(CONV, *CONV_SIZES, env=NO_VULKAN), "cpu")
        self.assertEqual(one["threads"], 1)
        self.assertTrue(one["patterns"]["vectorize"] and one["patterns"]["tile"] and one["patterns"]["place"])
        plain = [row for row in one["rows"] if row["part"] == "plain_c"]
        self.assertEqual(len(plain), 2)
        if shutil.which("cc") or shutil.which("clang"):
            self.assertIn("-O3 -march=native", plain[0]["name"])
            self.assertIs(plain[0]["verified"], True, plain[0])
        else:
            self.assertIn("no C compiler", plain[0]["refusal"])

    def test_without_refitting_and_plain_c(self):
        if not self.has_llvm():
            self.skipTest("no code for the CPU")
        report = self.ablate(MATMUL, *MATMUL_SIZES, "--no-refit", "--no-plain-c", env=NO_VULKAN)
        for row in report["devices"][0]["rows"]:
            self.assertFalse(row["refitted"])
            self.assertNotEqual(row["part"], "plain_c")
        table = self.sparklec("ablate", self.path("k.spk"), *MATMUL_SIZES, *QUICK, "--no-refit", env=NO_VULKAN).stdout
        for word in ("not used", "patterns added one by one", "one pattern less", "no pattern", "- vectorize", "GFLOPS"):
            self.assertIn(word, table)

    def test_vulkan(self):
        if "\nvulkan:0" not in "\n" + self.sparklec("devices").stdout:
            self.skipTest("no Vulkan device")
        one = self.check(self.ablate(MATMUL, *MATMUL_SIZES, "--device", "vulkan", "--no-plain-c"), "vulkan:0")
        self.assertIsNone(one["threads"])
        self.assertEqual(one["target"], "vulkan")

    def test_mistakes(self):
        program = self.write("k.spk", MATMUL)
        self.sparklec("ablate", program, code=1)
        self.sparklec("ablate", program, *MATMUL_SIZES, "--device", "cpu,cpu", code=1)
        self.sparklec("ablate", program, *MATMUL_SIZES, "--device", "reference", code=1)
        self.sparklec("ablate", program, *MATMUL_SIZES, "--device", "vulkan", code=3, env=NO_VULKAN)
        self.sparklec("ablate", program, *MATMUL_SIZES, "--repeat", "0", code=2)
        wrong = self.write("m.schedule", b"kernel c { split nowhere: group }")
        report = self.ablate(MATMUL, *MATMUL_SIZES, "--schedule", wrong, code=1, env=NO_VULKAN)
        self.assertIn("nowhere", report["error"]["text"])

    def test_emitted_c_compiles_alone(self):
        text = self.sparklec("emit", self.write("k.spk", CONV), *CONV_SIZES, "--stage", "c").stdout
        for line in ("for (int oh = 0; oh < 9; ++oh) {", "const float *restrict src", "sum += src["):
            self.assertIn(line, text)
        self.assertEqual(text, self.sparklec("emit", self.path("k.spk"), *CONV_SIZES, "--stage", "c").stdout)
        compiler = shutil.which("cc")
        if not compiler:
            self.skipTest("no C compiler")
        done = subprocess.run([compiler, "-std=c99", "-Wall", "-Wextra", "-Werror", "-c", "-o", self.path("k.o"),
                               self.write("k.c", text)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    sparklec.main()
