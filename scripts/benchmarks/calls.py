"""What a system call costs inside: getpid, stat, openat, pwrite, connect, execve; bare, in bubblewrap with a
filter, in sandbox-run as it is, and with a behaviour lock, for which what writes is notified.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

from .results import rotated
from .start import bwrap, filter_program

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent / "tests/support/calls.c"


def run(results, binary, rounds, _options):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory, tempfile.TemporaryFile() as file:
        program = os.path.join(directory, "calls")
        subprocess.run(["cc", "-O2", "-o", program, SOURCE], check=True)
        file.write(filter_program())
        file.flush()
        ways = {"bare": ([], ()), "sandbox-run": ([binary, "-q", "--"], ()),
                "sandbox-run --learn": ([binary, "-q", "--learn", "--"], ())}
        if shutil.which("bwrap"):
            ways["bwrap, seccomp"] = ([*bwrap(file.fileno()), "--bind", directory, directory, "--chdir", directory],
                                      (file.fileno(),))
        else:
            results.leave_out("bwrap, seccomp", "not installed")
        tables = {}
        for index in range(rounds):
            for name in rotated(ways, index):
                prefix, descriptors = ways[name]
                file.seek(0)
                done = subprocess.run([*prefix, program], cwd=directory, check=True, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, pass_fds=descriptors)
                for line in done.stdout.splitlines():
                    call, nanoseconds = line.split("\t")
                    if call not in tables:
                        tables[call] = results.table("calls", call, "ns", "bare")
                    tables[call].add(name, float(nanoseconds))
        for table in tables.values():
            table.print()
