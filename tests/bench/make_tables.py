#!/usr/bin/env python3
"""make_tables.py [--check] [ROOT]: writes the tables of the pages below from the files in docs/data.

A table stands between `<!-- begin NAME -->` and `<!-- end NAME -->`. Its data: docs/data/bench_NAME.json, what
`sparkle_bench --json` printed; docs/data/pairs_NAME.json, what `sparkle_bench --examples --json` printed; or
docs/data/ablation_NAME.json, what `sparklec ablate --json` printed. With --check nothing is written: exit code 1 where a
table is not the one of its data.
"""
import json
import os
import re
import sys

PAGES = ("README.md", "docs/ablation.md", "docs/benchmarks.md")


def cell(value, digits):
    return "" if value is None else f"{value:.{digits}f}"


def lines_of(rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def measured_at(data):
    return f"Measured at commit `{data['commit']}`."


def code_of(data, peer):
    """In brackets what was compared with, where it is the same for all layers."""
    codes = {case["peers"].get(peer, {}).get("code") for case in data["cases"]} - {None}
    return f" ({codes.pop()})" if len(codes) == 1 else ""


def bench_table(data):
    peers = list(data.get("geomean", {}))
    memory = data.get("one_thread_read_gbs")
    head = ["layer", "shape", "ms", "GFLOPS", "% of peak", "GB/s"] + ["% of memory"] * bool(memory)
    head += [f"{p} / ours" for p in peers]
    rows = [head, ["---"] * len(head)]
    for case in data["cases"]:
        row = [case["name"], case["shape"], cell(case["ms"], 4), cell(case["gflops"], 1),
               cell(case["percent_of_peak"], 0), cell(case["gb_per_s"], 1)]
        row += [cell(case["percent_of_bandwidth"], 0)] * bool(memory)
        rows.append(row + [cell(case["peers"].get(p, {}).get("ratio"), 2) for p in peers])
    means = ", ".join(f"{p} {data['geomean'][p]:.2f}{code_of(data, p)}" for p in peers)
    title = f"`{data['list']}`, {data['op']}, {data['layout']}, {data['element']}: {data['cpu']}, one thread, medians of "
    title += f"{data['rounds']} rounds" + (f", batch {data['batch']}. One thread reads memory at {memory:.1f} GB/s" if memory else "")
    title += f". {measured_at(data)} Geometric means of the ratios: {means}."
    return title + "\n\n" + lines_of(rows)


def pairs_table(data):
    head = ["kernel", "ms", "plain C: ms", "plain C / ours", "95% interval", "GFLOPS", "GB/s", "% of memory"]
    rows = [head, ["---"] * len(head)]
    for case in data["cases"]:
        interval = f"{case['ratio_low']:.2f} to {case['ratio_high']:.2f}" + (" (disturbed)" if case["disturbed"] else "")
        rows.append([case["name"], cell(case["ours_ms"], 4), cell(case["plain_c_ms"], 4), cell(case["ratio"], 2), interval,
                     cell(case["gflops"], 1), cell(case["gbps"], 1), cell(case["percent_of_bandwidth"], 0)])
    title = f"{data['cpu']}, one thread, {data['pairs']} pairs; plain C: `{data['plain_c']}`. One thread reads memory at "
    title += f"{data['one_thread_read_gbs']:.1f} GB/s. {measured_at(data)}"
    return title + "\n\n" + lines_of(rows)


def duration(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def ablation_rows(device, ladder):
    """Timed rows but the refitted ones: name, time, rate, time over that of the full schedule."""
    for row in device["rows"]:
        if row["refusal"] or row["same_as"] or row["refitted"] or not row["seconds"]:
            continue
        if row["part"] == "plain_c" and device["device"] != "cpu" or ladder and row["part"] == "leave_one_out":
            continue
        yield [row["name"], duration(row["seconds"]), cell(row["gflops"], 1), cell(row["slowdown"], 2)]


def ablation_table(data, ladder=False):
    """One table a device; `ladder`: without the rows that leave one pattern out."""
    text = ""
    for device in data["devices"]:
        threads = f", {device['threads']} thread(s)" if device["threads"] else ""
        rows = [["variant", "time", "GFLOPS", "x of full"], ["---"] * 4] + list(ablation_rows(device, ladder))
        text += f"`{data['kernel']}` on {device['device_name']}{threads}. {measured_at(data)}\n\n" + lines_of(rows) + "\n"
    return text


def table(top, name):
    """None: there are no data. `NAME_ladder` is the short form of an ablation NAME."""
    if name.endswith("_ladder"):
        with open(os.path.join(top, "docs", "data", f"ablation_{name[:-7]}.json"), encoding="utf-8") as file:
            return ablation_table(json.load(file), ladder=True)
    for kind, make in (("bench", bench_table), ("pairs", pairs_table), ("ablation", ablation_table)):
        path = os.path.join(top, "docs", "data", f"{kind}_{name}.json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return make(json.load(file))
    return None


def renew(top, page, check):
    """True: every table has data, and with `check` is the one of its data."""
    path = os.path.join(top, page)
    with open(path, encoding="utf-8") as file:
        old = text = file.read()
    complete = True
    for name in re.findall(r"<!-- begin (\w+) -->", old):
        new = table(top, name)
        if new is None:
            print(f"make_tables: {page}: docs/data has nothing for `{name}`", file=sys.stderr)
            complete = False
            continue
        text = re.sub(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", lambda m: m[1] + new + m[2], text, flags=re.S)
    if check and text != old:
        print(f"make_tables: {page} is not what its data say; run tests/bench/make_tables.py")
    if not check and text != old:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return complete and (text == old or not check)


def main():
    words = [w for w in sys.argv[1:] if w != "--check"]
    top = words[0] if words else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    good = [renew(top, page, "--check" in sys.argv) for page in PAGES]
    sys.exit(0 if all(good) else 1)


main()
