"""Files of the project that git runs or obeys because a configuration of git names them."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import beside_bare  # noqa: E402
from harness import test  # noqa: E402

FACTS = {"rows": "A101", "stops": "commit", "event": "change.protected"}

SH = "#!/bin/sh\nexit 0\n"

# what: the configuration as git says it (key, value), the path that is then a place of git's, and where it is
# written ("": the project's own configuration).
NAMED = {
    "core.hooksPath": ("core.hooksPath", "tools/hooks", "tools/hooks/pre-commit"),
    "core.hooksPath with a dot before it": ("core.hooksPath", "./tools/hooks/", "tools/hooks/pre-commit"),
    "init.templateDir": ("init.templateDir", "tools/template", "tools/template/hooks/pre-commit"),
    "core.attributesFile": ("core.attributesFile", "tools/attributes", "tools/attributes"),
    "a filter": ("filter.x.clean", "sh tools/clean.sh %f", "tools/clean.sh"),
    "a filter in the project's root": ("filter.x.process", "sh clean.sh", "clean.sh"),
    "a driver of differences": ("diff.x.textconv", "tools/show", "tools/show"),
    "a merge driver": ("merge.x.driver", 'tools/merge "%O" "%A"', "tools/merge"),
    "core.fsmonitor": ("core.fsmonitor", "tools/watch", "tools/watch"),
    "core.sshCommand": ("core.sshCommand", "ssh -F tools/ssh_config", "tools/ssh_config"),
    "an option of core.sshCommand": ("core.sshCommand", "ssh -oProxyCommand=tools/proxy", "tools/proxy"),
    "an alias": ("alias.x", "!sh -c 'tools/x \"$@\"'", "tools/x"),
    "a helper of credentials": ("credential.helper", "!tools/helper", "tools/helper"),
    "core.editor": ("core.editor", "tools/editor --wait", "tools/editor"),
    "gpg.program": ("gpg.program", "tools/gpg", "tools/gpg"),
    "include.path": ("include.path", "../tools/gitconfig", "tools/gitconfig"),
    "includeIf": ("includeIf.onbranch:main.path", "../tools/gitconfig", "tools/gitconfig"),
}


def alerts(result):
    return {event["details"]["path"] for event in result.of_type("change.protected")}


def attack(t, path, about):
    """A build writes `path`: bare it is changed, in the sandbox it is not, with an alert."""
    script = f"mkdir -p $(dirname {path}); echo planted >> {path}; echo built > built.txt"
    t.succeeded(t.bare("cp", "-a", t.project, t.base / "control"))
    t.succeeded(t.bare("sh", "-c", script, cwd=t.base / "control"))
    t.contains((t.base / "control" / path).read_text(), "planted", "control")
    place = t.project / path
    before = place.read_text() if place.exists() else None
    result = t.sandbox("sh", "-c", script, options=["--on-alert=log"])
    t.equal(place.read_text() if place.exists() else None, before, f"{about}: {result}")
    t.true((t.project / "built.txt").exists(), f"the rest is committed: {result}")
    known = any(path == one or path.startswith(one + "/") for one in alerts(result))
    t.true(known, f"{path} is an alert: {result}")


def named(what, key, value, path):
    def exists(t):
        beside_bare.repository(t, **{path: SH})
        t.succeeded(beside_bare.git(t, "config", key, value))
        attack(t, path, what)

    def made(t):
        beside_bare.repository(t, **{"README": "x\n"})
        t.succeeded(beside_bare.git(t, "config", key, value))
        attack(t, path, what)

    exists.__doc__ = f"what {what} names is a protected place"
    made.__doc__ = f"what {what} names is a protected place before it is there"
    rows = "A103" if "filter" in what or "attributes" in what else "A101"
    test(exists, rows=rows)
    if "/" in path:
        test(made, rows=rows)


for WHAT, (KEY, VALUE, PATH) in NAMED.items():
    named(WHAT, KEY, VALUE, PATH)


@test(rows="", stops="nothing", event="none")
def without_the_setting(t):
    """the same path is a file like any other if no configuration names it"""
    beside_bare.repository(t, **{"tools/hooks/pre-commit": SH})
    t.succeeded(t.sandbox("sh", "-c", "echo more >> tools/hooks/pre-commit"))
    t.contains((t.project / "tools/hooks/pre-commit").read_text(), "more")


@test
def of_the_user(t):
    """what the user's own configuration names in a project is a protected place"""
    beside_bare.repository(t, **{".hooks/pre-commit": SH})
    t.write(t.home / ".gitconfig", "[core]\n\thooksPath = .hooks\n")
    attack(t, ".hooks/pre-commit", "~/.gitconfig")


@test
def included(t):
    """so is what an included file names, that file itself, and the second of two values"""
    beside_bare.repository(t, **{"tools/gitconfig": "[core]\n\thooksPath = none\n\thooksPath = tools/two\n"})
    t.succeeded(beside_bare.git(t, "config", "include.path", "../tools/gitconfig"))
    attack(t, "tools/two/pre-commit", "an included file")


@test(rows="A100 A102")
def replaced_by_a_link(t):
    """the directory of hooks can't be replaced by a link to another one"""
    beside_bare.repository(t, **{"tools/hooks/pre-commit": SH})
    t.succeeded(beside_bare.git(t, "config", "core.hooksPath", "tools/hooks"))
    script = "mkdir evil; mv tools/hooks old; ln -s ../evil tools/hooks"
    t.succeeded(t.bare("cp", "-a", t.project, t.base / "control"))
    t.succeeded(t.bare("sh", "-c", script, cwd=t.base / "control"))
    t.true((t.base / "control/tools/hooks").is_symlink(), "control")
    before = t.fingerprint()
    result = t.sandbox("sh", "-c", script, options=["--on-alert=log"])
    t.equal({p: v for p, v in t.fingerprint().items() if p.startswith("tools")},
            {p: v for p, v in before.items() if p.startswith("tools")}, result)
    t.true(any(path.startswith("tools/hooks") for path in alerts(result)), result)


@test(rows="A101 A102")
def of_a_linked_work_tree(t):
    """in a linked work tree, what the repository's configuration names is a protected place"""
    beside_bare.repository(t, **{"tools/hooks/pre-commit": SH})
    t.succeeded(beside_bare.git(t, "config", "core.hooksPath", "tools/hooks"))
    t.succeeded(beside_bare.git(t, "worktree", "add", "-q", t.home / "tree"))
    plant = "echo planted >> tools/hooks/pre-commit"
    t.succeeded(t.bare("sh", "-c", plant, cwd=t.home / "tree"))
    t.contains((t.home / "tree/tools/hooks/pre-commit").read_text(), "planted", "control")
    t.write(t.home / "tree/tools/hooks/pre-commit", SH)
    result = t.sandbox("sh", "-c", plant, cwd=t.home / "tree")
    t.equal((t.home / "tree/tools/hooks/pre-commit").read_text(), SH)
    t.equal(alerts(result), {"tools/hooks/pre-commit"}, result)


@test(rows="", stops="nothing", event="none")
def installed_helpers(t):
    """an alias to an installed program holds no install up: node_modules is no place of git's"""
    beside_bare.repository(t, **{"README": "x\n"})
    t.succeeded(beside_bare.git(t, "config", "alias.lint", "!node_modules/.bin/lint"))
    script = "mkdir -p node_modules/.bin; echo x > node_modules/.bin/lint"
    result = t.succeeded(t.sandbox("sh", "-c", script, options=["--profile", t.install_profile()]))
    t.equal(alerts(result), set())
    t.true((t.project / "node_modules/.bin/lint").exists(), result)
