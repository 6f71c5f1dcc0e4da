"""Compares two trees as `diff -r --no-dereference` does, and modes and link targets besides.

Usage: compare_trees.py A B. Prints each difference, exit code 1 if there is any.
"""

import filecmp
import contextlib
import hashlib
import os
import stat
import sys

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}


def kind_of(status):
    return KINDS[stat.S_IFMT(status.st_mode)]


def entries(directory):
    return {entry.name: entry.stat(follow_symlinks=False) for entry in os.scandir(directory)}


def same_content(a, b):
    if filecmp.cmp(a, b, shallow=False):
        return True
    # Compiled Python holds the time of its source (PEP 552), which is another in each install.
    return a.endswith(".pyc") and without_times(a) == without_times(b)


def without_times(path):
    with open(path, "rb") as file:
        data = file.read()
    return data[:8] + data[12:]


def compare_entry(path, a, b, status_a, status_b):
    if kind_of(status_a) != kind_of(status_b):
        yield path, f"{kind_of(status_a)} against {kind_of(status_b)}"
        return
    # A link's own mode means nothing on Linux.
    if not stat.S_ISLNK(status_a.st_mode) and status_a.st_mode != status_b.st_mode:
        mode_a, mode_b = stat.S_IMODE(status_a.st_mode), stat.S_IMODE(status_b.st_mode)
        yield path, f"mode {mode_a:04o} against {mode_b:04o}"
    if stat.S_ISLNK(status_a.st_mode) and os.readlink(a) != os.readlink(b):
        yield path, f"link to {os.readlink(a)} against {os.readlink(b)}"
    elif stat.S_ISREG(status_a.st_mode) and not same_content(a, b):
        yield path, f"contents differ ({status_a.st_size} against {status_b.st_size} bytes)"
    elif stat.S_ISDIR(status_a.st_mode):
        yield from compare(a, b, path)


def compare(a, b, prefix=""):
    """Yields (path, what differs) for two directories."""
    in_a, in_b = entries(a), entries(b)
    for name in sorted(in_a.keys() | in_b.keys()):
        path = f"{prefix}/{name}" if prefix else name
        if name not in in_b:
            yield path, "only in the first"
        elif name not in in_a:
            yield path, "only in the second"
        else:
            yield from compare_entry(
                path, os.path.join(a, name), os.path.join(b, name), in_a[name], in_b[name]
            )


def fingerprint(root):
    """path → (type and mode, digest or link target): equal for equal trees, for before and after."""
    result = {}
    for directory, names, files in os.walk(root):
        for name in names + files:
            path = os.path.join(directory, name)
            # Below a home: what a run that is over still removes.
            with contextlib.suppress(FileNotFoundError):
                result[os.path.relpath(path, root)] = fingerprint_of_entry(path)
    return result


def fingerprint_of_entry(path):
    status = os.lstat(path)
    content = ""
    if stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(status.st_mode) and os.access(path, os.R_OK):
        with open(path, "rb") as file:
            content = hashlib.sha256(file.read()).hexdigest()
    return status.st_mode, status.st_uid, content


if __name__ == "__main__":
    differences = list(compare(sys.argv[1], sys.argv[2]))
    for where, what in differences:
        print(f"{where}: {what}")
    sys.exit(1 if differences else 0)
