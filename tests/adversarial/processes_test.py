"""Signals and daemons: nothing outside is reached, nothing outlives the run."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import BINARY, processes_matching, test, wait_until  # noqa: E402

FACTS = {"stops": "namespaces", "event": "none"}


@test(rows="A035")
def kill_a_process_of_the_host(t):
    """a process of the host cannot be signalled"""
    victim = t.start("sleep", "1000", stdin=subprocess.DEVNULL)
    control = t.start("sleep", "1000", stdin=subprocess.DEVNULL)
    t.succeeded(t.bare("sh", "-c", f"kill -9 {control.pid}"), "control")
    t.equal(control.wait(10), -9)
    result = t.sandbox("sh", "-c", f"kill -9 {victim.pid}")
    t.contains(result.err, "No such process")
    t.equal(victim.poll(), None, "the victim lives")
    victim.kill()


@test(rows="A036")
def kill_the_process_group(t):
    """kill 0 and kill -1 reach nothing outside, not even the calling shell's process group"""
    wrap = '"$@"; echo survived'
    for attack in ("kill -9 0", "kill -9 -1; kill -9 $$"):
        if attack == "kill -9 0":
            control = t.bare("setsid", "-w", "bash", "-c", wrap, "x", "sh", "-c", attack)
            t.lacks(control.out, "survived", "control")
        words = t.sandbox_command("sh", "-c", attack, options=["-q"])
        result = t.bare("setsid", "-w", "bash", "-c", wrap, "x", *words)
        t.contains(result.out, "survived", attack)


@test(rows="A045")
def kill_init(t):
    """killing the sandbox's init does not end the run as a success, and nothing is committed"""
    before = t.fingerprint()
    options = ["--profile", t.accepting_profile()]
    script = "echo x > made; kill -9 1 2>/dev/null; kill -STOP 1 2>/dev/null; kill -TERM 1; exit 3"
    result = t.sandbox("sh", "-c", script, options=options)
    t.true(result.code != 0, result)
    t.equal(t.fingerprint(), before, "the project")


def statuses():
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/status") as file:
                yield dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        except OSError:
            continue


def keeper_of(run):
    """The parent of the command: the supervisor's child that is in no other pid namespace and has a child itself.
    None: not there yet."""
    found = list(statuses())
    parents = {status["PPid"] for status in found}
    for status in found:
        if int(status["PPid"]) == run.pid and len(status["NSpid"].split()) == 1 and status["Pid"] in parents:
            return int(status["Pid"])
    return None


@test(rows="A045")
def kill_the_commands_parent(t):
    """killed or stopped from outside, our process beside the command ends the run, and nothing is committed"""
    t.succeeded(t.sandbox("sh", "-c", "echo x > made", options=["--profile", t.accepting_profile()]), "control")
    (t.project / "made").unlink()
    for number, code in ((signal.SIGKILL, 125), (signal.SIGSTOP, 124)):
        marker = f"{3000 + os.getpid()}.{number}"
        script = f"echo x > made; (setsid sleep {marker} >&- &); echo started; sleep {marker}"
        run = t.start(*t.sandbox_command("sh", "-c", script, options=["--profile", t.accepting_profile(), "--timeout", "2"]),
                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        wait_until(lambda: keeper_of(run) and run.stdout.readline() == b"started\n", "the command runs")
        os.kill(keeper_of(run), number)
        t.equal(run.wait(30), code, number)
        # A process of our own that forgets what an earlier run replaced ends a moment later.
        wait_until(lambda: not processes_matching(f"sleep {marker}"), number)
        t.true(not (t.project / "made").exists(), "not committed")


SIBLINGS = """
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
  for (int i = 0; i < 20; ++i) {
    if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) != 0) continue;
    if (i % 2) pause();
    _exit(0);
  }
  return 7;
}
"""


@test
def siblings(t):
    """a command that gives its own parent more children ends as ever, and they with it"""
    marker = f"srt-siblings-{os.getpid()}"
    t.write("siblings.c", SIBLINGS)
    t.succeeded(t.bare("cc", "-D_GNU_SOURCE", "-o", "siblings", "siblings.c"))
    control = t.bare("sh", "-c", f"./siblings {marker} >&- 2>&-; exit $?")
    t.equal(control.code, 7, control)
    t.true(processes_matching(marker), "control: they live on")
    t.bare("sh", "-c", f"pkill -9 -f '[s]rt-siblings-{os.getpid()}'")
    wait_until(lambda: not processes_matching(marker), "control removed")
    result = t.sandbox("./siblings", marker, options=["--timeout", "20"])
    t.equal(result.code, 7, result)
    t.equal(processes_matching(marker), [])


DAEMON = """
import os, sys, time, signal
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
for fd in (0, 1, 2): os.close(fd)
while True: time.sleep(1000)
"""


@test(rows="A081 A194")
def daemon(t):
    """a daemon that forked twice and ignores signals is gone when the run ends"""
    marker = f"srt-daemon-{os.getpid()}"
    t.write("daemon.py", DAEMON)
    command = ["/usr/bin/python3", "daemon.py", marker]
    t.succeeded(t.bare(*command))
    t.true(processes_matching(marker), "control: it lives on")
    t.bare("sh", "-c", f"pkill -9 -f '[s]rt-daemon-{os.getpid()}'")
    wait_until(lambda: not processes_matching(marker), "control removed")
    t.succeeded(t.sandbox(*command))
    t.equal(processes_matching(marker), [])


@test(rows="A147", stops="network")
def listening_port(t):
    """a port that the command listens on cannot be reached from the host"""
    program = ("import socket, sys; s = socket.create_server(('0.0.0.0', 0)); "
               "print(s.getsockname()[1], flush=True); sys.stdin.read()")
    command = ["/usr/bin/python3", "-c", program]
    probe = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)"
    for words, reachable in ((command, True), (t.sandbox_command(*command, options=["-q"]), False)):
        process = t.start(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        port = process.stdout.readline().decode().strip()
        result = t.bare("/usr/bin/python3", "-c", probe, port)
        t.equal(result.code == 0, reachable, result)
        process.communicate(timeout=20)


@test(rows="A199", stops="log", event="change.protected")
def forged_verdict(t):
    """a script that prints a summary of its own does not change the real one"""
    forged = "sandbox-run: clean: 1 change committed to node_modules"
    script = f"echo '{forged}' >&2; mkdir -p .vscode; echo {{}} > .vscode/tasks.json"
    result = t.succeeded(t.sandbox("sh", "-c", script))
    t.contains(result.said, "added .vscode, a protected place")
    t.true(result.of_type("change.protected"), result.events)


QUEUE = """
import ctypes, os, sys
name, flags = sys.argv[1].encode(), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
queue = libc.mq_open(name, flags, 0o600, None)
print("open" if queue >= 0 else f"blocked: {os.strerror(ctypes.get_errno())}")
"""


@test(rows="A042 A043")
def shared_memory_of_the_host(t):
    """System V shared memory, semaphores and queues of the host, and POSIX queues, are not reached"""
    name = f"/srt-{os.getpid()}"
    ids = re.findall(r"id: (\d+)", t.succeeded(t.bare("ipcmk", "-M", "64", "-S", "1", "-Q")).out)
    t.bare("/usr/bin/python3", "-c", QUEUE, name, str(os.O_CREAT | os.O_RDWR))
    show = ("sh", "-c", "cat /proc/sysvipc/shm /proc/sysvipc/sem /proc/sysvipc/msg")
    attach = ("/usr/bin/python3", "-c", QUEUE, name, str(os.O_RDWR))
    try:
        t.equal(len(ids), 3, "control")
        t.true(len(t.bare(*show).out.splitlines()) >= 6, "control: a head and a line of each")
        t.equal(t.bare(*attach).out, "open\n", "control")
        t.equal(len(t.succeeded(t.sandbox(*show)).out.splitlines()), 3, "the heads alone")
        t.contains(t.sandbox(*attach).out, "blocked: No such file")
    finally:
        t.bare("ipcrm", "-m", ids[0], "-s", ids[1], "-q", ids[2])
        t.bare("/usr/bin/python3", "-c", f"import ctypes; ctypes.CDLL(None).mq_unlink({name.encode()!r})")


OPEN_PROGRAM = """
import errno, os, sys
try:
    os.open(sys.argv[1], os.O_WRONLY)
    print("opened")
except OSError as error:
    print(errno.errorcode[error.errno])
"""


@test(rows="A085", stops="mounts")
def program_of_init(t):
    """sandbox-run's own program can't be written by /proc/1/exe"""
    # One's own, so that nothing but the sandbox stands in the way. Busy is what runs: it waits, and writes then.
    copy = t.base / "sandbox-run"
    shutil.copy2(BINARY, copy)
    sleeper = t.base / "sleeper"
    shutil.copy2("/bin/sleep", sleeper)
    held = t.start(sleeper, "60", stdin=subprocess.DEVNULL)
    wait_until(lambda: os.readlink(f"/proc/{held.pid}/exe") == str(sleeper), "it runs")
    t.equal(t.bare("/usr/bin/python3", "-c", OPEN_PROGRAM, f"/proc/{held.pid}/exe").out, "ETXTBSY\n", "control")
    held.kill()
    result = t.bare(copy, "-q", "--", "/usr/bin/python3", "-c", OPEN_PROGRAM, "/proc/1/exe")
    t.true(result.out.strip() in ("EACCES", "EPERM", "EROFS", "ENOENT"), result)


@test(time_limit=60)
def deaf_to_the_end(t):
    """what does not hear SIGTERM, sent to the whole process group, has a few seconds to tidy up, and no more"""
    script = "(trap '' TERM; echo ready; while :; do echo beat >>beats; sleep 0.1; done) & exec sleep 1000"

    def is_alive():
        beats = t.project / "beats"
        size = beats.stat().st_size if beats.exists() else 0
        time.sleep(0.5)
        return beats.exists() and beats.stat().st_size != size

    control = t.start("sh", "-c", script, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    control.stdout.readline()
    os.killpg(control.pid, signal.SIGTERM)
    control.wait(10)
    t.true(is_alive(), "control: it goes on")
    os.killpg(control.pid, signal.SIGKILL)
    inside = t.start(*t.sandbox_command("sh", "-c", script, options=["-q"]), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    inside.stdout.readline()
    os.killpg(inside.pid, signal.SIGTERM)
    inside.wait(20)
    t.equal(is_alive(), False, "nothing goes on")
    t.equal(processes_matching("echo beat >>beats"), [], "nor is it there")
