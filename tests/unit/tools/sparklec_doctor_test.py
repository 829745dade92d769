"""sparklec doctor: what it looks at, its two forms, and how it ends."""
import json
import os
import shutil

import sparklec
from sparklec import CommandTest, NO_VULKAN

HEALTHS = {"ok", "warning", "missing", "wrong"}


class Doctor(CommandTest):
    def doctor(self, code=0, env=None):
        done = json.loads(self.sparklec("doctor", "--json", code=code, env=env).stdout)
        self.assertEqual(done["exit_code"], code)
        self.assertTrue(all(check["health"] in HEALTHS and check["text"] for check in done["checks"]), done)
        return {check["check"]: check for check in done["checks"]}

    def test_looks_at_everything(self):
        checks = self.doctor(env=NO_VULKAN)
        for name in ("version", "cpu", "caches", "cores", "clock", "threads", "target reference", "target llvm",
                     "target vulkan", "vulkan", "cache", "compiler", "device cpu", "device reference"):
            self.assertIn(name, checks)
        self.assertEqual(checks["vulkan"]["health"], "warning")
        self.assertEqual({checks[name]["health"] for name in ("cpu", "device cpu", "device reference", "threads")}, {"ok"})

    def test_checks_each_device_it_finds(self):
        devices = json.loads(self.sparklec("devices", "--json").stdout)["devices"]
        checks = self.doctor()
        for device in devices:
            self.assertEqual(checks["device " + device["id"]]["health"], "ok", checks)

    def test_text_is_a_table(self):
        text = self.sparklec("doctor", env=NO_VULKAN).stdout
        self.assertRegex(text, r"(?m)^ok +device cpu +compiles, runs")
        self.assertRegex(text, r"(?m)^warning +vulkan ")

    def test_a_folder_that_cannot_be_written_is_a_warning(self):
        folder = self.write("file", "not a folder") + "/cache"
        checks = self.doctor(env=NO_VULKAN | {"SPARKLE_CACHE_DIR": folder})
        self.assertEqual(checks["cache"]["health"], "warning")
        self.assertIn(folder, checks["cache"]["text"])

    def test_what_is_missing_ends_with_3(self):
        os.mkdir(self.path("bin"))
        alone = shutil.copy(sparklec.SPARKLEC, self.path("bin"))
        whole, sparklec.SPARKLEC = sparklec.SPARKLEC, alone
        try:
            checks = self.doctor(code=3, env=NO_VULKAN)
        finally:
            sparklec.SPARKLEC = whole
        self.assertEqual(checks["target llvm"]["health"], "missing")
        self.assertIn("SPARKLE_PLUGIN_DIR", checks["target llvm"]["advice"])

    def test_a_cap_on_the_instruction_set_is_said(self):
        checks = self.doctor(env=NO_VULKAN | {"SPARKLE_ISA": "avx2"})
        self.assertEqual(checks["cpu"]["health"], "warning")


if __name__ == "__main__":
    sparklec.main()
