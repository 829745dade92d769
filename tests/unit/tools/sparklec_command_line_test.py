"""Usage, messages and exit codes of sparklec."""
import json
import time
import subprocess

import sparklec
from sparklec import CommandTest, MATMUL, SIZES

CPU = ["--device", "reference"]


class Usage(CommandTest):
    def test_version_starts_fast(self):
        self.assertRegex(self.sparklec("--version").stdout, r"^sparklec \d+\.\d+\.\d+\n$")
        times = []
        for _ in range(20):
            start = time.monotonic()
            subprocess.run([sparklec.SPARKLEC, "--version"], stdout=subprocess.DEVNULL, check=True)
            times.append(time.monotonic() - start)
        # 10 ms on a quiet machine; the best of many, with room for a loaded one and for sanitizers.
        self.assertLess(min(times), 0.1, "is a driver or a compiler loaded before it is needed?")

    def test_help_teaches(self):
        self.assertIn("Examples:", self.sparklec("--help").stdout)
        for command in ("run", "emit", "explain", "devices"):
            text = self.sparklec(command, "--help").stdout
            self.assertIn(f"sparklec {command} ", text)
            self.assertIn("Examples:", text)

    def test_wrong_usage_is_2(self):
        path = self.write("m.spk", MATMUL)
        for words in ([], ["fly"], ["run"], ["run", path, "--fly"], ["run", path, "--repeat", "0"],
                      ["run", path, "--verify=loosely"], ["run", path, "--isa", "mmx"], ["run", path, "--target", "cray"],
                      ["emit", path, "--stage", "soup"], ["emit", path, "--stage", "ir:soup"],
                      ["emit", path, *SIZES, "--stage", "spirv"], ["run", path, *SIZES, "--print-after", "soup"]):
            done = self.sparklec(*words, code=2)
            self.assertIn("sparklec: error: ", done.stderr, words)
            self.assertEqual(done.stdout, "", words)

    def test_verify_does_not_take_the_file(self):
        path = self.write("m.spk", MATMUL)
        self.assertTrue(self.report("--verify", path, *SIZES, *CPU)["verified"])

    def test_environment_mirrors_flags(self):
        path = self.write("m.spk", MATMUL)
        report = self.report(path, *SIZES, env={"SPARKLE_DEVICE": "reference!", "SPARKLE_VERIFY": "full"})
        self.assertEqual((report["device_requested"], report["device_used"]), ("reference!", "reference"))
        self.assertTrue(report["verified"])
        done = self.sparklec("run", path, *SIZES, *CPU, env={"SPARKLE_PRINT_AFTER": "import"})
        self.assertIn("; after import\n", done.stderr)
        self.assertNotIn("; after", done.stdout)


class WrongInput(CommandTest):
    def test_missing_file(self):
        done = self.sparklec("run", "nowhere.spk", code=1)
        self.assertIn("nowhere.spk", done.stderr)
        self.assertIn("No such file", done.stderr)

    def test_failure_with_json_is_one_object_too(self):
        done = self.sparklec("run", "nowhere.spk", "--json", code=1)
        error = json.loads(done.stdout)["error"]
        self.assertEqual(error["exit_code"], 1)
        self.assertIn("nowhere.spk", error["text"])

    def test_mistake_in_the_text_has_a_place(self):
        path = self.write("bad.spk", MATMUL.replace("b[k, n]", "d[k, n]"))
        done = self.sparklec("run", path, *SIZES, code=1)
        self.assertIn("bad.spk:3:30: error: ", done.stderr)
        self.assertIn("[unknown-name]", done.stderr)
        self.assertIn("^", done.stderr)
        self.assertNotIn("sparklec: error", done.stderr)
        lines = self.sparklec("--diagnostics", "json", "run", path, *SIZES, code=1).stderr.splitlines()
        first = json.loads(lines[0])
        self.assertEqual((first["line"], first["column"], first["code"]), (3, 30, "unknown-name"))

    def test_unknown_kernel_names_the_others(self):
        path = self.write("two.spk", MATMUL + MATMUL.replace("matmul", "other"))
        done = self.sparklec("run", path, *SIZES, "--kernel", "third", code=1)
        self.assertIn("no kernel `third`; it holds `matmul`, `other`", done.stderr)
        self.assertIn("--kernel", self.sparklec("run", path, *SIZES, code=1).stderr)
        self.assertEqual(self.report(path, *SIZES, *CPU, "--kernel", "other")["kernel"], "other")

    def test_missing_dimension(self):
        path = self.write("m.spk", MATMUL)
        done = self.sparklec("run", path, "-D", "M=4", "-D", "N=4", code=1)
        self.assertIn("[dimension-unknown]", done.stderr)
        self.assertIn("-D K=", done.stderr)

    def test_unknown_and_odd_defines(self):
        path = self.write("m.spk", MATMUL)
        self.assertIn("[unknown-define]", self.sparklec("run", path, *SIZES, "-D", "Q=1", code=1).stderr)
        for define in ("M", "M=", "=4", "M=4x", "M=1.5"):
            self.assertIn(define, self.sparklec("run", path, "-D", define, code=1).stderr)
        self.assertIn("twice", self.sparklec("run", path, *SIZES, "-D", "M=8", code=1).stderr)

    def test_overflow(self):
        path = self.write("m.spk", MATMUL)
        text = self.sparklec("run", path, "-D", "M=99999999999999999999", "-D", "N=4", "-D", "K=4", code=1).stderr
        self.assertIn("64 bits", text)
        text = self.sparklec("run", path, "-D", "M=4000000000000", "-D", "N=4000000000", "-D", "K=4", code=1).stderr
        self.assertTrue(text.strip())
        self.assertNotIn("internal error", text)
        self.assertIn("[negative-extent]", self.sparklec("run", path, "-D", "M=-4", "-D", "N=4", "-D", "K=4", code=1).stderr)

    def test_missing_inputs(self):
        path = self.write("m.spk", MATMUL)
        self.assertIn("gone.npy", self.sparklec("run", path, *SIZES, "--input", "a=gone.npy", code=1).stderr)
        self.assertIn("gone.png", self.sparklec("run", path, *SIZES, "--input", "a=gone.png", code=1).stderr)
        self.assertIn("`q`", self.sparklec("run", path, *SIZES, "--input", "q=zeros", code=1).stderr)
        self.assertIn("`a`", self.sparklec("run", path, *SIZES, "--output", "a=a.npy", code=1).stderr)
        self.assertIn("none of", self.sparklec("run", path, *SIZES, "--input", "a=soup", code=1).stderr)
        self.assertIn("gone.schedule", self.sparklec("run", path, *SIZES, "--schedule", "gone.schedule", code=1).stderr)
        self.assertIn("h100", self.sparklec("run", path, *SIZES, "--target-info", "gone", code=1).stderr)

    def test_mistake_in_a_schedule_has_a_place(self):
        path = self.write("m.spk", MATMUL)
        schedule = self.write("m.schedule", "kernel c {\n  split n: sideways 4\n}\n")
        self.assertIn("m.schedule:2:", self.sparklec("run", path, *SIZES, "--schedule", schedule, code=1).stderr)


class Devices(CommandTest):
    def test_auto_without_vulkan_says_so(self):
        path = self.write("m.spk", MATMUL)
        report = self.report(path, *SIZES, "--verify=full", env=sparklec.NO_VULKAN)
        self.assertIn(report["device_used"], ("cpu", "reference"))
        self.assertEqual(report["device_requested"], "auto")
        self.assertIn("Vulkan", report["fallback_reason"])
        self.assertTrue(report["verified"])
        self.assertIn("fell back", self.sparklec("run", path, *SIZES, env=sparklec.NO_VULKAN).stdout)

    def test_vulkan_without_vulkan(self):
        path = self.write("m.spk", MATMUL)
        report = self.report(path, *SIZES, "--device", "vulkan", env=sparklec.NO_VULKAN)
        self.assertNotEqual(report["device_used"], "vulkan:0")
        self.assertTrue(report["fallback_reason"])
        done = self.sparklec("run", path, *SIZES, "--device", "vulkan!", code=3, env=sparklec.NO_VULKAN)
        self.assertIn("sparklec: error: ", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_unknown_device_and_refused_target(self):
        path = self.write("m.spk", MATMUL)
        self.assertIn("`quantum`", self.sparklec("run", path, *SIZES, "--device", "quantum", code=1).stderr)


if __name__ == "__main__":
    sparklec.main()
