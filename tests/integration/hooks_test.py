"""Git hooks that the project's own script sets up by a known tool: held, told, and no alarm."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import beside_bare  # noqa: E402
from harness import test  # noqa: E402

# The tool's package, what the project's own script runs, and further files.
TOOLS = [
    ("husky@9", {"prepare": "husky"}, {".husky/pre-commit": "npm test\n"}),
    ("husky@8", {"prepare": "husky install"}, {}),
    ("husky@4", {"prepare": "npm rebuild husky"}, {}),
    ("lefthook@1", {"prepare": "lefthook install"},
     {"lefthook.yml": "pre-commit:\n  commands:\n    a:\n      run: echo hi\n"}),
    ("simple-git-hooks@2", {"prepare": "simple-git-hooks"}, {}),
]


def project(t, package, scripts, files):
    text = beside_bare.manifest(t, scripts=scripts, **{"simple-git-hooks": {"pre-commit": "npx lint-staged"}})
    beside_bare.repository(t, **{"package.json": text, ".gitignore": "node_modules\n", **files})
    t.succeeded(t.bare("npm", "install", "--save-dev", "--ignore-scripts", package))
    t.succeeded(beside_bare.git(t, "add", "-A"))
    t.succeeded(beside_bare.git(t, "commit", "-qm", "tool"))


def set_up_by(package, scripts, files):
    def body(t):
        project(t, package, scripts, files)
        result = beside_bare.compare(t, "npm", "install", env={"CI": "true", "HUSKY": None}, hooks=True)
        reasons = {e["details"]["reason"] for e in result.of_type("change.held")}
        t.true(any("git hooks" in reason for reason in reasons), f"{reasons} {result}")
        t.contains(result.err, "git_hooks", result)
        t.contains(result.said, "sandbox-run commit .", result)

    body.__doc__ = f"{package}, run by the project's own script, ends well with CI set, and is held"
    test(body, time_limit=120)


for one in TOOLS:
    if one[0] != "husky@4":  # its hooks are the package's own postinstall: below
        set_up_by(*one)


@test(time_limit=120)
def husky_4_by_itself(t):
    """husky 4, whose own install script sets its hooks up, is an alert: it is a dependency's"""
    beside_bare.repository(t, **{"package.json": beside_bare.manifest(t, devDependencies={"husky": "4"}, husky={
        "hooks": {"pre-commit": "npm test"}}), ".gitignore": "node_modules\n"})
    t.bare("cp", "-a", t.project, t.base / "copy")
    t.succeeded(t.bare("npm", "install"))
    t.true((t.project / ".git/hooks/husky.sh").exists(), "control")
    t.bare("rm", "-rf", t.project)
    (t.base / "copy").rename(t.project)
    result = t.sandbox("npm", "install")
    t.true(not (t.project / ".git/hooks/husky.sh").exists(), result)
    found = [e for e in result.of_type("change.protected") if "hooks" in e["details"]["path"]]
    t.true(found and found[0]["actor"]["package"] == "husky", result)


@test(time_limit=120)
def for_good(t):
    """with git_hooks = "commit" in the configuration the hooks are as without the sandbox"""
    project(t, *TOOLS[0])
    t.write(t.home / ".config/sandbox-run/config.toml", 'git_hooks = "commit"\n')
    beside_bare.compare(t, "npm", "install")
    t.contains((t.project / ".git/config").read_text(), "hooksPath = .husky/_")
    t.true(os.access(t.project / ".husky/_/pre-commit", os.X_OK), "the hook")


@test(time_limit=120)
def once(t):
    """what the summary says to type takes the hooks over, and the next run is quiet"""
    project(t, *TOOLS[0])
    result = t.succeeded(t.sandbox("npm", "install"))
    line = [line for line in result.said.splitlines() if "git hooks wait" in line][0]
    words = line.split("sandbox-run commit ")[1].split()
    t.succeeded(t.cli("commit", *words))
    t.contains((t.project / ".git/config").read_text(), "hooksPath = .husky/_")
    again = beside_bare.compare(t, "npm", "install")
    t.true("held" not in again.err, again)


@test
def checked_in_directory(t):
    """core.hooksPath to a directory of the project, set by its own script, is held without an alert"""
    beside_bare.repository(t, **{
        "package.json": beside_bare.manifest(t, scripts={"prepare": "git config core.hooksPath .githooks"}),
        ".githooks/pre-commit": "#!/bin/sh\nexit 0\n"})
    result = beside_bare.compare(t, "npm", "install", env={"CI": "true"}, hooks=True)
    t.contains(result.err, "git hooks", result)


@test
def harmless_setting(t):
    """a setting of git that starts nothing, made by the project's own script, is committed"""
    beside_bare.repository(t, **{
        "package.json": beside_bare.manifest(t, scripts={"prepare": "git config pull.rebase true"})})
    beside_bare.compare(t, "npm", "install", env={"CI": "true"})


@test
def looks_of_git(t):
    """a project's script that calls git status, git diff and git describe leaves no trace"""
    scripts = {"prepare": "git status --short && git diff --quiet && git describe --dirty --always"}
    beside_bare.repository(t, **{"package.json": beside_bare.manifest(t, scripts=scripts), "a.txt": "a\n"})
    os.utime(t.project / "a.txt", (1, 1))
    beside_bare.compare(t, "npm", "install", env={"CI": "true"}, ignored=("package-lock.json",))
