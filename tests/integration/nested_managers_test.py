"""A package manager is one wherever the user's own command starts it: in a shell, a Makefile, a script,
the project's own lifecycle scripts. Each is compared with the bare run."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from places import Places  # noqa: E402


def client(places, **members):
    """A project `app` with a part of its own, `app/client`."""
    places.manifest("app/client", dependencies={"is-odd": "3.0.1"})
    return places.manifest("app", dependencies={"is-number": "6.0.0"}, **members)


@test
def in_a_shell(t):
    """sh -c 'npm install && npm run build && cd client && npm install' installs and builds as bare"""
    places = Places(t)
    client(places, scripts={"build": "mkdir -p dist && echo built > dist/out.js"})
    script = "npm install && npm run build && cd client && npm install"
    result = places.same_as_bare("sh", "-c", script, cwd="app")
    managers = [e for e in result.of_type("flow.opened") if e["actor"]["kind"] == "package-manager"]
    t.true(managers, "the package manager's connections")


@test
def in_a_makefile(t):
    """make install with recipes that call npm, also in another directory and in a make below, installs as bare"""
    places = Places(t)
    client(places)
    t.write(places.root / "app/Makefile", "install:\n\tnpm install\n\t$(MAKE) -C client install\n")
    t.write(places.root / "app/client/Makefile", "install:\n\tnpm install\n")
    places.same_as_bare("make", "install", cwd="app")


@test
def in_a_script(t):
    """./scripts/setup.sh and node scripts/setup.js that install in several directories install as bare"""
    places = Places(t)
    client(places)
    t.write(places.root / "app/scripts/setup.sh", "#!/bin/sh -e\nnpm install\n(cd client && npm install)\n", 0o755)
    t.write(places.root / "app/scripts/setup.js", "const {execSync} = require('child_process');\n"
            "for (const cwd of ['.', 'client']) execSync('npm install', {cwd, stdio: 'inherit'});\n")
    places.same_as_bare("./scripts/setup.sh", cwd="app")
    places.clean("app/node_modules", "app/client/node_modules", "app/package-lock.json",
                 "app/client/package-lock.json")
    places.same_as_bare("node", "scripts/setup.js", cwd="app")


@test
def in_the_projects_own_script(t):
    """postinstall: cd client && npm install, and a dependency's script before it, install as bare"""
    places = Places(t)
    places.registry.add("built", "1.0.0", {"build.js": "require('fs').writeFileSync('out', '')"},
                        scripts={"postinstall": "node build.js"})
    places.manifest("app/client", dependencies={"is-odd": "3.0.1"})
    places.manifest("app", dependencies={"built": "1.0.0"},
                    scripts={"preinstall": "npx --yes asks ready", "postinstall": "cd client && npm install"})
    places.registry.add("asks", "1.0.0", {"cli.js": "#!/usr/bin/env node\nconsole.log(process.argv[2])\n"},
                        more={"bin": {"asks": "cli.js"}})
    result = places.same_as_bare("npm", "install", "--foreground-scripts", cwd="app")
    t.contains(result.out, "ready", "what npx fetched ran")
    places.same_as_bare("npm", "ci", "--foreground-scripts", cwd="app")


@test
def a_nested_install_changes_its_own_lockfile(t):
    """npm ci whose postinstall installs in client changes client's lockfile as bare, and not its own"""
    places = Places(t)
    client(places, scripts={"postinstall": "cd client && npm install is-number@6"})
    t.succeeded(t.bare("npm", "install", "--ignore-scripts", cwd=places.root / "app", env=places.env))
    places.same_as_bare("npm", "ci", cwd="app")
