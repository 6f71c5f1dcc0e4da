"""A project that was cloned names another project of the user's as a dependency (`file:../victim`): it is shown,
as the package manager has to read it, and npm installs in it. What it keeps to itself is not shown, and what a
package's script changes there is held."""

import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import SECRET, test  # noqa: E402
from honest import FIXTURES  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"stops": "mounts", "event": "none"}

TOKEN = "ghp_" + "Zq3" * 12
PLACES = (".env", "packages/api/.env.production", ".npmrc", ".git/config", "deploy/key", "closed/letter")


class Scene:
    """`app`, a stranger's, beside `victim`, the user's own; a package `evil` runs `script`."""

    def __init__(self, t, script, spec="file:../victim", manager="npm11"):
        self.t, self.work = t, t.home / "work"
        self.app, self.victim = self.work / "app", self.work / "victim"
        registry = NpmRegistry()
        registry.add("evil", "1.0.0", {"index.js": "", "attack.js": script}, scripts={"postinstall": "node attack.js"})
        registry.add("lib", "2.0.0", {"index.js": "clean\n"})
        registry.add("native", "1.0.0", {"index.js": "", "build.js": "require('fs').writeFileSync('built', '1')"},
                     scripts={"install": "node build.js"})
        t.write(self.app / "package.json", json.dumps({"name": "app", "dependencies": {"evil": "1.0.0", "victim": spec},
                                                       "trustedDependencies": ["evil"]}))
        t.write(self.app / "pnpm-workspace.yaml", "onlyBuiltDependencies: [evil]\nallowBuilds:\n  evil: true\n"
                "sideEffectsCache: false\n")
        t.write(self.victim / "package.json", '{"name": "victim", "version": "1.0.0", "dependencies": {"lib": "2.0.0"}}\n')
        t.write(self.victim / "index.js", "clean\n")
        self.command = (manager.rstrip("012"), "install")
        if manager.startswith("npm"):
            self.command += ("--foreground-scripts",)
        self.env = {"npm_config_registry": registry.url(), "pnpm_config_registry": registry.url(),
                    "BUN_CONFIG_REGISTRY": registry.url(), "PATH": f"{FIXTURES / manager / 'prefix'}/bin:{t.env['PATH']}"}
        self.options = ["--allow-host", f"localhost:{registry.port}"]

    def keep(self):
        shutil.copytree(self.work, self.t.base / "copy", symlinks=True)

    def bare(self):
        """The control; then all is as before."""
        self.keep()
        result = self.t.succeeded(self.t.bare(*self.command, env=self.env, cwd=self.app), "control")
        self.t.succeeded(self.t.bare("rm", "-rf", self.t.base / "attacked"))
        self.work.rename(self.t.base / "attacked")
        (self.t.base / "copy").rename(self.work)
        return result

    def attacked(self, path):
        return (self.t.base / "attacked" / path).read_text()

    def sandbox(self, *more):
        return self.t.sandbox(*self.command, env=self.env, cwd=self.app, options=[*self.options, *more])


def reader(*paths):
    return "".join(f"try {{ console.error(require('fs').readFileSync({str(path)!r}, 'utf8')) }} catch (e) {{ console.error(e.code) }}\n"
                   for path in paths)


def secrets(t, victim):
    """Of each kind that is looked for: by name, at any depth; in configuration; by its mode."""
    t.write(victim / ".env", "A=" + SECRET)
    t.write(victim / "packages/api/.env.production", "A=" + SECRET)
    t.write(victim / ".npmrc", f"//registry.example.com/:_authToken={TOKEN}\nfund=false\n")
    t.succeeded(t.bare("git", "init", "-q", victim))
    t.succeeded(t.bare("git", "-C", victim, "remote", "add", "origin", f"https://u:{TOKEN}@git.example.com/x.git"))
    t.write(victim / "deploy/key", SECRET, 0o600)
    t.write(victim / "closed/letter", SECRET).parent.chmod(0o700)


def hides(t, manager):
    scene = Scene(t, reader(*[t.home / "work/victim" / path for path in PLACES]), manager=manager)
    secrets(t, scene.victim)
    control = scene.bare()
    t.contains(control.out + control.err, SECRET, "control")
    t.contains(control.out + control.err, TOKEN, "control")
    result = t.succeeded(scene.sandbox())
    said = result.out + result.err
    t.lacks(said, SECRET)
    t.lacks(said, TOKEN)
    t.contains(said, "fund=false", "what is no secret is shown")
    # Who copies gets a copy without them: exit code 0, but not in silence.
    t.equal("to show it: --ro" in result.said, manager.startswith("pnpm"), result.said)


def add(manager):
    def body(t):
        hides(t, manager)

    body.__doc__ = f"{manager}: the .env, tokens and private files of another project that the manifest names are not shown"
    test(time_limit=120)(body)


for one in ("npm11", "pnpm10"):
    add(one)


@test(time_limit=120)
def as_the_user_says(t):
    """what the user names of another project's is shown (--ro, cat), but not for typing the project; what is not is named where the command fails"""
    victim = t.home / "work/victim"
    scene = Scene(t, reader(victim / ".env") + "process.exit(1)")
    t.write(scene.victim / ".env", SECRET)
    result = scene.sandbox()
    t.true(result.code != 0 and SECRET not in result.err, result)
    t.contains(result.said, f"to show it: --ro {scene.victim}/.env")
    t.contains(scene.sandbox("--ro", scene.victim).err, SECRET, "--ro")
    scene.command += ("../victim",)
    t.lacks(scene.sandbox().err, SECRET, "typed for npm")
    t.contains(t.succeeded(t.sandbox("cat", scene.victim / ".env", cwd=scene.app)).out, SECRET, "typed")


@test(time_limit=120, stops="commit", event="change.protected")
def modules_of_another_project(t):
    """a script that changes what another project has in node_modules, adds to it and takes from it changes nothing"""
    scene = Scene(t, f"""const fs = require('fs'), v = {str(t.home / 'work/victim')!r};
fs.writeFileSync(v + '/node_modules/lib/index.js', 'pwned');
fs.mkdirSync(v + '/src/node_modules/react', {{recursive: true}}); fs.writeFileSync(v + '/src/node_modules/react/index.js', 'pwned');
fs.writeFileSync(v + '/node_modules/lib/more.js', 'pwned'); fs.rmSync(v + '/node_modules/lib/old.js');
fs.symlinkSync('../lib/more.js', v + '/node_modules/.bin/tool');""")
    t.write(scene.victim / "node_modules/lib/package.json", '{"name": "lib", "version": "2.0.0"}')
    for name in ("index.js", "old.js"):
        t.write(scene.victim / "node_modules/lib" / name, "clean\n")
    t.write(scene.victim / "node_modules/.bin/keep", "")
    t.write(scene.victim / "src/a.js", "")
    scene.bare()
    t.equal(scene.attacked("victim/node_modules/lib/index.js"), "pwned", "control")
    result = scene.sandbox()
    t.equal((scene.victim / "node_modules/lib/index.js").read_text(), "clean\n", result)
    t.true((scene.victim / "node_modules/lib/old.js").exists(), result)
    for path in ("src/node_modules", "node_modules/lib/more.js", "node_modules/.bin/tool"):
        t.true(not os.path.lexists(scene.victim / path), f"{path} {result}")
    t.contains(result.err, "ALERT", "the change of what was there")
    t.contains(str([e["details"] for e in result.of_type("change.held")]), "another project than this one")


@test(time_limit=120, stops="commit", event="change.held")
def name_of_another(t):
    """a script whose package has the name of one that another project needs, and an orphan that says so of itself, add nothing"""
    victim = t.home / "work/victim"
    scene = Scene(t, f"""const fs = require('fs'), d = {str(victim)!r} + '/src/node_modules/react'; fs.mkdirSync(d, {{recursive: true}});
fs.writeFileSync(d + '/index.js', 'pwned');
require('child_process').spawn('sh', ['-c', 'sleep 0.3; sh -c "echo pwned > $npm_package_json.js"'], {{detached: true, stdio: 'ignore', env: {{...process.env,
npm_lifecycle_event: 'install', npm_package_name: 'native', npm_package_version: '1.0.0', npm_package_json: {str(victim)!r} + '/node_modules/native/package.json'}}}}).unref();
setTimeout(() => 0, 200)""")
    t.write(scene.victim / "src/a.js", "")
    t.write(scene.victim / "node_modules/native/package.json", '{"name": "native", "version": "1.0.0"}')
    t.write(scene.app / "package.json", json.dumps({"name": "app", "dependencies": {
        "react": "npm:evil@1.0.0", "victim": "file:../victim"}, "scripts": {"postinstall": "sleep 1"}}))
    scene.bare()
    t.equal(scene.attacked("victim/src/node_modules/react/index.js"), "pwned", "control")
    t.equal(scene.attacked("victim/node_modules/native/package.json.js"), "pwned\n", "control: the orphan")
    result = scene.sandbox()
    t.true(not (scene.victim / "src/node_modules").exists(), result)
    t.true(not (scene.victim / "node_modules/native/package.json.js").exists(), result)


@test(time_limit=120, stops="commit")
def directory_above(t):
    """`file:..` makes the directory above no project: what lies there is another project, or many"""
    scene = Scene(t, reader(t.home / "work/.env", t.home / "work/victim/.env") +
                  f"require('fs').writeFileSync({str(t.home / 'work/node_modules/x.js')!r}, 'pwned')", spec="file:..")
    t.write(scene.work / "package.json", '{"name": "victim", "version": "1.0.0"}\n')
    for place in (scene.work, scene.victim):
        t.write(place / ".env", SECRET)
    t.write(scene.work / "node_modules/lib/index.js", "clean\n")
    t.write(scene.app / ".env", "OWN=shown\n")
    control = scene.bare()
    t.contains(control.out + control.err, SECRET, "control")
    t.equal(scene.attacked("node_modules/x.js"), "pwned", "control")
    result = t.succeeded(scene.sandbox())
    t.lacks(result.out + result.err, SECRET)
    t.true(not (scene.work / "node_modules/x.js").exists(), result)
    t.true((scene.app / "node_modules/evil").exists(), "its own")


BUILD = {"scripts": {"prepare": "node build.js"}}


def reasons(result):
    return {e["details"]["path"]: e["details"]["reason"] for kind in ("change.held", "change.protected")
            for e in result.of_type(kind)}


def held(result):
    return {e["details"]["path"] for kind in ("change.held", "change.protected") for e in result.of_type(kind)}


@test(time_limit=120, stops="commit", event="change.held")
def own_scripts_of_the_project(t):
    """what the scripts of a project that was cloned do in another project: no dependency, no lockfile, no settings, nothing new, no other version"""
    scene = Scene(t, "")
    manifest = {"name": "victim", "version": "1.0.0", "dependencies": {"lib": "2.0.0"}}
    attack = f"""const fs = require('fs'), v = {str(scene.victim)!r} + '/';
for (const [name, text] of Object.entries({{'conftest.py': 'pwned', 'package-lock.json': '{{"pwned": 1}}', 'npm-shrinkwrap.json': '{{"pwned": 1}}',
  'package.json': JSON.stringify({{...JSON.parse(fs.readFileSync(v + 'package.json')), version: '6.6.6', dependencies: {{lib: '2.0.0', evil: '1.0.0'}}}})}}))
  fs.writeFileSync(v + name, text);
fs.copyFileSync(v + '.env.example', v + '.env')"""
    t.write(scene.app / "own.js", attack)
    t.write(scene.app / "package.json", json.dumps({"name": "app", "dependencies": {"victim": "file:../victim"},
                                                    "scripts": {"postinstall": "node own.js"}}))
    before = {"package.json": json.dumps(manifest), "package-lock.json": '{"lockfileVersion": 3}', ".env.example": "A=1\n"}
    for name, text in before.items():
        t.write(scene.victim / name, text)
    scene.bare()
    for name in ("conftest.py", "package-lock.json", "npm-shrinkwrap.json"):
        t.contains(scene.attacked(f"victim/{name}"), "pwned", "control")
    t.contains(scene.attacked("victim/package.json"), "6.6.6", "control")
    result = t.succeeded(scene.sandbox())
    for name, text in before.items():
        t.equal((scene.victim / name).read_text(), text, f"{name} {result}")
    added = ("conftest.py", "npm-shrinkwrap.json", ".env")
    for name in added:
        t.true(not (scene.victim / name).exists(), f"{name} {result}")
    t.true({*added, "package.json", "package-lock.json"} <= held(result), held(result))


@test(time_limit=120, stops="commit", event="change.held")
def build_of_the_project(t):
    """what `npm test` of a project that was cloned does in another project: none of its sources, nothing that it has installed"""
    scene = Scene(t, "")
    attack = f"""const fs = require('fs'), v = {str(scene.victim)!r} + '/';
for (const name of ['index.js', 'conftest.py', 'node_modules/lib/index.js']) fs.writeFileSync(v + name, 'pwned');
fs.rmSync(v + 'kept', {{recursive: true}})"""
    t.write(scene.app / "own.js", attack)
    t.write(scene.app / "package.json", json.dumps({"name": "app", "dependencies": {"victim": "file:../victim"},
                                                    "scripts": {"test": "node own.js"}}))
    before = {"index.js": "clean\n", "node_modules/lib/index.js": "clean\n", "kept/a.js": "1\n"}
    for name, text in before.items():
        t.write(scene.victim / name, text)
    scene.command = ("npm", "test")
    scene.bare()
    for name in ("index.js", "conftest.py", "node_modules/lib/index.js"):
        t.equal(scene.attacked(f"victim/{name}"), "pwned", "control")
    result = scene.sandbox()
    for name, text in before.items():
        t.equal((scene.victim / name).read_text(), text, f"{name} {result}")
    t.true(not (scene.victim / "conftest.py").exists(), result)
    t.true({"index.js", "conftest.py", "kept"} <= held(result), held(result))
    t.contains(reasons(result)["node_modules/lib/index.js"], "in another project than this one")


@test(time_limit=120, stops="commit", event="change.held")
def code_of_the_manager(t):
    """what a project that was cloned has pnpm itself load (.pnpmfile.cjs) does in another project: no settings, no script"""
    scene = Scene(t, "", manager="pnpm10")
    t.write(scene.app / ".pnpmfile.cjs", f"""const fs = require('fs'), v = {str(scene.victim)!r} + '/';
fs.writeFileSync(v + '.npmrc', 'ignore-scripts=false'); fs.writeFileSync(v + 'index.js', 'pwned');
fs.writeFileSync(v + 'package.json', JSON.stringify({{name: 'victim', version: '1.0.0', bin: 'index.js', scripts: {{prepare: 'pwned'}}}}))""")
    t.write(scene.app / "package.json", json.dumps({"name": "app", "dependencies": {"victim": "file:../victim"}}))
    manifest = json.dumps({"name": "victim", "version": "1.0.0", "bin": "index.js"})
    t.write(scene.victim / "package.json", manifest)
    scene.bare()
    t.equal(scene.attacked("victim/index.js"), "pwned", "control")
    result = scene.sandbox()
    t.equal((scene.victim / "package.json").read_text(), manifest, result)
    t.equal((scene.victim / "index.js").read_text(), "clean\n", result)
    t.true(not (scene.victim / ".npmrc").exists(), result)
    t.true({".npmrc", "index.js", "package.json"} <= held(result), held(result))


# A process that is seen to end, then one that ends without being seen: exit(2) of the last thread.
UNSEEN = """import ctypes, subprocess, time
subprocess.run(['true'])
time.sleep(0.3)
for path in PATHS: open(path, 'w').write('pwned')
ctypes.CDLL(None).syscall(60 if __import__('os').uname().machine == 'x86_64' else 93, 0)
"""


@test(time_limit=120, stops="commit", event="change.protected")
def unseen_end(t):
    """a script that writes between an end that is seen and its own, which is not: no lockfile, here or in another project"""
    paths = [str(t.home / "work" / name) for name in ("app/npm-shrinkwrap.json", "victim/npm-shrinkwrap.json")]
    scene = Scene(t, "")
    registry = NpmRegistry()
    registry.add("evil", "1.0.0", {"a.py": UNSEEN.replace("PATHS", repr(paths))},
                 scripts={"postinstall": "exec /usr/bin/python3 a.py"})
    scene.env["npm_config_registry"] = registry.url()
    scene.options = ["--allow-host", f"localhost:{registry.port}"]
    t.write(scene.victim / "package.json", '{"name": "victim", "version": "1.0.0"}')
    scene.bare()
    for path in paths:
        t.equal(scene.attacked(os.path.relpath(path, scene.work)), "pwned", "control")
    result = scene.sandbox()
    for path in paths:
        t.true(not os.path.exists(path), f"{path} {result}")
    protected = [e["details"]["path"] for e in result.of_type("change.protected")]
    t.equal(protected, ["npm-shrinkwrap.json"] * 2, result)


@test(time_limit=120, stops="commit", event="change.held")
def name_of_the_other_project(t):
    """a package that calls itself as the other project does, and has a script of the same event, adds nothing to what that one builds"""
    victim = t.home / "work/victim"
    scene = Scene(t, "")
    registry = NpmRegistry()
    plant = f"const fs = require('fs'); fs.mkdirSync({str(victim)!r} + '/dist', {{recursive: true}}); fs.writeFileSync({str(victim)!r} + '/dist/planted.js', 'pwned'); " \
        f"fs.writeFileSync({str(victim)!r} + '/npm-shrinkwrap.json', 'pwned')"
    own = json.dumps({"name": "victim", "version": "1.0.0", "scripts": {"postinstall": "node attack.js"}})
    registry.add("carrier", "1.0.0", {"node_modules/victim/package.json": own, "node_modules/victim/attack.js": plant},
                 dependencies={"victim": "1.0.0"}, more={"bundleDependencies": ["victim"]})
    scene.env["npm_config_registry"] = registry.url()
    scene.options = ["--allow-host", f"localhost:{registry.port}"]
    t.write(scene.app / "package.json", json.dumps({"name": "app", "dependencies": {"carrier": "1.0.0", "victim": "file:../victim"}}))
    t.write(scene.victim / "package.json", json.dumps({"name": "victim", "version": "1.0.0", "scripts": {"postinstall": "sleep 1"}}))
    t.write(scene.victim / ".gitignore", "dist\n")
    scene.bare()
    for name in ("dist/planted.js", "npm-shrinkwrap.json"):
        t.equal(scene.attacked(f"victim/{name}"), "pwned", "control")
    result = t.succeeded(scene.sandbox())
    started = [(e["actor"]["package"], e["actor"]["version"], e["actor"]["event"]) for e in result.of_type("script.started")]
    t.equal(started, [("victim", "1.0.0", "postinstall")] * 2, "both go by one name")
    for name in ("dist", "npm-shrinkwrap.json"):
        t.true(not (scene.victim / name).exists(), result)
        t.true(any(path.startswith(name) for path in held(result)), held(result))


@test(time_limit=120, stops="commit", event="change.held")
def another_shell_for_its_scripts(t):
    """a project whose .npmrc has a shell of its own run all scripts, that of another project as well, adds nothing there but what git ignores"""
    scene = Scene(t, "")
    t.write(scene.app / "package.json", json.dumps({"name": "app", "dependencies": {"victim": "file:../victim"}}))
    t.write(scene.app / ".npmrc", "script-shell=${PWD}/evil.sh\n")
    scene.env["PWD"] = str(scene.app)  # as a shell has it
    t.write(scene.app / "evil.sh", f"""#!/bin/sh
cd {scene.victim} && mkdir -p tests dist && echo pwned > conftest.py && echo pwned > tests/a.test.js && echo pwned > index.js && echo built > dist/a.js
""", 0o755)
    t.write(scene.victim / "package.json", json.dumps({"name": "victim", "version": "1.0.0", **BUILD}))
    t.write(scene.victim / "build.js", "")
    t.write(scene.victim / ".gitignore", "dist\n")
    scene.bare()
    for path in ("victim/conftest.py", "victim/tests/a.test.js", "victim/index.js"):
        t.equal(scene.attacked(path), "pwned\n", "control")
    result = t.succeeded(scene.sandbox())
    t.equal((scene.victim / "index.js").read_text(), "clean\n", result)
    t.equal((scene.victim / "dist/a.js").read_text(), "built\n", "what git ignores is taken over: the script ran")
    for path in ("conftest.py", "tests"):
        t.true(not (scene.victim / path).exists(), f"{path} {result}")
    t.true({"conftest.py", "index.js"} <= held(result), held(result))


@test(time_limit=120, stops="commit", event="change.held")
def build_of_another_project(t):
    """a script that leaves something running until another project is built puts nothing into what that builds"""
    victim = t.home / "work/victim"
    scene = Scene(t, f"""require('child_process').spawn('sh', ['-c',
'while ! test -e {victim}/dist/built.js; do sleep 0.02; done; echo pwned > {victim}/dist/built.js; echo pwned > {victim}/dist/more.js'],
{{detached: true, stdio: 'ignore'}}).unref()""")
    t.write(scene.victim / "package.json", json.dumps({"name": "victim", "version": "1.0.0", **BUILD}))
    t.write(scene.victim / "build.js", "const fs = require('fs'); fs.mkdirSync('dist'); fs.writeFileSync('dist/built.js', 'built'); "
            "require('child_process').execSync('sleep 1')")
    t.write(scene.victim / ".gitignore", "dist\n")
    scene.bare()
    t.equal(scene.attacked("victim/dist/more.js"), "pwned\n", "control")
    result = t.succeeded(scene.sandbox())
    t.true(not (scene.victim / "dist").exists(), result)
    t.true(any(path.startswith("dist") for path in held(result)), held(result))


@test(time_limit=120)
def editable_of_another(t):
    """an environment that came with the project and says that another one is installed from beside shows none of that one's secrets, and nothing of a hidden directory"""
    app, victim = t.home / "work/app", t.home / "work/victim"
    hidden = t.home / ".keys"
    for place in (victim, hidden):
        t.write(place / "pyproject.toml", "[project]\nname = 'x'\n")
        t.write(place / ".env", SECRET)
        t.write(place / "x.py", "x = 'module'\n")
    for name, place in (("victim", victim), ("keys", hidden)):
        t.write(app / f".venv/lib/python3.11/site-packages/{name}-1.dist-info/direct_url.json",
                json.dumps({"dir_info": {"editable": True}, "url": f"file://{place}"}))
    t.write(app / ".venv/pyvenv.cfg", "home = /usr/bin\n")
    reads = ["sh", "-c", f"cat {victim}/x.py {victim}/.env {hidden}/x.py {hidden}/.env; echo pwned > {victim}/more.py"]
    control = t.succeeded(t.bare(*reads, cwd=app))
    t.equal(control.out.count(SECRET), 2, "control")
    t.equal((victim / "more.py").read_text(), "pwned\n", "control")
    (victim / "more.py").unlink()
    # Likewise what the manifest leads to, where the command is no package manager.
    for more in (lambda: None, lambda: t.write(app / "package.json", '{"dependencies": {"victim": "file:../victim", "keys": "file:../../.keys"}}')):
        more()
        result = t.sandbox(*reads, cwd=app)
        t.equal(result.out, "x = 'module'\n", result)
        for reason in (f"{hidden}/x.py: No such file", f"{hidden}/.env: No such file", "more.py: Read-only file system"):
            t.contains(result.err, reason)
        t.true(not (victim / "more.py").exists(), result)
        for place in (victim, hidden):
            t.write(place / "package.json", "{}")
