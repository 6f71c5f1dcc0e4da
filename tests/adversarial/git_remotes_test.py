"""Repositories on the same machine that `git fetch` and `git pull` are shown, as .git/config names them; and the
programs of git's own that such a command starts. A stranger's project, and a dependency's script, want more of that."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import beside_bare  # noqa: E402
from harness import test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"stops": "mounts", "event": "none"}

ALLOW = ("-c", "protocol.file.allow=always")


class Scene:
    """`private`, another repository of the user's, beside a project."""

    def __init__(self, t):
        self.t, self.work = t, t.home / "work"
        self.app, self.private = self.work / "app", self.work / "private"
        self.env = dict(beside_bare.GIT_VARIABLES)
        t.write(self.private / "private.txt", "of another project\n")
        t.write(self.private / "package.json", '{"name": "private", "version": "1.0.0"}')
        t.write(self.app / "a.txt", "a\n")
        for where in (self.private, self.app):
            self.git("init", "-q", "-b", "main", cwd=where)
            self.git("add", "-A", cwd=where)
            self.git("commit", "-q", "-m", "first", cwd=where)

    def git(self, *words, cwd=None):
        return self.t.succeeded(self.t.bare("git", *words, cwd=cwd or self.app, env=self.env))

    def holds(self):
        """Has the project's repository, or its tree, what is private?"""
        found = self.t.bare("sh", "-c", "find . -name private.txt | grep . || for one in $(find . -name HEAD); do "
                            "git --git-dir $(dirname $one) grep -q 'of another project' $(git --git-dir $(dirname $one) "
                            "rev-list --all FETCH_HEAD 2>/dev/null) -- && echo found; done; true", cwd=self.app, env=self.env)
        return found.out.strip() != ""

    def attack(self, *command, options=()):
        """Bare (control) the project has it afterwards; in the sandbox not. Returns that run."""
        copy = self.t.base / "copy"
        self.t.bare("cp", "-a", self.work, copy)
        self.t.bare(*command, cwd=self.app, env=self.env)
        self.t.true(self.holds(), f"control: {command}")
        self.t.bare("rm", "-rf", self.work)
        copy.rename(self.work)
        result = self.t.sandbox(*command, cwd=self.app, env=self.env, options=options)
        self.t.equal(self.holds(), False, result)
        return result


@test(time_limit=120)
def submodule_of_a_stranger(t):
    """.gitmodules names another repository of the user's: it is not shown, and named with its --ro"""
    scene = Scene(t)
    scene.t.write(scene.app / ".gitmodules", f'[submodule "x"]\n\tpath = x\n\turl = {scene.private}\n')
    head = scene.git("rev-parse", "HEAD", cwd=scene.private).out.strip()
    scene.git("update-index", "--add", "--cacheinfo", f"160000,{head},x")
    scene.git("add", ".gitmodules")
    scene.git("commit", "-q", "-m", "x")
    result = scene.attack("git", *ALLOW, "submodule", "update", "--init")
    t.contains(result.err.replace("\n    ", " "), f"--ro {scene.private}", result)
    # The url is in .git/config by now, where `git submodule init` has put it.
    scene.attack("git", *ALLOW, "submodule", "update")


@test(time_limit=120)
def dependency_of_a_stranger(t):
    """package.json names another repository of the user's as a dependency: it is not shown, and named with its --ro"""
    scene = Scene(t)
    registry = NpmRegistry()
    scene.env["npm_config_registry"] = registry.url()
    t.write(scene.app / "package.json", f'{{"name": "app", "dependencies": {{"private": "git+file://{scene.private}"}}}}')
    result = scene.attack("npm", "install", options=["--allow-host", f"localhost:{registry.port}"])
    t.contains(result.err.replace("\n    ", " "), f"--ro {scene.private}", result)


@test(time_limit=120)
def repository_of_the_home(t):
    """a remote that is hidden in the home (~/.dotfiles.git), or is the home's own, is not shown"""
    scene = Scene(t)
    scene.git("clone", "-q", "--bare", str(scene.private), str(t.home / ".dotfiles.git"))
    scene.git("remote", "add", "dotfiles", "../../.dotfiles.git")
    result = scene.attack("git", "fetch", "-q", "dotfiles")
    t.contains(result.err.replace("\n    ", " "), f"--ro {t.home}/.dotfiles.git", result)


@test(time_limit=120, event="change.protected", stops="commit")
def remote_by_a_script(t):
    """a dependency's script that adds a remote to .git/config has nothing shown to the next git fetch"""
    scene = Scene(t)
    registry = NpmRegistry()
    scene.env["npm_config_registry"] = registry.url()
    registry.add("evil", "1.0.0", {"index.js": ""}, scripts={
        "postinstall": f'git -C "$INIT_CWD" remote add evil {scene.private}'})
    t.write(scene.app / "package.json", '{"name": "app", "dependencies": {"evil": "1.0.0"}}')
    copy = t.base / "copy"
    t.bare("cp", "-a", scene.work, copy)
    t.bare("npm", "install", cwd=scene.app, env=scene.env)
    t.bare("git", "fetch", "--all", cwd=scene.app, env=scene.env)
    t.true(scene.holds(), "control")
    t.bare("rm", "-rf", scene.work)
    copy.rename(scene.work)
    options = ["--allow-host", f"localhost:{registry.port}"]
    results = [t.sandbox(*command, cwd=scene.app, env=scene.env, options=options)
               for command in (("npm", "install"), ("git", "fetch", "--all"))]
    t.equal(scene.holds(), False, results)


@test(time_limit=120, event="change.protected", stops="commit, attribution")
def upload_pack_of_its_own(t):
    """remote.*.uploadpack, a hook and a submodule's own command are not git's own programs: what they plant is no user's wish"""
    scene = Scene(t)
    t.write(scene.app / "evil.sh", '#!/bin/sh\ncd "$(git rev-parse --show-toplevel)" 2>/dev/null\n'
            f'mkdir -p {scene.app}/.github && echo evil >{scene.app}/.github/evil.yml\nexec git-upload-pack "$@"\n', 0o755)
    scene.git("remote", "add", "origin", "../private")
    planted = scene.app / ".github/evil.yml"
    for key, command in (("remote.origin.uploadpack", ("git", "fetch", "-q")),
                         ("core.fsmonitor", ("git", "pull", "-q", "origin", "main", "--allow-unrelated-histories", "--no-rebase"))):
        scene.git("config", key, str(scene.app / "evil.sh"))
        t.bare(*command, cwd=scene.app, env=scene.env)
        t.true(planted.exists(), f"control: {key}")
        planted.unlink()
        result = t.sandbox(*command, cwd=scene.app, env=scene.env)
        t.equal(planted.exists(), False, f"{key}: {result}")
        scene.git("config", "--unset", key)


@test(time_limit=120, event="change.protected", stops="commit, attribution")
def hook_of_the_other_side(t):
    """git push: a hook of the repository that it pushes to plants nothing in the project's protected places"""
    scene = Scene(t)
    other = scene.work / "other"
    scene.git("clone", "-q", "--bare", ".", str(other))
    planted = scene.app / ".github/evil.yml"
    t.write(other / "hooks/pre-receive", f"#!/bin/sh\nmkdir -p {scene.app}/.github && echo evil >{planted}\n", 0o755)
    scene.git("remote", "add", "origin", "../other")
    command = ("git", "push", "origin", "HEAD:refs/heads/one")
    t.succeeded(t.bare(*command, cwd=scene.app, env=scene.env))
    t.true(planted.exists(), "control")
    planted.unlink()
    result = t.sandbox("git", "push", "origin", "HEAD:refs/heads/two", cwd=scene.app, env=scene.env, options=["--rw", other])
    t.equal(planted.exists(), False, result)
