"""What others on this host may not read is not shown, wherever it lies: /opt, /usr/local, toolchains, /etc."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import SECRET, test  # noqa: E402

FACTS = {"stops": "mounts", "event": "none"}

# Not by its arguments: a path that the user types is one that he wants read.
READER = '#!/bin/sh\nwhile read -r f; do cat "$f"; done < list\nexit 0\n'


def listed(t, *paths):
    t.write("list", "".join(f"{path}\n" for path in paths))


def private_tree(t, root, deep="share/deep/down/further/key"):
    """Files that others may not read in `root`, and one that they may."""
    private = [t.write(root / ".credentials", SECRET + "\n", 0o600),
               t.write(root / deep, SECRET + "\n", 0o640),
               t.write(root / "closed/open.txt", SECRET + "\n", 0o644),
               t.write(root / "listed/open.txt", SECRET + "\n", 0o644)]
    (root / "closed").chmod(0o700)
    (root / "listed").chmod(0o750)
    return private, t.write(root / "share/open.txt", "for everybody\n", 0o644)


@test
def beside_the_command(t):
    """the prefix of a command outside the home shows nothing that others may not read"""
    root = t.base / "tool"
    tool = t.write(root / "bin/tool", READER, 0o755)
    private, public = private_tree(t, root)
    listed(t, *private, public)
    control = t.succeeded(t.bare(tool))
    t.equal(control.out.count(SECRET), len(private), "control")
    result = t.succeeded(t.sandbox(tool))
    t.lacks(result.out, SECRET)
    t.contains(result.out, "for everybody")


@test
def in_a_toolchain(t):
    """a toolchain of the home shows nothing that others may not read, its open files work"""
    root = t.home / ".pyenv"
    t.write(root / "shims/reader", READER, 0o755)
    private, public = private_tree(t, root, "share/deep/key")
    listed(t, *private, public)
    env = {"PATH": f"{root}/shims:{t.env['PATH']}", "PYENV_ROOT": None}
    t.equal(t.bare("reader", env=env).out.count(SECRET), len(private), "control")
    result = t.succeeded(t.sandbox("reader", env=env))
    t.lacks(result.out, SECRET)
    t.contains(result.out, "for everybody")


@test(stops="nothing", event="none")
def a_closed_toolchain(t):
    """a toolchain that was installed with umask 077 works: it is shown as it is"""
    root = t.home / ".pyenv"
    t.write(root / "shims/reader", READER, 0o700)
    data = t.write(root / "lib/data.txt", "its own\n", 0o600)
    for directory in (root, root / "shims", root / "lib"):
        directory.chmod(0o700)
    listed(t, data)
    result = t.sandbox("reader", env={"PATH": f"{root}/shims:{t.env['PATH']}", "PYENV_ROOT": None})
    t.equal(t.succeeded(result).out, "its own\n")


@test
def ones_own_programs(t):
    """a program in a directory of PATH that others may not read can be run; a file beside it is not shown"""
    directory = t.home / ".local/bin"
    private = t.write(directory / "notes", SECRET, 0o600)
    t.write(directory / "mine", f"#!/bin/sh\necho ran\ncat {private}\nexit 0\n", 0o700)
    env = {"PATH": f"{directory}:{t.env['PATH']}"}
    t.contains(t.bare("mine", env=env).out, SECRET, "control")
    result = t.sandbox("sh", "-c", "mine", env=env)
    t.equal(t.succeeded(result).out, "ran\n")


def in_opt(t, prepare, *words, options=()):
    """Runs `prepare`, and then a command bare and in the sandbox, with an /opt and /usr/local/share of the
    test's own."""
    mounts = ("mount -t tmpfs -o mode=755 tmpfs /opt; mount -t tmpfs -o mode=755 tmpfs /usr/local/share\n"
              f"umask 022\n{prepare}\n")
    bare = t.in_own_mounts(mounts + 'exec "$@"', *words)
    inside = t.in_own_mounts(mounts + 'exec "$@"', *t.sandbox_command(*words, options=["-q", *options]))
    return t.succeeded(bare, "control"), inside


MAKE = f"""make() {{ mkdir -p $(dirname $1); echo {SECRET} > $1; chmod $2 $1; }}
make /opt/x/.credentials 600; make /opt/x/open.txt 644; echo open > /opt/x/open.txt
make /opt/x/in/deep.key 440; make /opt/closed/open.txt 644; chmod 700 /opt/closed
make /usr/local/share/own.key 600
"""
PRIVATE = ["/opt/x/.credentials", "/opt/x/in/deep.key", "/opt/closed/open.txt", "/usr/local/share/own.key"]


@test(rows="A022")
def in_opt_and_usr_local(t):
    """private files in /opt and /usr/local can't be read, by whatever user; public ones can"""
    reader = ["sh", "-c", f"cat {' '.join(PRIVATE)} /opt/x/open.txt; true"]
    bare, inside = in_opt(t, MAKE + f"cd {t.project}", *reader)
    t.equal(bare.out.count(SECRET), len(PRIVATE), "control")
    t.equal(t.succeeded(inside).out, "open\n")


@test
def project_in_a_private_directory(t):
    """a project below a directory of /opt that others may not enter is itself shown, its neighbours are not"""
    prepare = (MAKE + "mkdir /opt/closed/project; cd /opt/closed/project; echo mine > own.txt; chmod 600 own.txt\n"
               f"export XDG_STATE_HOME={t.base}/state XDG_CACHE_HOME={t.base}/cache")
    bare, inside = in_opt(t, prepare, "sh", "-c", "cat own.txt ../open.txt; true", options=[])
    t.contains(bare.out, SECRET, "control")
    t.equal(t.succeeded(inside).out, "mine\n")


@test
def toolchain_in_a_private_directory(t):
    """a toolchain below such a directory can be run if PATH leads there, and shows itself alone"""
    prepare = (MAKE + f"mkdir -p /opt/closed/tool/bin; cd {t.project}\n"
               "printf '#!/bin/sh\\necho ran; cat /opt/closed/open.txt; true' > /opt/closed/tool/bin/tool\n"
               "chmod 755 /opt/closed/tool/bin/tool; export PATH=/opt/closed/tool/bin:$PATH")
    bare, inside = in_opt(t, prepare, "tool")
    t.contains(bare.out, SECRET, "control")
    t.equal(t.succeeded(inside).out, "ran\n")


@test(stops="nothing", event="none")
def shown_by_name(t):
    """--ro shows a private place all the same: the user says so by name"""
    reader = ["sh", "-c", "cat /opt/x/.credentials"]
    bare, inside = in_opt(t, MAKE + f"cd {t.project}", *reader, options=["--ro", "/opt/x"])
    t.equal(t.succeeded(inside).out, bare.out)


@test
def in_directories_of_etc(t):
    """private files in directories of /etc that are shown are not"""
    mounts = (f"mkdir -p {t.base}/own; cp -r /etc/profile.d/. {t.base}/own; mount --bind {t.base}/own /etc/profile.d\n"
              f"echo {SECRET} > /etc/profile.d/own.sh; chmod 600 /etc/profile.d/own.sh\n"
              f"echo open > /etc/profile.d/open.sh; chmod 644 /etc/profile.d/open.sh\ncd {t.project}\n")
    reader = ["sh", "-c", "cat /etc/profile.d/own.sh /etc/profile.d/open.sh; true"]
    t.contains(t.succeeded(t.in_own_mounts(mounts + '"$@"', *reader)).out, SECRET, "control")
    inside = t.in_own_mounts(mounts + '"$@"', *t.sandbox_command(*reader, options=["-q"]))
    t.equal(t.succeeded(inside).out, "open\n")


@test(rows="A022", hosts="as root")
def what_root_keeps(t):
    """as root, a file in /opt that root keeps for itself can't be read either"""
    from harness import require_root

    require_root("keep something from others")
    import tempfile

    with tempfile.TemporaryDirectory(dir="/opt", prefix="srt-") as place:
        os.chmod(place, 0o755)
        path = os.path.join(place, "key")
        with open(path, "w", encoding="utf-8") as file:
            file.write(SECRET)
        os.chmod(path, 0o600)
        t.contains(t.bare("sh", "-c", f"cat {path}").out, SECRET, "control")
        t.equal(t.sandbox("sh", "-c", f"cat {path}").out, "")
