"""The files of the source tree, as the lint scripts see them."""
import os
import re
import sys

SKIPPED = {".git", ".cache", "build", "__pycache__", "Testing"}


def root():
    """The folder given on the command line, or the one these scripts lie in."""
    if len(sys.argv) > 1:
        return os.path.abspath(sys.argv[1])
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(top, under=("",), endings=None):
    """Paths relative to `top`, sorted, of the files below the folders `under`."""
    found = []
    for folder in under:
        for place, folders, names in os.walk(os.path.join(top, folder)):
            folders[:] = sorted(name for name in folders if name not in SKIPPED)
            found += [os.path.relpath(os.path.join(place, name), top) for name in names]
    return sorted(path for path in found if endings is None or path.endswith(endings))


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def cmake_sources(text):
    """Words of a CMakeLists.txt that name source files, comments left out."""
    bare = re.sub(r"#.*", "", text)
    return re.findall(r"[\w./${}-]+\.(?:cpp|c|cc)\b", bare)


def finish(name, problems, checked):
    """Prints what is wrong and ends with 1; a check that saw nothing is wrong too."""
    for problem in problems:
        print(problem)
    print(f"{name}: {checked} checked, {len(problems)} wrong")
    sys.exit(1 if problems or checked == 0 else 0)
