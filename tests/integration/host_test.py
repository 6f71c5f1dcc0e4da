"""A host that is not fit: one clear line with the cure, the designed exit code, the project untouched."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import require, test  # noqa: E402

SET_UP_FAILED = 125
USAGE = 2


def words_for(t, *command, options=()):
    return t.sandbox_command(*command, options=options)


@test
def unusual_homes(t):
    """a home that is /, does not exist or can't be written to is no obstacle, as for users without an entry in passwd"""
    read_only = t.home / "read-only"
    read_only.mkdir(mode=0o500)
    for home in ("/", t.base / "none/home", read_only):
        before = os.path.exists(f"{home}/.npm")
        env = {"HOME": str(home), "XDG_STATE_HOME": str(t.base / "state"), "XDG_CACHE_HOME": str(t.base / "cache")}
        result = t.succeeded(t.sandbox("sh", "-c", "pwd; echo x > made", options=["--profile", t.accepting_profile()], env=env), home)
        t.equal(result.out.strip(), str(t.project))
        t.equal((t.project / "made").read_text(), "x\n")
        t.succeeded(t.sandbox("true", options=["--profile", "npm"], env=env), home)
        t.equal(os.path.exists(f"{home}/.npm"), before, f"nothing is left in {home}")


@test
def no_user_namespaces(t):
    """user namespaces switched off: 125, in words, nothing run"""
    before = t.fingerprint()
    probe = t.bare("unshare", "-Ur", "sh", "-c", "echo 0 > /proc/sys/user/max_user_namespaces")
    require(probe.code == 0, f"cannot make a host without them: {probe.err}")
    result = t.bare(
        "unshare", "-Ur", "sh", "-e", "-c",
        'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', "x",
        *words_for(t, "sh", "-c", "echo ran; echo x > made"),
    )
    t.one_clear_line(result, SET_UP_FAILED, "user namespace")
    t.lacks(result.out, "ran")
    t.equal(t.fingerprint(), before, "the project")


# What fsopen(2) answers on a kernel without overlayfs, put between sandbox-run and libc.
NO_OVERLAYFS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
long syscall(long number, long a, long b, long c, long d, long e, long f) {
  long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  if (number == SYS_fsopen && strcmp((const char *)a, "overlay") == 0) {
    errno = ENODEV;
    return -1;
  }
  return next(number, a, b, c, d, e, f);
}
"""


@test
def no_overlayfs(t):
    """a kernel without overlayfs: 125, in words with the cure, nothing run"""
    (t.base / "no_overlayfs.c").write_text(NO_OVERLAYFS)
    library = t.base / "no_overlayfs.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-w", "-o", library, t.base / "no_overlayfs.c", "-ldl"],
                   check=True)
    before = t.fingerprint()
    control = t.sandbox("sh", "-c", "echo ran")
    t.contains(control.out, "ran")
    result = t.bare("env", f"LD_PRELOAD={library}", *words_for(t, "sh", "-c", "echo ran; echo x > made"))
    t.one_clear_line(result, SET_UP_FAILED, "modprobe overlay")
    t.lacks(result.out, "ran")
    t.equal(t.fingerprint(), before, "the project")


def on_tmpfs(t, script, *words):
    """As Context.in_own_mounts, with 16 MiB of tmpfs at t.base/small."""
    mount = f"mkdir -p {t.base}/small; mount -t tmpfs -o size=16m tmpfs {t.base}/small; "
    return t.in_own_mounts(mount + script, *words)


@test
def project_on_tmpfs(t):
    """a project on another file system (tmpfs) than the state directory: it works all the same"""
    script = "mkdir -p a/b; echo new > a/b/new.txt; chmod 700 a; ln -s b a/link; echo more >> old.txt"
    result = on_tmpfs(
        t,
        f"""mkdir {t.base}/small/project; cd {t.base}/small/project
        echo old > old.txt; chmod 640 old.txt
        "$@"
        cat old.txt a/b/new.txt; stat -c %a old.txt a; readlink a/link""",
        *words_for(t, "sh", "-c", script, options=["--profile", t.accepting_profile()]),
    )
    t.equal(t.succeeded(result).out, "old\nmore\nnew\n640\n700\nb\n")


@test
def state_on_tmpfs(t):
    """a state directory on tmpfs: it works, or says in one line that it cannot"""
    result = on_tmpfs(
        t,
        f'cd {t.project}; export XDG_STATE_HOME={t.base}/small; "$@"',
        *words_for(t, "sh", "-c", "echo x > made", options=["--profile", t.accepting_profile()]),
    )
    if result.code == 0:
        t.equal((t.project / "made").read_text(), "x\n")
    else:
        t.one_clear_line(result, SET_UP_FAILED, "state")


@test
def inside_a_container(t):
    """project and state on an overlay, as inside a container: it works, or says so in one line"""
    for name in ("lower/project", "upper", "work", "merged"):
        (t.base / name).mkdir(parents=True)
    (t.base / "lower/project/old.txt").write_text("old\n")
    result = t.in_own_mounts(
        f"""cd {t.base}
        mount -t overlay -o userxattr,lowerdir=lower,upperdir=upper,workdir=work overlay merged
        cd merged/project
        export XDG_STATE_HOME={t.base}/merged/state
        "$@"
        cat made >&2; cat made""",
        *words_for(t, "sh", "-c", "echo x > made", options=["--profile", t.accepting_profile()]),
    )
    if result.code == 0:
        t.equal(result.out, "x\n")
    else:
        t.one_clear_line(result, SET_UP_FAILED)


@test
def full_disk_while_running(t):
    """a full disk during the run: the command sees it, nothing is committed"""
    t.write("old.txt", "old\n")
    result = t.in_own_mounts(
        f"""mkdir {t.base}/small; mount -t tmpfs -o size=3m tmpfs {t.base}/small
        export XDG_STATE_HOME={t.base}/small
        code=0; "$@" || code=$?
        ls -A {t.project} >&2; exit $code""",
        *words_for(t, "sh", "-c", "head -c 8000000 /dev/zero > big || exit 9"),
    )
    t.true(result.code in (9, SET_UP_FAILED), result)
    t.lacks(result.err.splitlines()[-1], "big", "the project")


@test
def full_disk_while_committing(t):
    """a full disk during the commit: undone, one clear line, the project untouched"""
    result = t.in_own_mounts(
        f"""mkdir {t.base}/small; mount -t tmpfs -o size=3m tmpfs {t.base}/small
        cd {t.base}/small; echo old > old.txt
        code=0; "$@" || code=$?
        ls -A . ; cat old.txt; exit $code""",
        *words_for(
            t, "sh", "-c", "echo changed > old.txt; head -c 8000000 /dev/zero > big",
            options=["--profile", t.accepting_profile()],
        ),
    )
    t.one_clear_line(result, SET_UP_FAILED, "space")
    t.equal(result.out, "old.txt\nold\n")


@test
def read_only_project(t):
    """a project on a read-only mount: one clear line"""
    t.write("old.txt", "old\n")
    result = t.in_own_mounts(
        f"""mount --bind {t.project} {t.project}
        mount -o remount,bind,ro {t.project}
        cd {t.project}; exec "$@" """,
        *words_for(t, "sh", "-c", "echo x > made", options=["--profile", t.accepting_profile()]),
    )
    t.one_clear_line(result, SET_UP_FAILED, "read-only")
    t.equal(sorted(os.listdir(t.project)), ["old.txt"])


@test
def no_home(t):
    """without $HOME it finds the home, or says in one line that it needs it"""
    result = t.sandbox("echo", "fine", env={"HOME": None})
    if result.code == 0:
        t.equal(result.out, "fine\n")
    else:
        t.one_clear_line(result, result.code, "HOME")
        t.true(result.code in (USAGE, SET_UP_FAILED), result)


@test
def home_is_no_project(t):
    """$HOME, / and anything above the home are refused as a project"""
    for directory in (t.home, "/", t.home.parent):
        result = t.sandbox("true", cwd=directory)
        t.one_clear_line(result, USAGE)
        t.true(str(directory) in result.err or "home" in result.err.lower(), result)


@test
def home_is_a_work_tree(t):
    """a git work tree at $HOME (dotfiles) does not make the home a target"""
    t.succeeded(t.bare("git", "init", "-q", cwd=t.home))
    result = t.sandbox(
        "sh", "-c", "ls -A ~/.aws ~/.ssh 2>/dev/null; echo done", options=("--decoys", "off")
    )
    t.equal(t.succeeded(result).out, "done\n")


@test
def unreadable_files(t):
    """a file in the project that the caller cannot read does not stop the run"""
    t.write("secret", "x", mode=0o000)
    (t.project / "closed").mkdir(mode=0o000)
    result = t.sandbox("sh", "-c", "ls | sort | xargs")
    t.contains(t.succeeded(result).out, "closed secret")


@test
def two_runs_at_once(t):
    """a second run in the same project waits or says that another one is busy there"""
    first = t.start(
        *t.sandbox_command("sh", "-c", "echo ready; read x; echo first > one", options=["-q"]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    t.equal(first.stdout.readline(), b"ready\n")
    second = t.start(
        *t.sandbox_command("sh", "-c", "echo second"), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )
    try:
        out, err = second.communicate(timeout=5)
        t.true(second.returncode not in (0, None), (out, err))
        t.contains(err.decode(), "sandbox-run: ")
        first.communicate(b"go\n", timeout=20)
    except subprocess.TimeoutExpired:  # it waits
        first.communicate(b"go\n", timeout=20)
        out, err = second.communicate(timeout=20)
        t.equal((second.returncode, out), (0, b"second\n"), err)
    t.equal(first.returncode, 0)


@test
def odd_file_names(t):
    """any byte in a file name is committed exactly"""
    names = [b"new\nline", b"esc\x1b[31m", b"\xff\xfe", b"tab\t", b"quote'\"", b"-rf", "ü".encode()]
    script = "import os\nfor n in " + repr(names) + ": open(b'./' + n, 'w').close()"
    options = ["--profile", t.accepting_profile()]
    result = t.succeeded(t.sandbox("/usr/bin/python3", "-c", script, options=options))
    t.equal(sorted(os.listdir(os.fsencode(t.project))), sorted(names))
    t.true("\x1b" not in result.err, "no escape sequence reaches the terminal")
