"""What takes long to be made: a million files, kept, thrown away, and ended for being too many."""

import os

from harness import test, wait_until
from resources import limits

MANY = """
import os, sys
for part in range(int(sys.argv[1]) // 10000):
    os.makedirs(f"node_modules/many/{part}")
    for i in range(10000): open(f"node_modules/many/{part}/{i}", "w").close()
print("made", flush=True)
"""
PYTHON = "/usr/bin/python3"


def kept(t):
    """How many files all runs have left in the state: of the disk others take, too."""
    return sum(len(files) for _, _, files in os.walk(t.home / ".local/state/sandbox-run/runs"))


@test(time_limit=3600)
def a_million_files(t):
    """a million files: kept as bare; thrown away by --discard; ended by changed_files; and all space is back"""
    t.write("many.py", MANY)
    t.contains(t.bare(PYTHON, "many.py", 20000).out, "made", "control")
    t.succeeded(t.bare("rm", "-rf", "node_modules"))
    back = lambda: kept(t) < 100  # noqa: E731
    run = dict(timeout=1200)
    t.contains(t.succeeded(t.sandbox(PYTHON, "many.py", 1_000_000, options=["--discard"], **run)).out, "made")
    t.true(not (t.project / "node_modules").exists(), "nothing of it is kept")
    wait_until(back, "all files are gone", seconds=300)
    limits(t, "changed_files = 500000")
    result = t.sandbox(PYTHON, "many.py", 1_000_000, **run)
    t.equal(result.code, 137, result)
    t.equal([e["details"]["limit"] for e in result.of_type("limit.reached")], ["files changed"])
    wait_until(back, "all files are gone", seconds=300)
    limits(t, "changed_files = 4000000")
    t.succeeded(t.sandbox(PYTHON, "many.py", 1_000_000, **run))
    t.equal(len(list((t.project / "node_modules/many/99").iterdir())), 10000, "kept")
    t.succeeded(t.bare("rm", "-rf", "node_modules"))
    wait_until(back, "all files are gone", seconds=300)
