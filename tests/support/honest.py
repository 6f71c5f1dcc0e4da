"""Honest projects: what a person has and types, once bare and once with sandbox-run in front, at the same
path. The bare run is the judge: same exit code, same tree, same state of git; and no alert, nothing
held, nothing refused.

    @honest("npm11", "yarn1")
    def adds_a_package(p):
        "adding a package"
        p.manifest(dependencies={"left": "^1.0.0"})
        p.run(p.manager.command, *p.manager.add, "right")

is a test for each of these managers. What it writes lies in p.root; several p.run() are one after the
other, each compared.
"""

import inspect
import json
import os
import pathlib
import re
import shutil
import subprocess
import zlib

import compare_trees
import package_managers
from harness import IS_ROOT, NotApplicable, test
from npm_registry import NpmRegistry, real_packages

FIXTURES = pathlib.Path(os.environ.get("SANDBOX_RUN_FIXTURES") or "build-test-fixtures").absolute()
TOOLS = pathlib.Path(os.environ.get("SANDBOX_RUN_TOOLS") or "build-test-tools").absolute()
MANAGERS = {one.name: one for one in package_managers.MANAGERS}
PYTHON = "/usr/bin/python3"

GIT = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a",
       "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z",
       "GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z"}
# What of a repository says what was done to it; the rest (the index's times, logs) differs anyhow.
GIT_QUESTIONS = (("status", "--porcelain"), ("config", "--local", "--list"), ("for-each-ref",),
                 ("stash", "list"), ("worktree", "list", "--porcelain"))

# Prints a file that v8.serialize() made, whatever the order in its maps and sets.
READ_STATE = """
const plain = value => {
  if (value instanceof Map) return plain([...value]).map(one => JSON.stringify(one)).sort()
  if (value instanceof Set) return plain([...value]).map(one => JSON.stringify(one)).sort()
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value != 'object') return String(value)
  return Object.keys(value).sort().map(key => [key, plain(value[key])])
}
const file = require('fs').readFileSync(process.argv[1])
console.log(JSON.stringify(plain(require('v8').deserialize(require('zlib').gunzipSync(file)))))
"""


def toolbox(registry):
    """Packages that projects of all kinds need."""
    registry.add("left", "1.0.0", {"index.js": "module.exports = 'left 1.0.0'\n"})
    registry.add("left", "1.1.0", {"index.js": "module.exports = 'left 1.1.0'\n"})
    registry.add("right", "2.0.0", {"index.js": "module.exports = require('left')\n"},
                 dependencies={"left": "^1.0.0"})
    tool = ("#!/usr/bin/env node\nconst fs = require('fs'), path = require('path')\n"
            "const [to, text] = process.argv.slice(2)\n"
            "fs.mkdirSync(path.dirname(path.resolve(to)), {recursive: true})\nfs.writeFileSync(to, (text || 'built') + '\\n')\n")
    registry.add("builder", "1.0.0", {"cli.js": tool}, more={"bin": {"builder": "cli.js"}})
    create = ("#!/usr/bin/env node\nconst fs = require('fs')\nconst to = process.argv[2] || 'app'\n"
              "fs.mkdirSync(to + '/src', {recursive: true})\n"
              "fs.writeFileSync(to + '/package.json', JSON.stringify({name: to, version: '0.0.0', private: true, "
              "type: 'module', scripts: {dev: 'builder'}}, null, 2) + '\\n')\n"
              "fs.writeFileSync(to + '/src/main.js', 'hello\\n')\nfs.writeFileSync(to + '/.gitignore', 'node_modules\\n')\n")
    registry.add("create-thing", "3.0.0", {"cli.js": create}, more={"bin": {"create-thing": "cli.js"}})
    # As esbuild's, core-js' …: a script that works in its own directory.
    registry.add("scripted", "1.0.0", {
        "install.js": "require('fs').writeFileSync('made.txt', 'by the script\\n')\n", "index.js": ""},
        scripts={"postinstall": "node install.js"})
    registry.add("scripted", "2.0.0", {"install.js": "setTimeout(() => {}, 700)\n", "index.js": ""},
                 scripts={"postinstall": "node install.js"})


class Place:
    """A person's directory of work, and what is run in it."""

    def __init__(self, t, manager, linker="node-modules"):
        self.t, self.manager, self.linker = t, manager, linker  # linker: of yarn 4
        self.work = t.home / "work"
        self.root = self.work / "app"
        self.root.mkdir(parents=True)
        self.cwd = self.root
        self.registry = NpmRegistry()
        toolbox(self.registry)
        # Held on purpose: paths (globs) that a kind names.
        self.held = ()
        # Python compiles pip at its first start, and again what is not kept of that.
        self.compiles_pip = False
        # Git hooks that a known tool sets up are held: and then they, and what leads to them, are not
        # as after the bare run.
        self.holds_hooks = False
        self.may_fail = False
        self.timeout = 80  # of one run, in seconds
        self.env = {**GIT, "npm_config_registry": self.registry.url(), "pnpm_config_registry": self.registry.url(),
                    "YARN_NPM_REGISTRY_SERVER": self.registry.url(), "BUN_CONFIG_REGISTRY": self.registry.url(),
                    "NPM_CONFIG_REGISTRY": self.registry.url() if manager and manager.name == "deno" else None,
                    "YARN_UNSAFE_HTTP_WHITELIST": "localhost", "YARN_ENABLE_TELEMETRY": "0",
                    "YARN_ENABLE_IMMUTABLE_INSTALLS": "false", "YARN_REGISTRY": self.registry.url(), "CI": None}
        self.options = ["--allow-host", f"localhost:{self.registry.port}"]
        if manager:
            prefix = FIXTURES / manager.name / "prefix"
            t.true(prefix.exists(), f"no {prefix}: tests/support/package_managers.py makes it")
            self.env["PATH"] = f"{prefix}/bin:{t.env['PATH']}"
        # npm, wherever it is, has nothing to say but what it does.
        t.write(t.home / ".npmrc", "update-notifier=false\nfund=false\naudit=false\n")

    # ── what a person has ──

    def write(self, path, text, mode=None):
        return self.t.write(self.root / path, text, mode)

    def manifest(self, where=".", **more):
        """package.json; scripts of dependencies approved where the manager asks."""
        text = {"name": "app", "version": "1.0.0", "private": True} | more
        if where == "." and self.manager:
            if self.manager.name in ("npm11", "npm12"):
                text["allowScripts"] = {"scripted": True}
            if self.manager.name == "bun":
                text["trustedDependencies"] = ["scripted"]
            if self.manager.family == "pnpm":
                members = "".join(f"  - {one}\n" for one in more.get("workspaces", ()))
                self.write("pnpm-workspace.yaml", (f"packages:\n{members}" if members else "") +
                           "onlyBuiltDependencies:\n  - scripted\nallowBuilds:\n  scripted: true\n")
            if self.manager.name == "yarn4":
                self.write(".yarnrc.yml", f"nodeLinker: {self.linker}\nenableScripts: true\n")
                self.write("yarn.lock", "")
        self.write(f"{where}/package.json", json.dumps(text, indent=2) + "\n")

    def serve_real(self, *specs):
        """Packages of the registry that npm is configured for, in this place's own."""
        for manifest, data in real_packages(specs, self.t.environment()):
            self.registry.add_archive(manifest, data)

    def configure(self, text):
        self.t.write(self.t.home / ".config/sandbox-run/config.toml", text)

    def open_for_managers(self, port):
        """As the rule of a registry is, but that one on loopback has to be named by the user."""
        self.configure(f'[[egress]]\nhost = "localhost"\nports = [{port}]\nfor = "package-manager"\n')

    def take_hooks(self, always):
        """The user's word on git hooks that a known tool sets up."""
        self.configure('git_hooks = "commit"\n' if always else "")
        self.holds_hooks = not always

    def bare(self, *command, cwd=None):
        """Preparation: runs without the sandbox, and must succeed."""
        return self.t.succeeded(self.t.bare(*command, env=self.env, cwd=cwd or self.root, timeout=self.timeout),
                                command)

    def git(self, *words, cwd=None):
        return self.bare("git", "-c", "init.defaultBranch=main", *words, cwd=cwd)

    def commit_all(self, cwd=None):
        """A repository with all that is there in one commit."""
        self.write(".gitignore", "node_modules\n.venv\n")
        self.git("init", "-q", cwd=cwd)
        self.git("add", "-A", cwd=cwd)
        self.git("commit", "-q", "-m", "first", cwd=cwd)

    def script(self, path, text):
        return self.write(path, text, 0o755)

    # ── the comparison ──

    def run(self, *command, env=None, also=(), beside=()):
        """Bare, back to what was before, sandboxed; compares. `also`: further trees below the home that
        count (a prefix). `beside`: trees that the bare run must leave as they were, and that differ from
        run to run (names by chance): the kind says what is right of them."""
        environment = self.env | (env or {})
        trees = [self.work, *also]
        before = self.save("before", trees)
        kept = self.save("beside", beside)
        bare = self.t.bare(*command, env=environment, cwd=self.cwd, timeout=self.timeout)
        if not self.may_fail:
            self.t.succeeded(bare, f"the bare run of {command}")
        bare_trees, bare_git = self.save("bare", trees), self.git_state()
        self.restore(before, trees)
        self.restore(kept, beside)
        result = self.t.sandbox(*command, env=environment, cwd=self.cwd, options=self.options,
                                timeout=self.timeout)
        wrong = self.complaints(result)
        if self.holds_hooks and "git hooks wait for you" not in result.said:
            wrong.append("no git hook is held")
        if result.code != bare.code:
            wrong.append(f"exit code {result.code}, bare {bare.code}")
        found = self.differences(bare_trees, trees)
        if found and not beside:  # which a third run would change
            own = self.differences_by_itself(command, environment, before, bare_trees, trees)
            found = {path: what for path, what in found.items() if path not in own}
        wrong += [f"{path}: {what}" for path, what in list(found.items())[:12]]
        if self.git_state() != bare_git:
            wrong.append(f"git: {self.git_state()} bare {bare_git}")
        if wrong:
            raise AssertionError("\n".join([" ".join(map(str, command)), *wrong, str(result)]))
        shutil.rmtree(self.t.base / "trees")
        return result

    def complaints(self, result):
        """What an honest project must not be told of."""
        wrong = []
        for event in result.events:
            kind, details = event["type"], event["details"]
            if event["severity"] == "alert":
                wrong.append(f"alert {kind} {details} by {event.get('actor')}")
            elif kind in ("change.held", "change.protected", "change.stripped"):
                is_hook = self.holds_hooks and details.get("reason", "").startswith("git hooks")
                if not is_hook and not any(pathlib.PurePath(details.get("path", "")).match(glob) for glob in self.held):
                    wrong.append(f"{kind} {details} by {event.get('actor')}")
            elif kind in ("flow.denied", "flow.failed", "packet.denied", "limit.reached"):
                wrong.append(f"{kind} {details} by {event.get('actor')}")
        return wrong

    def save(self, name, trees):
        """Copies of the trees, for restore() and differences()."""
        kept = []
        for number, tree in enumerate(trees):
            to = self.t.base / "trees" / f"{name}-{number}"
            shutil.rmtree(to, ignore_errors=True)
            if tree.exists():
                to.parent.mkdir(exist_ok=True)
                subprocess.run(["cp", "-a", tree, to], check=True)
            kept.append(to)
        return kept

    def restore(self, kept, trees):
        for copy, tree in zip(kept, trees):
            subprocess.run(["rm", "-rf", tree], check=True)
            if copy.exists():
                subprocess.run(["cp", "-a", copy, tree], check=True)

    @staticmethod
    def without_chance(found):
        """pnpm names the note of a finished run by its time and by chance: one in each tree is the same."""
        runs = {}
        for path in found:
            if "/.pnpm-task-run-state-" in path and path.endswith(".finished"):
                runs.setdefault(re.sub(r"\.[0-9a-f]+-[0-9a-f-]+\.finished$", "", path), []).append(path)
        same = [path for paths in runs.values() if len({found[one] for one in paths}) == 2 for path in paths]
        return {path: what for path, what in found.items() if path not in same}

    def differences(self, kept, trees):
        found = {}
        for copy, tree in zip(kept, trees):
            if copy.exists() and tree.exists():
                found |= {f"{tree.name}/{path}": what for path, what in compare_trees.compare(copy, tree)
                          if not self.is_gits_own(path) and not self.is_compiled_finder(path)
                          and not (self.compiles_pip and self.is_compiled_pip(path))
                          and not (self.holds_hooks and self.is_hook(path))
                          and not self.is_same_state(copy / path, tree / path)
                          and not self.is_same_record(copy / path, tree / path)}
            elif copy.exists() != tree.exists():
                found[tree.name] = "is there in one run alone"
        return self.without_chance(found)

    def differences_by_itself(self, command, environment, before, bare_trees, trees):
        """Between two bare runs: times, orders, what was in the cache by then."""
        self.save("sandboxed", trees)
        sandboxed = [self.t.base / "trees" / f"sandboxed-{number}" for number in range(len(trees))]
        self.restore(before, trees)
        self.t.bare(*command, env=environment, cwd=self.cwd, timeout=self.timeout)
        own = self.differences(bare_trees, trees)
        self.restore(sandboxed, trees)
        return own

    @staticmethod
    def is_compiled_finder(path):
        """Of an editable install: Python compiles it again, and one that a build planted would run at
        each start."""
        return "/__pycache__/__editable__" in path

    @staticmethod
    def is_compiled_pip(path):
        started = ("/site-packages/pip/", "/site-packages/_distutils_hack/")  # setuptools' own .pth imports that
        return any(place in path for place in started) and "__pycache__" in path.split("/")

    def is_same_state(self, *paths):
        """Of two of yarn's serialized states: the same but for the order in which downloads ended."""
        if any(path.name != "install-state.gz" or not path.exists() for path in paths):
            return False
        states = [self.bare("node", "-e", READ_STATE, str(path), cwd=self.work).out for path in paths]
        return states[0] == states[1]

    @staticmethod
    def is_same_record(*paths):
        """Of two of virtualenv's lists of files: the same but for the order in which a directory tells them."""
        if any(path.name != "RECORD" or not path.exists() for path in paths):
            return False
        lines = [sorted(path.read_text().splitlines()) for path in paths]
        return lines[0] == lines[1]

    @staticmethod
    def is_gits_own(path):
        parts = path.split("/")
        if ".git" not in parts:
            return False
        rest = parts[parts.index(".git") + 1:]
        if rest[:1] == ["modules"]:  # NAME: what a clone hard-links it copies where it can't, with another mode
            rest = rest[2:]
        return not rest or rest[0] in ("index", "logs", "objects", "COMMIT_EDITMSG", "ORIG_HEAD", "worktrees")

    @staticmethod
    def is_hook(path):
        parts = path.split("/")
        return ".husky" in parts or any(parts[at:at + 2] in ([".git", "hooks"], [".git", "config"], [".git", "info"])
                                        for at in range(len(parts)))

    def git_state(self):
        found = {}
        for directory, names, files in os.walk(self.work):
            if ".git" in names or ".git" in files:
                for words in GIT_QUESTIONS:
                    asked = self.t.bare("git", *words, env=self.env, cwd=directory)
                    out = re.sub("core.hookspath=.*\n", "", asked.out) if self.holds_hooks else asked.out
                    found[os.path.relpath(directory, self.work), words] = (asked.code, out)
            names[:] = [name for name in names if name not in ("node_modules", ".git", ".venv")]
        return found


def honest(*managers, root=False, not_yet=()):
    """Registers a kind of project for each of these managers (of none: once). As root more than a third
    of them is run: those that say so (True, or some managers), where root differs most: what it owns, where
    its caches are, what it may write. `not_yet`: the managers (ALL: whatever they are) for which it is known
    not to hold yet; there it must fail still, so that the list is true."""

    def register(function):
        for name in one_version_of_each(managers, function.__name__) or (None,):
            if IS_ROOT and not (root is True or (root and name in root)):
                continue
            expected = not_yet == ALL or name in not_yet

            def body(t, name=name, expected=expected):
                place = Place(t, manager_of(name), "pnp" if name == "yarn4pnp" else "node-modules")
                if not expected:
                    return function(place)
                try:
                    function(place)
                except AssertionError as known:
                    raise NotApplicable(f"not yet: {str(known)[:300]}") from known
                raise AssertionError("it holds by now: take it off the list `not_yet`")

            title = f"{manager_of(name).title}{' (PnP)' if name == 'yarn4pnp' else ''}: " if name else ""
            body.__doc__ = f"honest: {title}{inspect.getdoc(function)}"
            test(body, time_limit=200)
        return function

    return register


MOST_BY_DAY = 3


def one_version_of_each(managers, kind):
    """Of several versions of one manager a kind is run with one, another for another kind, and with three
    managers at most; with all of them at night. (All would take CI a quarter of an hour.)"""
    if package_managers.ALL_VERSIONS:
        return managers
    turn = zlib.crc32(kind.encode())
    chosen = set()
    for versions in (NPM, PNPM, ("yarn1",), ("yarn4", "yarn4pnp"), BUN, DENO):
        there = [name for name in managers if name in versions]
        chosen.update(there[turn % len(there):][:1] if there else ())
    there = [name for name in managers if name in chosen]
    first = turn % len(there) if there else 0
    return tuple((there[first:] + there[:first])[:MOST_BY_DAY])


def manager_of(name):
    return MANAGERS["yarn4" if name == "yarn4pnp" else name] if name else None


ALL = ("all",)
NPM = ("npm10", "npm11", "npm12")
PNPM = ("pnpm10", "pnpm11", "pnpm12")
YARN = ("yarn1", "yarn4", "yarn4pnp")
BUN = ("bun",)
DENO = ("deno",)
EVERY = (*NPM, *PNPM, *YARN, *BUN)
ONE_EACH = ("npm11", "pnpm10", "yarn1", "yarn4", "bun")
