"""Real repositories' manifests (facts alone: scripts/real-projects), installed from the registry that the
package manager is configured for: bare and sandboxed are the same, and nothing is said. Git hooks are
held, as everywhere; what they are is left out of the comparison."""

import json
import os
import pathlib
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from honest import FIXTURES, GIT, MANAGERS, Place  # noqa: E402

PROJECTS = json.loads((pathlib.Path(__file__).parent / "real_projects.json").read_text())
HOOKS = (".git/hooks/*", ".git/config", ".husky/_/*", ".husky/_")
LOCKFILES = ("package-lock.json", "pnpm-lock.yaml", "yarn.lock")
PATIENCE = 600  # of one install, in seconds


class RealPlace(Place):
    """A clone of a repository that has only what an install asks for."""

    def __init__(self, t, facts):
        super().__init__(t, MANAGERS[facts["manager"]])
        self.env = GIT | {"PATH": f"{FIXTURES / facts['manager'] / 'prefix/bin'}:{t.env['PATH']}", "CI": None}
        # What browsers' packages fetch is on hosts of their own.
        self.env |= {"PUPPETEER_SKIP_DOWNLOAD": "1", "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"}
        if facts["manager"] == "yarn1":
            self.env["YARN_IGNORE_ENGINES"] = "true"  # the node is ours
        self.options = []
        self.held = HOOKS
        self.timeout = PATIENCE
        for path, manifest in facts["manifests"].items():
            self.write(path, json.dumps(manifest, indent=2) + "\n")
            self.stub_programs(pathlib.PurePath(path).parent, manifest.get("bin") or {})
        for path, text in facts["settings"].items():
            self.write(path, text)
        for path in facts["hooks"]:
            self.write(path, "true\n")
        if facts["manager"] == "yarn4":
            self.write("yarn.lock", "")
            self.env["YARN_ENABLE_IMMUTABLE_INSTALLS"] = "false"
            self.env["YARN_ENABLE_TELEMETRY"] = "0"

    def stub_programs(self, directory, programs):
        for path in [programs] if isinstance(programs, str) else programs.values():
            self.write(directory / path, "#!/usr/bin/env node\n")

    def git_state(self):
        return {question: (code, "".join(line for line in out.splitlines(True) if not line.startswith("core.hookspath")))
                for question, (code, out) in super().git_state().items()}

    def differences(self, kept, trees):
        found = super().differences(kept, trees)
        return {path: what for path, what in found.items()
                if not any(pathlib.PurePath(path).match(glob) for glob in HOOKS)}


def register(facts):
    def body(t):
        place = RealPlace(t, facts)
        place.commit_all()
        manager = place.manager
        place.bare(manager.command, *manager.first_install)  # makes the lockfile, fills the cache
        place.git("add", "-A")
        place.git("commit", "-q", "--no-verify", "--allow-empty", "-m", "lock")
        place.git("clean", "-qfdx")
        has_lock = any((place.root / name).exists() for name in LOCKFILES)  # some want none: package-lock=false
        place.run(manager.command, *(manager.install if has_lock else manager.first_install))

    body.__doc__ = f"{facts['repository']} by {facts['manager']}: an install is as bare, and quiet"
    test(body, time_limit=4 * PATIENCE)


for project in PROJECTS:
    register(project)
