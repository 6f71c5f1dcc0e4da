"""The behaviour lock: what packages' scripts do is learned once, and what differs later is an alert.
The package manager here is a program of the test's own, named npm, so that each case is quick."""

import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test, wait_until  # noqa: E402

# `npm PACKAGE VERSION SHELL…` runs each PACKAGE's SHELL as npm runs its postinstall.
NPM = """#!/usr/bin/python3
import json, os, subprocess, sys
words = sys.argv[1:]
if words[0] == "config":
    print(json.dumps({"registry": "https://registry.example.com/", "cache": os.path.expanduser("~/.npm")}))
    sys.exit()
open("node_modules/installed", "w").close()
for name, version, shell in zip(words[0::3], words[1::3], words[2::3]):
    package = os.path.join(os.getcwd(), "node_modules", name)
    os.makedirs(package, exist_ok=True)
    told = {"npm_lifecycle_event": "postinstall", "npm_package_name": name,
            "npm_package_version": version, "npm_package_json": package + "/package.json"}
    code = subprocess.call(["/bin/sh", "-c", shell], cwd=package, env={**os.environ, **told})
    if code:
        sys.exit(code)
"""

HONEST = ("esbuild", "0.25.0", "/usr/bin/env true; exit 0")
HIJACKED = ("esbuild", "0.25.0", "/usr/bin/env true; /usr/bin/id; exit 0")
# What HONEST does, as it stands in the lock.
LOCKED = """
[[package]]
name = "esbuild"
version = "0.25.0"
scripts = [
  "postinstall",
]
execs = [
  "env",
  "sh",
  "true",
]
"""
UNTOLD = "(a place that could not be told)"


def others(t):
    """All that is at home but for esbuild's own directory."""
    everything = t.fingerprint(t.home)
    return {path: entry for path, entry in everything.items()
            if "node_modules/esbuild" not in path and not path.startswith((".local/", ".cache/"))}


class Scene:
    def __init__(self, t):
        self.t = t
        t.write(t.home / ".local/bin/npm", NPM, mode=0o755)
        t.write("package.json", "{}")
        t.write("node_modules/.keep", "")
        self.lock = t.project / "sandbox-run.lock"
        self.env = {"PATH": f"{t.home}/.local/bin:/usr/local/bin:/usr/bin:/bin", "CI": None}

    def run(self, *words, options=(), env=None):
        return self.t.sandbox("npm", *words, options=options, env=self.env | (env or {}))

    def learn(self, *words):
        result = self.t.succeeded(self.run(*words, options=["--learn"]))
        self.t.contains(result.said, "learned what the scripts of")
        return self.lock.read_text()

    def cli(self, *words, cwd=None):
        return self.t.cli(*words, env=self.env, cwd=cwd)

    def installed(self):
        return (self.t.project / "node_modules/installed").exists()

    def deviations(self, result):
        return [(e["actor"]["package"], e["details"]["act"]) for e in result.of_type("behaviour.new")]


@test
def learned(t):
    """--learn writes the lock, sorted and without this machine's paths, and the same run then agrees"""
    scene = Scene(t)
    t.equal(scene.deviations(t.succeeded(scene.run(*HONEST))), [], "without a lock nothing is compared")
    text = scene.learn(*HONEST)
    t.contains(text, LOCKED)
    t.lacks(text, str(t.base))
    t.equal(scene.lock.stat().st_uid, os.geteuid())
    t.equal([p for p in os.listdir(t.project) if p.startswith(".sandbox-run")], [], "nothing else is left")
    t.equal(scene.learn(*HONEST), text, "learned again")
    result = t.succeeded(scene.run(*HONEST, options=["--frozen"]))
    t.equal(scene.deviations(result), [])
    t.equal(result.of_type("run.finished")[0]["details"]["alerts"], 0)


@test
def deviation(t):
    """new behaviour of a known version is an alert that names the act, and holds the changes"""
    scene = Scene(t)
    scene.learn(*HONEST)
    os.remove(t.project / "node_modules/installed")
    result = t.succeeded(scene.run(*HIJACKED))
    t.equal(scene.deviations(result), [("esbuild", "runs the program id")])
    event = result.of_type("behaviour.new")[0]
    t.equal(event["severity"], "alert")
    t.equal(event["process"]["exe"], "/usr/bin/id")
    t.contains(result.said, "ALERT: esbuild@0.25.0 postinstall")
    t.contains(result.err, "runs the program id")
    t.true(not scene.installed(), "nothing is committed")
    t.contains(scene.cli("explain", str(event["seq"])).out, "sandbox-run lock update", "the cure")
    t.contains(scene.cli("log").out, "did something new: runs the program id")


@test
def answers(t):
    """a deviation goes through --on-alert, CI's default, and --frozen, which fails everywhere"""
    scene = Scene(t)
    scene.learn(*HONEST)
    for options, env, code, committed in (
        (["--on-alert=log"], {}, 0, True),
        ([], {"CI": "true"}, 122, False),
        (["--frozen"], {}, 122, False),
        (["--frozen", "--on-alert=kill"], {}, 122, False),
    ):
        t.bare("rm", "-f", "node_modules/installed")
        result = scene.run(*HIJACKED, options=options, env=env)
        t.equal(result.code, code, f"{options} {env} {result}")
        t.equal(scene.installed(), committed, f"{options} {env}")
        t.equal(len(scene.deviations(result)), 1)


@test
def kill_is_at_the_act(t):
    """with --on-alert=kill a script ends at its first deviation, not at the end of the run"""
    scene = Scene(t)
    scene.learn(*HONEST)
    script = "/usr/bin/env true; /usr/bin/id; while :; do /usr/bin/env true; done"
    result = scene.run("esbuild", "0.25.0", script, options=["--on-alert=kill"])
    t.equal(result.code, 122, result)
    t.equal(scene.deviations(result), [("esbuild", "runs the program id")])


@test
def versions_and_packages(t):
    """a new version may do what a known one does; a package that the lock lacks is an alert"""
    scene = Scene(t)
    scene.learn(*HONEST)
    newer = ("esbuild", "0.25.1")
    t.equal(scene.deviations(scene.run(*newer, HONEST[2])), [])
    result = scene.run(*newer, HIJACKED[2])
    t.equal(scene.deviations(result), [("esbuild", "runs the program id")])
    t.contains(result.of_type("behaviour.new")[0]["details"]["reason"], "version")
    result = scene.run(*HONEST, "qr-tools", "1.0.0", "/usr/bin/id; /usr/bin/env true")
    t.equal(scene.deviations(result), [("qr-tools", "runs the script postinstall")])


@test
def hosts_and_decoys(t):
    """names that a script asks for, and decoys that it opens, are in the lock, too"""
    scene = Scene(t)
    script = "getent hosts mirror.example.com; cat ~/.aws/credentials >/dev/null; exit 0"
    result = scene.run("esbuild", "0.25.0", script, options=["--learn", "--on-alert=log"])
    t.succeeded(result)
    text = scene.lock.read_text()
    t.contains(text, 'hosts = [\n  "mirror.example.com",\n]')
    t.contains(text, 'decoys = [\n  "~/.aws/credentials",\n]')
    t.equal(scene.deviations(scene.run("esbuild", "0.25.0", script)), [])
    other = script.replace("mirror", "attacker")
    t.equal(scene.deviations(scene.run("esbuild", "0.25.0", other)),
            [("esbuild", "asks for the host attacker.example.com")])


@test(rows="A111", stops="attribution", event="behaviour.new file.written")
def files(t):
    """where a script writes outside its own directory is in the lock, however it gets there"""
    scene = Scene(t)
    t.write("node_modules/qr/index.js", "")
    t.write("node_modules/@acme/ui/dist/a.js", "")
    honest = ("mkdir -p build; echo x > build/own; mv build/own build/moved; : > /dev/null; "
              "echo x >> ../@acme/ui/dist/a.js; echo x > ../../generated.txt; "
              "mkdir -p ~/.cache/esbuild/0.25; echo x > ~/.cache/esbuild/0.25/bin; echo x > /tmp/scratch-$$")
    text = scene.learn("esbuild", "0.25.0", honest)
    t.contains(text, 'files = [\n  "(a file in /tmp)",\n  "generated.txt",\n  "node_modules/@acme/ui",\n'
                     '  "~/.cache/esbuild",\n]')
    t.equal(scene.deviations(t.succeeded(scene.run("esbuild", "0.25.0", honest, options=["--frozen"]))), [])
    dots = "$(printf './%.0s' $(seq 1500))"
    python = "/usr/bin/python3 -c 'import os; d = os.open(\"../qr\", os.O_PATH); os.open(\"x\", os.O_CREAT | os.O_WRONLY, dir_fd=d)'"
    ways = {
        "echo x > ../qr/index.js": "node_modules/qr",
        "ln -s ../qr link; echo x > link/new.js": "node_modules/qr",
        "ln -s ../qr/dangling.js link; echo x > link": "node_modules/qr",
        "echo x > own; ln own ../qr/twin.js": "node_modules/qr",
        "echo x > own; mv own ../qr/index.js": "node_modules/qr",
        "rm ../qr/index.js": "node_modules/qr",
        "cd ..; truncate -s 7 qr/index.js": "node_modules/qr",
        "(cd /; setsid sh -c 'exec 3>>\"$0\"/../qr/index.js; echo x >&3' \"$OLDPWD\")": "node_modules/qr",
        python: "node_modules/qr",
        "mkdir ../../.husky": ".husky",
        "echo x >> ~/.bashrc": "~/.bashrc",
        "mkdir -p ../.prisma/client/deep; echo x > ../.prisma/client/deep/x": "node_modules/.prisma",
        # Ways that can't be followed are a place, too.
        "echo x > /proc/self/cwd/../qr/index.js": UNTOLD,
        f"echo x > ../{dots}qr/index.js": UNTOLD,
        "exec 3<../qr/index.js; echo x > /dev/fd/3": UNTOLD,
    }
    quiet = ["--on-alert=log", "--discard"]
    before = others(t)
    for script, place in ways.items():
        result = scene.run("esbuild", "0.25.0", script, options=quiet)
        written = [act for _, act in scene.deviations(result) if act.startswith("writes to ")]
        t.equal(written, [f"writes to {place}"], f"{script} {result}")
        t.equal(others(t), before, f"{script}: nothing is kept")
        runs = t.home / ".local/state/sandbox-run/runs"
        wait_until(lambda: not list(runs.glob("*/unfinished")), "what was thrown away is gone")
        saved = shutil.copytree(t.home, t.base / "saved", symlinks=True)
        t.bare("npm", "esbuild", "0.25.0", script, env=scene.env)
        t.true(others(t) != before, f"control: without the sandbox it is written: {script}")
        shutil.rmtree(t.home)
        saved.rename(t.home)
    result = scene.run("esbuild", "0.25.0", "echo x > ../qr/index.js")
    t.contains(result.said, "writes to node_modules/qr")
    t.equal(others(t), before, "nothing is committed")


@test
def own_output(t):
    """what a script says on its own output is no file that it writes, by whatever path, wherever it goes"""
    scene = Scene(t)
    scene.learn("esbuild", "0.25.0", "/usr/bin/env true")
    script = "; ".join(f"echo said > {path}" for path in ("/dev/stdout", "/dev/stderr", "/dev/fd/1", "/proc/self/fd/2"))
    for shell in (script, f"/usr/bin/env true | ({script}) 2>own"):
        result = t.succeeded(scene.run("esbuild", "0.25.0", shell, options=["--frozen"]))
        t.equal(scene.deviations(result), [])
    said = t.project / "install.log"
    words = t.sandbox_command("npm", "esbuild", "0.25.0", script, options=["--frozen"])
    t.bare("sh", "-c", '"$@" >install.log 2>&1', "sh", *words, env=scene.env)
    t.equal(said.read_text().count("said"), 4, said.read_text())
    t.lacks(said.read_text(), "ALERT")


@test
def what_is_not_learned(t):
    """a run that failed or raised an alert is not learned from, unless the user looked"""
    scene = Scene(t)
    result = scene.run("esbuild", "0.25.0", "/usr/bin/id; exit 3", options=["--learn"])
    t.equal(result.code, 3, result)
    t.contains(result.said, "not learned: the run failed")
    result = scene.run("esbuild", "0.25.0", "cat ~/.aws/credentials >/dev/null", options=["--learn"])
    t.contains(result.said, "not learned: an alert was raised; if all is well: sandbox-run lock update")
    t.true(not scene.lock.exists(), "no lock")
    t.contains(t.succeeded(scene.cli("lock", "update")).err, "learned what the scripts of 1 package do")
    t.contains(scene.lock.read_text(), "~/.aws/credentials")


@test
def diff_and_update(t):
    """lock diff shows what lock update changes, for the project that one stands in"""
    scene = Scene(t)
    t.one_clear_line(scene.cli("lock", "diff"), 2, "nothing to compare: with --learn or a sandbox-run.lock")
    scene.learn(*HONEST)
    t.equal((scene.cli("lock", "diff").code, scene.cli("lock", "diff").out), (0, ""))
    scene.run("esbuild", "0.26.0", "/usr/bin/id")
    diff = scene.cli("lock", "diff")
    t.equal(diff.code, 1)
    t.contains(diff.out, "- esbuild@0.25.0  runs the program env\n")
    t.contains(diff.out, "+ esbuild@0.26.0  runs the program id\n")
    t.one_clear_line(scene.cli("lock", "diff", cwd=t.home), 2, "nothing to compare")
    t.succeeded(scene.cli("lock", "update", "last"))
    t.lacks(scene.lock.read_text(), "0.25.0")
    t.equal(scene.cli("lock", "diff", cwd=t.project / "node_modules").code, 0)
    t.equal(scene.deviations(scene.run("esbuild", "0.26.0", "/usr/bin/id")), [])
    for words in ((), ("x",), ("diff", "last", "x")):
        t.one_clear_line(scene.cli("lock", *words), 2, "lock diff [RUN]")


@test
def frozen_without_lock(t):
    """--frozen without a lock, and options that contradict each other, are errors before anything runs"""
    scene = Scene(t)
    t.one_clear_line(scene.run(*HONEST, options=["--frozen"]), 2, "there is no", "--learn")
    for options in (["--frozen", "--learn"], ["--learn", "--discard"], ["--frozen", "--on-alert=hold"]):
        t.one_clear_line(scene.run(*HONEST, options=options), 2, "choose one")
    t.one_clear_line(scene.cli("--learn", "runs"), 2, "--learn")
    t.true(not scene.installed(), "nothing ran")


@test
def nothing_to_learn(t):
    """a project whose packages run no scripts has an empty lock, beside which any script is an alert"""
    scene = Scene(t)
    t.lacks(scene.learn("-"), "[[package]]")
    t.equal(scene.deviations(scene.run(*HONEST)), [("esbuild", "runs the script postinstall")])


@test
def hostile_lock(t):
    """a lock that is none is a clear error before anything runs: not a crash, a wait or a missing lock"""
    scene = Scene(t)

    def is_refused(about, *parts):
        for options in ([], ["--learn"], ["--frozen"]):
            result = scene.run(*HONEST, options=options, env={})
            t.one_clear_line(result, 2, "sandbox-run.lock", *parts)
            t.true(not scene.installed(), f"{about}: nothing ran")

    for text, part in (
        (b"\xff\x00\x1b]0;x\x07", ""), (b"version = 1\n[[package]]\nname = 3\n", "3:"),
        (b"version = 2\n", "--learn"), (b"", "--learn"), (b"[" * 100_000, ""),
        (b"version = 1\n#" + b"x" * (1 << 21), ""), (b"version = 1\npackage = 'x'\n", "package"),
        (b'version = 1\n[[package]]\nname = "a\\u001b[2J"\n', ""),
    ):
        scene.lock.write_bytes(text)
        is_refused(text[:20], part)
        t.equal(scene.lock.read_bytes(), text, "left as it was")
    scene.lock.unlink()
    scene.lock.symlink_to(t.write(t.base / "elsewhere", "version = 1\n"))
    is_refused("a link", "symbolic link")
    t.equal((t.base / "elsewhere").read_text(), "version = 1\n")
    scene.lock.unlink()
    os.mkfifo(scene.lock)
    is_refused("a pipe", "no regular file")
    scene.lock.unlink()
    scene.lock.mkdir()
    is_refused("a directory", "no regular file")


@test
def script_writes_the_lock(t):
    """a script that changes the lock raises an alert, is compared with the old one, and changes nothing"""
    scene = Scene(t)
    text = scene.learn(*HONEST)
    mine = "printf 'version = 1\\n' > ../../sandbox-run.lock"
    attack = ("esbuild", "0.25.0", mine)
    t.bare("npm", *attack, env=scene.env)
    t.equal(scene.lock.read_text(), "version = 1\n", "control: without the sandbox it does")
    scene.lock.write_text(text)
    for options in ((), ("--on-alert=log",), ("--learn",), ("--profile", "generic")):
        result = scene.run(*attack, options=options)
        found = [e["details"]["path"] for e in result.of_type("change.protected")]
        t.equal(found, ["sandbox-run.lock"], f"{options} {result}")
        t.equal(scene.lock.read_text(), text, options)
    result = scene.run(*HIJACKED[:2], HIJACKED[2].replace("exit", mine + "; exit"), options=["--frozen"])
    t.equal(result.code, 122, result)
    t.equal(scene.deviations(result), [("esbuild", "runs the program id"),
                                       ("esbuild", "writes to sandbox-run.lock")])


@test(time_limit=120)
def real_npm(t):
    """npm: what two packages' scripts do is learned, and a release that does more is told by its name"""
    from npm_registry import NpmRegistry

    registry = NpmRegistry()
    run = {"postinstall": "node act.js"}
    registry.add("esbuild", "0.25.0", {"act.js": ""}, scripts=run)
    registry.add("qr", "1.0.0", {"act.js": "require('child_process').execFileSync('/usr/bin/env', ['true'])"},
                 scripts=run)
    t.write("package.json", json.dumps({"name": "app", "version": "1.0.0", "private": True,
                                        "dependencies": {"esbuild": "^0.25.0", "qr": "^1.0.0"}}))
    options = ["--allow-host", f"localhost:{registry.port}"]
    env = {"npm_config_registry": registry.url(), "CI": None}
    t.succeeded(t.sandbox("npm", "install", options=[*options, "--learn"], env=env, timeout=100))
    lock = (t.project / "sandbox-run.lock").read_text()
    t.contains(lock, 'name = "esbuild"\nversion = "0.25.0"\nscripts = [\n  "postinstall",\n]')
    t.contains(lock, 'name = "qr"\nversion = "1.0.0"')
    again = t.sandbox("npm", "ci", options=[*options, "--frozen"], env=env, timeout=100)
    t.equal(t.succeeded(again).of_type("behaviour.new"), [])
    registry.add("qr", "1.0.1", {"act.js": "try { require('child_process').execFileSync('/usr/bin/id') } catch {}"},
                 scripts=run)
    result = t.sandbox("npm", "update", "qr", options=[*options, "--frozen"], env=env, timeout=100)
    t.equal(result.code, 122, result)
    alerts = [(e["actor"], e["details"]) for e in result.of_type("behaviour.new")]
    t.equal([(a["package"], a["version"], d["act"], d["dependency_path"]) for a, d in alerts],
            [("qr", "1.0.1", "runs the program id", ["app", "qr"])])
