#!/usr/bin/env python3
"""check_tidy.py ROOT BUILD: every compiled source of the product passes the checks of .clang-tidy. Takes minutes."""
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import source_tree

SKIPPED = 77
FOLDERS = ("dsl/", "compiler/", "targets/", "runtime/", "tools/")


def main():
    top, build = source_tree.root(), sys.argv[2]
    program = shutil.which("clang-tidy-14")
    if not program:
        print("SKIP: there is no clang-tidy-14 here (scripts/deps installs it)")
        sys.exit(SKIPPED)
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        compiled = [os.path.relpath(entry["file"], top) for entry in json.load(file)]
    sources = sorted({path for path in compiled if path.startswith(FOLDERS)})

    def run(source):
        words = [program, "--quiet", "-p", build, source]
        return subprocess.run(words, cwd=top, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        calls = list(pool.map(run, sources))
    problems = [call.stdout.strip() or call.stderr.strip() for call in calls if call.returncode]
    source_tree.finish("check_tidy", problems, len(sources))


main()
