"""Where a command works is where its package manager says: a workspace's root, --prefix, -C, --cwd,
dependencies outside the project, linked git work trees. What is right is what the bare command does."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from npm_registry import tarball  # noqa: E402
from places import Places  # noqa: E402


def workspace(places):
    places.manifest("repo", private=True, workspaces=["packages/*"])
    places.manifest("repo/packages/app", dependencies={"is-odd": "3.0.1"})
    places.manifest("repo/packages/lib")
    return "repo/packages/app"


@test
def npm_in_a_workspace_member(t):
    """npm install, ci and ls in a workspace member's directory do what the bare commands do"""
    places = Places(t)
    member = workspace(places)
    places.same_as_bare("npm", "install", cwd=member)
    places.same_as_bare("npm", "ci", cwd=member)
    places.same_as_bare("npm", "ls", cwd=member)
    places.same_as_bare("npm", "install", "is-number@6", cwd="repo/packages/lib")


@test
def npm_below_its_package(t):
    """npm install below a package's directory installs into the package, as bare, not where it was typed"""
    places = Places(t)
    places.manifest("app", dependencies={"is-odd": "3.0.1"})
    (places.root / "app/src/deep").mkdir(parents=True)
    places.same_as_bare("npm", "install", cwd="app/src/deep")


@test
def npm_with_a_prefix(t):
    """npm --prefix installs into the directory that it names, there already or still to be made"""
    places = Places(t)
    places.manifest("client", dependencies={"is-odd": "3.0.1"})
    (places.root / "tool").mkdir()
    places.same_as_bare("npm", "--prefix", "../client", "install", cwd="tool")
    places.same_as_bare("npm", "--prefix", "../new", "install", "is-odd@3.0.1", cwd="tool")
    t.true((places.root / "new/node_modules/is-odd/package.json").exists(), "it is there")


@test
def npm_with_a_prefix_from_home(t):
    """npm --prefix from a directory that is not shown, the home, works on the one that it names"""
    places = Places(t)
    places.manifest("client", dependencies={"is-odd": "3.0.1"})
    result = t.sandbox("npm", "--prefix", "work/client", "install", cwd=t.home, options=places.options,
                       env=places.env)
    t.succeeded(result)
    t.true((places.root / "client/node_modules/is-odd/package.json").exists(), result)
    t.contains(result.err, "can't be shown", "what would be lost is said")


@test
def a_stray_manifest_in_the_home(t):
    """npm install below a package.json in the home, where npm would install, is refused with the cure"""
    places = Places(t)
    t.write(t.home / "package.json", "{}")
    (places.root / "app").mkdir()
    result = t.cli("npm", "install", "is-odd", cwd=places.root / "app", env=places.env)
    t.one_clear_line(result, 2, "your home directory", "npm init -y")


@test
def dependencies_outside(t):
    """npm: directories and archives outside the project that package.json names are there, programs linked"""
    places = Places(t)
    places.manifest("lib", dependencies={"is-odd": "3.0.1"}, bin={"libtool": "cli.js"})
    t.write(places.root / "lib/cli.js", "#!/usr/bin/env node\nconsole.log(1)\n", 0o755)
    t.write(places.root / "x.tgz", tarball({"package/package.json": '{"name": "x", "version": "1.0.0"}'}))
    places.manifest("app", dependencies={"lib": "file:../lib", "x": "file:../x.tgz"})
    places.same_as_bare("npm", "install", cwd="app")
    places.same_as_bare("npm", "ci", cwd="app")
    t.true((places.root / "app/node_modules/.bin/libtool").exists(), "the program is linked")
    places.manifest("other")
    places.same_as_bare("npm", "install", "../lib", cwd="other")


@test
def a_dependency_in_a_hidden_directory(t):
    """A dependency that leads into a hidden directory of the home is refused before the run, with the option"""
    places = Places(t)
    t.write(t.home / ".secret/package.json", '{"name": "secret", "version": "1.0.0"}')
    places.manifest("app", dependencies={"secret": "file:../../.secret"})
    result = t.cli("npm", "install", cwd=places.root / "app", env=places.env)
    t.one_clear_line(result, 2, "--ro", ".secret")


@test
def what_would_be_lost(t):
    """what cp, mv and others would put outside the project is refused, with what keeps it; nothing is lost"""
    work = t.home / "work"
    project = work / "app"
    t.write(project / "a.txt", "1\n")
    t.write(work / "other/b.txt", "2\n")
    for words in (("cp", "a.txt", "../copy"), ("mv", "a.txt", ".."), ("mv", "a.txt", "../b.txt"), ("tee", "../made"),
                  ("mv", "../other/b.txt", "."), ("mkdir", "../d"), ("rm", "../other/b.txt"), ("touch", "../other/c"),
                  ("cp", "a.txt", "../other/c")):
        result = t.sandbox(*words, cwd=project)
        t.equal(result.code, 2, result)
        t.contains(result.said, f"--rw {work}", result)
    for words in (("mv", "a.txt", "~"), ("cp", "a.txt", "/tmp/copy"), ("cp", "a.txt", "/tmp")):
        result = t.sandbox(*[str(t.home) if word == "~" else word for word in words], cwd=project)
        t.equal(result.code, 2, result)
        t.contains(result.said, "a directory of its own with --rw", result)
    t.equal(sorted(path.name for path in work.iterdir()), ["app", "other"])
    t.equal((project / "a.txt").read_text(), "1\n")
    t.succeeded(t.sandbox("mv", "a.txt", "../b.txt", cwd=project, options=["--rw", work]))
    t.equal((work / "b.txt").read_text(), "1\n")
    t.true(not (project / "a.txt").exists(), "moved")
    t.succeeded(t.sandbox("cp", "../other/b.txt", ".", cwd=project))
    t.equal((project / "b.txt").read_text(), "2\n")


@test
def nothing_beside_a_project(t):
    """a script that writes beside the project below the home is told so, and ends as it wants"""
    project = t.home / "work/app"
    t.write(project / "a.txt", "1\n")
    result = t.sandbox("sh", "-ec", "mv a.txt ../b.txt", cwd=project)
    t.equal(result.code, 1, result)
    t.contains(result.err, "Permission denied", result)
    t.equal((project / "a.txt").read_text(), "1\n")


def worktree(t, places):
    main = places.root / "main"
    main.mkdir()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    t.succeeded(t.bare("git", "init", "-q", "-b", "main", cwd=main))
    places.manifest("main", scripts={"prepare": "git rev-parse HEAD && git status --short"})
    t.succeeded(t.bare(*git, "add", "-A", cwd=main))
    t.succeeded(t.bare(*git, "commit", "-q", "-m", "first", cwd=main))
    t.succeeded(t.bare(*git, "worktree", "add", "-q", "../tree", "-b", "tree", cwd=main))
    return places.root / "tree"


@test
def a_linked_work_tree(t):
    """In a linked git work tree git knows the repository: a prepare script that asks it works as bare"""
    places = Places(t)
    worktree(t, places)
    places.same_as_bare("npm", "install", cwd="tree")
    result = t.sandbox("git", "log", "--oneline", cwd=places.root / "tree")
    t.contains(t.succeeded(result).out, "first", result)
