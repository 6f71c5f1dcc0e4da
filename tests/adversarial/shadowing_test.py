"""A package's program under the name of one of the system's: node_modules/.bin comes first in PATH, and so it
would run in its place in every later script."""

import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from honest import Place, manager_of  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"stops": "attribution", "event": "program.shadowed"}

PROGRAM = "#!/usr/bin/node\nrequire('fs').writeFileSync(process.env.INIT_CWD + '/owned', process.argv[1])\n"


def attack(t, name, script):
    """The project's own script, bare, where the package's program runs, and sandboxed."""
    registry = NpmRegistry()
    registry.add("evil", "1.0.0", {"program.js": PROGRAM, "index.js": ""}, more={"bin": {name: "program.js"}})
    t.write("package.json", json.dumps({"name": "app", "version": "1.0.0", "dependencies": {"evil": "1.0.0"},
                                        "scripts": {"postinstall": script}}))
    env = {"npm_config_registry": registry.url(), "npm_config_script_shell": "/bin/sh"}
    t.bare("npm", "install", env=env)
    t.true((t.project / "owned").exists(), "control: the package's program ran")
    (t.project / "owned").unlink()
    shutil.rmtree(t.project / "node_modules")
    result = t.sandbox("npm", "install", "--foreground-scripts", env=env,
                       options=["--allow-host", f"localhost:{registry.port}", "--on-alert", "log"])
    t.true(not (t.project / "owned").exists(), result)
    alert, = result.of_type("program.shadowed")
    t.equal((alert["severity"], alert["details"]["package"]), ("alert", "evil"))
    t.true(alert["details"]["path"].endswith(f"node_modules/.bin/{name}"), alert)
    t.contains(result.said, "in the place of the system's")
    return result


@test(time_limit=120)
def shell(t):
    """`sh`: the system's runs"""
    result = attack(t, "sh", "sh -c 'echo ran as wanted'")
    t.contains(result.out + result.err, "ran as wanted", "the system's sh did it")


@test(time_limit=120)
def git(t):
    """`git`: the system's runs"""
    result = attack(t, "git", "git --version")
    t.contains(result.out + result.err, "git version", "the system's git did it")


@test(time_limit=120)
def by_its_path(t):
    """`sed`, by its path: nothing runs, for nobody needs it"""
    attack(t, "sed", "node_modules/.bin/sed x || true")


@test(time_limit=120)
def under_yarn(t):
    """`git` under yarn 4, which has no .bin in PATH but a directory of its own: the system's runs, by yarn's shell or
    one that it starts"""
    place = Place(t, manager_of("yarn4"))
    place.registry.add("evil", "1.0.0", {"program.js": PROGRAM.replace("INIT_CWD", "PROJECT_CWD"), "index.js": ""},
                       more={"bin": {"git": "program.js"}})
    place.manifest(dependencies={"evil": "1.0.0"}, scripts={"go": "sh -c 'git --version'"})
    place.bare("yarn", "install")
    owned = place.root / "owned"
    place.bare("yarn", "run", "go")
    t.true(owned.exists(), "control: the package's program ran")
    owned.unlink()
    result = t.sandbox("yarn", "run", "go", env=place.env, cwd=place.root,
                       options=[*place.options, "--on-alert", "log"])
    t.true(not owned.exists(), result)
    t.contains(result.out + result.err, "git version", "the system's git did it")
    alert, = result.of_type("program.shadowed")
    t.equal(alert["severity"], "alert")
