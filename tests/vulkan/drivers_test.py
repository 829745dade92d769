"""Vulkan drivers that crash, hang, lie or are not there: SCRIPT SPARKLEC SOURCE_FOLDER DRIVER. Kernels run all the same,
the reason is told, and what was found out is remembered until somebody asks again."""
import glob
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.abspath(sys.argv[2]), "tests/unit/tools"))
import sparklec  # pylint: disable=wrong-import-position
from sparklec import CommandTest, MATMUL, SIZES

DRIVER = os.path.abspath(sys.argv[3])


def software_driver():
    """The library of Mesa's software driver; None without one."""
    for path in glob.glob("/usr/share/vulkan/icd.d/lvp_icd*.json"):
        with open(path, encoding="utf-8") as file:
            return json.load(file)["ICD"]["library_path"]
    return None


REAL = software_driver()


class Drivers(CommandTest):
    @classmethod
    def setUpClass(cls):
        # Of the software driver: each trial compiles the same shaders, for seconds.
        cls.shaders = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        cls.addClassCleanup(cls.shaders.cleanup)

    def setUp(self):
        super().setUp()
        if not REAL:
            self.skipTest("no software driver to stand behind the tests' own")
        self.program = self.write("matmul.spk", MATMUL)
        self.manifest = self.write("icd.json", json.dumps(
            {"file_format_version": "1.0.0", "ICD": {"library_path": DRIVER, "api_version": "1.1.230"}}))

    def driver(self, mode, **more):
        return {"VK_DRIVER_FILES": self.manifest, "VK_ICD_FILENAMES": self.manifest, "SPARKLE_TEST_DRIVER": mode,
                "SPARKLE_TEST_REAL_DRIVER": REAL, "MESA_SHADER_CACHE_DIR": self.shaders.name,
                "SPARKLE_TEST_LOG": self.path("log"), "SPARKLE_PROBE": "new", "SPARKLE_PROBE_SECONDS": "100",
                **more}

    def run_on(self, device, env, code=0):
        return self.report(self.program, *SIZES, "--device", device, "--verify", "--repeat", "1", code=code, env=env)

    def devices(self, env, *words):
        return json.loads(self.sparklec("devices", "--json", *words, env=env).stdout)

    def loaded_by(self):
        """Programs that have made an instance since the last call."""
        programs = self.read("log").decode().split() if os.path.exists(self.path("log")) else []
        self.write("log", "")
        return set(programs)

    def expect_cpu(self, report, *words):
        self.assertEqual((report["device_used"], report["verified"]), ("cpu", True))
        why = json.dumps([report["left_out"], report["fallback_reason"]])
        for word in words:
            self.assertIn(word, why)

    def verdicts(self):
        return sorted(glob.glob(self.path("cache/sparkle/drivers/*")))

    def test_a_good_driver_is_tried_once(self):
        env = self.driver("fine")
        self.assertIn("not probed yet", self.devices(env)["devices"][1]["trust"])
        self.assertEqual(self.loaded_by(), {"sparklec", "sparkle-probe-device"})  # whether it can be loaded
        first = self.run_on("vulkan!", env)
        self.assertEqual((first["device_used"], first["fallback_reason"]), ("vulkan:0", None))
        self.assertEqual(self.loaded_by(), {"sparklec", "sparkle-probe-device"})
        self.run_on("vulkan!", env)
        self.assertIn("it computes right", self.devices(env)["devices"][1]["trust"])
        self.assertEqual(self.loaded_by(), {"sparklec"})
        self.assertEqual(len(self.verdicts()), 2)
        self.assertEqual(os.stat(self.path("cache/sparkle/drivers")).st_mode & 0o077, 0)

    def test_it_is_tried_with_all_golden_kernels(self):
        beside = os.path.join(os.path.dirname(sparklec.SPARKLEC), "sparkle-probe-device")
        helper = self.write("helper", f"#!/bin/sh\n{beside} \"$@\" | tee -a {self.path('said')}\n")
        os.chmod(helper, 0o755)
        report = self.run_on("vulkan!", self.driver("fine", SPARKLE_PROBE_PROGRAM=helper))
        self.assertEqual(report["device_used"], "vulkan:0")
        said = self.read("said").decode().splitlines()
        self.assertEqual(len([line for line in said if line.startswith("kernel ")]), 20)
        self.assertEqual([line for line in said if line.startswith(("refused", "cannot", "wrong"))], [])
        self.assertEqual(said[-1], "done")

    def test_one_that_crashes_when_loaded_is_not_loaded(self):
        env = self.driver("crash_create")
        self.expect_cpu(self.run_on("auto", env), "quarantined since", "crashed with signal 11", "list devices")
        self.expect_cpu(self.run_on("vulkan", env), "crashed with signal 11")
        self.assertEqual(self.run_on("vulkan!", env, code=3)["error"]["code"], "NO_DEVICE")
        self.assertIn("crashed with signal 11", json.dumps(self.devices(env)["left_out"]))
        self.assertIn("crashed with signal 11", self.sparklec("doctor", env=env).stdout)
        self.assertEqual(self.loaded_by(), {"sparkle-probe-device"})
        self.assertEqual(len(self.verdicts()), 1)

    def test_one_that_hangs_when_loaded_is_given_up(self):
        env = self.driver("hang_create", SPARKLE_PROBE_SECONDS="2")
        self.expect_cpu(self.run_on("auto", env), "did not end within 2 s", "list devices")
        self.assertEqual(self.loaded_by(), {"sparkle-probe-device"})
        self.assertIn("did not end within 2 s", json.dumps(self.devices(env)["left_out"]))
        self.assertEqual(self.loaded_by(), set())

    def test_wrong_results_are_found_out(self):
        env = self.driver("wrong")
        self.expect_cpu(self.run_on("vulkan", env), "quarantined since", "kernel copy came out wrong")
        self.assertEqual(self.run_on("vulkan!", env, code=3)["error"]["code"], "NO_DEVICE")
        self.expect_cpu(self.run_on("auto", env), "vulkan:0", "kernel copy came out wrong")
        self.assertEqual([device["id"] for device in self.devices(env)["devices"]], ["cpu", "reference"])

    def test_crashes_hangs_and_losses_at_kernels(self):
        for mode, words in (("crash_kernel", ["crashed with signal 11", "kernel copy"]),
                            ("hang_kernel", ["did not end within 3 s", "kernel copy"]),
                            ("lost", ["kernel copy failed", "VK_ERROR_DEVICE_LOST"])):
            env = self.driver(mode, SPARKLE_PROBE_SECONDS="3", SPARKLE_CACHE_DIR=self.path(mode))
            self.expect_cpu(self.run_on("vulkan", env), *words)

    def test_another_chance_is_given_when_asked_for(self):
        self.expect_cpu(self.run_on("vulkan", self.driver("wrong")), "came out wrong")
        env = self.driver("fine")
        self.expect_cpu(self.run_on("vulkan", env), "came out wrong")
        self.assertIn("it computes right", self.devices(env, "--probe")["devices"][1]["trust"])
        self.assertEqual(self.run_on("vulkan!", env)["device_used"], "vulkan:0")
        done = self.sparklec("devices", "--probe", env=self.driver("wrong"))
        self.assertIn("came out wrong", done.stderr)
        self.assertIn("came out wrong", done.stdout)

    def test_damaged_verdicts_count_as_none(self):
        env = self.driver("wrong")
        self.run_on("vulkan", env)
        files = self.verdicts()
        contents = [self.read(path) for path in files]
        self.assertEqual(len(files), 2)
        for damage in (lambda text: b"", lambda text: text.replace(b"verdict bad", b"verdict good"),
                       lambda text: b"\0" * 70000):
            for path, content in zip(files, contents):
                self.write(path, damage(content))
            self.loaded_by()
            self.expect_cpu(self.run_on("vulkan", env), "came out wrong")
            self.assertIn("sparkle-probe-device", self.loaded_by())
            # Whole again; the wrong numbers in the reason are others.
            self.assertEqual([self.read(path).splitlines()[-1] for path in files],
                             [content.splitlines()[-1] for content in contents])

    def test_folders_of_others_are_not_believed(self):
        env = self.driver("wrong")
        self.run_on("vulkan", env)
        os.chmod(self.path("cache/sparkle/drivers"), 0o777)
        self.loaded_by()
        self.expect_cpu(self.run_on("vulkan", env), "came out wrong")
        self.assertIn("sparkle-probe-device", self.loaded_by())

    def test_without_the_helper_it_is_said(self):
        for program in (self.path("none"), "/bin/false"):
            env = self.driver("fine", SPARKLE_PROBE_PROGRAM=program)
            self.assertEqual(self.run_on("vulkan!", env)["device_used"], "vulkan:0")
            self.assertIn("sparkle-probe-device" if program != "/bin/false" else "not probed yet",
                          self.devices(env)["devices"][1]["trust"])
            self.assertEqual(self.loaded_by(), {"sparklec"})
        self.assertEqual(self.verdicts(), [])

    def test_probing_can_be_switched_off(self):
        env = self.driver("wrong", SPARKLE_PROBE="off")
        done = self.report(self.program, *SIZES, "--device", "vulkan", "--repeat", "1", env=env)
        self.assertEqual(done["device_used"], "vulkan:0")
        self.assertIn("SPARKLE_PROBE is off", self.devices(env)["devices"][1]["trust"])
        self.assertEqual(self.loaded_by(), {"sparklec"})
        self.run_on("vulkan", self.driver("wrong"))
        self.expect_cpu(self.run_on("vulkan", self.driver("fine", SPARKLE_PROBE="known")), "came out wrong")

    def test_broken_manifests(self):
        for text in ("", "{", '{"ICD": {"library_path": "/nonexistent.so", "api_version": "1.1.0"}}',
                     json.dumps({"file_format_version": "1.0.0",
                                 "ICD": {"library_path": "/nonexistent.so", "api_version": "1.1.0"}}),
                     json.dumps({"file_format_version": "1.0.0",
                                 "ICD": {"library_path": self.program, "api_version": "1.1.0"}})):
            self.write("icd.json", text)
            left_out = [entry["name"] for entry in self.devices(self.driver("fine"))["left_out"]]
            self.assertIn("vulkan", left_out, text)
        report = self.run_on("auto", self.driver("fine"))
        self.expect_cpu(report, "no Vulkan driver is installed")
        self.assertTrue(report["left_out"])
        self.expect_cpu(self.run_on("vulkan", self.driver("fine")), "no Vulkan driver is installed")


if __name__ == "__main__":
    sparklec.main()
