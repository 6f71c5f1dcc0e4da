"""Projects below one directory, each command run once bare and once in the sandbox, from the same state
and at the same path: what is right is what the bare command does."""

import json
import shutil

import compare_trees
from npm_registry import NpmRegistry


class Places:
    """A directory of projects, run once bare and once in the sandbox, from the same state and at the
    same path."""

    def __init__(self, t):
        self.t = t
        self.root = t.home / "work"
        self.root.mkdir()
        self.registry = NpmRegistry()
        self.registry.add("is-odd", "3.0.1", {"index.js": ""}, dependencies={"is-number": "^6.0.0"})
        self.registry.add("is-number", "6.0.0", {"index.js": ""})
        self.env = {"npm_config_registry": self.registry.url(),
                    "YARN_NPM_REGISTRY_SERVER": self.registry.url().rstrip("/"),
                    "YARN_UNSAFE_HTTP_WHITELIST": "localhost"}
        # As a registry's own rule, but that a loopback address has to be named by the user.
        t.write(t.home / ".config/sandbox-run/config.toml",
                f'[[egress]]\nhost = "localhost"\nports = [{self.registry.port}]\nfor = "package-manager"\n')
        self.options = []

    def manifest(self, directory, **members):
        name = directory.rsplit("/", 1)[-1]
        text = json.dumps({"name": name, "version": "1.2.0", "license": "Apache-2.0", **members}, indent=2)
        return self.t.write(self.root / directory / "package.json", text + "\n")

    def same_as_bare(self, *command, cwd, code=0, options=(), env=None):
        """The tree of all projects and the exit code; returns the sandbox's result."""
        t, directory = self.t, self.root / cwd
        before, bare_tree = t.base / "before", t.base / "bare"
        for kept in (before, bare_tree):
            shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.root, before, symlinks=True)
        env = {**self.env, **(env or {})}
        bare = t.bare(*command, cwd=directory, env=env)
        t.equal(bare.code, code, f"the bare run: {bare}")
        self.root.rename(bare_tree)
        before.rename(self.root)
        result = t.sandbox(*command, cwd=self.root / cwd, options=[*self.options, *options], env=env)
        t.equal(result.code, code, f"in the sandbox: {result}")
        found = dict(compare_trees.compare(bare_tree, self.root))
        t.equal(dict(list(found.items())[:20]), {}, f"differences from the bare run: {result}")
        t.lacks(result.err, "held:", "nothing is held")
        t.lacks(result.err, "blocked:", "nothing is blocked")
        t.lacks(result.err, "ALERT", "no alert")
        return result

    def clean(self, *paths):
        for path in paths:
            path = self.root / path
            shutil.rmtree(path) if path.is_dir() else path.unlink()
