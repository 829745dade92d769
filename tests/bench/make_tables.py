#!/usr/bin/env python3
"""make_tables.py [--check] [ROOT]: writes the tables of docs/benchmarks.md from docs/data/bench_*.json.

Each file is what `sparkle_bench --json` printed. Tables stand between `<!-- begin NAME -->` and `<!-- end NAME -->`, NAME
being the file's without `bench_` and ending. With --check nothing is written: exit code 1 where a table is not the
one of its data.
"""
import json
import os
import re
import sys


def cell(value, digits):
    return "" if value is None else f"{value:.{digits}f}"


def table(data):
    peers = list(data.get("geomean", {}))
    head = ["layer", "shape", "ms", "GFLOPS", "% of peak", "GB/s"] + [f"{p} / ours" for p in peers]
    rows = [head, ["---"] * len(head)]
    for case in data["cases"]:
        row = [case["name"], case["shape"], cell(case["ms"], 4), cell(case["gflops"], 1),
               cell(case["percent_of_peak"], 0), cell(case["gb_per_s"], 1)]
        rows.append(row + [cell(case["peers"].get(p, {}).get("ratio"), 2) for p in peers])
    means = ", ".join(f"{p} {data['geomean'][p]:.2f}" for p in peers)
    title = f"`{data['list']}`, {data['op']}, {data['layout']}, {data['element']}: {data['cpu']}, one thread, medians of "
    title += f"{data['rounds']} rounds. Geometric means of the ratios: {means}."
    return title + "\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def main():
    words = [w for w in sys.argv[1:] if w != "--check"]
    top = words[0] if words else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    page = os.path.join(top, "docs", "benchmarks.md")
    with open(page, encoding="utf-8") as file:
        old = file.read()
    text, missing = old, []
    for name in re.findall(r"<!-- begin (\w+) -->", old):
        path = os.path.join(top, "docs", "data", f"bench_{name}.json")
        if not os.path.exists(path):
            missing.append(path)
            continue
        with open(path, encoding="utf-8") as file:
            new = table(json.load(file))
        text = re.sub(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", lambda m: m[1] + new + m[2], text, flags=re.S)
    for path in missing:
        print(f"make_tables: {path} is not here", file=sys.stderr)
    if "--check" in sys.argv:
        if text != old:
            print("make_tables: docs/benchmarks.md is not what its data say; run tests/bench/make_tables.py")
        sys.exit(1 if missing or text != old else 0)
    if text != old:
        with open(page, "w", encoding="utf-8") as file:
            file.write(text)
    sys.exit(1 if missing else 0)


main()
