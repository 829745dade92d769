#!/usr/bin/env python3
"""size_report.py [ROOT]: lengths of files and functions per folder, and their limits.

Functions are found by their braces: approximate, and the same for every folder. Fails when the median file is over 200
lines, the 90th percentile of functions over 40, or a function over 80 that is not in the list below.
"""
import re
import statistics

import source_tree

FOLDERS = ("compiler", "dsl", "targets", "runtime", "tools")
MEDIAN_FILE, P90_FUNCTION, MAX_FUNCTION = 200, 40, 80
# Flat switches over operations may be longer.
LONG_FUNCTIONS = frozenset()

NOISE = re.compile(r"//[^\n]*|/\*.*?\*/|R\"(\w*)\(.*?\)\1\"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])'|"
                   r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.S | re.M)
NOT_A_FUNCTION = re.compile(r"\b(?:namespace|struct|class|union|enum|extern)\b(?![^{}]*\))|=\s*$|"
                            r"^\s*(?:if|for|while|switch|do|else|return)\b")


def bare(text):
    """The text without comments, literals and directives; lines keep their numbers."""
    return NOISE.sub(lambda found: "\n" * found[0].count("\n"), text)


def functions(text):
    """(first line, lines) of each function definition; what is nested inside belongs to it."""
    found, depth, inside, start, head = [], 0, None, 0, ""
    line = 1
    for char in bare(text):
        if char == "\n":
            line += 1
        if char == "{":
            if inside is None and re.search(r"\)[^()]*$", head) and not NOT_A_FUNCTION.search(head.strip()):
                inside, start = depth, line - head.strip().count("\n")
            depth, head = depth + 1, ""
        elif char == "}":
            depth, head = depth - 1, ""
            if inside == depth:
                found.append((start, line - start + 1))
                inside = None
        elif char == ";":
            head = ""
        else:
            head += char
    return found


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0


def row(name, files, lengths):
    return (f"{name:<22}{len(files):>6}{statistics.median(files):>8.0f}{percentile(files, 0.9):>6}{max(files):>6}"
            f"{len(lengths):>8}{percentile(lengths, 0.5):>8}{percentile(lengths, 0.9):>6}{max(lengths, default=0):>6}")


def main():
    top = source_tree.root()
    files, lengths, problems, folders = [], [], [], {}
    for path in source_tree.files(top, FOLDERS, (".h", ".cpp")):
        text = source_tree.read(top, path)
        found = functions(text)
        folder = "/".join(path.split("/")[:2]) if path.count("/") > 1 else path.split("/")[0]
        group = folders.setdefault(folder, ([], []))
        group[0].append(text.count("\n"))
        group[1].extend(length for _, length in found)
        files.append(text.count("\n"))
        lengths += [length for _, length in found]
        problems += [f"{path}:{first}: a function of {length} lines; over {MAX_FUNCTION} only listed flat switches"
                     for first, length in found if length > MAX_FUNCTION and path not in LONG_FUNCTIONS]
    print(f"{'':<22}{'files':>6}{'median':>8}{'p90':>6}{'max':>6}{'functs':>8}{'median':>8}{'p90':>6}{'max':>6}")
    for folder, group in folders.items():
        print(row(folder, *group))
    print(row("all", files, lengths))
    if statistics.median(files) > MEDIAN_FILE:
        problems.append(f"the median file has {statistics.median(files):.0f} lines; at most {MEDIAN_FILE}")
    if percentile(lengths, 0.9) > P90_FUNCTION:
        problems.append(f"one function in ten has over {percentile(lengths, 0.9)} lines; at most {P90_FUNCTION}")
    source_tree.finish("size_report", problems, len(files))


main()
