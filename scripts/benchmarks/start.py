"""How long it takes until a command runs, and until the prompt is back: `true`, `node -e 0`, `npm --version`;
processor time, memory and system calls beside it; then the memory of our own processes while a command waits.
"""

import os
import pathlib
import platform
import re
import shutil
import struct
import subprocess
import tempfile
import time

from .results import rotated

FLOOR = pathlib.Path(__file__).resolve().parent.parent.parent / "tests/support/floor.c"
WARM_UP = 3  # rounds that count for nothing

# Numbers of the calls that the peer's filter refuses: of ptrace, mount, keyctl, bpf and the like.
REFUSED = {
    "x86_64": (0xC000003E, [101, 165, 166, 155, 161, 246, 248, 250, 272, 308, 321, 323, 425]),
    "aarch64": (0xC00000B7, [117, 40, 39, 41, 51, 104, 217, 219, 97, 268, 280, 282, 425]),
}


def filter_program():
    """A classic BPF program (seccomp(2)) for the peer: wrong architecture: kill; REFUSED: EPERM."""
    architecture, numbers = REFUSED[platform.machine()]
    load, equal, give = 0x20, 0x15, 0x06
    program = [(load, 0, 0, 4), (equal, 1, 0, architecture), (give, 0, 0, 0x80000000), (load, 0, 0, 0)]
    for index, number in enumerate(numbers):
        program.append((equal, len(numbers) - index, 0, number))
    program += [(give, 0, 0, 0x7FFF0000), (give, 0, 0, 0x00050001)]
    return b"".join(struct.pack("HBBI", *step) for step in program)


def measured(command, directory, **more):
    """Wall time and processor time in ms, of all its processes that were waited for; the largest one's memory."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, **more)
    _, status, usage = os.wait4(process.pid, 0)
    took = (time.perf_counter() - started) * 1e3
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"exit code {process.returncode} of {command}")
    return took, {"cpu_ms": (usage.ru_utime + usage.ru_stime) * 1e3, "peak_mib": usage.ru_maxrss / 1024}


def system_calls(command, directory, **more):
    """Of all processes, once; None where strace is not here or can't follow."""
    if not shutil.which("strace"):
        return None
    with tempfile.NamedTemporaryFile() as file:
        done = subprocess.run(["strace", "-f", "-c", "-o", file.name, *command], cwd=directory, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
        total = re.search(r"^100\.00\s+\S+\s+\S+\s+(\d+)", pathlib.Path(file.name).read_text(), re.MULTILINE)
    return int(total.group(1)) if done.returncode == 0 and total else None


def build_floor(directory):
    """The least that such a sandbox can be: tests/support/floor.c."""
    program = os.path.join(directory, "floor")
    done = subprocess.run(["cc", "-O2", "-static", "-o", program, FLOOR], capture_output=True, text=True)
    return program if done.returncode == 0 else None


def bwrap(filter_fd):
    return ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/", "/", "--dev", "/dev",
            "--proc", "/proc", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--seccomp", str(filter_fd)]


def contestants(results, binary, directory, filter_fd):
    """By name: what is put before the command, and descriptors that it needs."""
    def rewind():  # the filter is read from where the descriptor stands
        os.lseek(filter_fd, 0, os.SEEK_SET)

    found = {"bare": ([], ())}
    peers = {"bwrap --unshare-all, seccomp": ("bwrap", bwrap(filter_fd), (filter_fd,)),
             "firejail --net=none": ("firejail", ["firejail", "--quiet", "--noprofile", "--net=none", "--seccomp", "--"], ()),
             "nsjail -Mo": ("nsjail", ["nsjail", "-Mo", "-q", "--chroot", "/", "--"], ()),
             "sandbox-runtime": ("srt", ["srt"], ())}
    for name, (program, prefix, descriptors) in peers.items():
        if not shutil.which(program):
            results.leave_out(name, "not installed")
            continue
        try:
            rewind()
            measured([*prefix, shutil.which("true")], directory, pass_fds=descriptors)
            found[name] = (prefix, descriptors)
        except (RuntimeError, OSError) as problem:
            results.leave_out(name, str(problem)[:100])
    floor = build_floor(directory)
    if floor:
        found["floor"] = ([floor], ())
    else:
        results.leave_out("floor", "no static C program can be built here")
    found["sandbox-run"] = ([binary, "-q", "--"], ())
    return found


def run(results, binary, rounds, _options):
    # Not below the home, which is no project; not on tmpfs, where an overlay is another thing.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory, tempfile.TemporaryFile() as file:
        os.chmod(directory, 0o755)
        file.write(filter_program())
        file.flush()
        entries = contestants(results, binary, directory, file.fileno())
        for title, command, share in (("true", ["true"], 1), ("node -e 0", ["node", "-e", "0"], 2),
                                      ("npm --version", ["npm", "--version"], 4)):
            if not shutil.which(command[0]):
                results.leave_out(title, "not installed")
                continue
            base = "bwrap --unshare-all, seccomp" if command == ["true"] and len(entries) > 3 else "bare"
            table = results.table("start", f"start of `{title}`", "ms", base)
            counts = {}
            for index in range(max(1, rounds // share) + WARM_UP):
                for name in rotated(entries, index):
                    prefix, descriptors = entries[name]
                    file.seek(0)
                    took, more = measured([*prefix, *command], directory, pass_fds=descriptors)
                    if index >= WARM_UP:
                        table.add(name, took, **more)
            if command == ["true"]:
                for name, (prefix, descriptors) in entries.items():
                    file.seek(0)
                    counts[name] = system_calls([*prefix, *command], directory, pass_fds=descriptors)
                    if counts[name]:
                        table.more[name]["calls"] = [counts[name]]
            table.print()
        memory(results, binary, directory)


def pss_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1])


def memory(results, binary, directory):
    process = subprocess.Popen([binary, "-q", "--", "cat"], cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(b"ready\n")
    process.stdin.flush()
    process.stdout.readline()  # it has come through: the command runs
    table = results.table("memory", "memory while a command waits", "KiB, PSS", "supervisor")
    table.add("supervisor", pss_of(process.pid))
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for name, child in zip(("init", "keeper"), children):
        try:
            table.add(name, pss_of(child))
        except PermissionError:
            results.leave_out(f"memory of {name}", "only root may read it")
    table.print()
    process.stdin.close()
    process.wait()
