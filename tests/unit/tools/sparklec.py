"""Runs sparklec in a folder and an environment of its own. Test scripts: `SCRIPT SPARKLEC SOURCE_FOLDER`."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

SPARKLEC, ROOT = (os.path.abspath(path) for path in sys.argv[1:3]) if len(sys.argv) > 2 else ("sparklec", ".")
NO_VULKAN = {"VK_DRIVER_FILES": "/nonexistent", "VK_ICD_FILENAMES": "/nonexistent"}
TIMEOUT_SECONDS = 240
SKIPPED = 77
SANITIZERS = os.environ.get("SPARKLE_TEST_SANITIZERS", "")  # Of the tree, as given to -fsanitize.

MATMUL = """kernel matmul(a: f32[M, K], b: f32[K, N], bias: f32[N]) -> c: f32[M, N]
{
  c[m, n] = sum[k](a[m, k] * b[k, n]) + bias[n];
}
"""
SIZES = ["-D", "M=7", "-D", "N=20", "-D", "K=5"]


class CommandTest(unittest.TestCase):
    def setUp(self):
        self.folder_owner = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder_owner.cleanup)
        self.folder = self.folder_owner.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def sparklec(self, *words, code=0, env=None):
        """The finished process; fails when it ended otherwise than with `code`."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SPARKLE_")}
        environment |= {"XDG_CACHE_HOME": self.path("cache"), "SPARKLE_PROBE": "off"} | (env or {})
        done = subprocess.run([SPARKLEC, *words], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False,
                              cwd=self.folder, env=environment)
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}\n{done.stderr}")
        return done

    def report(self, *words, code=0, env=None):
        """The one JSON object of `run --json`."""
        return json.loads(self.sparklec("run", *words, "--json", code=code, env=env).stdout)


def main():
    unittest.main(argv=sys.argv[:1])
