"""`npm ci` of 940 packages (36,000 files), bare and in sandbox-run: a fresh one, and one over an
existing tree.

The packages are made here and come from a registry on loopback; each install is offline, from a warm
cache, and npm has been asked before what it is configured to use. Paired: each round has both, the
order rotates. ext4 searches past inodes that were freed in the last minutes, which makes the next
install near them slow, bare or not: so each install has a directory of its own, in a part of the disk of
its own (chattr +T), the fresh ones come first, and nothing is deleted in between but what an install
itself replaces.

Printed as ratios, with the time of reading, judging and committing the changes (commit_us of
run.finished, and how much of it was waiting for the disk) and the time in which the replaced tree was
removed after the prompt was back.
"""

import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tests/support"))
from npm_registry import NpmRegistry  # noqa: E402

FILES = 37  # of a package, besides its package.json and act.js
SYNC_TIME = pathlib.Path(__file__).resolve().parent.parent.parent / "tests/support/sync_time.c"
OPTIONS = ["--no-audit", "--no-fund", "--no-update-notifier"]


def package_files(source, words):
    """Text of the sizes that installs have: most files small, the mean 14 KB."""
    files = {}
    for index in range(FILES):
        size = min(int(source.lognormvariate(8.1, 1.7)), 400_000)
        start = source.randrange(len(words) // 2)
        text = words[start : start + size]
        directory = ["", "lib/", "dist/", "dist/esm/"][index % 4]
        files[f"{directory}file{index}.js"] = f"// {source.random()}\n{text}\n"
    return files


def say(text):
    """What is being done: on standard error, for the figures are on standard output."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def make_project(directory, packages, script_every=None):
    """A project with its lockfile, and a home with a warm cache; returns its environment. `script_every`
    so many packages one has an install script, which does next to nothing."""
    say(f"making {packages} packages")
    source = random.Random(1)
    words = "".join(f"const value{source.randrange(10**6)} = {source.random()};\n" for _ in range(20_000))
    registry = NpmRegistry(level=1)  # its thread ends with us
    names = [f"package-{index}" for index in range(packages)]
    for index, name in enumerate(names):
        scripts = {"postinstall": "node act.js"} if script_every and index % script_every == 0 else None
        registry.add(name, "1.0.0", {**package_files(source, words), "act.js": ""}, scripts=scripts)
    manifest = {"name": "app", "version": "1.0.0", "dependencies": {name: "1.0.0" for name in names}}
    project = directory / "project"
    project.mkdir()
    (project / "package.json").write_text(json.dumps(manifest, indent=2))
    (directory / "home").mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory / "home"),
                   "npm_config_registry": registry.url()}
    say("npm install, for the lockfile and the cache")
    subprocess.run(["npm", "install", *OPTIONS], cwd=project, env=environment, check=True,
                   stdout=subprocess.DEVNULL)
    shutil.rmtree(project / "node_modules")
    return project, environment


def compile_preload(source, directory):
    library = directory / f"{source.stem}.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


class Kind:
    """One kind of install, and what is known of its rounds."""

    def __init__(self, title):
        self.title = title
        self.times = {"bare": [], "sandbox-run": []}
        self.commits, self.syncs, self.removals = [], [], []

    def report(self):
        ratios = [ours / bare for bare, ours in zip(self.times["bare"], self.times["sandbox-run"])]
        print(f"{self.title}, {len(ratios)} rounds: {statistics.median(ratios):.3f} x bare "
              f"(rounds: {' '.join(f'{ratio:.2f}' for ratio in ratios)})")
        for who, taken in self.times.items():
            print(f"  {who:<12} {statistics.median(taken):6.2f} s ({min(taken):.2f} … {max(taken):.2f})")
        rest = [commit - sync for commit, sync in zip(self.commits, self.syncs)]
        print(f"  walk, verdict and commit {statistics.median(rest):.0f} ms ({min(rest):.0f} … {max(rest):.0f}), "
              f"and {statistics.median(self.syncs):.0f} ms of waiting for the disk")
        print(f"  old tree and layer removed {statistics.median(self.removals):.2f} s after the prompt "
              f"({min(self.removals):.2f} … {max(self.removals):.2f})", flush=True)


    def add_to(self, results):
        table = results.table("workspace", self.title, "s", "bare")
        for name, taken in self.times.items():
            for one in taken:
                table.add(name, one)
        parts = results.table("workspace", f"{self.title}: where the time goes", "ms", "")
        for name, taken in (("walk, verdict and commit", [one - sync for one, sync in zip(self.commits, self.syncs)]),
                            ("waiting for the disk", self.syncs), ("removed after the prompt", [one * 1e3 for one in self.removals])):
            for one in taken:
                parts.add(name, one)


class Install:
    def __init__(self, binary, directory, packages):
        self.template, self.environment = make_project(directory, packages)
        self.commands = {"bare": ["npm", "ci", "--offline", *OPTIONS]}
        self.commands["sandbox-run"] = [binary, "-q", "--", *self.commands["bare"]]
        self.plan = [binary, "plan", "--", *self.commands["bare"]]
        self.library = compile_preload(SYNC_TIME, directory)
        self.sync_file = directory / "sync-time"

    def prepare(self, place):
        """A project as it comes from version control."""
        project = place / "project"
        shutil.copytree(self.template, project)
        subprocess.run(self.plan, cwd=project, env=self.variables(place), check=True, stdout=subprocess.DEVNULL)

    def variables(self, place):
        return {**self.environment, "XDG_STATE_HOME": str(place / "state")}

    def run(self, who, place, kind):
        environment = self.variables(place)
        if who == "sandbox-run":
            environment |= {"LD_PRELOAD": str(self.library), "SYNC_TIME_FILE": str(self.sync_file)}
        os.sync()
        started = time.perf_counter()
        subprocess.run(self.commands[who], cwd=place / "project", env=environment, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - started
        say(f"{kind.title}, {who}: {took:.2f} s")
        kind.times[who].append(took)
        if who == "sandbox-run":
            self.look_at_run(place / "state", kind)

    def look_at_run(self, state, kind):
        """Waits until nothing of the run is left but its log."""
        started = time.perf_counter()
        run = max((state / "sandbox-run/runs").iterdir())
        while (run / "unfinished").exists():
            time.sleep(0.005)
        kind.removals.append(time.perf_counter() - started)
        last = json.loads((run / "events.jsonl").read_text().splitlines()[-1])
        if last["details"]["outcome"] != "committed":
            raise RuntimeError(f"the run committed nothing: {last}")
        kind.commits.append(last["details"]["commit_us"] / 1e3)
        kind.syncs.append(int(self.sync_file.read_text().split()[-1]) / 1e3)
        self.sync_file.unlink()


def in_order(index):
    names = ["bare", "sandbox-run"]
    return names if index % 2 == 0 else names[::-1]


def measure(install, directory, rounds, fresh, again):
    for kind in (fresh, again):
        for index in range(rounds):
            for who in in_order(index):
                place = directory / f"round-{index}-{who}"
                if kind is fresh:
                    place.mkdir()
                    install.prepare(place)
                install.run(who, place, kind)


def spread(directory):
    """Each directory made in this one gets inodes far from the others': ext4's "top of a hierarchy"."""
    if subprocess.run(["chattr", "+T", directory], stderr=subprocess.DEVNULL).returncode != 0:
        say("this is no ext4: what one install deletes may slow the next one")


def run(results, binary, rounds, options):
    packages = 100 if options.quick else options.packages
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="sandbox-run-bench-") as name:
        directory = pathlib.Path(name)
        spread(directory)
        install = Install(binary, directory, packages)
        fresh = Kind(f"fresh npm ci of {packages} packages ({packages * (FILES + 2)} files)")
        again = Kind("npm ci over an existing tree")
        measure(install, directory, rounds, fresh, again)
        for kind in (fresh, again):
            kind.report()
            kind.add_to(results)
