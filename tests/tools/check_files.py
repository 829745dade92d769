#!/usr/bin/env python3
"""check_files.py [ROOT]: length of files, sources listed in CMake, paths of one machine, words of unfinished work."""
import os
import re

import source_tree

MAX_LINES = 400
# Longer files, and why they are one file. An entry that is no longer needed is a mistake too.
LONG_FILES = {}
TEXT_FOLDERS = (".ci", "cmake", "docs", "scripts")
SOURCE_FOLDERS = ("dsl", "compiler", "targets", "runtime", "tools", "bindings", "examples", "tests")
# What a developer's machine is called must not be in the tree. Split, so that this file does not find itself.
MACHINE_PATHS = re.compile(r"/(?:" + "|".join(["wo" + "rk/", "ro" + "ot/", "ho" + r"me/\w", "Us" + r"ers/\w"]) + ")")
BANNED = re.compile("|".join([r"\bTO" + r"DO(?!\([\w -]+\):)", r"\bFIX" + "ME", r"\bX" + "XX\\b", r"\bplace" +
                              r"holder", r"\bmo" + r"ck(?:ed|s|ing)?\b", r"\bst" + r"ub(?:s|bed)?\b"]), re.I)
TEXT = (".h", ".cpp", ".c", ".def", ".md", ".py", ".txt", ".cmake", ".spk", ".ir", ".sh", ".json", ".yml", ".target",
        ".toml")


def check_length(top, path):
    lines = source_tree.read(top, path).count("\n")
    if lines > MAX_LINES and path not in LONG_FILES:
        return f"{path}: {lines} lines; over {MAX_LINES} needs a split, or a reason in check_files.py"
    if lines <= MAX_LINES and path in LONG_FILES:
        return f"{path}: {lines} lines; its exception in check_files.py is not needed any more"
    return None


def listing_of(top, path):
    """The CMakeLists.txt that should list a source: that of its folder, or of the nearest folder above with one."""
    folder = os.path.dirname(path)
    while folder and not os.path.exists(os.path.join(top, folder, "CMakeLists.txt")):
        folder = os.path.dirname(folder)
    return os.path.join(folder, "CMakeLists.txt")


def is_listed(text, name):
    if re.search(rf"(?<![\w-]){re.escape(name)}", text):
        return True
    stem = os.path.splitext(name)[0]
    for word in source_tree.cmake_sources(text):
        base = os.path.basename(word)
        if "${" not in base:
            continue
        pattern = "(.+)".join(re.escape(part) for part in re.split(r"\$\{\w+\}", base))
        # ${test}.cpp in a loop: the stem must stand in the list the loop runs over.
        if re.fullmatch(pattern, name) and (base.startswith("${") is False or re.search(rf"\b{stem}\b", text)):
            return True
    return False


def check_listed(top, path):
    listing = listing_of(top, path)
    if is_listed(re.sub(r"#.*", "", source_tree.read(top, listing)), os.path.basename(path)):
        return None
    return f"{path}: not listed in {listing}, so nobody builds it"


def check_words(top, path):
    problems = []
    for number, line in enumerate(source_tree.read(top, path).splitlines(), 1):
        if found := MACHINE_PATHS.search(line):
            problems.append(f"{path}:{number}: `{found[0]}` is a path of one machine")
        if found := BANNED.search(line):
            problems.append(f"{path}:{number}: `{found[0]}`: say what is missing as a TODO with a topic, or finish it")
    return problems


def is_text(path):
    return path.endswith(TEXT) or "." not in os.path.basename(path) or os.path.basename(path).startswith(".")


def main():
    top = source_tree.root()
    problems = []
    sources = source_tree.files(top, SOURCE_FOLDERS, (".h", ".cpp", ".c"))
    for path in sources:
        problems.append(check_length(top, path))
        if not path.endswith(".h"):
            problems.append(check_listed(top, path))
    problems += [f"{path}: in the list of long files, but not in the tree"
                 for path in LONG_FILES if path not in sources]
    root_files = [name for name in os.listdir(top) if os.path.isfile(os.path.join(top, name))]
    texts = [path for path in source_tree.files(top, SOURCE_FOLDERS + TEXT_FOLDERS) + root_files
             if is_text(path) and path != "tests/tools/check_files.py"]
    for path in texts:
        problems += check_words(top, path)
    source_tree.finish("check_files", [problem for problem in problems if problem], len(texts))


main()
