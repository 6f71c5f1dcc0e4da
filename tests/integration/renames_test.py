"""A directory that was there before is renamed: overlayfs answers EXDEV (src/README.md says why it has to),
as between two file systems. What programs of every day make of that."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import beside_bare  # noqa: E402
from harness import test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

PYTHON = "/usr/bin/python3"


def project(t):
    beside_bare.repository(t, **{"old/a.txt": "a\n", "old/deep/b.sh": "#!/bin/sh\n"})
    (t.project / "old/deep/b.sh").chmod(0o755)
    (t.project / "old/link").symlink_to("a.txt")


def as_bare(t, *command):
    """The same tree as after the bare command, with the same modes, links and times."""
    t.bare("cp", "-a", t.project, t.base / "copy")
    t.succeeded(t.bare(*command))
    right = t.fingerprint()
    shutil.rmtree(t.project)
    (t.base / "copy").rename(t.project)
    result = t.succeeded(t.sandbox(*command))
    t.equal(t.fingerprint(), right, result)
    t.lacks(result.err, "held", result)


@test
def by_mv(t):
    """mv of a directory that was there, and of one in it, works as bare: it copies"""
    project(t)
    as_bare(t, "sh", "-c", "mv old new && mv new/deep . && mv deep new/other")


@test
def by_python(t):
    """shutil.move of a directory that was there works as bare: it copies"""
    project(t)
    as_bare(t, PYTHON, "-c", "import shutil; shutil.move('old', 'new')")


@test
def new_directories(t):
    """rename(2) of a directory that the command itself made works as bare"""
    project(t)
    as_bare(t, "node", "-e", "const fs = require('fs'); fs.mkdirSync('made/in', {recursive: true});"
            "fs.writeFileSync('made/in/x', ''); fs.renameSync('made', 'moved')")


@test
def by_rename_alone(t):
    """node's fs.rename of a directory that was there ends with EXDEV, and nothing is changed"""
    project(t)
    before = t.fingerprint()
    result = t.sandbox("node", "-e", "require('fs').renameSync('old', 'new')")
    t.true(result.code != 0, result)
    t.contains(result.err, "EXDEV", result)
    t.equal(t.fingerprint(), before, result)


@test
def by_git(t):
    """git mv of a directory says that it can't, and changes nothing; of its files it works as bare"""
    project(t)
    before = t.fingerprint()
    result = t.sandbox("git", "mv", "old", "new")
    t.true(result.code != 0, result)
    t.contains(result.err, "cross-device", result)
    t.equal({k: v for k, v in t.fingerprint().items() if not k.startswith(".git")},
            {k: v for k, v in before.items() if not k.startswith(".git")}, result)
    t.succeeded(t.sandbox("git", "mv", "old/a.txt", "a.txt"))
    t.equal(beside_bare.git(t, "status", "--porcelain").out.split("\n")[0], "R  old/a.txt -> a.txt", result)


@test(time_limit=120, rows="A088", stops="nothing", event="none")
def by_npm(t):
    """npm that puts one release of a package in another's place, which it renames away, works as bare"""
    registry = NpmRegistry()
    for version in ("1.0.0", "2.0.0"):
        registry.add("left", version, {"index.js": version, "lib/deep/x.js": version})
    beside_bare.manifest(t)
    env = {"npm_config_registry": registry.url()}
    options = ["--allow-host", f"localhost:{registry.port}"]
    t.succeeded(t.bare("npm", "install", "left@1.0.0", env=env))
    result = t.succeeded(t.sandbox("npm", "install", "left@2.0.0", env=env, options=options))
    t.equal((t.project / "node_modules/left/lib/deep/x.js").read_text(), "2.0.0", result)
    t.equal(sorted(os.listdir(t.project / "node_modules")), [".package-lock.json", "left"], result)
