"""A thousand installs, each in a sandbox of its own, and a thousand in one: nothing grows."""

import os
import pathlib
import signal
import subprocess

from harness import BINARY, processes_matching, test, wait_until
from npm_registry import NpmRegistry

INSTALLS = int(os.environ.get("SANDBOX_RUN_SOAK", "1000"))
KEPT_RUNS = 100  # that hold nothing: what the state has of them may grow until then


def project(t):
    """A dependency with a script, and one whose script is refused what it tries."""
    registry = NpmRegistry()
    registry.add("scripted", "1.0.0", {"index.js": ""}, scripts={"postinstall": "echo made > made.txt"})
    registry.add("curious", "1.0.0", {"index.js": ""}, scripts={
        "postinstall": "node -e \"require('net').connect(9, '127.0.0.1').on('error', () => {})\""})
    t.write("package.json", '{"name": "app", "version": "1.0.0", "dependencies": {"scripted": "1.0.0", "curious": "1.0.0"}}')
    t.write(t.home / ".npmrc", "update-notifier=false\nfund=false\naudit=false\n")
    env = {"npm_config_registry": registry.url()}
    t.succeeded(t.bare("npm", "install", "--ignore-scripts", env=env))
    return env, ["--allow-host", f"localhost:{registry.port}"]


def entries(directory):
    return sum(len(names) + len(files) for _, names, files in os.walk(directory))


def left_behind(t):
    """What the host has of us: by name, a number that must not grow."""
    groups = [path for path, _, _ in os.walk("/sys/fs/cgroup") if "sandbox-run" in os.path.basename(path)]
    return {"mounts": len(pathlib.Path("/proc/self/mountinfo").read_text().splitlines()),
            "processes": len(processes_matching(str(t.home))),
            "control groups": len(groups),
            "state": entries(t.home / ".local/state/sandbox-run"),
            "cache": entries(t.home / ".cache"),
            "temporary": len([name for name in os.listdir("/tmp") if "sandbox-run" in name]),
            "shared memory": len(os.listdir("/dev/shm"))}


def end_abruptly(t, env, options):
    """The supervisor killed in the middle: the next run tidies up."""
    process = subprocess.Popen([BINARY, *options, "--", "npm", "ci"], cwd=t.project,
                               env=t.environment(env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(0.3)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.wait()


@test(time_limit=14400)
def each_in_its_own(t):
    """a thousand installs, some killed in the middle, some failing: no mount, process, group or file more than before"""
    env, options = project(t)
    before = None
    for number in range(INSTALLS):
        if number % 50 == 49:
            end_abruptly(t, env, options)
        elif number % 50 == 25:
            t.equal(t.sandbox("npm", "run", "nothing", env=env, options=options).code, 1)
        else:
            t.succeeded(t.sandbox("npm", "ci", env=env, options=options), f"install {number}")
        if number == min(INSTALLS // 2, KEPT_RUNS + INSTALLS // 5):
            before = left_behind(t)
    t.succeeded(t.sandbox("npm", "ci", env=env, options=options))
    wait_until(lambda: not processes_matching(str(t.home)), "no process is left", seconds=60)
    after = left_behind(t)
    grown = {name: (before[name], number) for name, number in after.items() if number > before[name] * 1.05 + 2}
    t.equal(grown, {}, f"before {before}, after {after}")


@test(time_limit=14400)
def all_in_one(t):
    """a thousand installs by one command: the supervisor holds no more descriptors and memory than after a hundred"""
    env, options = project(t)
    script = (f"i=0; while [ $i -lt {INSTALLS} ]; do npm ci >/dev/null || exit 1; i=$((i+1)); "
              f"case $i in {INSTALLS // 10}|{INSTALLS}) echo at $i; read go;; esac; done")
    said = open(t.base / "said.txt", "w+")  # a pipe that nobody reads would fill, and npm wait for it
    process = subprocess.Popen([BINARY, *options, "--", "sh", "-c", script], cwd=t.project, env=t.environment(env),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True)

    def look(number):
        t.equal(process.stdout.readline(), f"at {number}\n")
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text().split()
        found = {"descriptors": len(os.listdir(f"/proc/{process.pid}/fd")),
                 "memory": int(status[status.index("VmRSS:") + 1])}
        process.stdin.write("go\n")
        process.stdin.flush()
        return found

    early, late = look(INSTALLS // 10), look(INSTALLS)
    process.communicate()
    t.equal(process.returncode, 0, (t.base / "said.txt").read_text()[-2000:])
    # Up to 256 are pidfds of the processes that it saw last (watch/pinned_processes.h).
    t.true(late["descriptors"] <= early["descriptors"] + 256, f"{early} {late}")
    t.true(late["memory"] <= early["memory"] * 2 + 4096, f"kB: {early} {late}")
