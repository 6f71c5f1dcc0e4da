"""A command that failed and is committed all the same, as its package manager says that it has done its work
(done_when_written): a package's script writes that itself, and hopes that less is looked at."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from honest import FIXTURES  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"rows": "A104", "stops": "commit", "event": "change.protected"}

ATTACK = """#!/bin/sh
mkdir -p "$INIT_CWD/node_modules" "$INIT_CWD/.vscode"
echo 'layoutVersion: 5' > "$INIT_CWD/node_modules/.modules.yaml"
echo '{"tasks": []}' > "$INIT_CWD/.vscode/tasks.json"
exit 1
"""


@test(time_limit=120)
def says_that_all_is_done(t):
    """a script writes what pnpm writes at its end, plants a task of the editor, and fails: an alert, and no task"""
    registry = NpmRegistry()
    registry.add("evil", "1.0.0", {"attack.sh": ATTACK}, scripts={"postinstall": "sh attack.sh"})
    app = t.home / "work/app"
    env = {"npm_config_registry": registry.url(), "pnpm_config_registry": registry.url(),
           "PATH": f"{FIXTURES / 'pnpm12' / 'prefix'}/bin:{t.env['PATH']}"}

    def fresh():
        t.bare("rm", "-rf", app)
        t.write(app / "package.json", '{"name": "app", "dependencies": {"evil": "1.0.0"}}\n')
        t.write(app / "pnpm-workspace.yaml", "allowBuilds:\n  evil: true\nsideEffectsCache: false\n")

    fresh()
    t.true(t.bare("pnpm", "install", env=env, cwd=app).code != 0, "control: it fails")
    t.true((app / ".vscode/tasks.json").exists(), f"control: {list((app / 'node_modules').iterdir())}")
    fresh()
    result = t.sandbox("pnpm", "install", env=env, cwd=app, options=["--allow-host", f"localhost:{registry.port}"])
    t.true(result.code != 0, result)
    t.true(not (app / ".vscode").exists(), result)
    alerts = [event for event in result.of_type("change.protected") if ".vscode" in str(event["details"])]
    t.true(alerts and "evil" in str(alerts[0]), alerts or [e["type"] for e in result.events])
