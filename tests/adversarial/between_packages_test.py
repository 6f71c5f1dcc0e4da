"""What one package's script does to another package. It is not stopped yet: a script has all of node_modules,
as the manager has, until each has a room of its own. These tests say so, and fail when it is stopped, so that
the list of what is not is true."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"stops": "nothing", "event": "none"}

VICTIM_FILES = {"index.js": "module.exports = 'clean'\n", "cli.js": "#!/usr/bin/env node\nconsole.log('clean')\n",
                "p.js": "require('fs').writeFileSync('made', 'by itself')\n"}


def not_yet(t, script, planted, text):
    """`script` of the package `evil` runs before that of `victim`, which needs it."""
    registry = NpmRegistry()
    registry.add("evil", "1.0.0", {"attack.js": script}, scripts={"postinstall": "node attack.js"})
    registry.add("victim", "1.0.0", VICTIM_FILES, scripts={"postinstall": "node p.js"}, dependencies={"evil": "1.0.0"},
                 more={"bin": {"victim": "cli.js"}})
    t.write("package.json", json.dumps({"name": "app", "version": "1.0.0", "private": True, "dependencies": {"victim": "1.0.0"},
                                        "allowScripts": {"evil": True, "victim": True}}))
    env = {"npm_config_registry": registry.url()}
    t.succeeded(t.bare("npm", "install", "--foreground-scripts", env=env), "control")
    t.equal((t.project / planted).read_text(), text, "control")
    t.bare("rm", "-rf", "node_modules", "package-lock.json")
    result = t.sandbox("npm", "install", "--foreground-scripts", env=env, options=["--allow-host", f"localhost:{registry.port}"])
    place = t.project / planted
    stopped = not place.exists() or place.read_text() != text
    t.true(not stopped and "ALERT" not in result.err, f"it is stopped by now: make this a test that says so\n{result}")


@test(time_limit=120)
def code_of_another_package(t):
    """not stopped yet: a script rewrites another package's code, and its program in .bin"""
    not_yet(t, "const fs = require('fs'); fs.writeFileSync('../victim/index.js', 'evil\\n'); fs.writeFileSync('../.bin/victim', 'evil\\n')",
            "node_modules/victim/index.js", "evil\n")


@test(time_limit=120)
def name_of_another_package(t):
    """not stopped yet: a script rewrites what another package's script runs, and so acts under its name"""
    not_yet(t, "require('fs').writeFileSync('../victim/p.js', \"require('fs').writeFileSync('made', 'as the other')\")",
            "node_modules/victim/made", "as the other")
