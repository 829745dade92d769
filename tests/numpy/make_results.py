#!/usr/bin/env python3
"""make_results.py [--check]: what NumPy makes of kernels, for tests/differential/numpy_test.cpp.

Writes results/*.spk beside this file: each kernel's text, seeded inputs and expected results, computed in double
precision by loops, einsum and np.pad; nothing here knows Sparkle but the texts of the kernels. --check compares with
what is there instead, and ends with 1 on a difference, with 77 without NumPy. Needs NumPy (python3-numpy); the tests
themselves do not.
"""
import os
import sys

sys.dont_write_bytecode = True

SKIPPED = 77
WIDTH = 120
DIGITS = 10  # of results that are compared within a bound; far more than f32 has


def number(value, exact):
    value = float(value)
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if value == int(value):
        return str(int(value))
    return repr(value) if exact else f"{value:.{DIGITS}g}"


def lines(word, name, values, exact=True):
    """`// word: name = 1 2 3`, on as many lines as it takes; a further line goes on where the last ended."""
    import numpy as np
    line = start = f"// {word}: {name} ="
    for value in np.asarray(values, np.float64).flatten():
        text = " " + number(value, exact)
        if len(line) + len(text) > WIDTH:
            yield line
            line = start
        line += text
    yield line


def text_of(case):
    sizes = " ".join([f"open={name}" for name in case.opened] +
                     [f"{name}={value}" for name, value in case.sizes.items() if name not in case.opened])
    out = [f"//// {case.name}", case.text, f"// bind: {sizes}"]
    for name in case.opened:
        out += lines("given", name, case.sizes[name])
    for name, values in case.given.items():
        out += lines("given", name, values)
    for name, values in case.gives.items():
        out += lines("gives" if case.exact else "near", name, values, case.exact)
    return "\n".join(out) + "\n"


def main():
    try:
        import convolutions
        import images
        import products
    except ModuleNotFoundError as error:
        print(f"[SKIP] {error}")
        sys.exit(SKIPPED)
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")
    differing = []
    for module in (convolutions, images, products):
        path = os.path.join(folder, module.__name__ + ".spk")
        text = f"Made by make_results.py, from {module.__name__}.py. The form: tests/differential/numpy_test.cpp.\n"
        text += "".join(text_of(case) for case in module.cases())
        if "--check" in sys.argv:
            with open(path, encoding="utf-8") as file:
                differing += [path] if file.read() != text else []
            continue
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    if differing:
        sys.exit(f"FAILED: not what the script makes: {differing}")


main()
