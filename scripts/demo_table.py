"""demo_table.py SPARKLEC FILE: runs FILE with --verify on every device that `SPARKLEC devices` lists."""
import json
import subprocess
import sys

TIMEOUT_SECONDS = 600
COLUMNS = ["device", "GFLOPS", "% of peak", "kernel ms", "wall ms", "compile ms", "max error", "verified"]


def run(words):
    return subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)


def report_on(sparklec, path, device):
    """(report, None) or (None, what went wrong); `!`: this device and no other."""
    try:
        done = run([sparklec, "run", path, "--device", device + "!", "--verify", "--json"])
    except subprocess.TimeoutExpired:
        return None, f"no result within {TIMEOUT_SECONDS} s"
    try:
        return json.loads(done.stdout), None if done.returncode == 0 else done.stderr.strip()
    except json.JSONDecodeError:
        return None, done.stderr.strip() or f"sparklec ended with {done.returncode} and said nothing"


def number(value, digits=1):
    return "-" if not value else f"{value:.{digits}f}"


def row_of(device, report):
    verification = report["verification"] or {}
    error = "exact" if verification.get("exact") else f"{verification.get('max_abs_error', 0):.2g}"
    return [device, number(report["gflops"]), number(report["percent_of_peak"]),
            number((report["kernel_ms"] or {}).get("median"), 3), number((report["wall_ms"] or {}).get("median"), 3),
            number(report["compile_ms"]), error, "yes" if report["verified"] else "NO"]


def print_table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        print("  ".join([row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]))


def main():
    sparklec, path = sys.argv[1], sys.argv[2]
    listed = run([sparklec, "devices", "--json"])
    if listed.returncode != 0:
        sys.exit(f"sparklec devices failed: {listed.stderr.strip()}")
    machine = json.loads(listed.stdout)
    # The reference is the interpreter: what the others are compared with.
    devices = [device for device in machine["devices"] if device["id"] != "reference"]
    rows, problems, notes = [COLUMNS], [], []
    print(f"{path} on {len(devices)} device{'s' * (len(devices) != 1)}", flush=True)
    for device in devices:
        report, problem = report_on(sparklec, path, device["id"])
        if report:
            rows.append(row_of(device["id"], report))
            notes.append(f"{device['id']}: {device['name']}; target {report['target']}, {verdict(report)}")
        if problem or not report["verified"]:
            problems.append(f"{device['id']}: {problem or 'the result is wrong'}")
    print_table(rows)
    for line in notes + [f"left out: {device['name']}: {device['reason']}" for device in machine.get("left_out", [])]:
        print(line)
    for problem in problems:
        print("FAILED " + problem)
    sys.exit(1 if problems or len(rows) == 1 else 0)


def verdict(report):
    verification = report["verification"]
    return f"compared ({verification['mode']}): {verification['text']}" if verification else "not compared"


main()
