#!/usr/bin/env python3
"""toy_test.py ROOT pass|target [--build]: follows docs/adding-a-pass.md or docs/adding-a-target.md with a toy.

Copies the tree, adds the toy by touching the files that the page names and no others, and runs the lint scripts over
the copy. With --build it also builds the least that shows the toy at work, and runs its tests. Fails when the page
forgets a file, when a place that it describes is gone, or when the toy does not work.
"""
import os
import shutil
import subprocess
import sys
import tempfile

TREE = ("CMakeLists.txt", "CMakePresets.json", "bindings", "cmake", "compiler", "docs", "dsl", "examples", "runtime",
        "targets", "tests", "tools")

# What is added: file of the toy -> place in the tree.
FILES = {
    "pass": {
        "toy.h.in": "compiler/passes/toy.h",
        "toy.cpp.in": "compiler/passes/toy.cpp",
        "filetest_toy.cpp.in": "tests/tools/filetest_toy.cpp",
        "applies_short_loop.ir": "tests/filetests/passes/toy/applies_short_loop.ir",
        "does_not_apply_long_loop.ir": "tests/filetests/passes/toy/does_not_apply_long_loop.ir",
        "error_stage.ir": "tests/filetests/passes/toy/error_stage.ir",
    },
    "target": {
        "toy_target.h.in": "targets/toy/toy_target.h",
        "toy_target.cpp.in": "targets/toy/toy_target.cpp",
        "CMakeLists.txt.in": "targets/toy/CMakeLists.txt",
        "toy_target_test.cpp.in": "tests/unit/targets/toy/toy_target_test.cpp",
        "unit_CMakeLists.txt.in": "tests/unit/targets/toy/CMakeLists.txt",
    },
}
# What is edited: (file, text that stands there once, text to put behind it, or around it where it says HERE).
HERE = "{here}"
EDITS = {
    "pass": [
        ("compiler/passes/passes.def", "SPARKLE_PASS(tile)\n", "SPARKLE_PASS(toy)\n"),
        ("compiler/passes/CMakeLists.txt", "    tile.cpp\n", "    toy.cpp\n"),
        ("compiler/pipeline/pipeline.cpp", '#include "compiler/passes/tile.h"\n', '#include "compiler/passes/toy.h"\n'),
        ("compiler/pipeline/pipeline.cpp", '    {"vectorize", nullptr, ',
         '    {"toy", nullptr, [](const Kernel &k, Context &c) { return toy(k, {}, c.info); }},\n' + HERE),
        ("docs/architecture.md", "| `vectorize` | kernel |", "| `toy` | kernel | expands short loops | tiled |\n" + HERE),
        ("tests/tools/filetest_handlers.h", "// filetest_interpret.cpp\n",
         "/// `toy`.\nResult<std::string> filetest_toy(const Filetest &test, Diagnostics &diagnostics);\n\n"),
        ("tests/tools/filetest_handlers.cpp", '    {"stream", filetest_stream},\n', '    {"toy", filetest_toy},\n'),
        ("tests/tools/CMakeLists.txt", "  filetest_lanes.cpp\n", "  filetest_toy.cpp\n"),
        ("tests/filetests/CMakeLists.txt", "sparkle_filetests(passes/stream)\n", "sparkle_filetests(passes/toy)\n"),
    ],
    "target": [
        ("targets/CMakeLists.txt", "add_subdirectory(reference)\n", "add_subdirectory(toy)\n"),
        ("targets/CMakeLists.txt", "PRIVATE_DEPENDS sparkle::plugin_loader sparkle::reference", " sparkle::target_toy"),
        ("targets/registry.cpp", '#include "targets/reference/reference_target.h"\n',
         '#include "targets/toy/toy_target.h"\n'),
        ("targets/registry.cpp", "    reference::target(),\n", "        toy::target(),\n"),
        ("tests/unit/targets/CMakeLists.txt", "add_subdirectory(reference)\n", "add_subdirectory(toy)\n"),
        ("tests/tools/check_layers.py", '    "targets/reference": CORE_OF_COMPILER,\n',
         '    "targets/toy": CORE_OF_COMPILER,\n'),
        ("tests/tools/check_layers.py", '"compiler/target", "targets/reference", "targets/x86",', ' "targets/toy",'),
    ],
}
# What to build, and the command, in the build folder, that must pass.
BUILDS = {
    "pass": (["sparkle-opt", "sparkle_pipeline"], ["bin/sparkle-opt", "{copy}/tests/filetests/passes/toy"]),
    "target": (["toy_target_test"], ["bin/toy_target_test"]),
}
LINT = ("check_layers.py", "check_names.py", "check_files.py", "check_passes.py")


def fail(text):
    print(text)
    sys.exit(1)


def run(words, folder, **variables):
    environment = {**os.environ, **variables}
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    return done.returncode, done.stdout + done.stderr


def check_page(top, kind):
    """The page names every file that the toy touches; a toy's own files by their pattern, with NAME for `toy`."""
    page_name = f"docs/adding-a-{kind}.md"
    with open(os.path.join(top, page_name), encoding="utf-8") as file:
        page = file.read()
    touched = {path for path, _, _ in EDITS[kind]}
    touched |= {"tests/filetests/passes/NAME/" if path.endswith(".ir") else path.replace("toy", "NAME")
                for path in FILES[kind].values()}
    missing = sorted(path for path in touched if f"`{path}`" not in page)
    if missing:
        fail(f"{page_name} does not name " + ", ".join(missing))


def apply(copy, kind, toy_folder):
    for source, path in FILES[kind].items():
        os.makedirs(os.path.dirname(os.path.join(copy, path)), exist_ok=True)
        shutil.copy(os.path.join(toy_folder, source), os.path.join(copy, path))
    for path, anchor, added in EDITS[kind]:
        with open(os.path.join(copy, path), encoding="utf-8") as file:
            text = file.read()
        if text.count(anchor) != 1:
            fail(f"{path}: {anchor.strip()!r} stands there {text.count(anchor)} times; mend the page and toy_test.py")
        with open(os.path.join(copy, path), "w", encoding="utf-8") as file:
            file.write(text.replace(anchor, added.replace(HERE, anchor) if HERE in added else anchor + added))


def lint(copy):
    """What the lint scripts of the copy say about it."""
    lines = []
    for script in LINT:
        out = run([sys.executable, os.path.join(copy, "tests/tools", script), copy], copy)[1]
        lines += [f"{script}: {line}" for line in out.splitlines()[:-1]]
    return lines


def build(copy, kind):
    targets, command = BUILDS[kind]
    folder = os.path.join(copy, "build/toy")
    cache = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    configure = ["cmake", "-S", copy, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
                 "-DSPARKLE_TARGET_LLVM=OFF", "-DSPARKLE_TARGET_VULKAN=OFF", *cache]
    for words in (configure, ["ninja", "-C", folder, "-j", str(os.cpu_count()), *targets],
                  [word.format(copy=copy) for word in command]):
        # The copy has a new name each time; ccache is to see through that.
        place = folder if words[0].startswith("bin/") else copy
        code, out = run(words, place, CCACHE_BASEDIR=copy, CCACHE_NOHASHDIR="1")
        if code:
            fail(f"{' '.join(words)}\n" + "\n".join(out.splitlines()[-40:]))


def main():
    top, kind = os.path.abspath(sys.argv[1]), sys.argv[2]
    check_page(top, kind)
    with tempfile.TemporaryDirectory(prefix="sparkle-toy-") as copy:
        for name in TREE:
            source = os.path.join(top, name)
            if not os.path.exists(source):  # an empty folder of this tree is in no clone
                continue
            (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, os.path.join(copy, name))
        before = lint(copy)
        apply(copy, kind, os.path.join(top, "tests/tools", f"toy_{kind}"))
        if added := [line for line in lint(copy) if line not in before]:
            fail("with the toy, lint says\n" + "\n".join(added))
        if "--build" in sys.argv:
            build(copy, kind)
    print(f"the toy {kind} is added as the page says" + (", builds and works" if "--build" in sys.argv else ""))


main()
