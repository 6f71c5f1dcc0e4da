"""Packages that people have linked by their names: `npm link` in the package, `npm link NAME` where it is used."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from honest import NPM, honest  # noqa: E402

TOOL = "#!/usr/bin/env node\nrequire('fs').writeFileSync('by-the-tool.txt', 'hello\\n')\n"


def library(p):
    """One beside the project, with a dependency and a program that is not executable yet."""
    where = p.work / "library"
    p.t.write(where / "package.json", '{"name": "@me/library", "version": "1.0.0", "bin": {"tool": "cli.js"}, '
              '"dependencies": {"left": "1.0.0"}, "devDependencies": {"right": "2.0.0"}}\n')
    p.t.write(where / "cli.js", TOOL, 0o644)
    return where


def npm_prefix(p):
    prefix = p.t.home / ".npm-global"
    p.t.write(p.t.home / ".npmrc", f"prefix={prefix}\nupdate-notifier=false\nfund=false\naudit=false\n")
    (prefix / "bin").mkdir(parents=True)
    (prefix / "lib").mkdir()
    return prefix


@honest(*NPM, root=("npm11",))
def npm_link(p):
    """npm link in a package, npm link NAME in a project, its scripts, and back"""
    prefix = npm_prefix(p)
    p.manifest(scripts={"use": "tool"})
    where = library(p)
    p.cwd = where
    p.run("npm", "link", also=[prefix])
    p.cwd = p.root
    p.run("npm", "link", "@me/library", also=[prefix])
    p.run("npm", "run", "use")
    p.run("npm", "unlink", "@me/library", also=[prefix])
    p.run("npm", "link", "--save-dev", "@me/library", also=[prefix])
    p.t.contains((p.root / "package.json").read_text(), "file:../library", "it is noted")


@honest("npm11", "npm12")
def npm_link_of_what_is_installed(p):
    """npm link NAME of a global package that is installed, and of one that npm installs first; npm link ../DIRECTORY"""
    prefix = npm_prefix(p)
    p.manifest()
    p.bare("npm", "install", "-g", "builder")
    p.run("npm", "link", "builder", also=[prefix])
    p.run("npm", "link", "builder", "create-thing", also=[prefix])
    library(p)
    p.run("npm", "link", "../library", also=[prefix])


@honest("npm10", "npm11")
def npm_link_with_the_prefix_on_path(p):
    """npm link NAME where the prefix is on the PATH"""
    prefix = npm_prefix(p)
    p.env["PATH"] = f"{prefix}/bin:{p.env['PATH']}"
    p.manifest()
    p.bare("npm", "link", cwd=library(p))
    p.run("npm", "ln", "@me/library", also=[prefix])


@honest("bun", root=True)
def bun_link(p):
    """bun link in a package, bun link NAME in a project"""
    also = [p.t.home / ".bun/bin", p.t.home / ".bun/install/global"]
    also[0].mkdir(parents=True)
    p.manifest()
    where = library(p)
    p.cwd = where
    p.run("bun", "link", also=also)
    p.cwd = p.root
    p.run("bun", "link", "@me/library", also=also)


@honest("pnpm10")
def pnpm_link(p):
    """pnpm link in a package, pnpm link NAME in a project (pnpm 10)"""
    home = p.t.home / "pnpm"
    home.mkdir()
    p.env |= {"PNPM_HOME": str(home), "PATH": f"{home}:{p.env['PATH']}"}
    p.manifest()
    where = library(p)
    p.cwd = where
    p.run("pnpm", "link", also=[home / "global"])
    p.cwd = p.root
    p.run("pnpm", "link", "@me/library", also=[home / "global"])
