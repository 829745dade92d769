"""summarize_tests.py RESULTS.XML STATUS LOG: what failed and what was skipped, then `N passed, N failed[, N skipped]`.

RESULTS.XML is what `ctest --output-junit` wrote, STATUS its exit status.
"""
import os
import sys
import xml.etree.ElementTree as ElementTree

OUTPUT_LINES = 60


def reason_of(case):
    """Why a case was skipped: the line of its output that says so."""
    lines = (case.findtext("system-out") or "").splitlines()
    marked = [at for at, line in enumerate(lines) if "skip" in line.lower()]
    # GoogleTest prints `file:line: Skipped` and the reason on the line after it.
    for at in marked:
        if lines[at].rstrip().endswith("Skipped") and at + 1 < len(lines):
            return lines[at + 1].strip()
    return lines[marked[0]].strip() if marked else "no reason given"


def is_skipped(case):
    """What ctest could not start has a message of another kind: that is a failure."""
    mark = case.find("skipped")
    return case.get("status") == "disabled" or (mark is not None and mark.get("message", "").startswith("SKIP_"))


def main():
    path, status, log = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if not os.path.exists(path):
        with open(log, encoding="utf-8", errors="replace") as file:
            print("".join(file.readlines()[-OUTPUT_LINES:]))
        print("0 passed, 1 failed")
        return 1
    cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    skipped = [case for case in cases if is_skipped(case)]
    failed = [case for case in cases if case not in skipped and case.get("status") != "run"]
    for case in failed:
        print(f"--- FAILED {case.get('name')}")
        print("\n".join((case.findtext("system-out") or "no output; it was ended, or could not start").splitlines()[-OUTPUT_LINES:]))
    for case in skipped:
        print(f"skipped {case.get('name')}: {reason_of(case)}")
    passed = len(cases) - len(failed) - len(skipped)
    wrong = len(failed) > 0 or passed == 0 or status != 0
    if wrong and not failed:
        print(f"ctest ended with {status} after {len(cases)} tests; its log is {log}")
    print(f"{passed} passed, {len(failed)} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if wrong else 0


sys.exit(main())
