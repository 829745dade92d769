#!/usr/bin/env python3
"""check_passes.py [ROOT]: every pass of passes.def has the form of docs/adding-a-pass.md.

A pass is one word everywhere: files, options struct, filetest folder, command of sparkle-opt, row in the pipeline.
"""
import os
import re

import source_tree

MIN_FILETESTS = 3  # it applies, it does not apply, it reports an error


def pieces(top, name):
    """(what should be there, whether it is)."""
    header = f"compiler/passes/{name}.h"
    text = source_tree.read(top, header) if os.path.exists(os.path.join(top, header)) else ""
    options = "".join(part.capitalize() for part in name.split("_")) + "Options"
    folder = f"tests/filetests/passes/{name}"
    pipeline = source_tree.read(top, "compiler/pipeline/pipeline.cpp")
    tests = source_tree.files(top, (folder,), (".ir", ".spk"))
    errors = [path for path in tests if os.path.basename(path).startswith("error")]
    return [
        (f"{header} with a `before:` and an `after:`", "before:" in text and "after:" in text),
        (f"`struct {options}` in {header}", f"struct {options}" in text),
        (f"compiler/passes/{name}.cpp", os.path.exists(os.path.join(top, f"compiler/passes/{name}.cpp"))),
        (f"{MIN_FILETESTS} filetests in {folder} (there are {len(tests)})", len(tests) >= MIN_FILETESTS),
        (f"an error_*.ir in {folder}, where the header names an error", bool(errors) or "Error" not in text),
        (f"`sparkle_filetests(passes/{name})` in tests/filetests/CMakeLists.txt",
         f"sparkle_filetests(passes/{name})" in source_tree.read(top, "tests/filetests/CMakeLists.txt")),
        (f"a row in compiler/pipeline/pipeline.cpp", f'{{"{name}",' in pipeline),
    ]


def order_problems(top):
    """The table of docs/architecture.md has the passes in the order of the pipeline."""
    steps = re.findall(r'^    \{"(\w+)",', source_tree.read(top, "compiler/pipeline/pipeline.cpp"), re.M)
    rows = re.findall(r"^\| `(\w+)` \| (?:program|kernel) \|", source_tree.read(top, "docs/architecture.md"), re.M)
    if steps == rows:
        return []
    return [f"docs/architecture.md has the passes as {', '.join(rows)}; the pipeline has {', '.join(steps)}"]


def main():
    top = source_tree.root()
    names = re.findall(r"^SPARKLE_PASS\((\w+)\)", source_tree.read(top, "compiler/passes/passes.def"), re.M)
    problems = order_problems(top)
    for name in names:
        problems += [f"pass `{name}`: there is no {what}" for what, present in pieces(top, name) if not present]
    for folder in sorted(os.listdir(os.path.join(top, "tests/filetests/passes"))):
        if folder not in names:
            problems.append(f"tests/filetests/passes/{folder}: there is no such pass in passes.def")
    source_tree.finish("check_passes", problems, len(names))


main()
