"""The control group of a run, on hosts that give it one: root at the root of the hierarchy, or a group that is
delegated. Elsewhere there is nothing to test; what holds there, too, is in resources_test.py."""

import os
import pathlib
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import NotApplicable, test, wait_until  # noqa: E402
from resources import HOG, THREADS, limits  # noqa: E402

FACTS = {"stops": "limits", "event": "limit.reached"}
PYTHON = "/usr/bin/python3"
ROOT = pathlib.Path("/sys/fs/cgroup")

WAIT = """
import os, subprocess, sys, time
subprocess.Popen(["/bin/sleep", "50"])
os.mkdir("here")
while not os.path.exists("go on"): time.sleep(0.05)
"""


def groups():
    return sorted(path for path in ROOT.rglob("sandbox-run-*") if path.suffix != ".scope")


def used(result):
    finished, = result.of_type("run.finished")
    return finished["details"]["used"]


def need_group(t):
    """Which directory it is made in."""
    result = t.sandbox("/usr/bin/true")
    t.succeeded(result)
    if not used(result)["control_group"]:
        raise NotApplicable("no control group is delegated here")


def started(t, *options):
    """A run that waits, with its group."""
    t.write("wait.py", WAIT)
    before = groups()
    run = t.start(*t.sandbox_command(PYTHON, "wait.py", options=options))
    wait_until(lambda: set(groups()) - set(before), "the group")
    return run, (set(groups()) - set(before)).pop()


def processes_below(pid):
    found = [pid]
    for one in found:
        for task in pathlib.Path(f"/proc/{one}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return set(found[1:])


@test(event="none")
def everything_in_it(t):
    """all that a run starts is in its control group, which has the limits, and goes with it"""
    need_group(t)
    limits(t, "processes = 300\nmemory_mb = 400\ncpu_weight = 33\nio_weight = 44")
    run, group = started(t)
    wait_until(lambda: len(processes_below(run.pid)) >= 4, "init, keeper, the command and what it starts")
    wait_until(lambda: "sleep" in "".join(
        pathlib.Path(f"/proc/{pid}/comm").read_text() for pid in processes_below(run.pid)), "the command")
    inside = set(map(int, (group / "cgroup.procs").read_text().split()))
    t.equal(inside, processes_below(run.pid))
    t.true(run.pid not in inside, "the supervisor is not held to them")
    t.equal((group / "pids.max").read_text().strip(), "1202")
    t.equal((group / "memory.high").read_text().strip(), str(450 << 20))
    t.equal((group / "memory.max").read_text().strip(), str(500 << 20))
    t.equal((group / "cpu.weight").read_text().strip(), "33")
    run.send_signal(signal.SIGTERM)
    run.wait()
    t.true(not group.exists(), "it is gone")


@test(event="none")
def invisible(t):
    """inside nothing of control groups can be seen, mounted or changed"""
    need_group(t)
    t.contains(t.bare("ls", ROOT).out, "cgroup.procs", "control")
    inside = t.sandbox("/usr/bin/sh", "-c", "cat /proc/self/cgroup; ls /sys/fs/cgroup; mount -t cgroup2 x /tmp")
    t.contains(inside.out, "0::/\n", "no path of the host")
    t.lacks(inside.out, "cgroup.procs")
    t.true(inside.code != 0, "mounted")


@test(time_limit=120)
def memory(t):
    """a memory hog is slowed down by the kernel, seen by the supervisor, and ended; it is named"""
    need_group(t)
    t.write("hog.py", HOG)
    t.contains(t.bare(PYTHON, "hog.py", "end").out, "held 60", "control")
    limits(t, "memory_mb = 300")
    result = t.sandbox(PYTHON, "hog.py", timeout=100)
    t.equal(result.code, 137, result)
    event, = result.of_type("limit.reached")
    t.equal(event["details"]["limit"], "bytes of memory")
    t.contains(event["process"]["argv"], "hog.py", "who it was")
    t.true(used(result)["memory"] < 400 << 20, "the kernel has held it")
    t.contains(result.said, "more than 300 MiB of memory")


@test(time_limit=120)
def threads(t):
    """a flood of threads is refused by the kernel, and the run ended"""
    need_group(t)
    t.write("threads.py", THREADS)
    t.contains(t.bare(PYTHON, "threads.py", "500", "end").out, "made 500", "control")
    limits(t, "processes = 50")
    result = t.sandbox(PYTHON, "threads.py", "500", timeout=100)
    t.equal(result.code, 137, result)
    event, = result.of_type("limit.reached")
    t.equal((event["details"]["limit"], event["details"]["value"]), ("threads at once", 200))
    t.true(used(result)["threads"] <= 202, used(result))


@test(event="none")
def left_over(t):
    """the control group of a run that was killed is removed by the next one"""
    need_group(t)
    run, group = started(t)
    run.kill()
    run.wait()
    if group.parent.suffix == ".scope":
        return wait_until(lambda: not group.parent.exists(), "the session's manager removes it")
    t.true(group.exists(), "control: nobody was left to remove it")
    wait_until(lambda: "populated 0" in (group / "cgroup.events").read_text(), "the end of what ran in it")
    other, others = started(t)
    t.true(not group.exists(), "it is gone")
    elsewhere = t.base / "elsewhere"
    elsewhere.mkdir()
    t.succeeded(t.sandbox("/usr/bin/true", cwd=elsewhere))
    t.true(others.exists(), "that of a run that goes on stays")
    other.send_signal(signal.SIGTERM)
    other.wait()


@test(event="none")
def of_the_sessions_manager(t):
    """where no group is delegated, systemd's manager of the session gives one: it has all that the run starts, and goes with it"""
    if not os.path.exists(f"/run/user/{os.geteuid()}/systemd/private"):
        raise NotApplicable("there is no manager of a session here")
    need_group(t)
    run, group = started(t)
    if group.parent.suffix != ".scope":
        raise NotApplicable("a group is delegated, so that nobody is asked")
    wait_until(lambda: len(processes_below(run.pid)) >= 4, "init, keeper, the command and what it starts")
    t.equal(set(map(int, (group / "cgroup.procs").read_text().split())), processes_below(run.pid))
    t.contains((group.parent / "supervisor/cgroup.procs").read_text(), f"{run.pid}\n", "beside it, not held to its limits")
    run.send_signal(signal.SIGTERM)
    run.wait()
    wait_until(lambda: not group.parent.exists(), "the end of the scope")
