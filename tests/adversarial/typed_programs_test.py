"""A package's program that the user has the package manager start: what he named is that program, and no more. It
is the registry, which is for the package manager alone, that tells whether it was asked."""

import os
import pathlib
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from places import Places  # noqa: E402

FACTS = {"stops": "attribution", "event": "flow.denied"}

FIXTURES = pathlib.Path(os.environ.get("SANDBOX_RUN_FIXTURES") or "build-test-fixtures").absolute()
PROGRAM = """#!/usr/bin/env node
const request = require('http').get(URL, () => process.exit());
request.on('error', () => process.exit());
"""


def attack(t, manager, *command, install=None):
    places = Places(t)
    program = PROGRAM.replace("URL", repr(places.registry.url() + "stolen"))
    places.registry.add("evil", "1.0.0", {"cli.js": program}, more={"bin": {"evil": "cli.js"}})
    places.manifest("app", dependencies={"evil": "1.0.0"})
    env = {**places.env, "NPM_CONFIG_REGISTRY": places.registry.url(), "pnpm_config_registry": places.registry.url(),
           "PATH": f"{FIXTURES / manager / 'prefix'}/bin:{t.env['PATH']}"}
    sent = lambda: [path for path in places.registry.requests if "stolen" in path]  # noqa: E731
    if install:
        t.succeeded(t.bare(*install, cwd=places.root / "app", env=env))
    bare = t.bare(*command, cwd=places.root / "app", env=env)
    t.true(sent(), f"control: {bare}")
    places.registry.requests.clear()
    result = t.sandbox(*command, cwd=places.root / "app", env=env)
    t.equal(sent(), [], result)
    denied = result.of_type("flow.denied")
    t.true(denied and all(e["actor"]["kind"] == "project-script" for e in denied), denied)


@test(time_limit=120)
def by_exec(t):
    """a dependency's program that pnpm exec starts is not the package manager"""
    attack(t, "pnpm10", "pnpm", "exec", "evil", install=("pnpm", "install"))


@test(time_limit=120)
def by_dlx(t):
    """a program that pnpm dlx fetches and starts is not the package manager"""
    attack(t, "pnpm10", "pnpm", "dlx", "evil")


@test(time_limit=120)
def by_exec_of_a_native_one(t):
    """a dependency's program that a pnpm without Node.js starts is not the package manager either"""
    attack(t, "pnpm12", "pnpm", "exec", "evil", install=("pnpm", "install"))
