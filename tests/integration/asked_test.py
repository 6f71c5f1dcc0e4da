"""What the user himself asks a package manager or git for is done as without the sandbox: while no
package's code has run, protected places are his to change."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import beside_bare  # noqa: E402
from harness import require, test  # noqa: E402


@test
def git_status(t):
    """git status says the same, and changes nothing but what it had stat'ed"""
    beside_bare.repository(t, **{"a.txt": "a\n"})
    t.write("b.txt", "b\n")
    os.utime(t.project / "a.txt")
    beside_bare.compare(t, "git", "status", "--porcelain")


@test
def git_commit(t):
    """git commit commits, and one notice says so"""
    beside_bare.repository(t, **{"a.txt": "a\n"})
    t.write("a.txt", "changed\n")
    result = beside_bare.compare(t, "git", "commit", "-qam", "second")
    notices = result.of_type("change.asked_for")
    t.equal(len(notices), 1, result)
    t.equal(notices[0]["severity"], "notice")
    t.true(".git" in str(notices[0]["details"]["paths"]), notices)


@test
def git_words(t):
    """git config, tag, checkout, stash and init do what they do without the sandbox"""
    beside_bare.repository(t, **{"a.txt": "a\n", ".vscode/settings.json": "{}\n"})
    for command in (("config", "core.hooksPath", ".githooks"), ("tag", "v1"),
                    ("checkout", "-q", "-b", "other"), ("rm", "-q", ".vscode/settings.json"),
                    ("stash",)):
        beside_bare.compare(t, "git", *command)


@test
def git_init(t):
    """git init makes a repository"""
    beside_bare.compare(t, "git", "init", "-q")
    t.true((t.project / ".git/HEAD").exists(), "a repository")


@test
def copied_template(t):
    """cp of a template to a protected place is what was typed"""
    t.write("template.envrc", "export A=1\n")
    beside_bare.compare(t, "cp", "template.envrc", ".envrc")


@test
def npm_version(t):
    """npm version changes package.json, commits and tags"""
    beside_bare.repository(t, **{"package.json": beside_bare.manifest(t)})
    beside_bare.compare(t, "npm", "version", "patch")
    t.equal(json.loads((t.project / "package.json").read_text())["version"], "1.0.1")
    t.contains(beside_bare.git(t, "tag").out, "v1.0.1")


@test
def npm_init_and_pkg(t):
    """npm init, npm pkg and npm config of the project write what they are asked to"""
    beside_bare.compare(t, "npm", "init", "-y")
    beside_bare.compare(t, "npm", "pkg", "set", "scripts.build=tsc")
    beside_bare.compare(t, "npm", "config", "set", "--location=project", "fund=false")
    t.true((t.project / ".npmrc").exists(), "the setting")


@test
def npm_pack(t):
    """npm pack leaves its archive"""
    beside_bare.manifest(t)
    beside_bare.compare(t, "npm", "pack")
    t.true((t.project / "app-1.0.0.tgz").exists(), "the archive")


@test
def review_still_holds(t):
    """with --review what was asked for is held, too"""
    beside_bare.repository(t, **{"package.json": beside_bare.manifest(t)})
    before = (t.project / "package.json").read_bytes()
    result = t.sandbox("npm", "pkg", "set", "scripts.build=tsc", options=["--review"])
    t.equal((t.project / "package.json").read_bytes(), before, result)
    t.contains(str(result.of_type("change.held")), "package.json", result)
