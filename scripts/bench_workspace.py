"""`npm ci` of 940 packages (36,000 files), bare and in sandbox-run: a fresh one, and one over an
existing tree.

The packages are made here and come from a registry on loopback; each install is offline, from a warm
cache. Paired: each round has both, the order rotates, each install has a directory of its own. Nothing
is deleted between the fresh ones: ext4 searches past inodes that were freed in the last minutes, which
makes the next install slow. The re-installs delete by their nature, so each has a file
system to itself if the caller is root (a loop device), and else only the fresh directory.

Printed as ratios, with the commit's own share (overhead_us of run.finished) and the time in which the
replaced tree was removed after the prompt was back.
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

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/support"))
from npm_registry import NpmRegistry  # noqa: E402

PACKAGES = 940
FILES = 38  # of a package, its package.json besides
OPTIONS = ["--no-audit", "--no-fund", "--no-update-notifier"]
IMAGE_BYTES = 3 << 30


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


def make_project(directory):
    """A project with its lockfile, and a home with a warm cache; returns its environment."""
    source = random.Random(1)
    words = "".join(f"const value{source.randrange(10**6)} = {source.random()};\n" for _ in range(20_000))
    registry = NpmRegistry()  # its thread ends with us
    names = [f"package-{index}" for index in range(PACKAGES)]
    for name in names:
        registry.add(name, "1.0.0", package_files(source, words))
    manifest = {"name": "app", "version": "1.0.0", "dependencies": {name: "1.0.0" for name in names}}
    project = directory / "project"
    project.mkdir()
    (project / "package.json").write_text(json.dumps(manifest, indent=2))
    (directory / "home").mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory / "home"),
                   "npm_config_registry": registry.url()}
    subprocess.run(["npm", "install", *OPTIONS], cwd=project, env=environment, check=True,
                   stdout=subprocess.DEVNULL)
    shutil.rmtree(project / "node_modules")
    return project, environment


class Place:
    """Where one project lies. As root: an ext4 of its own, for what is deleted in one file
    system slows the next install there."""

    def __init__(self, directory, name):
        self.path = directory / name
        self.path.mkdir()
        self.image = None
        if os.geteuid() == 0:
            self.image = directory / f"{name}.image"
            with open(self.image, "wb") as file:
                file.truncate(IMAGE_BYTES)
            try:
                subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,nodiscard", self.image], check=True)
                subprocess.run(["mount", "-o", "loop", self.image, self.path], check=True)
            except (OSError, subprocess.CalledProcessError):
                self.image.unlink()
                self.image = None

    def close(self):
        if self.image:
            subprocess.run(["umount", self.path], check=True)
            self.image.unlink()


class Install:
    def __init__(self, binary, template, environment):
        self.template = template
        self.environment = environment
        self.commands = {"bare": ["npm", "ci", "--offline", *OPTIONS]}
        self.commands["sandbox-run"] = [binary, "-q", "--", *self.commands["bare"]]
        self.overheads = []
        self.removals = []

    def run(self, who, place):
        """Installs in a fresh directory, or again in the one that is there; seconds."""
        project = place / who / "project"
        if not project.exists():
            project.parent.mkdir(parents=True)
            shutil.copytree(self.template, project)
        state = place / who / "state"
        environment = {**self.environment, "XDG_STATE_HOME": str(state)}
        os.sync()
        started = time.perf_counter()
        subprocess.run(self.commands[who], cwd=project, env=environment, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - started
        if who == "sandbox-run":
            self.look_at_run(state)
        return took

    def look_at_run(self, state):
        """Waits until nothing of the run is left but its log."""
        started = time.perf_counter()
        run = max((state / "sandbox-run/runs").iterdir())
        while (run / "unfinished").exists():
            time.sleep(0.005)
        self.removals.append(time.perf_counter() - started)
        last = (run / "events.jsonl").read_text().splitlines()[-1]
        self.overheads.append(json.loads(last)["details"]["overhead_us"] / 1e3)


def report(title, times, install):
    ratios = [ours / bare for bare, ours in zip(times["bare"], times["sandbox-run"])]
    print(f"{title}, {len(ratios)} rounds: {statistics.median(ratios):.3f} x bare "
          f"(rounds: {' '.join(f'{ratio:.2f}' for ratio in ratios)})")
    for who, taken in times.items():
        print(f"  {who:<12} {statistics.median(taken):6.2f} s ({min(taken):.2f} … {max(taken):.2f})")
    print(f"  before the command and after it {statistics.median(install.overheads):.0f} ms; old tree and "
          f"layer removed {statistics.median(install.removals):.2f} s after the prompt", flush=True)


def measure(title, install, places, rounds):
    times = {"bare": [], "sandbox-run": []}
    install.overheads, install.removals = [], []
    for index in range(rounds):
        order = list(times) if index % 2 == 0 else list(times)[::-1]
        for who in order:
            times[who].append(install.run(who, places(index, who)))
    report(title, times, install)


def bench(binary, rounds, parent):
    with tempfile.TemporaryDirectory(dir=parent, prefix="sandbox-run-bench-") as name:
        directory = pathlib.Path(name)
        template, environment = make_project(directory)
        install = Install(os.path.abspath(binary), template, environment)
        fresh = directory / "fresh"
        measure("fresh npm ci of 940 packages", install, lambda index, who: fresh / str(index), rounds)
        places = {}
        try:
            for index in range(rounds):
                for who in install.commands:
                    places[index, who] = Place(directory, f"round-{index}-{who}")
                    install.run(who, places[index, who].path)
            measure("npm ci over an existing tree", install, lambda *key: places[key].path, rounds)
        finally:
            for place in places.values():
                place.close()
