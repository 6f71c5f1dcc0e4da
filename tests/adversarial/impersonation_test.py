"""A script that would act as the package manager: by its memory, or by the debugger that node opens
on SIGUSR1. What it is refused, it could use to reach what is the package manager's alone."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402

FACTS = {"stops": "attribution, mounts", "event": "none"}

# `npm` that runs its words as npm runs the lifecycle script of a package.
NPM_IN_PYTHON = """#!/usr/bin/python3
import ctypes, json, os, subprocess, sys
if sys.argv[1] == "config":
    print(json.dumps({"registry": "https://registry.example.com/", "cache": os.path.expanduser("~/.npm")}))
    sys.exit()
ANY = ctypes.c_ulong(-1).value
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(ANY), 0, 0, 0)  # where Yama would refuse the control run
secret = ctypes.create_string_buffer(b"npms own memory")
told = {"npm_lifecycle_event": "postinstall", "npm_package_name": "evil", "npm_package_version": "1.0.0",
        "npm_package_json": os.path.abspath("node_modules/evil/package.json")}
subprocess.call([*sys.argv[1:], str(os.getpid()), str(ctypes.addressof(secret))],
                env={**os.environ, **told}, cwd="node_modules/evil")
print("npm holds:", secret.value.decode())
"""

OVERWRITE = """
import os, sys
path, pid, address = sys.argv[1:]
os.pwrite(os.open(path.replace("NPM", pid), os.O_WRONLY), b"evil", int(address))
"""

NPM_IN_NODE = """#!/usr/bin/env -S node --inspect-port=0
const {spawn} = require("child_process");
const {url} = require("inspector");
if (process.argv[2] === "config") {
  console.log(JSON.stringify({registry: "https://registry.example.com/", cache: process.env.HOME + "/.npm"}));
  process.exit();
}
const told = {npm_lifecycle_event: "postinstall", npm_package_name: "evil", npm_package_version: "1.0.0",
              npm_package_json: process.cwd() + "/node_modules/evil/package.json"};
const words = process.argv.slice(2).map(word => word.replace("NPM", process.pid));
const deadline = Date.now() + 20000;
const wait = () => {
  if (url()) { console.log("debugger: open"); process.exit(); }
  if (Date.now() > deadline) process.exit(1);
  setTimeout(wait, 5);
};
spawn(words[0], words.slice(1), {env: {...process.env, ...told}, cwd: "node_modules/evil", stdio: "inherit"})
  .on("exit", code => code === 0 ? wait() : console.log("debugger:", url() ?? "closed"));
"""

# Every way to send a signal; "owner": the kernel sends it for a descriptor whose owner npm becomes.
SEND = """
import ctypes, fcntl, os, signal, socket, struct, sys
way, pid = sys.argv[1], int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
def call(*words):
    if libc.syscall(*[ctypes.c_long(word) if isinstance(word, int) else word for word in words]) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
number = {"x86_64": {"tkill": 200, "tgkill": 234, "queue": 129},
          "aarch64": {"tkill": 130, "tgkill": 131, "queue": 138}}[os.uname().machine]
if way == "kill":
    os.kill(pid, signal.SIGUSR1)
elif way == "group":
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    os.kill(0, signal.SIGUSR1)
elif way == "tkill":
    call(number["tkill"], pid, int(signal.SIGUSR1))
elif way == "tgkill":
    call(number["tgkill"], pid, pid, int(signal.SIGUSR1))
elif way == "queue":
    call(number["queue"], pid, int(signal.SIGUSR1), struct.pack("iii116x", int(signal.SIGUSR1), 0, -1))
elif way == "pidfd":
    signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGUSR1)
elif way == "owner":
    one, other = socket.socketpair()
    fcntl.fcntl(one, fcntl.F_SETOWN, pid)
    fcntl.fcntl(one, getattr(fcntl, "F_SETSIG", 10), signal.SIGUSR1)
    fcntl.fcntl(one, fcntl.F_SETFL, os.O_ASYNC)
    other.send(b"x")
"""


def install(t, npm):
    t.write(t.home / ".local/bin/npm", npm, mode=0o755)
    t.write("package.json", "{}")
    t.write("node_modules/evil/package.json", "{}")
    return {"PATH": f"{t.home}/.local/bin:/usr/local/bin:/usr/bin:/bin"}


@test(rows="A039")
def memory_of_the_package_manager(t):
    """a script cannot write the package manager's memory"""
    env = install(t, NPM_IN_PYTHON)
    for path in ("/proc/NPM/mem", "/proc/NPM/task/NPM/mem", "/proc/self/root/proc/NPM/mem"):
        words = ["npm", "/usr/bin/python3", "-c", OVERWRITE, path]
        control = t.bare(*words, env=env)
        t.contains(control.out, "npm holds: evil own memory", f"control: {control}")
        result = t.sandbox(*words, env=env)
        t.contains(result.out, "npm holds: npms own memory", result)
        t.contains(result.err, "Read-only file system", result)


@test(rows="A037")
def debugger_of_the_package_manager(t):
    """a script cannot make the package manager's node open its debugger"""
    env = install(t, NPM_IN_NODE)
    for way in ("kill", "group", "tkill", "tgkill", "queue", "pidfd", "owner"):
        words = ["npm", "/usr/bin/python3", "-c", SEND, way, "NPM"]
        control = t.bare("setsid", "-w", *words, env=env)
        t.contains(control.out, "debugger: open", f"control, {way}: {control}")
        result = t.sandbox(*words, env=env)
        t.contains(result.out, "debugger: closed", f"{way}: {result}")
        t.contains(result.err, "Operation not permitted", f"{way}: {result}")


@test(stops="nothing", event="none")
def signals_among_own_processes(t):
    """a script may send SIGUSR1 to processes of its own, the package manager to any"""
    env = install(t, NPM_IN_NODE)
    own = ("import os, signal, subprocess, sys; "
           "child = subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'], stdin=subprocess.PIPE); "
           "child.send_signal(signal.SIGUSR1); print('child ended by', -child.wait()); sys.exit(1)")
    result = t.sandbox("npm", "/usr/bin/python3", "-c", own, env=env)
    t.contains(result.out, "child ended by 10", result)
    result = t.sandbox("sh", "-c", "sleep 100 & kill -USR1 $!; wait $!; echo ended $?")
    t.contains(result.out, "ended 138", result)
