"""The project on file systems of every kind: the same changes are committed, however they get there."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import IS_ROOT, NotApplicable, Terminal, require, test  # noqa: E402

SET_UP_FAILED = 125

# What an install does: new trees, links among them, changed and removed files.
PREPARE = """
mkdir -p old/sub node_modules/gone; echo one > old/file; echo two > old/sub/file; ln -s sub old/link
echo gone > node_modules/gone/file; chmod 700 old/sub; touch -d 2020-02-02 old/file
mkfifo queue; echo locked > locked; chmod 000 locked
"""
CHANGE = """
mkdir -p node_modules/new/lib; echo text > node_modules/new/lib/file
ln node_modules/new/lib/file node_modules/new/twin; ln -s lib node_modules/new/link
chmod 755 node_modules/new/lib/file; echo more >> old/file; mv old/sub/file old/sub/renamed
rm -r node_modules/gone old/link; mkdir old/link; echo in > old/link/inner
"""
SHOW = "find . | sort; find . -type f ! -perm 000 | sort | xargs cat; stat -c '%n %a' old/sub locked; stat -c '%n %a %h' node_modules/new/twin; readlink node_modules/new/link"


def commits_the_same(t, mount, plan_says, lacks=()):
    """`mount`: a shell script that makes t.base/place a directory of the file system; `lacks`: what of
    the scripts it can't do."""
    prepare, change, show = PREPARE, CHANGE, SHOW
    for part in lacks:
        t.true(part in prepare + change + show, part)
        prepare, change, show = (script.replace(part, "") for script in (prepare, change, show))
    expected = t.succeeded(t.bare("sh", "-e", "-c", f"mkdir control; cd control\n{prepare}\n{change}\n{show}")).out
    sandbox_run = " ".join(map(str, t.sandbox_command(options=["--profile", t.accepting_profile()])))
    place = t.base / "place"
    result = t.in_own_mounts(
        f"""mkdir -p {place}\n{mount}\nmkdir {place}/project; cd {place}/project\n{prepare}
        {sandbox_run} -- "$@"
        {sandbox_run} plan -- true > {t.base}/plan
        {show}
        {sandbox_run} --discard -- sh -c 'rm -r old; echo bad > bad'
        {show}""",
        "sh", "-e", "-c", change)
    t.succeeded(result)
    t.equal(result.out, expected + expected)
    t.contains((t.base / "plan").read_text(), plan_says)


def loop_mount(t, make):
    if not IS_ROOT:
        raise NotApplicable("only root can mount an image: tested there")
    require(shutil.which(make.split()[0]), f"no {make.split()[0]}")
    return (f"truncate -s 400M {t.base}/image; {make} {t.base}/image > /dev/null 2>&1\n"
            f"mount -o loop {t.base}/image {t.base}/place")


@test
def tmpfs(t):
    """a project on tmpfs, the state on another file system"""
    commits_the_same(t, f"mount -t tmpfs tmpfs {t.base}/place", "by copy")


@test
def bind_mount(t):
    """a project on a bind mount of the state's own file system"""
    commits_the_same(t, f"mkdir {t.base}/other; mount --bind {t.base}/other {t.base}/place", "by copy")


@test
def ext4(t):
    """a project on another ext4"""
    commits_the_same(t, loop_mount(t, "mkfs.ext4 -q"), "by copy")


@test
def btrfs(t):
    """a project on btrfs"""
    commits_the_same(t, loop_mount(t, "mkfs.btrfs -q"), "by copy")


@test
def xfs(t):
    """a project on XFS with reflinks"""
    commits_the_same(t, loop_mount(t, "mkfs.xfs -q"), "by copy")


@test
def btrfs_with_state(t):
    """project and state on one btrfs: by rename"""
    mount = loop_mount(t, "mkfs.btrfs -q") + f"\nexport XDG_STATE_HOME={t.base}/place/state"
    commits_the_same(t, mount, "by rename")


@test
def xfs_with_state(t):
    """project and state on one XFS: by rename"""
    mount = loop_mount(t, "mkfs.xfs -q") + f"\nexport XDG_STATE_HOME={t.base}/place/state"
    commits_the_same(t, mount, "by rename")


@test
def overlays_in_overlays(t):
    """a project that no overlay can lie above, as in a container in a container: it works on a copy"""
    mount = "".join(f"mkdir -p {t.base}/{level}/up {t.base}/{level}/work {t.base}/{level}/low {t.base}/{level}/merged\n"
                    f"mount -t overlay -o userxattr,lowerdir={below}:{t.base}/{level}/low,upperdir={t.base}/{level}/up,"
                    f"workdir={t.base}/{level}/work overlay {t.base}/{level}/merged\n"
                    for level, below in (("one", t.base / "zero"), ("two", t.base / "one/merged")))
    commits_the_same(t, f"mkdir {t.base}/zero\n{mount}mount --bind {t.base}/two/merged {t.base}/place",
                     "before the run (no overlay can lie above its file system)")


def sshfs_mount(t):
    if not IS_ROOT:
        raise NotApplicable("only root may open /dev/fuse everywhere: tested there")
    require(shutil.which("sshfs"), "no sshfs")
    server = t.write(t.base / "server", "#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n", mode=0o755)
    return f"""mkdir {t.base}/remote
        sshfs -f -o ssh_command={server} host:{t.base}/remote {t.base}/place & sshfs=$!
        trap 'umount -l {t.base}/place; kill $sshfs' EXIT
        until mountpoint -q {t.base}/place; do kill -0 $sshfs; sleep 0.05; done"""


NOT_BY_SFTP = ("mkfifo queue; ", " %h")  # special files, numbers of links


@test
def network_file_system(t):
    """a project on a network file system (sshfs: no attributes, no exchange): by copy"""
    commits_the_same(t, sshfs_mount(t), "by copy", NOT_BY_SFTP)


@test
def network_file_system_with_state(t):
    """project and state on a network file system: the layers lie elsewhere"""
    mount = sshfs_mount(t) + f"\nexport XDG_STATE_HOME={t.base}/place/state"
    commits_the_same(t, mount, "by copy", NOT_BY_SFTP)


@test
def quota(t):
    """a quota that the commit exceeds: undone, one clear line, the project untouched"""
    mount = loop_mount(t, "mkfs.btrfs -q")
    result = t.in_own_mounts(
        f"""mkdir {t.base}/place\n{mount}
        mkdir {t.base}/place/project; cd {t.base}/place/project; echo old > old.txt
        btrfs quota enable {t.base}/place; btrfs qgroup limit 2M {t.base}/place
        head -c 8000000 /dev/zero > control 2> /dev/null && exit 99; rm -f control; sync -f .
        code=0; "$@" || code=$?
        ls -A .; cat old.txt; exit $code""",
        *t.sandbox_command("sh", "-c", "echo changed > old.txt; head -c 8000000 /dev/zero > big",
                           options=["--profile", t.accepting_profile()]))
    t.one_clear_line(result, SET_UP_FAILED, "quota")
    t.equal(result.out, "old.txt\nold\n")


@test
def progress(t):
    """a long commit by copy shows a line on a terminal that is gone at the end, and none in a pipe"""
    script = f"""mkdir {t.base}/place; mount -t tmpfs tmpfs {t.base}/place; mkdir {t.base}/place/project
        cd {t.base}/place/project; "$@" """
    make = "import os\nfor i in range(25000):\n    os.close(os.open(f'made{i}', os.O_CREAT))"
    words = t.sandbox_command("/usr/bin/python3", "-c", make, options=["--profile", t.accepting_profile()])
    piped = t.succeeded(t.in_own_mounts(script, *words))
    t.lacks(piped.err, "committing changes")
    t.lacks(piped.err, "\x1b[K")
    kind = ["-m"] if IS_ROOT else ["-Urm"]
    terminal = Terminal(t, "unshare", *kind, "sh", "-e", "-c", script.replace("/place", "/other"), "x", *words)
    try:
        terminal.expect("sandbox-run: committing changes")
        t.contains(terminal.expect("committed to "), "\r\x1b[K", "the line is cleared")
        t.equal(terminal.wait(), 0)
    finally:
        terminal.close()
