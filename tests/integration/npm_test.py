"""Installs by npm, yarn and pnpm: in the sandbox they leave the same tree as without it."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import compare_trees  # noqa: E402
import package_managers  # noqa: E402
from harness import IS_ROOT, test  # noqa: E402

FIXTURES = pathlib.Path(os.environ.get("SANDBOX_RUN_FIXTURES") or "build-test-fixtures").absolute()


def copy(source, target):
    subprocess.run(["cp", "-R", "--preserve=mode,timestamps,links", "--reflink=auto",
                    f"{source}/.", target], check=True)


class Project:
    """A manager with its Node.js in a directory on PATH (as a CI job's tool cache has them), its caches
    warm, and the project with its lockfile."""

    def __init__(self, t, manager, warm=True):
        fixture = FIXTURES / manager.name
        t.true((fixture / "ready").exists(), f"no {fixture}: tests/support/package_managers.py makes it")
        self.t, self.manager = t, manager
        if warm:
            copy(fixture / "home", t.home)
        copy(fixture / "project", t.project)
        package_managers.write_project(manager, t.project)  # some of it names the place
        self.env = package_managers.variables(manager, t.home, fixture / "prefix")
        self.fresh = t.base / "fresh"
        copy(t.project, self.fresh.mkdir() or self.fresh)

    def use(self, dependencies):
        """Other dependencies, and no lockfile yet."""
        for name in ("package-lock.json", "yarn.lock", "pnpm-lock.yaml"):
            (self.t.project / name).unlink(missing_ok=True)
        package_managers.write_project(self.manager, self.t.project, dependencies)

    def start_over(self, keep_as=None):
        """The project as it was before any install; the present one is kept under another name."""
        self.t.project.rename(self.t.base / keep_as)
        self.t.project.mkdir()
        copy(self.fresh, self.t.project)

    def differences(self, bare_name):
        found = dict(compare_trees.compare(self.t.base / bare_name, self.t.project))
        # yarn's own state is written in the order in which its work came to an end.
        found.pop(".yarn/install-state.gz", None)
        return found

    def check_same_tree(self, arguments):
        """Runs bare, then in the sandbox; a path that differs between two bare runs as well does not
        count."""
        t, command = self.t, [self.manager.command, *arguments]
        t.succeeded(t.bare(*command, env=self.env), "the bare command")
        self.start_over(keep_as="bare")
        result = t.succeeded(t.sandbox(*command, env=self.env, timeout=200), "in the sandbox")
        found = self.differences("bare")
        if found:
            self.start_over(keep_as="sandboxed")
            t.succeeded(t.bare(*command, env=self.env), "the second bare run")
            by_itself = self.differences("bare")
            found = {path: what for path, what in found.items() if path not in by_itself}
        t.equal(dict(list(found.items())[:20]), {}, "differences from the bare run")
        return result

    def check_works(self):
        """What was built and downloaded runs."""
        program = "console.log(require('native-hello')(), require('esbuild').version, !!require('sharp'))"
        result = self.t.bare("node", "-e", program, env=self.env)
        self.t.contains(result.out, "hello from C++", result)


def large_install(manager):
    def body(t):
        project = Project(t, manager)
        result = project.check_same_tree(manager.install)
        if os.path.exists(t.project / "node_modules"):
            project.check_works()
        t.contains(result.err, "sandbox-run:", "the summary")
        names = {e.get("actor", {}).get("package") for e in result.events if "actor" in e}
        t.true({"esbuild", "core-js", "native-hello"} <= names, f"scripts in the log: {names}")

    body.__doc__ = f"{manager.title}: an install of 400 packages with native code gives the bare tree"
    test(body, one_by_day=True, time_limit=300)


def reinstall(manager):
    def body(t):
        project = Project(t, manager)
        project.use({"esbuild": "^0.25.0", "webpack": "^5.0.0", "is-number": "^7.0.0"})
        first = (manager.command, *manager.first_install)
        t.succeeded(t.bare(*first, env=project.env), "the bare install")
        shutil.rmtree((t.project / "node_modules/webpack").resolve())
        t.write("node_modules/stray/file.js", "left behind\n")
        arguments = ("ci",) if manager.command == "npm" else manager.install
        t.succeeded(t.sandbox(manager.command, *arguments, env=project.env, timeout=200))
        t.true((t.project / "node_modules/esbuild/package.json").exists(), "esbuild is there")
        if manager.command == "npm":
            t.true(not (t.project / "node_modules/stray").exists(), "npm ci removed the stray")
            t.true((t.project / "node_modules/webpack/package.json").exists(), "webpack is back")

    body.__doc__ = f"{manager.title}: an install over an existing tree works"
    test(body, one_by_day=True, time_limit=200)


def add_package(manager):
    def body(t):
        project = Project(t, manager, warm=False)
        project.use({"is-number": "^7.0.0"})
        result = t.sandbox(manager.command, *manager.add, "kind-of@6", env=project.env)
        t.succeeded(result, "adding a package")
        manifest = json.loads((t.project / "package.json").read_text())
        t.true("kind-of" in manifest["dependencies"], manifest)
        installed = t.project / "node_modules/kind-of/package.json"
        t.true(installed.exists(), "it is installed")

    body.__doc__ = f"{manager.title}: adding a package changes package.json and the lockfile"
    test(body, one_by_day=True, time_limit=120)


def install_over_the_network(manager):
    def body(t):
        project = Project(t, manager, warm=False)
        project.use({"esbuild": "^0.25.0", "@parcel/watcher": "^2.5.0", "is-number": "^7.0.0"})
        environment = project.env | {"npm_config_prefer_offline": None}
        result = t.sandbox(
            manager.command, *manager.first_install, env=environment, timeout=200
        )
        t.succeeded(result, "an install with cold caches")
        t.true((t.project / "node_modules/is-number/package.json").exists(), "is-number is there")
        opened = result.of_type("flow.opened")
        t.true(opened, f"connections are in the log: {[e['type'] for e in result.events]}")

    body.__doc__ = f"{manager.title}: an install with cold caches comes through the broker"
    test(body, one_by_day=True, time_limit=240)


# bun's and deno's installs: tests/honest.
MANAGERS = [one for one in package_managers.MANAGERS if one.family not in ("bun", "deno")]
# By root with two managers only: what differs for root does not differ by manager.
LONG = [one for one in package_managers.LONG if not IS_ROOT or one.name in ("npm11", "pnpm12")]
for one in LONG:
    large_install(one)
    reinstall(one)
for one in MANAGERS:
    add_package(one)
    install_over_the_network(one)


@test
def yarn_plug_and_play(t):
    """yarn 4 with Plug'n'Play: the install works and its files are committed"""
    manager = next(m for m in package_managers.MANAGERS if m.name == "yarn4")
    project = Project(t, manager)
    package_managers.write_project(manager, t.project, {"is-number": "^7.0.0"})
    (t.project / "yarn.lock").write_text("")
    (t.project / ".yarnrc.yml").write_text("enableTelemetry: false\n")
    t.succeeded(t.sandbox("yarn", "install", env=project.env))
    t.true((t.project / ".pnp.cjs").exists(), ".pnp.cjs is committed")
    run = t.bare("yarn", "node", "-p", "require('is-number')(4)", env=project.env)
    t.contains(run.out, "true", run)


@test
def npm_of_the_system(t):
    """the npm of the system installs the example project"""
    example = pathlib.Path(__file__).resolve().parent.parent / "example"
    copy(example, t.project)
    result = t.succeeded(t.sandbox("npm", "ci"), "npm ci")
    t.true((t.project / "node_modules/.package-lock.json").exists(), "node_modules is committed")
    t.contains(result.err, "committed", "the summary")


@test
def failing_install_commits_nothing(t):
    """an install that fails commits nothing"""
    t.write("package.json", json.dumps({
        "name": "app", "version": "1.0.0", "dependencies": {"is-number": "^7.0.0"},
        "scripts": {"postinstall": "exit 3"}}))
    before = t.fingerprint()
    result = t.sandbox("npm", "install")
    t.true(result.code not in (0, 125, 2), result)
    t.equal(t.fingerprint(), before, "the project")


@test
def npx_runs_a_tool(t):
    """npx runs a package's program"""
    result = t.sandbox("npx", "--yes", "semver@7", "1.2.3")
    t.contains(t.succeeded(result).out, "1.2.3")


@test
def caches_are_kept(t):
    """what npm fetched in the sandbox is in npm's cache afterwards, if no script ran"""
    t.write("package.json", json.dumps({
        "name": "app", "version": "1.0.0", "dependencies": {"is-number": "^7.0.0"}}))
    t.succeeded(t.sandbox("npm", "install"))
    shutil.rmtree(t.project / "node_modules")
    t.succeeded(t.bare("npm", "ci", "--offline"), "an install from the cache alone")


@test(rows="A112", stops="commit", event="none")
def cache_index_of_a_script_is_dropped(t):
    """when a script ran, npm's cache index is not taken over from the run"""
    t.write("package.json", json.dumps({
        "name": "app", "version": "1.0.0", "dependencies": {"is-number": "^7.0.0"},
        "scripts": {"postinstall": "mkdir -p ~/.npm/_cacache/index-v5/aa && echo x > ~/.npm/_cacache/index-v5/aa/poison"}}))
    t.succeeded(t.sandbox("npm", "install"))
    t.true(not (t.home / ".npm/_cacache/index-v5/aa/poison").exists(), "no poison in the index")


@test
def no_empty_cache_is_left(t):
    """a run that keeps nothing leaves nothing at home, where a first cache would be"""
    t.write("package.json", json.dumps({"name": "app", "version": "1.0.0"}))
    t.succeeded(t.sandbox("npm", "ls", options=["--discard"]))
    t.true(not (t.home / ".npm").exists(), "no ~/.npm")
