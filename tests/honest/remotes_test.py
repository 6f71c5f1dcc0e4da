"""Repositories on the same machine: fetched from, pulled from, submodules and dependencies of a project."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from honest import honest  # noqa: E402


def other_with_two_commits(p, bare):
    """A repository beside the project, which has its first commit alone, and its second one, too."""
    p.write("a.txt", "1\n")
    p.commit_all()
    other = p.work / "other"
    p.git("clone", "-q", *(["--bare"] if bare else []), ".", str(other))
    elsewhere = p.t.home / "elsewhere"
    p.git("clone", "-q", str(other), str(elsewhere))
    p.t.write(elsewhere / "b.txt", "2\n")
    p.git("add", "b.txt", cwd=elsewhere)
    p.git("commit", "-q", "-m", "second", cwd=elsewhere)
    p.git("push", "-q", str(other), "HEAD:next", cwd=elsewhere)
    p.git("update-ref", "refs/heads/main", "refs/heads/next", cwd=other)
    return other


@honest(root=True)
def pull(p):
    """git fetch, ls-remote, pull from a bare repository beside the project"""
    other_with_two_commits(p, bare=True)
    p.git("remote", "add", "origin", "../other")
    p.run("git", "ls-remote", "origin")
    p.run("git", "fetch", "-q")
    p.run("git", "pull", "-q", "origin", "main")


@honest(root=True)
def push(p):
    """git push to a bare repository beside the project, which the command line lets it change"""
    other = other_with_two_commits(p, bare=True)
    p.git("remote", "add", "origin", "../other")
    p.git("pull", "-q", "origin", "main")
    p.write("c.txt", "3\n")
    p.git("add", "c.txt")
    p.git("commit", "-q", "-m", "third")
    p.options += ["--rw", str(other)]
    p.run("git", "push", "-q", "origin", "HEAD:main")
    p.run("git", "push", "-q", "-u", "origin", "HEAD:topic")


@honest()
def pull_from_a_work_tree(p):
    """git pull, remote update from another work tree of the user's, named by its whole path, in a directory of the project"""
    other = other_with_two_commits(p, bare=False)
    p.git("remote", "add", "origin", f"file://{other}")
    p.write("inner/c.txt", "3\n")
    p.cwd = p.root / "inner"
    p.run("git", "remote", "update")
    p.run("git", "-c", "pull.ff=only", "pull", "-q", "origin", "main")


@honest()
def pull_in_a_linked_work_tree(p):
    """git pull in a linked work tree"""
    other = other_with_two_commits(p, bare=True)
    p.git("remote", "add", "origin", str(other))
    p.git("worktree", "add", "-q", "../tree", "-b", "tree")
    p.cwd = p.work / "tree"
    p.run("git", "pull", "-q", "origin", "main")


@honest()
def pull_by_rebase(p):
    """git pull --rebase with a commit of one's own, from a repository that a link leads to"""
    other_with_two_commits(p, bare=True)
    (p.work / "by-link").symlink_to("other")
    p.git("remote", "add", "origin", str(p.work / "by-link"))
    p.write("own.txt", "4\n")
    p.git("add", "own.txt")
    p.git("commit", "-q", "-m", "own")
    p.run("git", "pull", "-q", "--rebase", "origin", "main")


@honest(root=True)
def fetch_that_fails(p):
    """git fetch from a repository that is gone"""
    p.write("a.txt", "1\n")
    p.commit_all()
    p.git("remote", "add", "origin", "../gone")
    p.may_fail = True
    p.run("git", "fetch")


def with_submodule(p):
    """A project with a submodule, whose repository lies beside it; cloned, and so without the submodule's files."""
    library, first = p.work / "library", p.t.home / "first"
    for where in (library, first):
        p.t.write(where / "l.txt", "l\n")
        p.git("init", "-q", cwd=where)
        p.git("add", "-A", cwd=where)
        p.git("commit", "-q", "-m", "first", cwd=where)
    p.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "library", cwd=first)
    p.git("commit", "-q", "-m", "library", cwd=first)
    p.root.rmdir()
    p.git("clone", "-q", str(first), str(p.root), cwd=p.work)
    return library


@honest(root=True)
def submodule(p):
    """git submodule update --init, of one that the command line shows; then status, sync, deinit"""
    library = with_submodule(p)
    p.options += ["--ro", str(library)]
    p.run("git", "-c", "protocol.file.allow=always", "submodule", "update", "--init")
    p.run("git", "submodule", "status")
    p.run("git", "submodule", "sync", "-q")
    p.run("git", "submodule", "deinit", "-q", "-f", "library")


@honest("npm10", "npm11", "pnpm10", "yarn1", "bun")
def dependency_from_a_repository(p):
    """a dependency that is a repository beside the project, which the command line shows"""
    library = p.work / "library"
    p.t.write(library / "package.json", '{"name": "library", "version": "1.0.0"}\n')
    p.t.write(library / "index.js", "\n")
    p.git("init", "-q", cwd=library)
    p.git("add", "-A", cwd=library)
    p.git("commit", "-q", "-m", "first", cwd=library)
    p.options += ["--ro", str(library)]
    p.manifest(dependencies={"library": f"git+file://{library}"})
    p.run(p.manager.command, *p.manager.first_install)


@honest("npm11")
def typed_repository(p):
    """npm install git+file:///…, typed"""
    library = p.work / "library"
    p.t.write(library / "package.json", '{"name": "library", "version": "1.0.0"}\n')
    p.git("init", "-q", cwd=library)
    p.git("add", "-A", cwd=library)
    p.git("commit", "-q", "-m", "first", cwd=library)
    p.manifest()
    p.run("npm", "install", f"git+file://{library}")
