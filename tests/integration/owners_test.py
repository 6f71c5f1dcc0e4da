"""Projects with files of other owners and groups: what the bare command may change is changed, what it may
not is said before it begins, and nothing ends in the middle."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import require_root, test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

USER, COLLEAGUE, TEAM = 4711, 4713, 4712  # without names on this machine


def as_user(t, *command, groups=(), env=None):
    extra = [f"--groups={','.join(map(str, groups))}"] if groups else ["--clear-groups"]
    return t.bare("setpriv", f"--reuid={USER}", f"--regid={USER}", *extra, *command, env=env, timeout=100)


def give(path, uid, gid):
    for directory, names, files in os.walk(path):
        for entry in [directory, *(os.path.join(directory, name) for name in names + files)]:
            os.chown(entry, uid, gid, follow_symlinks=False)


def groups_of(root):
    """Path → group and mode."""
    found = {}
    for directory, names, files in os.walk(root):
        for name in names + files:
            status = os.lstat(os.path.join(directory, name))
            found[os.path.relpath(os.path.join(directory, name), root)] = (status.st_gid, oct(status.st_mode))
    return found


def contents(t, root):
    """All but owners: a file that was changed or moved is one's own copy of it."""
    return {path: (entry[0], *entry[2:]) for path, entry in t.fingerprint(root).items()}


def home_of(t):
    """The home is the user's, with all that is in it by now."""
    os.chown(t.base, USER, USER)
    give(t.home, USER, USER)


CHANGES = """
echo new > added; echo more >> shared.txt; mkdir -p deep/er; echo x > deep/er/file; rm gone; mv old moved
chmod 600 mine; echo x > colleagues/by-me; rm colleagues/file; echo x >> colleagues/other; ln mine twin
mkdir colleagues/new; echo x > colleagues/new/x; rm -r whole; echo y > packages/a/generated
"""


def shared_project(directory):
    """As a team has it: of two people, one group, directories that hand it on."""
    for path in ("shared.txt", "gone", "old", "mine", "colleagues/file", "colleagues/other",
                 "whole/inner/file", "packages/a/index.js"):
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    give(directory, COLLEAGUE, TEAM)
    for path, names, files in os.walk(directory):
        os.chmod(path, 0o2775)
        for name in files:
            os.chmod(os.path.join(path, name), 0o664)
    os.chown(directory / "mine", USER, TEAM)


@test
def shared_group(t):
    """a team's project: all that its group may change is changed, and stays the group's"""
    require_root("make such files")
    bare = t.home / "bare"
    home_of(t)
    shared_project(t.project)
    shared_project(bare)
    run = ["sh", "-e", "-c", "umask 002; " + CHANGES]
    t.succeeded(as_user(t, "env", "-C", bare, *run, groups=[TEAM]), "control")
    sandboxed = t.sandbox_command(*run, options=["--profile", "generic"])
    result = t.succeeded(as_user(t, *sandboxed, groups=[TEAM]))
    t.lacks(result.err, "held")
    t.equal(contents(t, t.project), contents(t, bare))
    t.equal(groups_of(t.project), groups_of(bare))
    plan = as_user(t, *t.sandbox_command(options=["plan", *run]), groups=[TEAM])
    t.contains(t.succeeded(plan).out, "before the run (no overlay can change other owners' or groups' files)")


@test
def not_a_member(t):
    """files of a group that one is no member of: they can be changed, and are one's own group's then"""
    require_root("make such files")
    t.write("a", "a\n")
    t.write("src/b", "b\n")
    home_of(t)
    for path in ("a", "src", "src/b"):
        os.chown(t.project / path, USER, TEAM)
    words = ["sh", "-e", "-c", "echo x >> a; echo x > src/c; chmod 700 src; rm src/b"]
    result = t.succeeded(as_user(t, *t.sandbox_command(*words, options=["--profile", "generic"])))
    t.lacks(result.err, "held")
    t.equal((t.project / "a").read_text(), "a\nx\n")
    t.equal(((t.project / "a").stat().st_gid, (t.project / "src").stat().st_gid), (USER, TEAM))
    t.equal(sorted(os.listdir(t.project / "src")), ["c"])


@test
def far_below(t):
    """one directory of a group, deep in a project of thousands of files that is otherwise one's own"""
    require_root("make such files")
    bare = t.home / "bare"
    home_of(t)
    shared = "packages" + "/d" * 9 + "/shared"
    for root in (t.project, bare):
        t.write(root / shared / "file", "shared\n")
        for index in range(4000):
            t.write(root / f"src/{index % 40}/{index}.js", "")
        give(root, USER, USER)
        give(root / shared, USER, TEAM)
        (root / shared).chmod(0o2775)
    run = ["sh", "-e", "-c", f"cd {shared}; echo more >> file; echo x > new; mkdir inner; chmod 2770 ."]
    t.succeeded(as_user(t, "env", "-C", bare, *run, groups=[TEAM]), "control")
    result = t.succeeded(as_user(t, *t.sandbox_command(*run, options=["--profile", "generic"]), groups=[TEAM]))
    t.lacks(result.err, "held")
    t.equal(contents(t, t.project), contents(t, bare))
    t.equal(groups_of(t.project), groups_of(bare))


def leftovers(t, directory):
    """What a container left behind that ran as root."""
    directory.mkdir(exist_ok=True)
    t.write(directory / "node_modules/.cache/tool/state", "root's\n")
    t.write(directory / "dist/out.js", "root's\n")
    t.write(directory / "root.log", "root's\n")
    t.write(directory / "secret", "root's\n", mode=0o600)
    t.write(directory / "closed/inner", "root's\n").parent.chmod(0o700)
    t.write(directory / "mine.txt", "mine\n")
    give(directory, USER, USER)
    for path in ("node_modules/.cache", "dist", "closed"):
        give(directory / path, 0, 0)
    for path in ("root.log", "secret"):
        os.chown(directory / path, 0, 0)


@test
def roots_leftovers(t):
    """root's files in one's project: said before the run, with the cure; the rest works as without"""
    require_root("make such files")
    bare = t.home / "bare"
    home_of(t)
    leftovers(t, t.project)
    leftovers(t, bare)
    before = t.fingerprint()
    tries = """
    for path in node_modules/.cache/x dist/out.js closed/x; do (echo x > $path) 2>/dev/null && echo "wrote $path"; done
    cat secret 2>/dev/null; rm -r dist 2>/dev/null && echo removed
    rm -f root.log; echo more >> mine.txt; mkdir node_modules/new; echo x > node_modules/new/x
    """
    control = as_user(t, "env", "-C", bare, "sh", "-c", tries)
    t.equal((control.code, control.out), (0, ""))
    result = as_user(t, *t.sandbox_command("sh", "-c", tries, options=["--profile", "generic"]))
    t.equal(t.succeeded(result).out, "")
    t.equal(t.fingerprint(), t.fingerprint(bare))
    note, *rest = result.err.splitlines()
    t.contains(note, "other owners' files in")
    t.contains(note, "which can't be changed: ")
    t.contains(note, f"sudo chown -R {USER}:{USER} {t.project}")
    t.lacks("".join(rest), "held")
    after = t.fingerprint()
    t.equal({path for path in before | after if before.get(path) != after.get(path)},
            {"root.log", "mine.txt", "node_modules/new", "node_modules/new/x"})
    quiet = as_user(t, *t.sandbox_command("true", options=["-q"]))
    t.equal(quiet.err, "")


@test
def copies_of_what_is_closed(t):
    """beside a team's files, root's are copied as something that may not be read, and stay as they are"""
    require_root("make such files")
    home_of(t)
    leftovers(t, t.project)
    t.write("team.txt", "team\n", mode=0o664)
    os.chown(t.project / "team.txt", USER, TEAM)
    before = t.fingerprint()
    tries = """
    cat secret; ls closed; chmod 600 secret closed; echo mine > secret; echo x > dist/new; rm -r node_modules/.cache
    echo more >> team.txt; rmdir closed
    """
    result = t.succeeded(as_user(t, *t.sandbox_command("sh", "-c", tries, options=["--profile", "generic"]),
                                 groups=[TEAM]))
    t.lacks(result.out, "root's")
    t.contains(result.said, "4 changes held")
    t.contains(result.said, "held: secret, closed and 2 more (belongs to another owner")
    after = t.fingerprint()
    t.equal({path for path in before | after if before.get(path) != after.get(path)}, {"team.txt"})


@test
def root_in_others_project(t):
    """root in a project of somebody else's, as in a CI job's container: as without the sandbox"""
    require_root("be root")
    bare = t.home / "bare"
    for directory in (t.project, bare):
        shared_project(directory)
        (directory / "mine").chmod(0o600)
        (directory / "colleagues").chmod(0o755)
        os.chown(directory / "shared.txt", 0, 0)
    t.succeeded(t.bare("sh", "-e", "-c", CHANGES, cwd=bare), "control")
    result = t.succeeded(t.sandbox("sh", "-e", "-c", CHANGES, options=["--profile", "generic"]))
    t.lacks(result.err, "held")
    t.equal(contents(t, t.project), contents(t, bare))
    t.equal(groups_of(t.project), groups_of(bare))
    for path in ("colleagues/other", "shared.txt", "added", "packages/a", "packages/a/generated"):
        t.equal((t.project / path).stat().st_uid, (bare / path).stat().st_uid, path)


def ready_for_npm_ci(t, depth):
    """A project to install, and in its node_modules a directory of root's, so many levels down."""
    registry = NpmRegistry()
    registry.add("qr", "1.0.0", {"index.js": "1"})
    t.write("package.json", json.dumps({"name": "app", "version": "1.0.0", "dependencies": {"qr": "1.0.0"}}))
    env = {"npm_config_registry": registry.url()}
    t.succeeded(t.bare("npm", "install", "--package-lock-only", env=env))
    inner = "node_modules" + "/d" * depth
    t.write(f"{inner}/.cache/state", "root's\n")
    for index in range(2500 if depth else 0):
        t.write(f"node_modules/old/{index}.js", "")
    home_of(t)
    give(t.project / inner / ".cache", 0, 0)
    return t.sandbox_command("npm", "ci", options=["--allow-host", f"localhost:{registry.port}"]), env


def install_over_leftovers(t, depth):
    require_root("make such files")
    command, env = ready_for_npm_ci(t, depth)
    bare = as_user(t, "npm", "ci", env=env)
    t.true(bare.code != 0, "control")
    result = as_user(t, *command, env=env)
    t.equal(result.code, bare.code, result)
    leftover = "node_modules" + "/d" * depth + "/.cache"
    t.contains(result.err.splitlines()[0], f"can't be changed: {leftover}, {leftover}/state")
    t.contains(result.err, "EACCES")
    t.equal((t.project / leftover / "state").read_text(), "root's\n")
    give(t.project / "node_modules", USER, USER)
    t.succeeded(as_user(t, *command, env=env))
    t.equal(sorted(p for p in os.listdir(t.project / "node_modules") if p[0] != "."), ["qr"])


@test(time_limit=120)
def clean_install_over_leftovers(t):
    """npm ci where root left a directory in node_modules: npm's own error, after a note with the cure"""
    install_over_leftovers(t, 0)


@test(time_limit=120)
def clean_install_over_deep_leftovers(t):
    """the same far below, where thousands of files are"""
    install_over_leftovers(t, 5)


def with_foreign_cache(t, uid, gid):
    """A project to install, and npm's cache as a bare install by somebody else left it."""
    registry = NpmRegistry()
    for name in ("first", "second"):
        registry.add(name, "1.0.0", {"index.js": f"// {name}"})
    cache = t.home / "cache"
    env = {"npm_config_registry": registry.url(), "npm_config_cache": str(cache)}
    t.write("package.json", json.dumps({"name": "app", "version": "1.0.0"}))
    t.succeeded(t.bare("npm", "install", "first@1.0.0", env=env))
    give(cache, uid, gid)
    for directory, _, files in os.walk(cache):
        os.chmod(directory, 0o2775)
        for name in files:
            os.chmod(os.path.join(directory, name), 0o664)
    return t.sandbox_command(options=["--allow-host", f"localhost:{registry.port}"]), env, cache


def kept_content(cache):
    """Path → owner and group of what the cache has by content."""
    content = cache / "_cacache/content-v2"
    return {path: (path.stat().st_uid, path.stat().st_gid) for path in content.rglob("*") if path.is_file()}


@test(time_limit=120)
def cache_of_a_group(t):
    """a cache that a group shares, as on a build machine: it starts empty, what is new is kept, and the group's"""
    require_root("make such files")
    command, env, cache = with_foreign_cache(t, COLLEAGUE, TEAM)
    home_of(t)
    before = kept_content(cache)
    give(cache, COLLEAGUE, TEAM)
    result = t.succeeded(as_user(t, *command, "npm", "install", "second@1.0.0", groups=[TEAM], env=env))
    t.contains(result.err.splitlines()[0], f"note: the command finds the cache {cache} empty")
    t.equal(sorted(p for p in os.listdir(t.project / "node_modules") if p[0] != "."), ["first", "second"])
    added = {owners for path, owners in kept_content(cache).items() if path not in before}
    t.equal(added, {(USER, TEAM)})
    plan = as_user(t, *command, "plan", "npm", "ci", groups=[TEAM], env=env)
    t.contains(t.succeeded(plan).out, f"note       the command finds the cache {cache} empty")
    t.lacks(plan.out, f"copy       {cache}")


@test(time_limit=120)
def root_with_a_users_cache(t):
    """root with the cache of a user, as a CI job's container has it from the host"""
    require_root("be root")
    command, env, cache = with_foreign_cache(t, COLLEAGUE, TEAM)
    for path in [cache, *cache.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    before = kept_content(cache)
    result = t.succeeded(t.bare(*command, "npm", "install", "second@1.0.0", env=env))
    t.contains(result.err.splitlines()[0], "empty, for others' files in it can't be changed")
    t.equal(sorted(p for p in os.listdir(t.project / "node_modules") if p[0] != "."), ["first", "second"])
    t.true(set(kept_content(cache)) > set(before), "kept")
