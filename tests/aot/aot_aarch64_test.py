"""SCRIPT SPARKLEC SOURCE_FOLDER some|all: convolutions for AArch64, run by QEMU, against the obvious loops."""
import sys

import aot
from aot import AotTest

COMPILER = ("aarch64-linux-gnu-gcc", "-static")
SOME = ("first_stride_tail", "pointwise_tail", "three_by_five", "grouped_tail")


class Aarch64(AotTest):
    def test_lines_of_the_list(self):
        wanted = [(name, sizes) for name, sizes in aot.shapes("basic_2d.txt")
                  if aot.fits_example(sizes) and (sys.argv[3:] == ["all"] or name in SOME)]
        self.assertGreaterEqual(len(wanted), len(SOME))
        for name, sizes in wanted:
            with self.subTest(name):
                self.build(aot.CONV2D, name, "aarch64", *aot.defines_of(sizes))
                runner = self.compile_runner(name, "conv2d", "conv2d", sizes, ["conv2d.aarch64.o"], compiler=COMPILER)
                self.assertIn("right on aarch64", self.run_tool(["qemu-aarch64", runner]))


if __name__ == "__main__":
    aot.skip_without(COMPILER[0], "qemu-aarch64")
    aot.skip_without_objects()
    aot.sparklec.main()
