"""`undo`: the tree from before a commit is given back, all of it or nothing."""

import json
import os
import signal
import subprocess
import time

from harness import BINARY, read_events, test, wait_until


def package(t, version):
    """A tarball of "dep" with a program and a link."""
    t.write("dep/package.json", json.dumps({"name": "dep", "version": version, "bin": {"dep": "run.js"}}))
    t.write("dep/run.js", f"#!/usr/bin/env node\nconsole.log('{version}')\n", mode=0o755)
    for number in range(20):
        t.write(f"dep/lib/{number}.js", f"// {version} {number}\n")
    t.succeeded(t.bare("npm", "pack", "--pack-destination", t.project, cwd=t.project / "dep"))


def project_with(t, version):
    manifest = {"name": "app", "version": "1.0.0", "dependencies": {"dep": f"file:dep-{version}.tgz"}}
    t.write("package.json", json.dumps(manifest))
    t.succeeded(t.bare("npm", "install", "--package-lock-only", "--offline", "--ignore-scripts"))


def runs(t):
    return json.loads(t.succeeded(t.cli("runs", "--json")).out)["runs"]


def kept(t):
    return sorted(path.parent.name for path in t.home.glob(".local/state/sandbox-run/runs/*/undo"))


def install(t, script, **more):
    return t.succeeded(t.sandbox("sh", "-c", script, options=["--profile", t.install_profile()], **more))


@test(time_limit=300)
def npm_ci_is_taken_back(t):
    """npm ci over an older node_modules, undone: the tree is as before; done again, as after"""
    for version in ("1.0.0", "2.0.0"):
        package(t, version)
    project_with(t, "1.0.0")
    t.succeeded(t.bare("npm", "ci", "--offline"))
    (t.project / "node_modules/dep/lib/3.js").chmod(0o600)
    project_with(t, "2.0.0")
    before = t.fingerprint()
    t.succeeded(t.sandbox("npm", "ci", "--offline"))
    after = t.fingerprint()
    t.true(before != after, "control: it installed")
    undone = t.succeeded(t.cli("undo"))
    t.equal(t.fingerprint(), before)
    t.contains(undone.said, "sandbox-run discard ", undone)
    t.equal(t.bare("node_modules/.bin/dep").out, "1.0.0\n")
    t.one_clear_line(t.cli("undo"), 2, "nothing to undo")
    run = runs(t)[0]
    t.equal(run["state"], "held", run)
    log = t.home / ".local/state/sandbox-run/runs" / run["run"] / "events.jsonl"
    t.true("run.undone" in [event["type"] for event in read_events(log)], "the log says so")
    t.succeeded(t.cli("commit", "--yes"))
    t.equal(t.fingerprint(), after)


@test
def changed_since(t):
    """what a person changed after the commit is not taken away: nothing is undone, and it is named"""
    install(t, "mkdir node_modules; echo 1 > node_modules/a; echo 1 > node_modules/b")
    time.sleep(0.02)
    t.write("node_modules/b", "mine\n")
    before = t.fingerprint()
    t.one_clear_line(t.cli("undo"), 2, "changed since", "node_modules/b")
    t.equal(t.fingerprint(), before)
    install(t, "echo 2 > node_modules/a")
    t.succeeded(t.cli("undo"))
    t.equal(t.fingerprint(), before, "only the newest commit is taken back")


@test
def kept_until_the_next_run(t):
    """one run's old entries are kept for a project; what only reads keeps them, prune removes them"""
    install(t, "mkdir node_modules; echo 1 > node_modules/a")
    first = kept(t)
    t.equal(len(first), 1)
    t.succeeded(t.sandbox("npm", "ls"))
    t.equal(kept(t), first)
    install(t, "echo 2 > node_modules/a")
    wait_until(lambda: len(kept(t)) == 1, "the first is forgotten")
    t.true(kept(t) != first, "the second is kept")
    t.one_clear_line(t.cli("undo", first[0]), 2, "not kept")
    t.equal((t.project / "node_modules/a").read_text(), "2\n")
    other = t.home / "other"
    other.mkdir()
    t.one_clear_line(t.cli("undo", cwd=other), 2, "nothing to undo")
    run = kept(t)[0]
    old = "20200101T000000.000-" + run.rsplit("-", 1)[1]
    os.rename(t.home / ".local/state/sandbox-run/runs" / run, t.home / ".local/state/sandbox-run/runs" / old)
    t.succeeded(t.cli("prune", "--older-than", "1d", "--held"))
    t.equal(kept(t), [])


@test
def larger_than_the_limit(t):
    """of a commit that replaced more than undo_mb nothing is kept, and undo says so"""
    config = t.home / ".config/sandbox-run/config.toml"
    t.write(config, "[limits]\nundo_mb = 1\n")
    install(t, "mkdir node_modules; head -c 900000 /dev/zero > node_modules/a; echo 1 > node_modules/b")
    before = t.fingerprint()
    install(t, "echo 2 > node_modules/a")
    t.succeeded(t.cli("undo"), "less than it")
    t.equal(t.fingerprint(), before)
    t.succeeded(t.cli("discard"))
    t.write("node_modules/a", "x" * 2_000_000)
    install(t, "echo 3 > node_modules/a")
    wait_until(lambda: not kept(t), "it is removed")
    t.one_clear_line(t.cli("undo"), 2, "more than 1 MiB", "undo_mb")
    t.one_clear_line(t.cli("undo", runs(t)[0]["run"]), 2, "more than 1 MiB", "undo_mb")
    t.equal((t.project / "node_modules/a").read_text(), "3\n", "what was committed stays")
    t.write(config, "[limits]\nundo_mb = 0\n")
    install(t, "echo 4 > node_modules/b")
    wait_until(lambda: not kept(t), "0: nothing is kept")
    t.write(config, "[limits]\nundo_mb = -1\n")
    t.one_clear_line(t.sandbox("true"), 2, "config.toml:2", "not negative")


@test(time_limit=300)
def killed(t):
    """an undo that is killed is whole or not begun when the next command has run there"""
    for pause in (0, 0.002, 0.004, 0.008, 0.016, 0.03):
        install(t, "rm -rf node_modules; mkdir -p node_modules/x; for i in $(seq 200); do echo $$ > node_modules/x/$i; done")
        before = t.fingerprint()
        install(t, "for i in $(seq 200); do echo new > node_modules/x/$i; done")
        after = t.fingerprint()
        process = t.start(BINARY, "undo", stderr=subprocess.DEVNULL)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
        t.succeeded(t.sandbox("sh", "-c", "true", options=["--profile", t.install_profile()]))
        t.true(t.fingerprint() in (before, after), pause)
