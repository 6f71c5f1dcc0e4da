"""scripts/bench runs: every suite that takes seconds, in small. Its times are nobody's business here."""

import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import BINARY, IS_ROOT, NotApplicable, test  # noqa: E402

BENCH = pathlib.Path(__file__).resolve().parent.parent.parent / "scripts/bench"
SUITES = ("start", "calls", "egress")


@test(time_limit=200)
def quick_suites(t):
    """the benchmarks of start, calls and egress run, and say for each contestant what was measured"""
    if IS_ROOT:
        raise NotApplicable("they are an ordinary user's")
    figures = t.base / "figures.json"
    done = subprocess.run([sys.executable, BENCH, *SUITES, "--quick", "--json", figures, "--binary", BINARY],
                          cwd=t.base, env=t.environment(), capture_output=True, text=True, timeout=180)
    t.equal(done.returncode, 0, done.stdout + done.stderr)
    tables = json.loads(figures.read_text())["tables"]
    t.equal({table["suite"] for table in tables} - {"memory"}, set(SUITES))
    for table in tables:
        names = {row["name"] for row in table["rows"]}
        t.true(table["suite"] == "memory" or any(name.startswith("sandbox-run") for name in names), table)
        t.true(all(row["median"] > 0 for row in table["rows"]) or table["unit"] == "s/GB", table)
