"""What the command line names is shown, and a linked work tree's repository can be changed: not more."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import beside_bare  # noqa: E402
from harness import SECRET, test  # noqa: E402

FACTS = {"stops": "mounts", "event": "none"}


def linked_tree(t):
    beside_bare.repository(t, **{"a.txt": "a\n"})
    t.succeeded(beside_bare.git(t, "worktree", "add", "-q", "../tree", "-b", "tree"))
    return t.project.parent / "tree"


@test(rows="A100", stops="commit", event="change.protected")
def hooks_of_the_repository(t):
    """in a linked work tree a program cannot set up hooks or starters in the repository"""
    tree = linked_tree(t)
    git = t.project / ".git"
    script = f"mkdir -p {git}/hooks; echo evil > {git}/hooks/pre-commit; git config core.pager evil\n"
    t.succeeded(t.bare("sh", "-c", script, cwd=tree))
    t.true((git / "hooks/pre-commit").exists(), "control")
    (git / "hooks/pre-commit").unlink()
    t.succeeded(beside_bare.git(t, "config", "--unset", "core.pager"))
    before = (git / "config").read_bytes()
    result = t.sandbox("sh", "-c", script, cwd=tree)
    t.true(not (git / "hooks/pre-commit").exists(), result)
    t.equal((git / "config").read_bytes(), before, result)
    alerts = {e["details"].get("path") for e in result.events if e["severity"] == "alert"}
    t.true({"hooks/pre-commit", "config"} <= alerts, f"{alerts} {result}")


@test
def false_work_trees(t):
    """a repository that says a work tree is linked to it shows no file of that name that does not say so in turn"""
    beside_bare.repository(t, **{"a.txt": "a\n"})
    secret = t.write(t.home / "neighbour/.git", f"gitdir: {t.home}/elsewhere/.git/worktrees/x\n{SECRET}\n")
    t.write(t.project / ".git/worktrees/x/gitdir", f"{secret}\n")
    t.write(t.project / ".git/worktrees/x/commondir", "../..\n")
    t.contains(t.succeeded(t.bare("cat", secret)).out, SECRET, "control")
    result = t.sandbox("sh", "-c", f"cat {secret}; git worktree list")
    t.lacks(result.out, SECRET, result)
    t.contains(result.err, "No such file", result)


@test
def no_new_place_by_a_script(t):
    """beside the project, and beside a directory that the command is to make, a script makes nothing"""
    project = t.home / "work/app"
    program = t.write(project / "bin/python3", '#!/bin/sh\nmkdir ../out; echo evil > ../out/x; echo evil > ../y; echo 1 > "$3/z"\n', 0o755)
    command = (program, "-m", "venv", "../made")
    (t.home / "work/made").mkdir()
    t.succeeded(t.bare(*command, cwd=project))
    t.true((t.home / "work/y").exists(), "control")
    t.bare("rm", "-r", "../out", "../y", "../made", cwd=project)
    result = t.sandbox(*command, cwd=project)
    t.contains(result.err, "Permission denied", result)
    t.equal(sorted(path.name for path in (t.home / "work").iterdir()), ["app", "made"], result)
    t.true((t.home / "work/made/z").exists(), result)


@test
def hidden_directories(t):
    """a path in a hidden directory of the home that the command line names is not shown, and named with its --ro"""
    key = t.home / ".ssh/id_ed25519"
    t.contains(t.succeeded(t.bare("cat", key)).out, SECRET, "control")
    result = t.sandbox("cat", key)
    t.lacks(result.out, SECRET, result)
    t.contains(result.err, f"--ro {key}", result)


@test
def what_holds_the_home(t):
    """the home, and what holds it, is not shown though the command line names it"""
    for path in (t.home, t.home.parent, "/", f"{t.home}/neighbour/.."):
        result = t.sandbox("sh", "-c", f'cat "$0"/neighbour/.env {t.home}/neighbour/.env', path)
        t.lacks(result.out, SECRET, f"{path}: {result}")


@test
def nothing_beside(t):
    """a file that the command line names shows no other one in its directory, and can't be changed"""
    t.write(t.home / "notes/a.txt", "a\n")
    t.write(t.home / "notes/secret.txt", SECRET)
    script = f'cat "$1"; cat {t.home}/notes/secret.txt; echo evil >> "$1"\n'
    result = t.sandbox("sh", "-c", script, "x", t.home / "notes/a.txt")
    t.contains(result.out, "a\n", result)
    t.lacks(result.out, SECRET, result)
    t.equal((t.home / "notes/a.txt").read_text(), "a\n", result)
