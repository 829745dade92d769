"""`sparklec devices`: what is there, what is left out, and the peaks that are remembered."""
import json
import os

import sparklec
from sparklec import CommandTest

PEAKS = "cache/sparkle/peaks.json"


class Devices(CommandTest):
    def devices(self, *words):
        return json.loads(self.sparklec("devices", "--json", *words, env=sparklec.NO_VULKAN).stdout)

    def test_lists_cpu_and_reference_and_says_what_is_left_out(self):
        listed = self.devices()
        self.assertEqual([device["id"] for device in listed["devices"]], ["cpu", "reference"])
        self.assertIn("ulkan", json.dumps(listed["left_out"]))
        text = self.sparklec("devices", env=sparklec.NO_VULKAN).stdout
        self.assertIn("left out: ", text)
        self.assertIn("lanes", text)

    def test_peaks_are_measured_and_remembered(self):
        self.assertIsNone(self.devices()["devices"][0]["peak_gflops"])
        measured = self.devices("--measure")["devices"][0]
        self.assertGreater(measured["peak_gflops"], 0.1)
        self.assertGreater(measured["read_gbs"], 0.01)
        self.assertGreater(measured["one_thread_read_gbs"], 0.01)
        text = self.sparklec("devices", env=sparklec.NO_VULKAN).stdout
        self.assertRegex(text, r"reads memory at [0-9.]+ GB/s \(one thread: [0-9.]+ GB/s\)")
        self.assertEqual(self.devices()["devices"][0], measured)
        self.assertEqual(os.listdir(self.path("cache/sparkle")), ["peaks.json"])
        self.assertEqual(os.stat(self.path("cache/sparkle")).st_mode & 0o077, 0)

    def test_damaged_memory_is_ignored_and_replaced(self):
        key = "cpu"
        for content in (b"", b"{", b"[1]", b"\xff\xfe", b'{"version": 9, "peaks": {}}', b'{"version": 1, "peaks": 3}',
                        json.dumps({"version": 1, "peaks": {key: {"gflops": "many"}}}).encode()):
            os.makedirs(self.path("cache/sparkle"), exist_ok=True)
            self.write(PEAKS, content)
            self.assertIsNone(self.devices()["devices"][0]["peak_gflops"], content)
        self.assertGreater(self.devices("--measure")["devices"][0]["peak_gflops"], 0.1)
        self.assertGreater(self.devices()["devices"][0]["peak_gflops"], 0.1)

    def test_machine_descriptions_read_back(self):
        for name in ("cpu", "h100", "avx2"):
            text = self.sparklec("devices", "--info", name, env=sparklec.NO_VULKAN).stdout
            path = self.write("mine.target", text)
            self.assertEqual(self.sparklec("devices", "--info", path, env=sparklec.NO_VULKAN).stdout, text)
        self.assertIn("h100", self.sparklec("devices", "--info", "gone", code=1).stderr)
        self.sparklec("devices", "--info", "vulkan", code=3, env=sparklec.NO_VULKAN)


if __name__ == "__main__":
    sparklec.main()
