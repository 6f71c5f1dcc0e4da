"""A package's script that plants a script in the project's own package.json, which npm runs the next
time: the file changes anyway while `npm install PKG` runs."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"rows": "A109", "stops": "commit", "event": "change.protected"}

PLANT = """
const fs = require('fs'), file = process.env.INIT_CWD + '/package.json';
const manifest = JSON.parse(fs.readFileSync(file));
manifest.scripts = { ...manifest.scripts, postinstall: 'echo planted' };
fs.writeFileSync(file, JSON.stringify(manifest));
"""


class Scene:
    def __init__(self, t):
        self.t = t
        self.registry = NpmRegistry()
        self.registry.add("quiet", "1.0.0", {"index.js": ""})
        self.registry.add("evil", "1.0.0", {"index.js": "", "plant.js": PLANT},
                          scripts={"postinstall": "node plant.js"})
        self.write({})
        self.env = {"npm_config_registry": self.registry.url()}
        self.options = ["--allow-host", self.registry.url().split("/")[2]]

    def write(self, dependencies):
        self.t.write("package.json", json.dumps({"name": "app", "version": "1.0.0", "private": True,
                                                 "dependencies": dependencies}))

    def manifest(self):
        return json.loads((self.t.project / "package.json").read_text())

    def sandbox(self, *command):
        return self.t.succeeded(self.t.sandbox(*command, env=self.env, options=self.options))


def protected(result):
    return {event["details"]["path"]: event["details"]["reason"]
            for event in result.of_type("change.protected")}


@test(time_limit=120, stops="nothing", event="none")
def control(t):
    """control: without the sandbox the planted script is in package.json afterwards"""
    scene = Scene(t)
    t.succeeded(t.bare("npm", "install", "evil", env=scene.env))
    t.equal(scene.manifest()["scripts"], {"postinstall": "echo planted"})


@test(time_limit=120)
def planted_script(t):
    """a script that a package plants in package.json is held, with an alert that names it"""
    scene = Scene(t)
    before = (t.project / "package.json").read_bytes()
    result = scene.sandbox("npm", "install", "evil")
    t.equal((t.project / "package.json").read_bytes(), before)
    t.contains(protected(result).get("package.json", ""), "scripts", result)
    t.true((t.project / "node_modules/evil/index.js").exists(), "the rest is committed")


@test(time_limit=120, rows="", stops="nothing", event="none")
def dependency_added(t):
    """a dependency that npm itself adds to package.json is committed, scripts or not"""
    scene = Scene(t)
    result = scene.sandbox("npm", "install", "quiet")
    t.equal(list(scene.manifest()["dependencies"]), ["quiet"])
    t.equal(protected(result), {})
    scene.registry.add("builds", "1.0.0", {"index.js": ""}, scripts={"postinstall": "echo > built"})
    result = scene.sandbox("npm", "install", "builds")
    t.equal(sorted(scene.manifest()["dependencies"]), ["builds", "quiet"])
    t.equal(protected(result), {})


@test(time_limit=120)
def clean_install(t):
    """a clean install during which package.json changes raises an alert, and changes nothing"""
    scene = Scene(t)
    scene.write({"evil": "1.0.0"})
    t.succeeded(t.bare("npm", "install", "--package-lock-only", "--ignore-scripts", env=scene.env))
    before = (t.project / "package.json").read_bytes()
    result = scene.sandbox("npm", "ci")
    t.equal((t.project / "package.json").read_bytes(), before)
    t.contains(protected(result).get("package.json", ""), "clean install", result)
