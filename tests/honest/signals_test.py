"""A command that is told to end, by `kill` of it alone or of its whole process group (timeout(1), a CI job that is cancelled)."""

import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import shell_code  # noqa: E402
from honest import honest  # noqa: E402

# Tidies up for a moment, as a server does.
INNER = """#!/bin/sh
tidy() { sleep 0.4; echo "inner $1" >>said; exit 9; }
for name in TERM HUP USR1 INT; do trap "tidy $name" $name; done
echo ready
while :; do sleep 0.05; done
"""
OUTERS = {
    "dies at once": ["sh", "-c", "./inner.sh; true"],
    "has a word of its own": ["sh", "-c", "trap 'echo outer TERM >>said; exit 7' TERM; ./inner.sh & wait"],
    "is it": ["./inner.sh"],
}


def told(p, command, send):
    """What was written by the end, and the exit code."""
    process = p.t.start(*command, cwd=p.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    p.t.equal(process.stdout.readline(), b"ready\n")
    send(process.pid)
    code = shell_code(process.wait(20))
    time.sleep(1)  # of the bare command, what goes on
    said = p.root / "said"
    lines = sorted(said.read_text().splitlines()) if said.exists() else []
    said.unlink(missing_ok=True)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.stdout.close()
    return lines, code


@honest(root=True)
def told_to_end(p):
    """SIGTERM, SIGHUP, SIGUSR1 to the process group, and to the command alone"""
    p.script("inner.sh", INNER)
    for name in ("TERM", "HUP", "USR1"):
        number = getattr(signal, f"SIG{name}")
        for to, send in (("group", lambda pid: os.killpg(pid, number)), ("command", lambda pid: os.kill(pid, number))):
            for what, command in OUTERS.items():
                bare = told(p, command, send)
                if to == "command" and what == "dies at once":
                    bare = [], bare[1]  # and what it has started goes on for ever
                inside = told(p, p.t.sandbox_command(*command, options=["-q"]), send)
                p.t.equal(inside, bare, f"SIG{name} to the {to}, which {what}")


@honest()
def cancelled(p):
    """timeout(1), as a CI job that is cancelled, with a server that a script has started"""
    p.script("inner.sh", INNER)
    for name in ("TERM", "INT"):
        def run(*before):
            done = p.t.bare("timeout", "-s", name, "1.5", *before, "sh", "-c", "./inner.sh; true", cwd=p.root)
            time.sleep(1)
            said = (p.root / "said").read_text()
            (p.root / "said").unlink()
            return done.code, said
        bare = run()
        p.t.equal(run(*p.t.sandbox_command(options=["-q"])), bare, name)
