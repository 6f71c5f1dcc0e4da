#!/usr/bin/env python3
"""Runs test files: each test in a process and scratch directory of its own, a few at once.

Usage: runner.py [-j N] [-k WORD] [--by-day] [--counts FILE] [--label TEXT] [--keep] FILE|DIRECTORY...

Prints `ok`, `FAIL` or `skip` with each test's name, and a closing line of counts (`n/a`: what the
test attacks does not exist on this host; not counted). With
SANDBOX_RUN_MUST_WORK=1 a skip is a failure. Exit code 1 if a test failed.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import harness  # noqa: E402

SCRATCH = os.environ.get("TMPDIR") or "/var/tmp"


def load(path):
    """Imports a test file; its tests land in harness.TESTS."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


def find_files(arguments):
    for argument in map(pathlib.Path, arguments):
        if argument.is_dir():
            yield from sorted(argument.glob("*_test.py"))
        else:
            yield argument


def remove(base):
    """rm -rf, also of directories without permissions, or deeper than Python can walk (a test may leave them)."""
    closed = ["-type", "d", "!", "-perm", "-u=rwx"]
    subprocess.run(["find", base, *closed, "-exec", "chmod", "u+rwx", "{}", ";"], stderr=subprocess.DEVNULL)
    subprocess.run(["rm", "-rf", base], stderr=subprocess.DEVNULL)


def run_in_child(test, base, report):
    """Runs one test; writes {"result", "detail"} to the descriptor `report`."""
    os.setsid()
    os.umask(0o022)
    # What a test starts must not hold the runner's own output open.
    log = os.open(os.path.join(base, "log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number, descriptor in enumerate((os.open("/dev/null", os.O_RDONLY), log, log)):
        os.dup2(descriptor, number)
    try:
        context = harness.Context(base)
        test.function(context)
        problem = context.log_problem()
        if problem:
            raise AssertionError(f"a log is not as sandbox-run-events(5) says: {problem}")
        problem = context.unseen_events(test)
        if problem:
            raise AssertionError(problem)
        outcome = {"result": "ok", "detail": ""}
    except harness.Skip as reason:
        outcome = {"result": "skip", "detail": str(reason)}
    except harness.NotApplicable as reason:
        outcome = {"result": "n/a", "detail": str(reason)}
    except BaseException as error:  # a test may end in any way, SystemExit too
        where = traceback.extract_tb(error.__traceback__)
        frames = [f for f in where if "/support/" not in f.filename] or list(where)
        place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"
        outcome = {"result": "FAIL", "detail": f"{place}: {type(error).__name__}: {error}"}
    os.write(report, json.dumps(outcome).encode()[:60000])


class Running:
    def __init__(self, test, keep):
        self.test, self.keep = test, keep
        self.started = time.monotonic()
        self.base = tempfile.mkdtemp(prefix="srt-", dir=SCRATCH)
        self.report, theirs = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 99
            try:
                run_in_child(test, self.base, theirs)
                code = 0
            finally:
                os._exit(code)
        os.close(theirs)

    def poll(self):
        """None while it runs, else (result, detail)."""
        late = time.monotonic() - self.started > self.test.time_limit
        if late:
            os.killpg(self.pid, signal.SIGKILL)
        pid, _ = os.waitpid(self.pid, 0 if late else os.WNOHANG)
        if pid == 0:
            return None
        self.end_processes()
        os.set_blocking(self.report, False)
        try:
            data = os.read(self.report, 65536)
        except BlockingIOError:
            data = b""
        os.close(self.report)
        if not self.keep:
            remove(self.base)
        if late:
            return "FAIL", f"still ran after {self.test.time_limit} s"
        try:
            outcome = json.loads(data)
        except ValueError:
            return "FAIL", "the test's process died without a word"
        return outcome["result"], outcome["detail"]

    def end_processes(self):
        """What the test started and forgot: every process that has the scratch home in its
        environment. A control run leaves daemons on purpose."""
        marker = f"HOME={self.base}/".encode()
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    if marker in file.read():
                        os.kill(int(entry), signal.SIGKILL)
            except OSError:
                continue


def run_all(tests, options):
    must_work = os.environ.get("SANDBOX_RUN_MUST_WORK") == "1"
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    waiting, running = list(tests), []
    while waiting or running:
        while waiting and len(running) < options.jobs:
            running.append(Running(waiting.pop(0), options.keep))
        for one in list(running):
            outcome = one.poll()
            if outcome is None:
                continue
            running.remove(one)
            result, detail = outcome
            if result == "skip" and must_work:
                result, detail = "FAIL", f"skipped, which is not allowed here: {detail}"
            kinds = {"ok": "passed", "FAIL": "failed", "skip": "skipped"}
            if result in kinds:
                counts[kinds[result]] += 1
            seconds = time.monotonic() - one.started
            print(f"{result:<4}  {one.test.name} ({seconds:.1f} s)", flush=True)
            if detail:
                print("      " + detail.replace("\n", "\n      "), flush=True)
        time.sleep(0.01)
    return counts


def by_day(tests):
    """Without the later ones of those that are marked `one_by_day`; how many these are is said."""
    first, chosen = set(), []
    for test in tests:
        if not test.one_by_day or test.function.__code__ not in first:
            chosen.append(test)
        first.add(test.function.__code__)
    print(f"by day {len(chosen)} of {len(tests)} tests: the others differ from one of these in the manager or a detail")
    return chosen


def refuse_without_isolation():
    """Attacks are run only by a sandbox that has namespaces of its own: should it be broken or be
    replaced by something else, they would hit this machine."""
    for kind in ("pid", "net", "mnt", "user"):
        with tempfile.TemporaryDirectory(prefix="srt-", dir=SCRATCH) as base:
            context = harness.Context(base)
            inside = context.cli("-q", "--", "readlink", f"/proc/self/ns/{kind}")
        if inside.code != 0 or inside.out.strip() in ("", os.readlink(f"/proc/self/ns/{kind}")):
            sys.exit(f"runner.py: no {kind} namespace of its own, so no attack is run: {inside}")


def main():
    # What a caller ignores (nohup; a script's `&`) would be inherited by every command under test.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    # One more than there are processors: tests wait, for a server or a clock, a good part of their time.
    parser.add_argument("-j", "--jobs", type=int, default=(os.cpu_count() or 1) + 1)
    parser.add_argument("-k", default="", help="only tests whose name holds this")
    parser.add_argument("--by-day", action="store_true", help="of tests marked one_by_day the first of each kind")
    parser.add_argument("--counts", help="file to write the counts to, as JSON")
    parser.add_argument("--label", default="", help="who runs: shown in the closing line")
    parser.add_argument("--keep", action="store_true", help="leave the scratch directories")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    os.umask(0o022)
    files = list(find_files(options.files))
    for path in files:
        load(path)
    if any(path.absolute().parent.name == "adversarial" for path in files):
        refuse_without_isolation()
    tests = [test for test in harness.TESTS if options.k in test.name]
    if options.by_day:
        tests = by_day(tests)
    with tempfile.TemporaryDirectory(prefix="srt-", dir=SCRATCH) as programs:
        os.environ["SRT_PROGRAMS"] = programs
        counts = run_all(tests, options)
    if options.counts:
        pathlib.Path(options.counts).write_text(json.dumps(counts))
    label = f"{options.label}: " if options.label else ""
    print(label + ", ".join(f"{number} {kind}" for kind, number in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
