"""Every system call of sandbox-run's own processes made to fail in turn (support/fault.c): while the
sandbox is set up, while it runs, while its changes are committed.

Whatever fails: an error in words, or a run as without it; never a command that is less confined; the
project as it was or the whole commit done; nothing left behind; and the next run works.
"""

import errno
import os
import platform
import pathlib
import shutil
import subprocess

import harness

CAN_FAIL = platform.machine() == "x86_64"
SECONDS = 40  # a run takes a tenth of one; tracing makes it slower

# libc's and the loader's own, at their start, for memory and in locks: what they answer is never looked at
# by us, and how many there are is chance.
_OF_LIBC = {"arch_prctl", "set_tid_address", "set_robust_list", "rseq", "futex",
            "brk", "mmap", "munmap", "mremap", "mprotect", "madvise"}

# What the kernel answers where something is wrong that can be wrong anywhere; of others EIO.
_USUAL = {
    "open": errno.EMFILE, "openat": errno.EMFILE, "openat2": errno.EMFILE, "socket": errno.EMFILE,
    "pipe2": errno.EMFILE, "eventfd2": errno.EMFILE, "epoll_create1": errno.EMFILE, "dup": errno.EMFILE,
    "clone": errno.EAGAIN, "clone3": errno.EAGAIN, "fork": errno.EAGAIN, "vfork": errno.EAGAIN,
    "write": errno.ENOSPC, "mkdir": errno.ENOSPC, "mkdirat": errno.ENOSPC, "fsync": errno.EIO,
    "mount": errno.EPERM, "move_mount": errno.EPERM, "setns": errno.EPERM, "seccomp": errno.EINVAL,
    "landlock_restrict_self": errno.E2BIG, "rename": errno.ENOSPC, "renameat2": errno.ENOSPC,
}


def call_names():
    """Number → name, from the kernel's header."""
    names = {}
    for header in ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"):
        if os.path.exists(header):
            for line in pathlib.Path(header).read_text().splitlines():
                words = line.split()
                if len(words) == 3 and words[1].startswith("__NR_"):
                    names[int(words[2])] = words[1][len("__NR_"):]
            return names
    harness.skip("no kernel headers")


class Faults:
    """Runs of one command, each with one call that fails."""

    def __init__(self, t):
        harness.require(CAN_FAIL, "calls are made to fail on x86-64 only")
        self.t = t
        self.names = call_names()
        self.fault = t.compiled("support/fault.c")
        self.program = t.base / "confinement"
        shutil.copy2(t.compiled("support/confinement.c"), self.program)
        self.profile = t.accepting_profile()
        self.report = t.base / "report"
        self.reset()
        self.before = t.fingerprint()
        self.reference = self.confinement(t.succeeded(self.run("list")))
        self.after = t.fingerprint()
        t.true(self.after != self.before, "the command changed nothing")
        self.calls = [(role, int(number), int(count)) for kind, role, number, count in self.reported()
                      if kind == "call" and self.names.get(int(number)) not in _OF_LIBC]
        t.true({role for role, _, _ in self.calls} >= {"supervisor", "init", "keeper", "sandboxee"},
               f"not all processes were seen: {self.calls}")

    def reset(self):
        shutil.rmtree(self.t.project)
        self.t.project.mkdir()
        self.t.write("node_modules/old/index.js", "old\n")
        self.t.write("node_modules/changed.js", "before\n")
        self.t.write("package-lock.json", '{"before": 1}\n')

    def command(self):
        return self.t.sandbox_command(
            self.program, options=["--profile", self.profile, "--ro", self.program])

    def run(self, *what):
        return self.t.bare(self.fault, self.report, *what, *self.command(), timeout=SECONDS)

    def reported(self):
        return [line.split() for line in self.report.read_text().splitlines()]

    def confinement(self, result):
        """What the command said of itself, without what differs from run to run; None: it did not
        run."""
        whole, newline, _ = result.out.rpartition("\n")  # it may have been killed on its way
        if not newline:
            return None
        lines = []
        for line in whole.splitlines():
            if line.startswith("namespace "):
                name, number = line.split()[1].split(":")
                own = os.readlink(f"/proc/self/ns/{name}").split(":")[1] != number
                line = f"namespace {name} {'its own' if own else 'of the host'}"
            lines.append(line)
        return lines

    def points(self):
        """All: role, number of the call, the how many-eth."""
        return [(role, number, nth) for role, number, count in self.calls
                for nth in range(1, count + 1)]

    def first_of_each(self, *roles):
        return [(role, number, 1) for role, number, _ in self.calls if role in roles]

    def last_of_each(self, *roles):
        return [(role, number, count) for role, number, count in self.calls if role in roles]

    def try_all(self, points):
        """The first few things that are wrong, as text."""
        problems = []
        for role, number, nth in points:
            name = self.names.get(number, str(number))
            about = f"{role}: {name} #{nth}"
            try:
                self.try_one(role, number, nth, name)
            except (AssertionError, subprocess.TimeoutExpired) as problem:
                problems.append(f"{about}: {problem}")
                self.clear_state()
        return problems

    def clear_state(self):
        shutil.rmtree(self.t.home / ".local", ignore_errors=True)

    def try_one(self, role, number, nth, name):
        self.reset()
        error = _USUAL.get(name, errno.EIO)
        result = self.run("fail", role, number, nth, error)
        reported = self.reported()
        self.check_end(result, name)
        left = [words for words in reported if words[0] == "left"]
        self.t.true(not left, f"left running: {left}")
        self.check_confinement(result)
        self.check_project(result)
        self.check_what_is_left(result)

    def check_end(self, result, name):
        self.t.true(0 <= result.code < 128, f"ended by a signal: {result}")
        if result.code == 0:
            return
        # The words themselves may be what could not be written.
        said = [line for line in result.err.splitlines() if line.startswith("sandbox-run: ")]
        is_of_loader = result.code == 127 and ("error while loading shared libraries" in result.err or
                                               "for initial thread" in result.err)
        self.t.true(said or name == "write" or is_of_loader, f"no word of what is wrong: {result}")
        for vague in ("std::", "bad_alloc", "Success", "terminate called"):
            self.t.lacks(result.err, vague, "the message")

    def check_confinement(self, result):
        lines = self.confinement(result)
        if lines is None:
            return
        same = lines == self.reference or (lines[-1] != "end" and lines == self.reference[:len(lines)])
        if not same:
            differs = [line for line in lines if line not in self.reference and not self.is_shown(line)]
            missing = [line for line in self.reference if line not in lines and not self.is_shown(line)]
            # A cover more is no harm, nor is a thing of the host less.
            if not missing and all(line.endswith(" tmpfs") and " ro," in line for line in differs):
                return
            raise AssertionError(f"less confined: {differs} in place of {missing}")

    def check_project(self, result):
        now = self.t.fingerprint()
        # What could not be looked at on the host is held, and that is said.
        is_held = result.code == 0 and "\n  held: " in result.err
        self.t.true(now in (self.before, self.after) or is_held or "some may be in the project" in result.err,
                    f"the project is half changed: {result}\n{now}")
        if result.code == 0 and not is_held:
            self.t.true(now == self.after, f"exit code 0, and nothing was committed: {result}")
        if "the project is as it was" in result.err:
            self.t.true(now == self.before, f"the project is not as it was: {result}")
        beside = sorted(path.name for path in self.t.project.parent.glob(".sandbox-run*"))
        self.t.equal(beside, [], "left beside the project")

    def check_what_is_left(self, result):
        """Nothing; or what the next run finishes, which works on what the failed one has left."""
        if result.code != 0 or not self.is_clean():
            self.t.succeeded(self.t.bare(*self.command()), "the next run")
            self.t.true(self.t.fingerprint() == self.after, "the next run's commit")
        harness.wait_until(self.is_clean, "what is left of the failed run is removed", 10)

    def is_clean(self):
        """But for what `undo` of the last run would give back, and what is held."""
        runs = self.t.home / ".local/state/sandbox-run/runs"
        unfinished = [path for name in ("journal", "unfinished", "undoing") for path in runs.glob(f"*/{name}")]
        last = max((path.name for path in runs.iterdir()), default="") if runs.exists() else ""
        kept = [path.parent for path in runs.glob("*/layers")
                if path.parent.name != last and not self.holds_changes(path.parent)]
        return not unfinished and not kept

    @staticmethod
    def is_shown(line):
        """A thing of the host, read-only."""
        return line.startswith("mount ") and " ro," in line and not line.endswith((" tmpfs", " proc"))

    @staticmethod
    def holds_changes(run):
        """A commit that was undone holds all of it. (The record of none is as long as its frame.)"""
        held = run / "held"
        return held.exists() and held.stat().st_size > 8 + len("sandbox-run held 1") + 8 + 64


def check(t, faults, points):
    problems = faults.try_all(points)
    t.true(not problems, f"{len(problems)} of {len(points)}:\n" + "\n".join(problems[:20]))
