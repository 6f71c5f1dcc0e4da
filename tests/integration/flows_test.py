"""Many connections at once: who behaves is served, whoever else stalls, floods or resets."""

import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test, wait_until  # noqa: E402

PYTHON = "/usr/bin/python3"
PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "support/many_flows.py"
EACH = 90  # of six kinds


def held_by(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text().split()
    return {"descriptors": len(os.listdir(f"/proc/{pid}/fd")), "memory": int(status[status.index("VmRSS:") + 1])}


def ask(t, command):
    """What it said, and what the process that we started held while all connections stood, twice."""
    process = t.start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    held = []
    for _ in range(2):
        t.equal(process.stdout.readline(), "held\n")
        if held:  # what the first ones had is closed as soon as their turn comes
            wait_until(lambda: held_by(process.pid)["descriptors"] <= held[0]["descriptors"] + 64, "no more are held")
        held.append(held_by(process.pid))
        process.stdin.write("go\n")
        process.stdin.flush()
    said = json.loads(process.stdout.readline())
    t.equal(process.wait(timeout=60), 0)
    return said, held


@test(time_limit=180)
def five_hundred(t):
    """540 connections at once, of which servers and clients stall, flood and reset: each ends as without the sandbox, and nothing grows"""
    server = t.start(PYTHON, PROGRAM, "serve", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = int(server.stdout.readline())
    command = (PYTHON, PROGRAM, "ask", port, EACH)
    bare, _ = ask(t, command)
    wanted = {"plain": {"whole": EACH}, "silent": {"held": EACH}, "stalled": {"held": EACH},
              "reset": {"ConnectionResetError": EACH}, "cut": {"cut": EACH}, "flooded": {"held": EACH}}
    t.equal(bare, [wanted, wanted], "control")
    options = ["-q", "--allow-host", f"localhost:{port}", "--ro", PROGRAM.parent]
    said, held = ask(t, t.sandbox_command(*command, options=options))
    t.equal(said, bare)
    # A flow is two sockets, a direction on its way a pipe.
    t.true(held[0]["descriptors"] < 5 * 4 * EACH + 200, held)
    t.true(held[1]["memory"] <= held[0]["memory"] + 4096, f"kB: {held}")
    server.communicate()
