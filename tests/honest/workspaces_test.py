"""Projects of several packages."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from honest import EVERY, NPM, PNPM, honest  # noqa: E402


def monorepo(p):
    p.manifest(workspaces=["packages/*"], devDependencies={"builder": "^1.0.0"})
    p.manifest("packages/app", name="@x/app", dependencies={"left": "^1.0.0", "@x/cli": reference(p)})
    p.manifest("packages/cli", name="@x/cli", bin={"hello": "cli.js"}, scripts={"build": "builder dist/cli.txt"},
               devDependencies={"builder": "^1.0.0"})
    p.write("packages/cli/cli.js", "#!/usr/bin/env node\nconsole.log('hello')\n")


def reference(p):
    return "workspace:*" if p.manager.family == "pnpm" or p.manager.name == "yarn4" else "1.0.0"


def install(p):
    p.bare(p.manager.command, *p.manager.first_install)


@honest(*EVERY, root=True)
def at_the_root(p):
    """workspaces: an install at the root, where a member's program is not executable yet"""
    monorepo(p)
    p.run(p.manager.command, *p.manager.first_install)


@honest(*EVERY, root=True)
def in_a_member(p):
    """workspaces: an install in a member's directory"""
    monorepo(p)
    install(p)
    p.cwd = p.root / "packages/app"
    p.run(p.manager.command, *p.manager.first_install)


@honest(*EVERY)
def add_in_a_member(p):
    """workspaces: adding a package in a member's directory"""
    monorepo(p)
    install(p)
    p.cwd = p.root / "packages/app"
    p.run(p.manager.command, *p.manager.add, "right")


@honest(*NPM, root=("npm11",))
def by_option(p):
    """workspaces: npm with -w, --workspaces"""
    monorepo(p)
    p.run("npm", "install")
    p.run("npm", "install", "right", "-w", "packages/app")
    p.run("npm", "run", "build", "--workspaces", "--if-present")
    p.run("npm", "exec", "-w", "packages/cli", "--", "builder", "dist/second.txt")


@honest(*PNPM)
def recursive(p):
    """workspaces: pnpm -r, --filter"""
    monorepo(p)
    install(p)
    p.run("pnpm", "-r", "run", "build")
    p.run("pnpm", "--filter", "@x/app", "add", "right")


@honest("yarn1", "yarn4")
def yarn_workspace(p):
    """workspaces: yarn workspace"""
    monorepo(p)
    install(p)
    p.run("yarn", "workspace", "@x/cli", "run", "build")
    p.run("yarn", "workspace", "@x/app", "add", "right")
    if p.manager.name == "yarn4":
        p.manifest("packages/app", name="@x/app", scripts={"build": "echo '{}' > ../version.json"})
        p.bare("yarn", "install")
        p.run("yarn", "workspaces", "foreach", "-A", "-t", "run", "build")


@honest("npm11", "pnpm10", "yarn1")
def bootstrap_script(p):
    """workspaces: a script of the root that writes into the members"""
    monorepo(p)
    p.manifest(workspaces=["packages/*"], scripts={"postinstall": "node bootstrap.js"})
    p.write("bootstrap.js", "require('fs').writeFileSync('packages/app/version.json', '{}\\n')\n")
    p.commit_all()
    p.run(p.manager.command, *p.manager.first_install)


@honest("npm11")
def nested_installs(p):
    """a postinstall that installs in sub-directories"""
    p.manifest(dependencies={"scripted": "1.0.0"}, scripts={"postinstall": "cd client && npm ci && cd ../server && npm install"})
    p.manifest("client", name="client", dependencies={"right": "2.0.0"})
    p.bare("npm", "install", cwd=p.root / "client")
    p.bare("rm", "-rf", "node_modules", cwd=p.root / "client")
    p.manifest("server", name="server", dependencies={"left": "1.0.0"})
    p.run("npm", "install")


@honest("npm11")
def member_with_lockfile_of_its_own(p):
    """a project below a repository's root, with a lockfile of its own"""
    p.write("README.md", "of all\n")
    p.manifest("web", name="web", dependencies={"right": "2.0.0"})
    p.commit_all()
    p.cwd = p.root / "web"
    p.run("npm", "install")
    p.run("npm", "ci")


@honest("pnpm10", "pnpm11", "pnpm12", root=("pnpm12",))
def catalog(p):
    """pnpm add into a member, noted in the workspace's catalog; a package with a script, too"""
    p.manifest(workspaces=["packages/*"])
    p.manifest("packages/a", name="a")
    p.bare("pnpm", "install")
    p.run("pnpm", "add", "left", "--filter", "a", "--save-catalog")
    p.run("pnpm", "add", "scripted@1.0.0", "--filter", "a", "--save-catalog")
