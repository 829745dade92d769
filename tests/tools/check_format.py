#!/usr/bin/env python3
"""check_format.py [ROOT] [--fix]: C++ files are as clang-format 14 leaves them; other versions differ."""
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import source_tree

SKIPPED = 77  # what CTest takes for a skip
FOLDERS = ("dsl", "compiler", "targets", "runtime", "tools", "bindings", "examples", "tests")
FILES_A_CALL = 20


def main():
    fix = "--fix" in sys.argv
    if fix:
        sys.argv.remove("--fix")
    top = source_tree.root()
    program = shutil.which("clang-format-14")
    if not program:
        print("SKIP: there is no clang-format-14 here (scripts/deps installs it)")
        sys.exit(SKIPPED)
    paths = source_tree.files(top, FOLDERS, (".h", ".cpp"))
    words = [program, "-i"] if fix else [program, "--dry-run", "--Werror"]

    def run(some):
        return subprocess.run(words + some, cwd=top, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        calls = list(pool.map(run, [paths[at:at + FILES_A_CALL] for at in range(0, len(paths), FILES_A_CALL)]))
    wrong = sorted({line.split(":")[0] for call in calls for line in call.stderr.splitlines() if ": error:" in line})
    broken = [call.stderr for call in calls if call.returncode and ": error:" not in call.stderr]
    advice = "not as clang-format-14 leaves it; `tests/tools/check_format.py --fix` mends it"
    problems = broken + [f"{path}: {advice}" for path in wrong]
    source_tree.finish("check_format", problems, len(paths))


main()
