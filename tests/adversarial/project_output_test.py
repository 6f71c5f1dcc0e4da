"""New files that the project's own scripts make are taken over: what of a dependency would pass as such."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from honest import GIT  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"rows": "A110", "stops": "commit, attribution", "event": "change.held"}

# Waits, its starter long gone, until the project's own script runs, and writes then.
LATE = """
const fs = require('fs'), root = process.env.INIT_CWD
const timer = setInterval(() => {
  if (!fs.existsSync(root + '/own.txt')) return
  fs.mkdirSync(root + '/lib', {recursive: true})
  fs.writeFileSync(root + '/lib/planted.js', 'evil\\n')
  clearInterval(timer)
}, 5)
setTimeout(() => process.exit(), 20000)
"""
START = "require('child_process').spawn(process.execPath, ['late.js'], {detached: true, stdio: 'ignore'}).unref()\n"
NOW = "require('fs').writeFileSync(process.env.INIT_CWD + '/planted.js', 'evil\\n')\n"
# The project's own script: writes, and goes on until the other has written.
OWN = """
const fs = require('fs')
fs.writeFileSync('own.txt', 'mine\\n')
const end = Date.now() + 10000
while (!fs.existsSync('lib/planted.js') && Date.now() < end) ;
"""


class Scene:
    def __init__(self, t, files, script, scripts):
        registry = NpmRegistry()
        registry.add("evil", "1.0.0", files, scripts={"postinstall": script})
        t.write("own.js", OWN)
        t.write("package.json", json.dumps({"name": "app", "version": "1.0.0", "private": True, "scripts": scripts,
                                            "dependencies": {"evil": "1.0.0"}, "allowScripts": {"evil": True}}))
        self.t, self.env = t, {"npm_config_registry": registry.url()}
        self.options = ["--allow-host", f"localhost:{registry.port}"]

    def control(self, planted):
        self.t.succeeded(self.t.bare("npm", "install", env=self.env), "the control")
        self.t.equal((self.t.project / planted).read_text(), "evil\n", "the control")
        self.t.bare("rm", "-rf", "node_modules", "lib", "own.txt", "package-lock.json", planted)

    def attack(self, planted):
        result = self.t.succeeded(self.t.sandbox("npm", "install", env=self.env, options=self.options))
        self.t.true(not (self.t.project / planted).exists(), f"{planted} is not in the project: {result}")
        held = [event["details"]["path"] for event in result.of_type("change.held")]
        self.t.true(any(planted == path or planted.startswith(path + "/") for path in held), f"held: {held}")
        return result


@test
def in_its_own_time(t):
    """a new file that a dependency's script writes into the project is held"""
    scene = Scene(t, {"now.js": NOW}, "node now.js", {})
    scene.control("planted.js")
    scene.attack("planted.js")


@test
def while_the_projects_script_runs(t):
    """a process that a dependency's script leaves behind writes while the project's own script runs: held"""
    scene = Scene(t, {"late.js": LATE, "start.js": START}, "node start.js", {"postinstall": "node own.js"})
    scene.control("lib/planted.js")
    scene.attack("lib/planted.js")


@test
def touched_by_the_projects_script(t):
    """a file that a dependency's script planted is still held after the project's own script changed its mode"""
    scene = Scene(t, {"now.js": NOW}, "node now.js", {"postinstall": "chmod 600 planted.js"})
    scene.control("planted.js")
    scene.attack("planted.js")


@test
def ignored_output(t):
    """what git ignores is still held if a dependency's script changed it, before or while the project's own script builds; nor is it removed"""
    spoil = ("const fs = require('fs'), root = process.env.INIT_CWD\nfs.appendFileSync(root + '/dist/a.js', 'evil\\n')\n"
             "fs.rmSync(root + '/dist/b.js')\n")
    scene = Scene(t, {"now.js": spoil}, "node now.js", {"postinstall": "chmod 600 dist/a.js"})
    def before():
        t.bare("rm", "-rf", "node_modules", "package-lock.json", "dist")
        t.write(".gitignore", "dist\nnode_modules\n")
        for name in ("a.js", "b.js"):
            t.write(f"dist/{name}", "mine\n", 0o644)
    before()
    t.succeeded(t.bare("npm", "install", env=scene.env), "the control")
    t.equal((t.project / "dist/a.js").read_text(), "mine\nevil\n", "the control")
    t.true(not (t.project / "dist/b.js").exists(), "the control")
    before()
    result = t.succeeded(t.sandbox("npm", "install", env=scene.env, options=scene.options))
    t.equal((t.project / "dist/a.js").read_text(), "mine\n", result)
    t.true((t.project / "dist/b.js").exists(), result)
    t.equal({event["details"]["path"] for event in result.of_type("change.held")}, {"dist/a.js", "dist/b.js"})


@test(event="change.protected")
def settings_of_an_example(t):
    """a script changes the example that the project's own script copies to .env, or copies another one: held"""
    text = "NODE_OPTIONS=--require=./evil.js\n"
    spoil = f"require('fs').writeFileSync(process.env.INIT_CWD + '/.env.example', {text!r})\n"
    scene = Scene(t, {"now.js": spoil}, "node now.js", {"postinstall": "cp .env.example .env"})
    t.write(".env.example", "PORT=3000\n")
    t.succeeded(t.bare("npm", "install", env=scene.env), "the control")
    t.equal((t.project / ".env").read_text(), text, "the control")
    t.bare("rm", "-rf", "node_modules", "package-lock.json", ".env")
    t.write(".env.example", "PORT=3000\n")
    result = t.succeeded(t.sandbox("npm", "install", env=scene.env, options=scene.options))
    t.true(not (t.project / ".env").exists(), result)
    t.equal((t.project / ".env.example").read_text(), "PORT=3000\n", result)
    alerts = [event["details"]["path"] for event in result.of_type("change.protected")]
    t.true(".env" in alerts, alerts)


@test
def changed_sources(t):
    """a source file that is there already is not changed, whoever's script does it"""
    t.write("index.js", "honest\n")
    t.write("package.json", json.dumps({"name": "app", "version": "1.0.0", "private": True, "scripts": {
        "postinstall": "node -e \"require('fs').appendFileSync('index.js', 'evil\\n')\""}}))
    t.succeeded(t.bare("npm", "install"), "the control")
    t.contains((t.project / "index.js").read_text(), "evil", "the control")
    t.write("index.js", "honest\n")
    result = t.succeeded(t.sandbox("npm", "install"))
    t.equal((t.project / "index.js").read_text(), "honest\n")
    t.equal([event["details"]["path"] for event in result.of_type("change.held")], ["index.js"])


REWRITE = """
const fs = require('fs'), root = process.env.INIT_CWD
const manifest = JSON.parse(fs.readFileSync(root + '/package.json'))
fs.writeFileSync(root + '/package.json', JSON.stringify({...manifest, scripts: {test: 'evil'}}))
for (const file of ['Makefile', 'src/index.js', 'jest.config.js']) fs.writeFileSync(root + '/' + file, 'evil')
"""


def beside_make(command, makefile):
    def body(t):
        scene = Scene(t, {"now.js": REWRITE}, "node now.js", {})
        files = {"Makefile": makefile, "src/index.js": "mine\n", "package.json": (t.project / "package.json").read_text()}
        for path, text in files.items():
            t.write(path, text)
        t.succeeded(t.bare(*command, env=scene.env), "the control")
        t.equal((t.project / "src/index.js").read_text(), "evil", "the control")
        t.bare("rm", "-rf", "node_modules", "package-lock.json", "jest.config.js", "dist")
        for path, text in files.items():
            t.write(path, text)
        result = t.sandbox(*command, env=scene.env, options=scene.options)
        t.equal(result.code, 0, result)
        for path, text in files.items():
            t.equal((t.project / path).read_text(), text, f"{path}: {result}")
        t.true(not (t.project / "jest.config.js").exists(), result)
        t.true((t.project / "node_modules/evil").exists(), f"what npm installed is there: {result}")
        t.equal((t.project / "dist/out.js").read_text(), "built\n", f"what is built afterwards, too: {result}")

    body.__doc__ = f"{command[0]} that runs npm install: what a dependency's script changes in the project is held, what is built afterwards is not"
    test(body, time_limit=120, event="change.held|change.protected")


beside_make(("make",), "all:\n\tnpm install\n\tmkdir -p dist && sleep 0.1 && echo built > dist/out.js\n")
beside_make(("sh", "-c", "npm install && mkdir -p dist && sleep 0.1 && echo built > dist/out.js"), "all:\n")


TOOL = """#!/usr/bin/env node
const fs = require('fs')
const manifest = JSON.parse(fs.readFileSync('package.json'))
fs.writeFileSync('package.json', JSON.stringify({...manifest, version: '2.0.0', dependencies: {...manifest.dependencies, ...CHANGED}, ...MORE}))
if (fs.existsSync('.git')) {
  fs.writeFileSync('.git/hooks/pre-commit', '#!/bin/sh\\nevil\\n', {mode: 0o755})
  fs.appendFileSync('.git/config', '[core]\\n\\tfsmonitor = evil\\n')
}
"""


def as_a_release(name, title, changed, more):
    def body(t):
        """What a dependency's program does in a command that makes a release."""
        registry = NpmRegistry()
        registry.add("release-it", "1.0.0", {"cli.js": TOOL.replace("CHANGED", json.dumps(changed)).replace("MORE", json.dumps(more))},
                     more={"bin": {"release-it": "cli.js"}})
        env = {"npm_config_registry": registry.url(), **GIT}
        options = ["--allow-host", f"localhost:{registry.port}"]
        manifest = json.dumps({"name": "app", "version": "1.0.0", "private": True, "scripts": {"release": "release-it"},
                               "dependencies": {"release-it": "1.0.0"}})
        t.write("package.json", manifest)
        t.succeeded(t.bare("npm", "install", env=env))
        t.succeeded(t.bare("git", "init", "-q"))
        config = (t.project / ".git/config").read_text()
        for command in (("npm", "run", "release"), ("npx", "release-it")):
            t.succeeded(t.bare(*command, env=env), "the control")
            t.contains((t.project / "package.json").read_text(), "2.0.0", "the control")
            t.contains((t.project / ".git/hooks/pre-commit").read_text(), "evil", "the control")
            t.write("package.json", manifest)
            t.write(".git/config", config)
            (t.project / ".git/hooks/pre-commit").unlink()
            result = t.sandbox(*command, env=env, options=options)
            t.equal((t.project / "package.json").read_text(), manifest, result)
            t.equal((t.project / ".git/config").read_text(), config, result)
            t.true(not (t.project / ".git/hooks/pre-commit").exists(), result)
            alerts = {event["details"]["path"] for event in result.of_type("change.protected")}
            t.true({".git/hooks/pre-commit", ".git/config"} <= alerts, alerts)

    body.__name__, body.__doc__ = name, f"a tool that passes for a release tool: {title}; nothing of all it changed is taken over"
    test(time_limit=120, event="change.protected")(body)


as_a_release("release_with_a_hook", "a hook and git's settings beside the version", {}, {})
as_a_release("release_with_a_script", "a script in package.json", {}, {"scripts": {"test": "evil"}})
as_a_release("release_with_another_range", "another package's range", {"release-it": "npm:evil@1.0.0"}, {})
