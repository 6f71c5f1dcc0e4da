#!/usr/bin/env python3
"""Counts of a `meson test` run: doctest cases where a test program says how many, else one a program.

Usage: unit_counts.py TESTLOG.JSON COUNTS. Writes {"passed", "failed", "skipped"} to COUNTS.
"""

import json
import pathlib
import re
import sys

# doctest has no skip at run time: a test case that can't run here says so in a message.
SKIPPED = re.compile(r"^\s*(?:MESSAGE: )?(skipped: .*)$", re.M)
DOCTEST = re.compile(r"test cases:\s*(\d+) \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped")


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        test = json.loads(line)
        summary = DOCTEST.search(test.get("stdout") or "")
        if summary:
            _, passed, failed, _ = map(int, summary.groups())
            # A crash after the summary (a leak, say) is a failure of its own.
            crashed = 1 if test["result"] != "OK" and failed == 0 else 0
            skips = SKIPPED.findall(test.get("stdout") or "")
            for reason in skips:
                print(f"skip  {test['name']}: {reason}")
            counts["skipped"] += len(skips)
            counts["passed"] += passed - len(skips)
            counts["failed"] += failed + crashed
        else:
            kind = {"OK": "passed", "SKIP": "skipped"}.get(test["result"], "failed")
            counts[kind] += 1
            if kind == "failed":
                print(f"FAIL  {test['name']}: {test['result']}")
    pathlib.Path(sys.argv[2]).write_text(json.dumps(counts))


if __name__ == "__main__":
    main()
