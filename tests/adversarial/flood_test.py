"""Who floods the log hides neither what others do nor what he does next, and the flood is told."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402

FACTS = {"stops": "log", "event": "limit.reached"}

PYTHON = "/usr/bin/python3"
LOG = ("--on-alert", "log", "--profile", "npm")


def script_of(t, package, words):
    """The shell script, as the package manager runs a postinstall of the package."""
    t.write(f"node_modules/{package}/package.json", "{}")
    return (f"(cd node_modules/{package} && npm_package_name={package} npm_package_version=1.2.3 "
            f"npm_lifecycle_event=postinstall npm_package_json=$PWD/package.json sh -c '{words}; true'); ")


def of_package(result, kind, package):
    return [e for e in result.of_type(kind) if e.get("actor", {}).get("package") == package]


NAMES = ("import socket, sys\nfor i in range(int(sys.argv[1])):\n    try: socket.getaddrinfo("
         "f\"{i}.{sys.argv[2]}\", 443)\n    except OSError: pass\n")
TRIES = ("import socket, sys\nfor i in range(int(sys.argv[1])):\n    s = socket.socket()\n    s.settimeout(2)\n"
         "    try: s.connect((f\"203.0.{113 + i // 250}.{1 + i % 250}\", 443))\n    except OSError: pass\n    s.close()\n")


@test
def refused_names(t):
    """1,100 refused names by one package: an alert that names it; what it asks for next by another way, and what
    another package asks for, is recorded"""
    t.write("names.py", NAMES)
    asks = f"{PYTHON} {t.project}/names.py"
    result = t.sandbox("sh", "-c", script_of(t, "evil", f"{asks} 1100 flood.example.com") +
                       script_of(t, "other", f"{asks} 2 theft.example.com"), options=LOG, timeout=100)
    t.equal({e["details"]["name"] for e in of_package(result, "name.lookup", "other")},
            {"0.theft.example.com", "1.theft.example.com"}, "nothing of the other's is missing")
    flood, = of_package(result, "limit.reached", "evil")
    t.equal((flood["severity"], flood["details"]["limit"]), ("alert", "different names refused"))
    t.contains(result.said, "evil@1.2.3 postinstall")


@test
def refused_destinations(t):
    """1,100 refused addresses by one package: the same"""
    t.write("tries.py", TRIES)
    tries = f"{PYTHON} {t.project}/tries.py"
    result = t.sandbox("sh", "-c", script_of(t, "evil", f"{tries} 1100") + script_of(t, "other", f"{tries} 1"),
                       options=LOG, timeout=100)
    t.equal(len(of_package(result, "flow.denied", "other")), 1, "nothing of the other's is missing")
    flood, = of_package(result, "limit.reached", "evil")
    t.equal(flood["severity"], "alert")


@test
def execs(t):
    """11,000 execs by one package: its own are counted, those of another and its decoys are recorded"""
    floods = "i=0; while [ $i -lt 11000 ]; do /bin/true; i=$((i+1)); done; cat ~/.aws/credentials >/dev/null"
    result = t.sandbox("sh", "-c", script_of(t, "evil", floods) + script_of(t, "other", "/bin/true theft"),
                       options=LOG, timeout=150)
    last = of_package(result, "limit.reached", "evil")[-1]
    t.equal(last["details"]["type"], "process.exec")
    t.true(last["details"]["left_out"] >= 1000, last)
    t.true(any("theft" in e["process"]["argv"] for e in of_package(result, "process.exec", "other")), "the other's")
    t.true(of_package(result, "decoy.opened", "evil"), "the theft of the flooding one")
    t.contains(result.said, "left out of it: ")
