"""Attacks on the kernel's surface. Each has a control run without the sandbox that succeeds."""

import os
import pathlib
import platform
import re
import shlex
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import IS_ROOT, NotApplicable, Terminal, require, require_root, test  # noqa: E402

FACTS = {"stops": "filter", "event": "none"}

BLOCKED, WORKED, COULD_NOT_TRY = 0, 1, 99
DENIED = {"EPERM", "ENOSYS", "EACCES", "EROFS", "EAFNOSUPPORT", "EPROTONOSUPPORT", "ENOENT"}

# What is tried, with its rows of the catalogue, by where the control run can succeed: as anybody, as root of
# new namespaces (without risk for the host), or as root of the host alone.
AS_ANYBODY = {
    "unshare_user": "A076 A163", "clone_user": "A163", "clone3_user": "A164", "io_uring": "A145 A160",
    "userfault": "A166", "add_a_key": "A167", "session_keyring": "A044 A167", "trace_child": "A037 A168",
    "read_memory": "A038", "take_descriptor": "A040", "compare_processes": "A181", "persona": "A181",
    "descriptor_table": "A181", "advise_process": "", "lend_pages": "", "memory_policy": "", "place_memory": "",
}
AS_NAMESPACE_ROOT = {
    "unshare_mount": "A076", "unshare_net": "A165", "set_namespace": "A041", "mount_tmpfs": "A075 A170",
    "remount_writable": "A075", "unmount": "A075", "move_a_mount": "A075",
    "open_tree_clone": "A170", "fs_open": "A170", "change_root": "A170", "host_name": "A177", "pivot": "A170",
}
AS_HOST_ROOT = {
    "load_bpf": "A166", "perf_event": "A166", "open_by_handle": "A169", "load_module": "A177", "kexec": "A177",
    "reboot_call": "A177", "read_kernel_log": "A176", "swap": "A177", "device_node": "A077", "write_sysctl": "A173",
    "sysrq": "A173",
}
SEEN = {"lend_pages": "CVE-2020-29374", "memory_policy": "CVE-2018-10675", "place_memory": "CVE-2018-10675"}
NOT_BY_THE_FILTER = {"device_node": "privilege", "write_sysctl": "mounts", "sysrq": "mounts"}
NAMESPACES = ["unshare", "-Urmun"]

SOCKETS_AS_ANYBODY = {"crypto": "A144", "vsock": "A143", "netfilter": "A144 A165", "xfrm": "A144", "audit": "A144",
                      "multipath": "A144", "shared_memory": "A144", "udp_lite": "A144", "tunnel": "A144"}
SOCKETS_AS_NAMESPACE_ROOT = {"packet": "A142", "raw_icmp": "A142", "raw_icmp6": "A142", "raw_ip": "A142"}


def attack(program, name, rows, wrapper=(), hosts="kernels that have it"):
    def body(t):
        if hosts == "as root":
            require_root("succeed without a sandbox")
        if hosts == "x86-64" and platform.machine() != "x86_64":
            raise NotApplicable("another architecture")
        path = t.attack_program(program)
        control = t.bare(*wrapper, path, name)
        if re.search("ENOSYS|EAFNOSUPPORT|EPROTONOSUPPORT|ESOCKTNOSUPPORT|ENOENT|ENODEV", control.out):
            raise NotApplicable(f"this kernel does not have it: {control.out.strip()}")
        require(control.code == WORKED, f"the host refuses it without a sandbox too: {control.out}")
        (t.project / "device").unlink(missing_ok=True)
        result = t.sandbox(path, name)
        t.equal(result.code, BLOCKED, f"{name}: {result}")
        reason = re.search(r"blocked: (\w+)", result.out)
        t.true(reason and (reason[1] in DENIED or reason[1] == "signal"), f"the reason: {result.out}")

    body.__doc__ = f"{program}: {name} is refused"
    test(body, rows=rows, seen=SEEN.get(name, ""), stops=NOT_BY_THE_FILTER.get(name, "filter"), hosts=hosts)


for one, its_rows in AS_ANYBODY.items():
    attack("kernel", one, its_rows)
attack("kernel", "thirty_two_bit_call", "A161", hosts="x86-64")
for one, its_rows in AS_NAMESPACE_ROOT.items():
    attack("kernel", one, its_rows, NAMESPACES)
for one, its_rows in AS_HOST_ROOT.items():
    attack("kernel", one, its_rows, hosts="as root")
for one, its_rows in SOCKETS_AS_ANYBODY.items():
    attack("sockets", one, its_rows)
for one, its_rows in SOCKETS_AS_NAMESPACE_ROOT.items():
    attack("sockets", one, its_rows, NAMESPACES)


def terminal_attack(name, rows):
    def body(t):
        path = t.attack_program("terminal")
        control = Terminal(t, path, name)
        t.equal(control.wait(), WORKED, f"control: {control.output}")
        inside = Terminal(t, *t.sandbox_command(path, name, options=["-q"]))
        t.equal(inside.wait(), BLOCKED, inside.output)
        t.true(re.search(r"blocked: (EPERM|EACCES|ENOSYS)", inside.output), inside.output)

    body.__doc__ = f"terminal: {name} is refused"
    test(body, rows=rows)


for one, its_rows in {"type_a_key": "A178", "type_a_key_high_bits": "A178", "console": "A179", "discipline": "A180",
                      "stop_output": "A180", "exclusive": "A180"}.items():
    terminal_attack(one, its_rows)


# What a shell reads next, as bash does: by itself, without the kernel's lines.
NEXT = "stty -icanon -echo min 0 time 2; printf 'next:'; dd bs=4096 count=1 2>/dev/null | od -An -c; echo :over"
ASK = r"printf '\033[6n\033]11;?\007' > /dev/tty; sleep 0.7"


def next_input(t, command, typed):
    """What is typed ahead, and what the terminal answers meanwhile: what of it the next program reads."""
    terminal = Terminal(t, "sh", "-c", f"{command}; {NEXT}")
    terminal.expect("\x1b[6n")
    terminal.send(typed[0] + "\x1b[24;80R\x1b]11;rgb:0000/0000/0000\x07" + typed[1])
    terminal.expect("next:")
    read = terminal.expect(":over")
    t.equal(terminal.wait(), 0, read)
    return "".join(read.split())


@test(rows="A180", stops="terminal")
def answers_of_the_terminal(t):
    """terminal: what it answers to a script's questions is not typed into the shell; what the user typed ahead is"""
    require(IS_ROOT or pathlib.Path("/proc/sys/dev/tty/legacy_tiocsti").read_text() == "1\n", "nobody may put back what was typed")
    shell = f"sh -c {shlex.quote(ASK)}"
    inside = shlex.join(map(str, t.sandbox_command("sh", "-c", ASK, options=["-q"])))
    t.contains(next_input(t, shell, ("ls -l\n", "")), "[24;80R", "control")
    t.equal(next_input(t, inside, ("ls -l\n", "pw")), "ls-l\\npw")
    t.equal(next_input(t, inside, ("", "")), "")


@test(rows="A171", stops="privilege, filter")
def no_privilege_is_left(t):
    """the command has no capability, no_new_privs and a seccomp filter; init no capability either"""
    for process in ("self", "1"):
        result = t.succeeded(t.sandbox("cat", f"/proc/{process}/status"))
        status = dict(re.findall(r"(\w+):\s+(\S+)", result.out))
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            t.equal(int(status[capabilities], 16), 0, f"{process}: {capabilities}")
        t.equal(status["NoNewPrivs"], "1", process)
        if process == "self":
            t.equal(status["Seccomp"], "2")


@test(rows="A172", stops="privilege")
def set_user_id_programs(t):
    """a set-user-ID program of the host gives no privilege"""
    program = next((p for p in ("/usr/bin/su", "/bin/su", "/usr/bin/mount") if os.path.exists(p)), None)
    require(program and os.stat(program).st_mode & 0o4000, "no set-user-ID program here")
    # Root maps to itself inside; there the bounding set is the proof, tested above.
    script = 'import ctypes, os; print(os.geteuid() == os.getuid())'
    t.contains(t.succeeded(t.sandbox("/usr/bin/python3", "-c", script)).out, "True")
    mounts = t.succeeded(t.sandbox("cat", "/proc/self/mounts")).out.splitlines()
    for line in mounts:
        _, target, kind, options = line.split()[:4]
        if kind not in ("proc", "devpts"):
            t.true("nosuid" in options.split(","), f"mounted without nosuid: {line}")


@test(rows="A175", stops="mounts")
def devices_are_absent(t):
    """devices that reach memory, disks, the kernel's log, FUSE or tunnels are not there"""
    here = set(os.listdir("/dev"))
    t.true({"null", "zero"} < here, "control")
    shown = set(t.succeeded(t.sandbox("ls", "/dev")).out.split())
    dangerous = {"mem", "kmem", "port", "kmsg", "fuse", "kvm", "net", "mapper", "loop-control",
                 "uinput", "vsock", "userfaultfd", "console", "tty0", "tty1"}
    t.equal(shown & dangerous, set())
    t.true(not any(re.match(r"(sd|vd|nvme|loop|dm-)", name) for name in shown), shown)


@test(rows="A067 A173", stops="mounts")
def system_is_read_only(t):
    """/usr, /etc, /proc/sys and /sys cannot be written, by root neither"""
    for directory in ("/usr", "/usr/local/bin", "/etc", "/sys"):
        path = f"{directory}/{t.base.name}"  # nothing of the host's, should it work
        result = t.sandbox("sh", "-c", f"echo x > {path}")
        t.true(not os.path.exists(path), f"{path} on the host")
        t.true(result.code != 0 and re.search("Read-only|denied|nonexistent|No such", result.err), result)
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper"):
        # Opened only, not written.
        t.true(t.sandbox("sh", "-c", f"exec 3>> {path}").code != 0, path)


@test
def inode_flags(t):
    """flags of an inode (no dump, no access time, immutable …) are not changed: no review would show them"""
    path = t.write("flagged", "x")
    script = ("import fcntl, struct, sys; file = open(sys.argv[1]); "
              "flags = struct.unpack('i', fcntl.ioctl(file, 0x80086601, bytes(8))[:4])[0]; "
              "fcntl.ioctl(file, 0x40086602, struct.pack('q', flags | 0x40)); print('flagged')")
    control = t.bare("/usr/bin/python3", "-c", script, path)
    require("flagged" in control.out, f"this file system has no such flags: {control.err}")
    path.unlink()
    path = t.write("flagged", "x")
    result = t.sandbox("/usr/bin/python3", "-c", script, path)
    t.contains(result.err, "not supported", result)
    t.lacks(result.out, "flagged")


@test(rows="A203", stops="mounts")
def the_host_by_its_kernel(t):
    """the boot's id and the kernel's command line are not the host's"""
    files = ["/proc/sys/kernel/random/boot_id", "/proc/cmdline"]
    bare = t.succeeded(t.bare("cat", *files)).out.splitlines()
    t.equal(bare, [line.strip() for file in files for line in open(file)], "control")
    inside = t.succeeded(t.sandbox("cat", *files)).out.splitlines()
    t.equal(len(inside), 2, inside)
    t.true(not set(bare) & set(inside), inside)


@test(rows="A176", stops="mounts, filter")
def kernel_addresses(t):
    """addresses of the kernel, its memory and its log are not to be read, by root neither"""
    files = ["/proc/kallsyms", "/proc/kcore", "/proc/iomem", "/sys/kernel/notes"]
    show = 'for f; do head -c 4000 "$f" | tr -d "\\0"; done; ls /boot /sys/kernel; true'
    bare = t.bare("sh", "-c", show, "x", *files)
    t.true(re.search(r"[0-9a-f]{8,} \w ", bare.out) or "security" in bare.out, f"control: {bare}")
    result = t.sandbox("sh", "-c", show, "x", *files)
    t.true(not re.search(r"^0*[1-9a-f][0-9a-f]{8,} \w ", result.out, re.MULTILINE), result.out[:2000])
    t.true("ELF" not in result.out and "security" not in result.out and "vmlinuz" not in result.out, result.out[:2000])


@test(rows="A174", stops="mounts")
def cgroups(t):
    """the cgroup file system is not there, and the sandbox's place in it does not show the host's"""
    mounts = ("cat", "/proc/self/mountinfo")
    if " - cgroup" not in t.bare(*mounts).out:
        raise NotApplicable("this host has no cgroups")
    t.lacks(t.succeeded(t.sandbox(*mounts)).out, " - cgroup")
    result = t.sandbox("sh", "-c", "echo 0 > /sys/fs/cgroup/cgroup.procs")
    t.true(result.code != 0, result)
    places = t.succeeded(t.sandbox("cat", "/proc/self/cgroup")).out.split()
    t.true(places and all(re.fullmatch(r"\d+:[^/]*:/", place) for place in places), places)


FROM_MEMORY = """
import os
program = os.memfd_create("payload")
os.write(program, open("/bin/echo", "rb").read())
os.execve(f"/proc/self/fd/{program}", ["payload", "ran from memory"], {})
"""


@test(rows="A182", stops="attribution", event="process.exec")
def program_from_memory(t):
    """a program that lies in memory alone runs, and is in the log like any other"""
    t.contains(t.bare("/usr/bin/python3", "-c", FROM_MEMORY).out, "ran from memory", "control")
    result = t.succeeded(t.sandbox("/usr/bin/python3", "-c", FROM_MEMORY))
    seen = [e["process"] for e in result.of_type("process.exec")]
    t.true(any(one["argv"] == ["payload", "ran from memory"] for one in seen), seen)


@test(rows="A183", stops="limits")
def core_dumps(t):
    """a program that crashes makes no core: the host would hand it to a program of its own"""
    script = "ulimit -c unlimited 2>/dev/null; ulimit -c"
    if t.bare("sh", "-c", script).out.strip() != "unlimited":
        raise NotApplicable("this host allows none either")
    t.equal(t.sandbox("sh", "-c", script).out.strip(), "0")
