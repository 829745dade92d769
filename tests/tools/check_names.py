#!/usr/bin/env python3
"""check_names.py [ROOT]: fails where a word of one machine or of its tools stands under compiler/, code or comment.

The passes, the schedule and the IR know machines through a TargetInfo only. A file that needs such a word needs a field
in TargetInfo, or belongs under targets/.
"""
import re

import source_tree

WORDS = ["x86", "avx", "vulkan", "glsl", "gl_", "spirv", "spir-v", "cuda", "llvm", "xbyak"]


def main():
    top = source_tree.root()
    pattern = re.compile(r"(?<![a-z])gl_|" + "|".join(re.escape(word) for word in WORDS if word != "gl_"), re.I)
    problems = []
    paths = source_tree.files(top, ("compiler",))
    for path in paths:
        for number, line in enumerate(source_tree.read(top, path).splitlines(), 1):
            if found := pattern.search(line):
                problems.append(f"{path}:{number}: `{found[0]}` names one machine: {line.strip()}")
    source_tree.finish("check_names", problems, len(paths))


main()
