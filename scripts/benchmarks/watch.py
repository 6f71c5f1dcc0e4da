"""What the watch costs, and how late its records are.

From an act to its record in the log: opens of decoys, execs, by the actor's own clock. What decoys add
to the start of `true`, paired. What the watch adds to a fresh `npm ci`, 50 of whose packages have a
script: beside the same run in which nothing is notified and there are no decoys, and beside one that
goes by a behaviour lock, for which each call that writes is notified, too. Paired: each round has all,
the order rotates; if the caller is root on tmpfs, for a disk's moods are larger than what is measured.
"""

import contextlib
import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

from . import workspace

UNWATCHED = pathlib.Path(__file__).resolve().parent.parent.parent / "tests/support/unwatched.c"
EVERY = 19  # of so many packages one has a script


# Inside: says when it is about to do each act. Between two acts a rest, as a supervisor that is never
# idle would show how fast the loop is, not how late an alert comes.
ACTS = """
import os, subprocess, sys, time
home, rounds = os.environ['HOME'], int(sys.argv[1])
paths = ['.ssh/id_ed25519', '.aws/credentials', '.git-credentials', '.docker/config.json', '.kube/config', '.env']
for i in range(rounds):
    path = home + '/' + paths[i % len(paths)]
    time.sleep(0.003)
    print('open', path, time.time_ns())
    os.close(os.open(path, os.O_RDONLY))
    time.sleep(0.003)
    print('exec', f'act-{i}', time.time_ns())
    subprocess.run(['/bin/true', f'act-{i}'])
"""


def recorded_at(event):
    noticed = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
    return noticed.timestamp() * 1e6 + event["act_to_record_us"]


def latencies(binary, directory, rounds):
    log = pathlib.Path(directory) / "events.jsonl"
    done = subprocess.run([binary, "-q", "--on-alert", "log", "--events", log, "--", "/usr/bin/python3", "-c",
                           ACTS, str(rounds)], cwd=directory, check=True, capture_output=True, text=True)
    events = [json.loads(line) for line in log.read_text().splitlines()]
    opened = {}
    for event in events:
        if event["type"] == "decoy.opened":
            opened.setdefault(event["details"]["path"], []).append(recorded_at(event))
    executed = {event["process"]["argv"][1]: recorded_at(event) for event in events
                if event["type"] == "process.exec" and event["process"]["argv"][1:2] and
                event["process"]["argv"][0] == "/bin/true"}
    found = {"decoy opened": [], "exec": []}
    for line in done.stdout.splitlines():
        what, name, acted = line.split()
        if what == "open":
            found["decoy opened"].append(opened[name].pop(0) - int(acted) / 1e3)
        else:
            found["exec"].append(executed[name] - int(acted) / 1e3)
    return found


def took(command, directory, **more):
    started = time.perf_counter()
    subprocess.run(command, cwd=directory, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, **more)
    return time.perf_counter() - started


def start_with_decoys(binary, directory, rounds):
    ratios = []
    for index in range(rounds):
        pair = {}
        for mode in (("files", "off") if index % 2 else ("off", "files")):
            pair[mode] = took([binary, "-q", "--decoys", mode, "--", "true"], directory)
        ratios.append(pair["files"] / pair["off"])
    return statistics.median(ratios)


class Installs:
    """The same `npm ci`, each time in a place of its own."""

    def __init__(self, binary, directory, packages):
        self.directory = directory
        self.template, self.environment = workspace.make_project(directory, packages, EVERY)
        npm = ["npm", "ci", "--offline", *workspace.OPTIONS]
        library = workspace.compile_preload(UNWATCHED, directory)
        self.ways = {
            "watched": ([binary, "-q", "--", *npm], {}),
            "not watched": ([binary, "-q", "--decoys", "off", "--", *npm], {"LD_PRELOAD": str(library)}),
            "by a lock": ([binary, "-q", "--frozen", "--", *npm], {}),
        }
        self.learn = [binary, "-q", "--learn", "--", *npm]
        self.plan = [binary, "plan", "--", *npm]
        self.lock = None

    def run(self, way, command, variables, number):
        place = self.directory / f"place-{number}"
        place.mkdir()
        project = place / "project"
        shutil.copytree(self.template, project)
        environment = {**self.environment, "XDG_STATE_HOME": str(place / "state")}
        if way == "by a lock":
            shutil.copy(self.lock, project)
        subprocess.run(self.plan, cwd=project, env=environment, check=True, stdout=subprocess.DEVNULL)
        seconds = took(command, project, env={**environment, **variables})
        log = next((place / "state/sandbox-run/runs").glob("*/events.jsonl")).read_text()
        workspace.say(f"npm ci, {way}: {seconds:.2f} s, {log.count('process.exec')} execs recorded")
        if way == "learned":
            self.lock = shutil.copy(project / "sandbox-run.lock", self.directory)
        shutil.rmtree(place, ignore_errors=True)  # the run may still be at removing its own
        return seconds

    def measure(self, rounds):
        self.run("learned", self.learn, {}, 0)
        times = {way: [] for way in self.ways}
        for index in range(rounds):
            ways = list(self.ways)
            for way in ways[index % len(ways):] + ways[:index % len(ways)]:
                times[way].append(self.run(way, *self.ways[way], len(times[way]) + 1))
        return times


@contextlib.contextmanager
def in_memory(directory):
    if os.geteuid() != 0:
        yield
        return
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", directory], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


def ratio(times, one, other):
    ratios = sorted(a / b for a, b in zip(times[one], times[other]))
    return f"{statistics.median(ratios):.3f} x ({ratios[0]:.3f} … {ratios[-1]:.3f})"


def run(results, binary, rounds, options):
    packages = 100 if options.quick else options.packages
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
        print(f"from act to record, {rounds} of each, us: median, 99th of a hundred, longest")
        table = results.table("watch", "from act to record", "us", "")
        for name, taken in latencies(binary, scratch, min(rounds, 300)).items():
            for one in taken:
                table.add(name, one)
            taken.sort()
            print(f"  {name:<14} {statistics.median(taken):7.0f} {taken[len(taken) * 99 // 100]:7.0f} {taken[-1]:7.0f}")
        decoys = start_with_decoys(binary, scratch, rounds)
        print(f"start of `true` with decoys to that without, median of {rounds} pairs: {decoys:.3f} x", flush=True)
    rounds = max(3, rounds // 5)
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="sandbox-run-bench-") as name, in_memory(name):
        times = Installs(binary, pathlib.Path(name), packages).measure(rounds)
        table = results.table("watch", f"fresh npm ci of {packages} packages", "s", "not watched")
        for way, taken in times.items():
            for one in taken:
                table.add(way, one)
        table.print()
        print(f"  by a lock to watched      {ratio(times, 'by a lock', 'watched')}")
