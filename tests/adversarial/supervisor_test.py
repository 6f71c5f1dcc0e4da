"""Whoever takes over the supervisor, by bytes that it reads from inside: what he has then."""

import errno
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import require, test, wait_until  # noqa: E402
from injected_calls import CAN_INJECT, InjectedCalls  # noqa: E402

FACTS = {"stops": "confinement", "event": "none"}

OPENAT, EXECVE, MKDIR, UNLINK, PIDFD_OPEN, PIDFD_GETFD = 257, 59, 83, 87, 434, 438  # x86_64
HERE = -100  # AT_FDCWD
STATE = ".local/state/sandbox-run"


def tries(t, pid, sibling):
    """Act → 0 or an error's name, in the name of `pid`."""
    credential = t.home / ".aws/credentials"
    state = t.home / STATE
    wait_until(lambda: not open(f"/proc/{pid}/syscall").read().startswith("running"), "it waits")
    with InjectedCalls(pid) as process:
        pidfd = process.call(PIDFD_OPEN, sibling, 0)
        results = {
            "read a credential": process.call(OPENAT, HERE, credential, os.O_RDONLY),
            "list the home directory": process.call(OPENAT, HERE, t.home, os.O_RDONLY | os.O_DIRECTORY),
            "change a start file": process.call(OPENAT, HERE, t.home / ".bashrc", os.O_WRONLY | os.O_APPEND),
            "plant a key": process.call(OPENAT, HERE, t.home / ".ssh/authorized_keys", os.O_WRONLY | os.O_CREAT, 0o600),
            "plant a program": process.call(OPENAT, HERE, t.home / ".local/bin/x", os.O_WRONLY | os.O_CREAT, 0o700),
            "write a record of another run": process.call(OPENAT, HERE, state / "runs/other/journal", os.O_WRONLY | os.O_CREAT, 0o600),
            "make a run": process.call(MKDIR, state / "runs/new", 0o700),
            "answer for a package manager": process.call(OPENAT, HERE, state / "answers/x.json", os.O_WRONLY | os.O_CREAT, 0o600),
            "remove a lock": process.call(UNLINK, state / "locks/x"),
            "seal what it wrote": process.call(OPENAT, HERE, state / "seals/new", os.O_WRONLY | os.O_CREAT, 0o600),
            "make a directory": process.call(MKDIR, t.home / "made", 0o700),
            "remove a file": process.call(UNLINK, t.home / "removable"),
            "take a descriptor of another process": process.call(PIDFD_GETFD, pidfd, 0, 0),
            "run a program": process.call(EXECVE, "/nonexistent", 0, 0),
            "read libc's files": process.call(OPENAT, HERE, "/etc/hosts", os.O_RDONLY),
            "change the project": process.call(OPENAT, HERE, t.project / "here", os.O_WRONLY | os.O_CREAT, 0o600),
        }
    return {act: errno.errorcode[-result] if result < 0 else 0 for act, result in results.items()}


def prepare(t):
    t.write(t.home / ".aws/credentials", "[default]\n", mode=0o600)
    t.write(t.home / ".bashrc", "\n")
    t.write(t.home / "removable", "\n")
    t.write(t.home / STATE / "locks/x", "")
    for path in (".ssh", ".local/bin", f"{STATE}/runs/other", f"{STATE}/seals",
                 f"{STATE}/answers", f"{STATE}/locks"):
        (t.home / path).mkdir(parents=True, exist_ok=True)


@test(hosts="x86-64")
def taken_over(t):
    """a supervisor that is taken over reads no credential, plants nothing, runs nothing, looks into nobody else"""
    require(CAN_INJECT, "calls can be injected on x86_64 only")
    sibling = t.start("sleep", "1000", stdin=subprocess.DEVNULL)
    prepare(t)
    plain = t.start("cat", stdin=subprocess.PIPE)
    wait_until(lambda: "cat" in open(f"/proc/{plain.pid}/comm").read(), "cat runs")
    control = tries(t, plain.pid, sibling.pid)
    t.equal(control, {act: 0 for act in control} | {"run a program": "ENOENT"}, "control")
    plain.kill()

    prepare(t)
    for path in (t.home / ".ssh/authorized_keys", t.home / ".local/bin/x", t.project / "here",
                 t.home / STATE / "runs/other/journal", t.home / STATE / "seals/new", t.home / STATE / "answers/x.json"):
        path.unlink()
    for path in (t.home / "made", t.home / STATE / "runs/new"):
        path.rmdir()
    # A target that does not exist yet gives no right to what lies beside it.
    command = t.sandbox_command("npm", "exec", "--offline", "-c", "echo started; exec sleep 1000")
    run = t.start(*command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                  env={"npm_config_cache": str(t.home / ".local/share/new/cache")})
    t.equal(run.stdout.readline(), b"started\n")
    found = tries(t, run.pid, sibling.pid)
    expected = {act: "EACCES" for act in found} | {  # Landlock's word for files, and EPERM for processes
        "take a descriptor of another process": "EPERM",
        "run a program": "EPERM",
        "read libc's files": 0,
        "change the project": 0,
    }
    t.equal(found, expected)
    t.true(not (t.home / "made").exists() and (t.home / "removable").exists(), "nothing happened")
    run.terminate()
    run.wait(20)
    sibling.kill()


def holding_run(t):
    """The directory of a run that holds a change."""
    t.sandbox("sh", "-c", "mkdir -p .vscode; date +%N > .vscode/tasks.json")
    return max((t.home / STATE / "runs").iterdir())


@test
def planted_log(t):
    """a link that was planted in a log's place is not written through by the commands that come later"""
    start_file = t.write(t.home / ".bashrc", "# mine\n")
    run = holding_run(t)
    (run / "events.jsonl").unlink()
    control = t.cli("commit", "--yes")  # makes a new log
    t.contains((run / "events.jsonl").read_text(), "held.committed", control)

    run = holding_run(t)
    (run / "events.jsonl").unlink()
    (run / "events.jsonl").symlink_to(start_file)
    for command in (["commit", "--yes"], ["commit"], ["discard"]):
        result = t.cli(*command, run.name)
        t.equal(result.code, 125, result)
        t.contains(result.err, "which is no regular file", result)
    t.equal(start_file.read_text(), "# mine\n")
    (run / "events.jsonl").unlink()
    os.mkfifo(run / "events.jsonl")
    t.contains(t.cli("commit", run.name).err, "which is no regular file")
    (run / "events.jsonl").unlink()


@test
def answers_out_of_reach(t):
    """what package managers have answered is kept where the supervisor can't write"""
    t.write("package.json", '{"name": "app", "version": "1.0.0"}')
    t.succeeded(t.sandbox("/usr/bin/python3", "-m", "pip", "--version"))
    t.true(list((t.home / STATE / "answers").iterdir()), "it is kept")
    t.true(not (t.home / ".cache/sandbox-run").exists(), "not among the caches")
