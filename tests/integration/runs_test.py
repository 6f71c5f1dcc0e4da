"""Past runs: what became of them, and their removal."""

import json
import os
import shutil
import signal

from harness import BINARY, test, wait_until


def runs_directory(t):
    return t.home / ".local/state/sandbox-run/runs"


def runs(t):
    """Newest first."""
    return json.loads(t.succeeded(t.cli("runs", "--json")).out)["runs"]


def states(t):
    return [run["state"] for run in runs(t)]


def sandbox(t, script, *options):
    return t.sandbox("sh", "-c", script, options=["--profile", t.install_profile(), *options])


def make_old(t, run):
    """As if it had been made years ago."""
    old = "20200101T000000.000-" + run.rsplit("-", 1)[1]
    (runs_directory(t) / run).rename(runs_directory(t) / old)
    return old


@test
def states_of_runs(t):
    """runs says of each run what became of it, its command, size and age"""
    sandbox(t, "mkdir -p node_modules; echo 1 > node_modules/x")
    t.equal(states(t), ["committed"])
    sandbox(t, "exit 3")
    t.equal(states(t)[0], "failed")
    sandbox(t, "echo 1 > a", "--discard")
    t.equal(states(t)[0], "discarded")
    sandbox(t, "echo 1 > a")
    t.equal((states(t)[0], runs(t)[0]["held_count"]), ("held", 1))
    t.succeeded(t.cli("discard"))
    t.equal(states(t)[0], "discarded")
    sandbox(t, "echo 1 > a; echo 2 > b")
    t.succeeded(t.cli("commit", "a"))
    t.equal(states(t)[0], "held")
    t.succeeded(t.cli("discard"))
    t.equal(states(t)[0], "committed")
    out = t.succeeded(t.cli("runs")).out
    t.contains(out, "sh -c 'exit 3'")
    t.contains(out, "1 min")
    t.equal(len(out.splitlines()), 6, out)


@test
def running_and_interrupted(t):
    """a run is running while it runs, is never pruned then, and interrupted if it was killed"""
    process = t.start(BINARY, "--profile", t.install_profile(), "sh", "-c", "echo x > a; sleep 1000")
    try:
        wait_until(lambda: any(run["command"] for run in runs(t)), "the run has begun")
        t.equal(states(t), ["running"])
        old = make_old(t, runs(t)[0]["run"])
        t.contains(t.succeeded(t.cli("prune", "--older-than", "1d", "--held")).out, "in use")
        t.true((runs_directory(t) / old).exists(), "still there")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_until(lambda: states(t) == ["interrupted"], "the run has ended")
    t.succeeded(t.cli("prune", "--older-than", "1d"))
    t.equal(states(t), [])


@test
def prune(t):
    """prune removes old runs, says what and how much, and leaves held changes unless told"""
    sandbox(t, "echo 1 > a")
    held = make_old(t, runs(t)[0]["run"])
    sandbox(t, "true")
    old = make_old(t, runs(t)[0]["run"])
    sandbox(t, "true")
    (runs_directory(t) / "notes").mkdir()
    t.one_clear_line(t.cli("prune"), 2, "--older-than 14d")
    dry = t.succeeded(t.cli("prune", "--older-than", "14d", "--dry-run")).out
    t.contains(dry, f"would remove {old}")
    t.equal(len(runs(t)), 3, "nothing was done")
    out = t.succeeded(t.cli("prune", "--older-than", "14d")).out
    t.contains(out, f"removed {old}")
    t.contains(out, f"kept {held}: it holds 1 change")
    t.contains(out, "1 run removed, ")
    t.equal(len(runs(t)), 2)
    out = t.succeeded(t.cli("prune", "--older-than", "14d", "--held")).out
    t.contains(out, f"removed {held}")
    t.equal(states(t), ["committed"])
    t.true((runs_directory(t) / "notes").exists(), "what is no run stays")


@test
def prune_of_hostile_trees(t):
    """a held tree of closed directories and links is removed, and nothing that the links lead to"""
    victim = t.write(t.home / "victim/file", "victim\n")
    sandbox(t, f"mkdir -p a/b/c; ln -s {t.home}/victim a/link; echo x > a/b/c/f; chmod 000 a/b/c a/b a")
    wait_until(lambda: states(t) == ["held"], "what the run left is cleaned up in the background")
    make_old(t, runs(t)[0]["run"])
    t.succeeded(t.cli("prune", "--older-than", "1d", "--held"))
    t.equal(states(t), [])
    t.equal(victim.read_text(), "victim\n")


@test
def damaged_runs(t):
    """a damaged run is unknown, and hides no other"""
    sandbox(t, "true")
    sandbox(t, "echo 1 > a")
    run = runs_directory(t) / runs(t)[0]["run"]
    (run / "held").write_bytes(b"\x00" * 50)
    (run / "events.jsonl").write_bytes(b"\xff{{{\n" * 100)
    t.equal(states(t), ["unknown", "committed"])
    t.succeeded(t.cli("runs"))
    t.equal(t.cli("review", run.name).code, 125)
    shutil.rmtree(run)
    os.mkfifo(runs_directory(t) / run.name)
    t.succeeded(t.cli("runs"), "a FIFO in a run's place")


@test
def runs_of_another_version(t):
    """a run whose records can't be read is left as it is, and the next one goes on with a word"""
    sandbox(t, "echo 1 > a")
    run = runs_directory(t) / runs(t)[0]["run"]
    for record in ("held", "layers.list", "unfinished"):
        (run / record).write_bytes(b"as another version writes it")
    before = sorted(run.rglob("*"))
    result = t.succeeded(sandbox(t, "mkdir -p node_modules; echo 1 > node_modules/x"))
    t.contains(result.said, "its records are damaged, or of another version of sandbox-run")
    t.equal(sorted(run.rglob("*")), before)
    t.equal(states(t), ["committed", "unknown"])
    make_old(t, run.name)
    t.contains(t.succeeded(t.cli("prune", "--older-than", "1d")).out, "kept 20200101")
