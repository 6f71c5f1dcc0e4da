"""An honest project, run once bare and once with sandbox-run in front, at the same path: the same exit
code, the same tree, the same state of git, and no alert."""

import json
import os
import shutil
import subprocess

GIT_VARIABLES = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
}
GIT_CONFIGURATION = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]


def git(t, *words):
    return t.bare("git", *GIT_CONFIGURATION, *words)


def repository(t, **files):
    """A repository with these files (path → text) committed, and who commits said in its own
    configuration."""
    t.succeeded(git(t, "init", "-q"))
    for name, value in (("user.name", "a"), ("user.email", "a@example.com")):
        t.succeeded(git(t, "config", name, value))
    for path, text in files.items():
        t.write(path, text)
    t.succeeded(git(t, "add", "-A"))
    t.succeeded(git(t, "commit", "-qm", "first"))


def manifest(t, **members):
    text = json.dumps({"name": "app", "version": "1.0.0", "private": True} | members, indent=2)
    t.write("package.json", text + "\n")
    return text + "\n"


def state(t, ignored=()):
    """The project's tree without .git and what is ignored, and what git says of it."""
    tree = {path: what for path, what in t.fingerprint().items()
            if not any(path == one or path.startswith(one + "/") for one in (".git", *ignored))}
    found = {"tree": tree}
    if (t.project / ".git").exists():
        for words in (("status", "--porcelain"), ("log", "--format=%s"), ("tag",),
                      ("config", "--local", "--list")):
            found[" ".join(words)] = git(t, *words).out
    return found


def differences(one, other):
    found = {}
    for name in one.keys() | other.keys():
        a, b = one.get(name), other.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            for path in a.keys() | b.keys():
                if a.get(path) != b.get(path):
                    found[path] = (a.get(path), b.get(path))
        elif a != b:
            found[name] = (a, b)
    return found


def compare(t, *command, options=(), env=None, ignored=(), hooks=False, cwd=None, timeout=120):
    """Runs both; checks; returns the sandboxed result. `hooks`: git hooks may be held, and then what
    git says of the project's own configuration differs."""
    saved = t.base / "saved"
    subprocess.run(["cp", "-a", t.project, saved], check=True)
    bare = t.bare(*command, env=env, cwd=cwd, timeout=timeout)
    wanted = state(t, ignored)
    for entry in os.listdir(t.project):  # the directory itself stays: it may be somebody's cwd
        path = t.project / entry
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    subprocess.run(["cp", "-a", f"{saved}/.", t.project], check=True)
    shutil.rmtree(saved)
    result = t.sandbox(*command, env=env, options=options, cwd=cwd, timeout=timeout)
    t.equal(result.code, bare.code, f"the exit code of {command}: {result}\nbare: {bare}")
    alerts = [event for event in result.events if event["severity"] == "alert"]
    t.equal(alerts, [], f"alerts: {result}")
    held = [e["details"].get("path") for e in result.of_type("change.held")
            if not (hooks and "git hooks" in e["details"].get("reason", ""))]
    t.equal(held, [], f"held: {result}")
    found = differences(wanted, state(t, ignored))
    if hooks:
        found = {path: what for path, what in found.items()
                 if not path.startswith((".husky", "config"))}
    t.equal(found, {}, f"differences from the bare run (bare, sandboxed): {result}")
    return result
