#!/usr/bin/env python3
"""readme_test.py ROOT SPARKLEC: the first kernel of README.md, and every sparklec command shown there, works as it says.

Commands run in an empty folder with the README's `dense.spk`, which is made small: sizes of 512 become 64.
"""
import os
import re
import shlex
import subprocess
import sys
import tempfile

import source_tree

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def commands(text):
    """Lines of the code blocks that start with sparklec, comments left out."""
    lines = [line.split("#")[0].strip() for _, block in FENCE.findall(text) for line in block.splitlines()]
    return [line.replace("=512", "=64") for line in lines if line.startswith("sparklec ")]


def main():
    top, sparklec = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    text = source_tree.read(top, "README.md")
    kernels = [block for language, block in FENCE.findall(text) if language == "spk"]
    problems, shown = [], commands(text)
    with tempfile.TemporaryDirectory(prefix="sparkle-readme-") as folder:
        with open(os.path.join(folder, "dense.spk"), "w", encoding="utf-8") as file:
            file.write(kernels[0])
        for command in shown:
            words = [sparklec, *shlex.split(command)[1:]]
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
            if done.returncode != 0 or not done.stdout.strip():
                problems.append(f"`{command}` ended with {done.returncode}: {done.stderr.strip() or 'no output'}")
    source_tree.finish("readme_test", problems, len(shown))


main()
