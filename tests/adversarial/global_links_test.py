"""Packages linked by their names (`npm link NAME`): where a global package leads is shown, and the prefix is
there. A dependency's script tries to have another project shown, and to change the prefix."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"stops": "mounts, commit", "event": "change.protected"}

READ = "cat node_modules/secret/private.txt >seen.txt 2>/dev/null || true"


class Scene:
    """`library`, which has been linked globally, and `secret`, which has not, beside a project; `script` is
    that of `evil`, on which both library and project depend."""

    def __init__(self, t, script):
        self.t, self.work, self.prefix = t, t.home / "projects", t.home / ".npm-global"
        self.app = self.work / "app"
        registry = NpmRegistry()
        registry.add("evil", "1.0.0", {"index.js": "", "attack.sh": "#!/bin/sh\n" + script},
                     scripts={"postinstall": "sh attack.sh"})
        t.write(self.work / "library/package.json", '{"name": "library", "version": "1.0.0", "dependencies": {"evil": "1.0.0"}}')
        t.write(self.work / "secret/package.json", '{"name": "secret", "version": "1.0.0"}')
        t.write(self.work / "secret/private.txt", "of another project\n")
        t.write(self.app / "package.json", '{"name": "app", "version": "1.0.0", "dependencies": {"evil": "1.0.0"}, '
                f'"scripts": {{"read": "{READ}"}}}}')
        packages = self.prefix / "lib/node_modules"
        t.write(packages / "other/package.json", '{"name": "other", "version": "1.0.0"}')
        (packages / "library").symlink_to("../../../projects/library")
        (self.prefix / "bin").mkdir()
        t.write(t.home / ".npmrc", f"prefix={self.prefix}\nupdate-notifier=false\nfund=false\naudit=false\n")
        self.env = {"npm_config_registry": registry.url()}
        self.options = ["--allow-host", f"localhost:{registry.port}"]

    def attack(self, *commands, changed):
        """Bare (control) each of the commands is run, and `changed` says then that it worked. In the sandbox
        it does not. Returns these runs."""
        t, copy = self.t, self.t.base / "copy"
        t.succeeded(t.bare("cp", "-a", t.home, copy))
        for command in commands:
            t.succeeded(t.bare(*command, env=self.env, cwd=self.app), "control")
        t.true(changed(), "control")
        t.bare("rm", "-rf", t.home)
        copy.rename(t.home)
        results = [t.sandbox(*command, env=self.env, cwd=self.app, options=self.options) for command in commands]
        actors = [str(event.get("actor")) for result in results for event in result.of_type("process.exec")]
        t.true(any("evil" in actor for actor in actors), f"its script ran: {actors}")
        t.equal(changed(), False, results[-1])
        return results

    def was_read(self):
        seen = self.app / "seen.txt"
        return seen.exists() and "of another project" in seen.read_text()


@test(time_limit=120, event="none")
def left_in_node_modules(t):
    """a script that leaves node_modules/NAME as a link to another project, which no npm link has linked, has it not shown the next time"""
    scene = Scene(t, 'ln -s ../../secret "$INIT_CWD/node_modules/secret"\n')
    scene.attack(("npm", "install"), ("npm", "run", "read"), changed=scene.was_read)


@test(time_limit=120, event="change.held")
def left_among_global_packages(t):
    """npm link NAME: a script that leaves another project among the global packages, too, has it not shown the next time"""
    scene = Scene(t, f'ln -s ../../secret "$INIT_CWD/node_modules/secret"\nln -s {t.home}/projects/secret {t.home}/.npm-global/lib/node_modules/\n')
    scene.attack(("npm", "link", "library"), ("npm", "run", "read"),
                 changed=lambda: scene.was_read() and (scene.prefix / "lib/node_modules/secret").is_symlink())
    t.equal(os.path.lexists(scene.prefix / "lib/node_modules/secret"), False, "nothing is left there")


@test(time_limit=120)
def another_global_package(t):
    """npm link NAME: a script that writes into a global package, and leaves a program, changes neither"""
    scene = Scene(t, f"cd {t.home}/.npm-global || exit 0\necho evil >lib/node_modules/other/index.js\n"
                  "ln -s ../lib/node_modules/library/x bin/ls\n")
    results = scene.attack(("npm", "link", "library"), changed=lambda: (
        (scene.prefix / "lib/node_modules/other/index.js").exists() or os.path.lexists(scene.prefix / "bin/ls")))
    reasons = [event["details"]["reason"] for event in results[0].events if event["type"] == "change.protected"]
    t.true(any("a global package that the command does not name" in reason for reason in reasons), results[0])


@test(time_limit=120, event="none")
def linked_to_another_name(t):
    """npm link NAME: a global package that leads to a directory of another name shows nothing of it"""
    scene = Scene(t, "exit 0\n")
    link = scene.prefix / "lib/node_modules/library"
    link.unlink()
    link.symlink_to("../../../projects/secret")
    scene.attack(("npm", "install"), ("npm", "link", "library"), ("npm", "run", "read"), changed=scene.was_read)
