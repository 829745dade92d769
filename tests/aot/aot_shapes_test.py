"""SCRIPT SPARKLEC SOURCE_FOLDER aarch64|x86-64 some|all: the 2-D shapes, built and run against the obvious loops.

AArch64 is run by QEMU; of x86-64 the levels that this processor has.
"""
import platform
import sys

import aot
from aot import AotTest

SOME = ("first_stride_tail", "pointwise_tail", "three_by_five", "grouped_tail")
KIND, HOW_MANY = sys.argv[3:5]
CROSS = ("aarch64-linux-gnu-gcc", "-static")


class Shapes(AotTest):
    def targets(self):
        return ["aarch64"] if KIND == "aarch64" else [level for level in aot.LEVELS if aot.has_level(level)]

    def check(self, target, name, sizes):
        is_cross = KIND == "aarch64"
        folder = f"{target}_{name}"
        self.build(aot.CONV2D, folder, target, *aot.defines_of(sizes))
        objects = [f"conv2d.{target}.o"] + ([] if is_cross else ["conv2d.dispatch.o"])
        runner = self.compile_runner(folder, "conv2d", "conv2d", sizes, objects, compiler=CROSS if is_cross else ("cc",))
        self.assertIn("right on " + target, self.run_tool((["qemu-aarch64"] if is_cross else []) + [runner]))

    def test_lines_of_the_list(self):
        wanted = [(name, sizes) for name, sizes in aot.shapes("basic_2d.txt")
                  if aot.fits_example(sizes) and (HOW_MANY == "all" or name in SOME)]
        self.assertGreaterEqual(len(wanted), len(SOME))
        for target in self.targets():
            for name, sizes in wanted:
                with self.subTest(name, target=target):
                    self.check(target, name, sizes)


if __name__ == "__main__":
    if KIND == "aarch64":
        aot.skip_without(CROSS[0], "qemu-aarch64")
    elif platform.machine() != "x86_64" or not aot.has_level("x86-64-v3"):
        print("[SKIP] this processor is of no level that objects are made for")
        raise SystemExit(aot.sparklec.SKIPPED)
    aot.skip_without_objects()
    aot.sparklec.main()
