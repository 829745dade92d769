"""What the tests of `sparklec build` share: building, compiling runners, shapes."""
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else "."
sys.path.insert(0, os.path.join(ROOT, "tests", "unit", "tools"))
import sparklec  # noqa: E402  (needs the path above)

HERE = os.path.join(ROOT, "tests", "aot")
FLAGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2"]
CONV1 = os.path.join(ROOT, "examples", "resnet50_conv1.spk")
CONV2D = os.path.join(ROOT, "examples", "conv2d.spk")
LEVELS = ("x86-64-v3", "x86-64-v4")
CONV1_SIZES = dict(N=1, IH=224, IW=224, G=1, IC=3, OC=64, KH=7, KW=7, OH=112, OW=112, SH=2, SW=2, PH=3, PW=3, DH=1, DW=1)
# With the schedule, two kernels with a tensor of the workspace between them.
TWO_STEPS = """kernel two_steps(x: f32[H, W], const k: f32[3]) -> y: f32[H, W2]
where W2 = W - 4
{
  let rows[h, w in ..] = sum[i in 0..3](x[h, w + i]*k[i]);
  y[h, w] = sum[i in 0..3](rows[h, w + i]*k[i]);
}
"""
STORED = "kernel rows { place stored }\n"


def cpu_flags():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^flags\s*:(.*)$", file.read(), re.M)
    return set(found[1].split()) if found else set()


def has_level(level):
    need = {"avx2", "fma", "bmi1", "bmi2", "f16c", "movbe"}
    if level == "x86-64-v4":
        need |= {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
    return need <= cpu_flags()


def skip_without(*tools):
    """Ends the script with a skip, aloud, where a tool is missing."""
    for tool in tools:
        if not shutil.which(tool):
            print(f"[SKIP] `{tool}` is not here")
            sys.exit(sparklec.SKIPPED)


def skip_without_objects():
    """Likewise where this build makes no objects."""
    listed = subprocess.run([sparklec.SPARKLEC, "devices"], capture_output=True, text=True, check=False,
                            env=os.environ | sparklec.NO_VULKAN).stdout
    if "left out: target llvm" in listed:
        print("[SKIP] this build has no LLVM target")
        sys.exit(sparklec.SKIPPED)


class AotTest(sparklec.CommandTest):
    def build(self, program, folder, targets, *words, code=0):
        return self.sparklec("build", program, "-o", folder, "--target", targets, *words, code=code)

    def compile_runner(self, folder, kernel, function, sizes, objects, name="runner", compiler=("cc",)):
        """conv_runner.c for this kernel, in the folder; returns its path."""
        defines = [f"-D{key}={value}" for key, value in sizes.items()]
        defines += [f'-DHEADER="{kernel}.h"', f"-DKERNEL={kernel}", f"-DFUNCTION={function}"]
        runner = self.path(os.path.join(folder, name))
        objects = [self.path(os.path.join(folder, each)) for each in objects]
        self.run_tool([*compiler, *FLAGS, *defines, "-I", self.path(folder), os.path.join(HERE, "conv_runner.c"), *objects,
                       "-lm", "-o", runner])
        return runner

    def run_tool(self, words, code=0):
        done = subprocess.run(words, capture_output=True, text=True, timeout=sparklec.TIMEOUT_SECONDS, check=False,
                              cwd=self.folder)
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}\n{done.stderr}")
        return done.stdout


def shapes(name):
    """(name, sizes) of the lines of a list in tests/shapes, 2-D ones; see runtime/shape_list.h for the form."""
    with open(os.path.join(ROOT, "tests", "shapes", name), encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    return [parse_shape(line) for line in lines]


def parse_shape(line):
    text, title = re.fullmatch(r'(.*?)_?n"(.*)"', line).groups()
    given = {key: int(value) for key, value in re.findall(r"([a-z]+)(\d+)", text)}
    get = lambda key, other: given.get(key, other)
    g = get("g", 1)
    sizes = dict(N=get("mb", 2), G=g, IC=given["ic"] // g, OC=given["oc"])
    for axis, like in (("h", None), ("w", "h")):
        for key, fallback in (("i", None), ("o", None), ("k", None), ("s", 1), ("p", 0), ("d", 0)):
            # Lines without any width are square.
            is_square = like and not any(name + "w" in given for name in "iokspd")
            sizes[key.upper() + axis.upper()] = get(key + (like if is_square else axis), fallback)
        sizes["D" + axis.upper()] += 1
    return title, sizes


def defines_of(sizes):
    """-D words of examples/conv2d.spk."""
    small = {"G": "g", "SH": "sh", "SW": "sw", "PH": "ph", "PW": "pw", "DH": "dh", "DW": "dw"}
    words = []
    for key, value in sizes.items():
        if key not in ("OH", "OW"):
            words += ["-D", f"{small.get(key, key)}={value}"]
    return words


def fits_example(sizes):
    """The example pads alike on both sides: its output extent follows from the rest."""
    for a in "HW":
        extent = (sizes["I" + a] + 2 * sizes["P" + a] - sizes["D" + a] * (sizes["K" + a] - 1) - 1) // sizes["S" + a] + 1
        if extent != sizes["O" + a]:
            return False
    return True
