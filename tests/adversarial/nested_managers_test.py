"""The user's own command may start a package manager that reaches the registries. A package's code tries to
be one, or to have one work for it. What it tries is a download of the package `loot` by a real npm; it is
the registry that tells whether it came through."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from places import Places  # noqa: E402

FACTS = {"stops": "attribution", "event": "flow.denied"}

FAST = "--fetch-retries=0 --no-audit --cache=/tmp/c"


def attack(t, script, command, *, files=None, manifest=None, control=True, options=(), env=None):
    """`evil`, whose postinstall is `script` in JavaScript, is a dependency of the project in which `command`
    is run. In the control run the registry is asked for `loot`; in the sandbox it is not."""
    places = Places(t)
    places.registry.add("loot", "1.0.0", {"index.js": ""})
    head = "const {execSync, spawn} = require('child_process'); const fs = require('fs'); " \
           f"const app = {str(places.root / 'app')!r};\n"
    places.registry.add("evil", "1.0.0", {"attack.js": head + script, "cli.js": "#!/usr/bin/env node\n" + head + script},
                        scripts={"postinstall": "node attack.js"}, more={"bin": {"evil": "cli.js"}})
    places.manifest("app", dependencies={"evil": "1.0.0"}, **(manifest or {}))
    for path, text in (files or {}).items():
        t.write(places.root / "app" / path, text, 0o755)
    before = {path: (places.root / "app" / path).read_text() for path in [*(files or {}), "package.json"]}
    env = {**places.env, "npm_config_fetch_retries": "0", **(env or {})}
    asked = lambda: [path for path in places.registry.requests if path.startswith("/loot")]  # noqa: E731
    if control:
        bare = t.bare(*command, cwd=places.root / "app", env=env)
        t.true(asked(), f"control: the attack works: {bare}")
        places.clean(*[f"app/{name}" for name in ("node_modules", "package-lock.json")
                       if (places.root / "app" / name).exists()])
        for path in (places.root / "app").iterdir():
            if path.name not in ("package.json", *[name.split("/")[0] for name in before]):
                places.clean(path)
        for path, text in before.items():
            t.write(places.root / "app" / path, text)
    places.registry.requests.clear()
    result = t.sandbox(*command, cwd=places.root / "app", options=[*places.options, *options], env=env)
    t.true(any(path.startswith("/evil") for path in places.registry.requests), f"evil was installed: {result}")
    t.equal(asked(), [], f"the registry was asked for loot: {result}")
    return result


SHELL = ("sh", "-c", "npm install --foreground-scripts; true")


@test
def a_dependency_starts_npm(t):
    """A dependency's script that starts npm gets no registry, in the user's shell command"""
    result = attack(t, f"try {{ execSync('npm view loot {FAST}') }} catch {{}}", SHELL)
    denied = [e for e in result.of_type("flow.denied")]
    t.true(denied and all(e["actor"]["kind"] == "script" for e in denied), denied)


@test
def a_dependency_starts_npm_orphaned(t):
    """A dependency's script that loses its parents and waits for a quiet moment gets none for its npm"""
    script = f"spawn('sh', ['-c', 'sleep 2; npm view loot {FAST}'], {{detached: true, stdio: 'ignore'}}).unref()"
    attack(t, script, ("sh", "-c", "npm install --foreground-scripts; sleep 5"))


@test
def a_dependency_clears_its_traces(t):
    """A dependency's script that starts npm without a variable of a script's, as a new session, gets none"""
    script = f"try {{ execSync('setsid env -i PATH=' + process.env.PATH + ' npm_config_registry=' + " \
             f"process.env.npm_config_registry + ' HOME=/tmp npm view loot {FAST}') }} catch {{}}"
    attack(t, script, SHELL)


@test
def a_program_of_a_dependency(t):
    """A dependency's program that the project's own script runs gets no registry for its npm"""
    script = f"try {{ execSync('npm view loot {FAST}') }} catch {{}}"
    attack(t, script, ("sh", "-c", "npm install --ignore-scripts && npm run use; true"),
           manifest={"scripts": {"use": "evil"}})


@test
def a_program_of_a_dependency_by_node(t):
    """…nor if the project's script runs it by node, or a shell that the program starts does it"""
    script = f"try {{ execSync('sh -c \"true; npm view loot {FAST}\"') }} catch {{}}"
    attack(t, script, ("sh", "-c", "npm install --ignore-scripts && node node_modules/evil/cli.js; true"))


@test
def a_planted_program(t):
    """A node_modules/.bin/npm that a dependency plants is not npm, whoever runs it"""
    plant = f"fs.rmSync(app + '/node_modules/.bin/npm', {{force: true}}); fs.writeFileSync(app + " \
            f"'/node_modules/.bin/npm', '#!/bin/sh\\nPATH=/usr/local/bin:/usr/bin:/bin exec npm view loot {FAST}\\n', {{mode: 0o755}})"
    attack(t, plant, ("sh", "-c", "npm install --foreground-scripts; npm run next; true"),
           manifest={"scripts": {"next": "npm --version"}})


@test
def a_rewritten_script(t):
    """A script of the project's that a dependency has rewritten starts no npm with a registry"""
    plant = f"fs.writeFileSync(app + '/next.sh', 'npm view loot {FAST}')"
    attack(t, plant, ("sh", "-c", "npm install --foreground-scripts; sh ./next.sh; true"),
           files={"next.sh": "true\n"})


@test
def a_script_that_loads_what_was_rewritten(t):
    """…nor one that is as it was, but loads what a dependency has rewritten, nor make with such a Makefile"""
    plant = f"fs.writeFileSync(app + '/part.sh', 'npm view loot {FAST}')"
    attack(t, plant, ("sh", "-c", "npm install --foreground-scripts; sh ./next.sh; true"),
           files={"next.sh": ". ./part.sh\n", "part.sh": "true\n"})


@test
def a_rewritten_makefile(t):
    """make with a Makefile that a dependency has rewritten starts no npm with a registry"""
    plant = f"fs.writeFileSync(app + '/Makefile', 'all:\\n\\tnpm view loot {FAST}\\n')"
    attack(t, plant, ("sh", "-c", "npm install --foreground-scripts; make; true"),
           files={"Makefile": "all:\n\ttrue\n"})


@test
def a_rewritten_manifest(t):
    """A script that a dependency writes into package.json starts no npm with a registry"""
    plant = "const path = app + '/package.json'; const m = JSON.parse(fs.readFileSync(path));" \
            f"m.scripts = {{next: 'npm view loot {FAST}'}}; fs.writeFileSync(path, JSON.stringify(m))"
    attack(t, plant, ("sh", "-c", "npm install --foreground-scripts; npm run next; true"),
           manifest={"scripts": {"next": "true"}})


def planted_configuration(place, what):
    def body(t):
        plant = f"fs.appendFileSync({place} + '/.npmrc', '\\nuser-agent=evil\\n')"
        attack(t, plant, ("sh", "-c", f"npm install --foreground-scripts; npm view loot {FAST}; true"))

    body.__doc__ = f"An .npmrc that a dependency plants in {what} takes npm's registry away"
    test(body)


planted_configuration("app", "the project")
planted_configuration("process.env.HOME", "the home")


@test
def a_preload(t):
    """npm with a NODE_OPTIONS that the command did not have is not npm"""
    t.write(t.home / "preload.js", "")
    attack(t, "", ("sh", "-c", "npm install --foreground-scripts; NODE_OPTIONS=--no-warnings npm run use; true"),
           manifest={"scripts": {"use": f"NODE_OPTIONS=--max-old-space-size=300 npm view loot {FAST}"}})


@test(event="none")
def the_debugger_of_a_nested_manager(t):
    """A dependency's program can't open the debugger of an npm that runs besides"""
    script = """
    const probe = () => { for (const pid of fs.readdirSync('/proc').filter(name => /^[0-9]+$/.test(name))) {
      try {
        // Its own test's alone: the control run sees the whole machine.
        if (!fs.readlinkSync(`/proc/${pid}/cwd`).startsWith(process.cwd())) continue;
        if (fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('npm')) process.kill(+pid, 'SIGUSR1');
      } catch (error) { if (error.syscall === 'kill') console.error('signal: ' + error.code); } } };
    probe(); console.error('tried');"""
    places = Places(t)
    places.registry.add("evil", "1.0.0", {"cli.js": "#!/usr/bin/env node\nconst fs = require('fs');" + script},
                        more={"bin": {"evil": "cli.js"}})
    places.manifest("app", dependencies={"evil": "1.0.0"}, scripts={"use": "evil"})
    result = t.sandbox("sh", "-c", "npm install && npm run use; true", cwd=places.root / "app",
                       options=places.options, env=places.env)
    t.contains(result.err, "tried", result)
    t.contains(result.err, "signal: EPERM", "it is refused")
    t.lacks(result.err, "Debugger listening", "no debugger")
    bare = t.bare("sh", "-c", "npm install && npm run use; true", cwd=places.root / "app", env=places.env)
    t.contains(bare.err, "Debugger listening", "control")
