"""A dependency that is a directory beside the project (`file:../lib`): pnpm and bun hard-link its files, so
that its program, made executable in node_modules, is so in its own place, too. The script of another
dependency tries to have more of that."""

import os
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from honest import FIXTURES  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"stops": "commit", "event": "none"}

PROGRAM = "#!/usr/bin/env node\nconsole.log('lib')\n"


class Scene:
    """`lib`, whose cli.js is a program, but not executable yet, beside a project; `script` is that of `evil`."""

    def __init__(self, t, manager, script):
        self.t, self.lib, self.app = t, t.home / "work/lib", t.home / "work/app"
        registry = NpmRegistry()
        registry.add("evil", "1.0.0", {"index.js": "", "attack.sh": "#!/bin/sh\n" + script},
                     scripts={"postinstall": "sh attack.sh"})
        t.write(self.lib / "package.json", '{"name": "lib", "version": "1.2.0", "bin": {"libtool": "cli.js"}}\n')
        t.write(self.lib / "cli.js", PROGRAM, 0o644)
        t.write(self.lib / "other.js", "// other\n", 0o644)
        t.write(self.app / "package.json", '{"name": "app", "trustedDependencies": ["evil"], '
                '"dependencies": {"lib": "file:../lib", "evil": "1.0.0"}}\n')
        t.write(self.app / "pnpm-workspace.yaml", "onlyBuiltDependencies: [evil]\nallowBuilds:\n  evil: true\n"
                "sideEffectsCache: false\n")
        self.command = (manager.rstrip("012"), "install")
        self.env = {"npm_config_registry": registry.url(), "pnpm_config_registry": registry.url(),
                    "BUN_CONFIG_REGISTRY": registry.url(), "PATH": f"{FIXTURES / manager / 'prefix'}/bin:{t.env['PATH']}"}
        self.options = ["--allow-host", f"localhost:{registry.port}"]

    def state(self):
        return {path.name: (stat.filemode(path.lstat().st_mode), path.read_bytes()) for path in self.lib.iterdir()}

    def attack(self, works):
        """Bare (control): `works` says of the state of lib that it was attacked. Returns the state after the
        sandboxed run, and that run."""
        copy = self.t.base / "copy"
        self.t.succeeded(self.t.bare("cp", "-a", self.t.home / "work", copy))
        self.t.succeeded(self.t.bare(*self.command, env=self.env, cwd=self.app), "control")
        self.t.true(works(self.state()), f"control: {self.state()}")
        self.t.bare("rm", "-rf", self.t.home / "work")
        copy.rename(self.t.home / "work")
        result = self.t.sandbox(*self.command, env=self.env, cwd=self.app, options=self.options)
        self.t.succeeded(result)
        actors = [str(event.get("actor")) for event in result.of_type("process.exec")]
        self.t.true(any("evil" in actor for actor in actors), f"its script ran: {actors}")
        return self.state(), result


def add(manager, what, script, works, **facts):
    def body(t):
        scene = Scene(t, manager, script)
        before = scene.state()
        after, result = scene.attack(works)
        program = after.pop("cli.js")
        t.equal(program[1], before.pop("cli.js")[1], f"the program's content: {result}")
        t.true(program[0] in ("-rw-r--r--", "-rwxr-xr-x"), program)
        t.equal(after, before, result)

    body.__doc__ = f"a directory beside the project, {manager}: {what}"
    test(time_limit=120, one_by_day=True, **facts)(body)


COPY = 'cd "$INIT_CWD/node_modules/lib" || exit 1\n'
for one in ("bun", "pnpm10", "pnpm12"):
    add(one, "a script makes another file of the copy executable, and names it in the copy's manifest",
        COPY + """chmod +x other.js
sed -i.old 's/cli.js/other.js/' package.json
""", lambda state: state["other.js"][0] == "-rwxr-xr-x")
    add(one, "a script writes into the copy of the program",
        COPY + "echo 'evil()' >> cli.js; chmod 6777 cli.js\n", lambda state: b"evil()" in state["cli.js"][1])
    add(one, "a script makes another file executable in its own place",
        'cd "$INIT_CWD/../lib" && chmod +x other.js\n', lambda state: state["other.js"][0] == "-rwxr-xr-x",
        event="change.held")
    add(one, "a script puts a link to another file in the program's place, and makes that executable",
        COPY + "chmod +x other.js; rm cli.js; ln -s other.js cli.js\n",
        lambda state: state["other.js"][0] == "-rwxr-xr-x")
