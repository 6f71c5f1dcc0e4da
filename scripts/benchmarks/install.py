"""Installs by each manager that is here, bare and in sandbox-run, from a warm cache and an index on loopback:
npm ci at several sizes, pnpm, yarn and bun with a lockfile, pip with wheels and with source distributions.
(npm ci over an existing tree, and where its time goes: the suite workspace.)
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tests/support"))
from pypi_index import PypiIndex, wheel  # noqa: E402

from . import workspace  # noqa: E402
from .results import rotated  # noqa: E402
from .start import measured  # noqa: E402

MANAGERS = {
    "pnpm": (["pnpm", "install", "--lockfile-only"], ["pnpm", "install", "--frozen-lockfile", "--offline"]),
    "yarn": (["yarn", "install"], ["yarn", "install", "--offline", "--frozen-lockfile"]),
    "bun": (["bun", "install"], ["bun", "install", "--frozen-lockfile"]),
}


class Project:
    """A template, and the command that installs it; each run has a copy of its own."""

    def __init__(self, title, template, environment, command, port):
        self.title, self.template, self.environment, self.command = title, template, environment, command
        self.options = ["-q", "--allow-host", f"localhost:{port}"]

    def measure(self, results, binary, directory, rounds):
        table = results.table("install", self.title, "s", "bare")
        ways = {"bare": self.command, "sandbox-run": [binary, *self.options, "--", *self.command]}
        for index in range(rounds + 1):
            for name in rotated(ways, index):
                place = directory / f"{index}-{name}"
                shutil.copytree(self.template, place, symlinks=True)
                # What the manager is configured for has been asked before: a person's second install.
                if name == "sandbox-run":
                    subprocess.run([binary, *self.options[1:], "plan", "--", *self.command], cwd=place, env=self.environment,
                                   check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                os.sync()
                took, more = measured(ways[name], place, env=self.environment)
                workspace.say(f"{self.title}, {name}: {took / 1e3:.2f} s")
                if index > 0:
                    table.add(name, took / 1e3, **more)
        table.print()


def npm_project(directory, packages):
    directory.mkdir()
    template, environment = workspace.make_project(directory, packages)
    port = environment["npm_config_registry"].rstrip("/").rsplit(":", 1)[1]
    return Project(f"npm ci of {packages} packages", template, environment,
                   ["npm", "ci", "--prefer-offline", *workspace.OPTIONS], port)


def other_project(directory, name, packages):
    """The same packages for another manager, which has filled its own cache by an install."""
    directory.mkdir()
    template, environment = workspace.make_project(directory, packages)
    registry = environment["npm_config_registry"]
    environment |= {"pnpm_config_registry": registry, "YARN_REGISTRY": registry, "BUN_CONFIG_REGISTRY": registry}
    (template / "package-lock.json").unlink()
    first, command = MANAGERS[name]
    subprocess.run(first, cwd=template, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if name == "pnpm":
        subprocess.run(["pnpm", "install"], cwd=template, env=environment, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(template / "node_modules", ignore_errors=True)
    return Project(f"{name} install of {packages} packages", template, environment, command,
                   registry.rstrip("/").rsplit(":", 1)[1])


def pip_project(directory, kind, packages):
    directory.mkdir()
    index = PypiIndex()
    names = [f"bench{kind}{number}" for number in range(packages)]  # an index goes by what is before the first hyphen
    for name in names:
        module = name
        files = {f"{module}/__init__.py": "x = 1\n", **{f"{module}/m{number}.py": "y = 2\n" * 200 for number in range(20)}}
        if kind == "wheels":
            index.add_file(f"{module}-1.0-py3-none-any.whl", wheel(name, files))
        else:
            files["setup.py"] = f"from setuptools import setup\nsetup(name={name!r}, version='1.0', packages=[{module!r}])\n"
            index.add_sdist(name, files)
    template = directory / "project"
    template.mkdir()
    (template / "requirements.txt").write_text("".join(f"{name}==1.0\n" for name in names))
    home = directory / "home"
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PIP_INDEX_URL": index.url(),
                   "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    # Not the distribution's own pip, which builds in another way.
    subprocess.run(["python3", "-m", "venv", directory / "venv"], check=True)
    command = [str(directory / "venv/bin/python"), "-m", "pip", "install", "--target", "out", "-r", "requirements.txt"]
    return Project(f"pip install of {packages} {kind}", template, environment, command, index.port)


def run(results, binary, rounds, options):
    sizes = [70] if options.quick else [70, 350, 1000]
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="sandbox-run-bench-") as name:
        directory = pathlib.Path(name)
        os.chmod(directory, 0o755)
        workspace.spread(directory)
        makers = {f"npm, {size}": (npm_project, size) for size in sizes}
        for manager in MANAGERS:
            makers[manager] = (lambda place, size, manager=manager: other_project(place, manager, size), sizes[0])
        makers["wheels"] = (lambda place, size: pip_project(place, "wheels", size), 10 if options.quick else 50)
        makers["sdists"] = (lambda place, size: pip_project(place, "sdists", size), 2 if options.quick else 10)
        for number, (what, (make, size)) in enumerate(makers.items()):
            if what in MANAGERS and not shutil.which(what):
                results.leave_out(what, "not installed")
                continue
            try:
                project = make(directory / f"made-{number}", size)
            except (subprocess.CalledProcessError, OSError) as problem:
                results.leave_out(what, f"its project can't be made: {problem}"[:150])
                continue
            place = directory / f"runs-{number}"
            place.mkdir()
            try:
                project.measure(results, binary, place, rounds)
            except RuntimeError as problem:
                results.leave_out(what, str(problem)[:150])


