"""Two runs in one project, or in two members of one repository: the second waits, and says for whom."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import read_events, test, wait_until  # noqa: E402
from places import Places  # noqa: E402


def running(t, cwd, *command):
    """A run that goes on until its file `go` is there."""
    log = t.base / "first.jsonl"
    process = t.start(*t.sandbox_command(*command, options=["--events", log]), cwd=cwd,
                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: any(e["type"] == "process.exec" for e in read_events(log)), "the first run's start")
    return process


@test
def two_members_of_one_repository(t):
    """An install in a workspace member beside one in another waits for it, says for whom, and both are done"""
    places = Places(t)
    places.manifest("repo", private=True, workspaces=["packages/*"])
    places.manifest("repo/packages/one", dependencies={"is-odd": "3.0.1"})
    places.manifest("repo/packages/two", dependencies={"is-number": "6.0.0"})
    first = running(t, places.root / "repo/packages/one", "sh", "-c", "sleep 2; echo 1 > made")
    result = t.sandbox("npm", "install", cwd=places.root / "repo/packages/two", env=places.env)
    t.succeeded(result)
    t.contains(result.err, "is in use by process", "who has it")
    t.contains(result.err, "sandbox-run", "and what it is")
    t.equal(first.wait(), 0, "the first run")
    t.true((places.root / "repo/packages/one/made").exists(), "the first run's file")
    t.true((places.root / "repo/node_modules/is-number").exists(), "the second run's packages")


@test
def a_command_that_only_reads(t):
    """npm ls neither waits for a run in the same project nor keeps another waiting"""
    places = Places(t)
    places.manifest("app")
    first = running(t, places.root / "app", "sh", "-c", "sleep 5")
    result = t.sandbox("npm", "ls", cwd=places.root / "app", env=places.env)
    t.equal(first.poll(), None, "the first run goes on")
    first.terminate()
    first.communicate()
    t.succeeded(result)
    t.contains(result.out, "app@1.2.0", result)
    t.lacks(result.err, "in use", "no waiting")
    t.lacks(result.err, "fail", "nothing failed")
