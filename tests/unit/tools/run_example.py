"""run_example.py SPARKLEC FILE DEVICE [WORD...]: runs an example, compares it with the reference in full, checks the report.

Twice: with whole numbers, where every element must be equal, and with random ones, within the derived bound.
Ends with 77 where DEVICE is not here.
"""
import json
import subprocess
import sys

SKIPPED = 77
TIMEOUT_SECONDS = 280
KEYS = ["kernel", "device_requested", "device_used", "fallback_reason", "verified", "verify_mode", "max_abs_error", "flops",
        "flops_executed", "wall_s", "kernel_s", "gflops", "percent_of_peak", "compile_ms"]


def run(words):
    return subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)


def fail(text):
    sys.exit("FAILED: " + text)


def check(report, device):
    missing = [key for key in KEYS if key not in report]
    if missing:
        fail(f"the report lacks {missing}")
    if not report["device_used"].startswith(device) or report["fallback_reason"] is not None:
        fail(f"ran on {report['device_used']} instead of {device}: {report['fallback_reason']}")
    if not report["verified"] or report["verify_mode"] != "full":
        fail(f"not verified: {report['verify_text']}")
    if not 0 < report["flops_executed"] <= report["flops"]:
        fail(f"counts {report['flops_executed']} of {report['flops']} operations")


def main():
    sparklec, path, device, *words = sys.argv[1:]
    listed = json.loads(run([sparklec, "devices", "--json"]).stdout)
    if not any(entry["id"].startswith(device) for entry in listed["devices"]):
        print(f"[SKIP] no device {device}: {listed['left_out']}")
        sys.exit(SKIPPED)
    for filling in ("integers", "random"):
        command = [sparklec, "run", path, *words, "--device", device + "!", "--verify=full", "--json", "--repeat", "1",
                   "--input", f"*={filling}"]
        done = run(command)
        if done.returncode != 0:
            fail(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
        report = json.loads(done.stdout)
        check(report, device)
        print(f"{filling}: {report['verification']['text']}, {report['gflops']:.3g} GFLOPS")


main()
