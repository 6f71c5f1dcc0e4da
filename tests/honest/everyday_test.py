"""What people do with package managers every day."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from honest import BUN, EVERY, NPM, ONE_EACH, PNPM, honest  # noqa: E402


@honest(*EVERY, root=True)
def first_install(p):
    """a first install, with a script that takes its time: the lockfile is written beside it, before or after"""
    p.manifest(dependencies={"right": "^2.0.0", "scripted": "2.0.0"}, devDependencies={"builder": "^1.0.0"})
    p.run(p.manager.command, *p.manager.first_install)


@honest(*EVERY, root=True)
def from_the_lockfile(p):
    """an install from the lockfile, in CI"""
    p.manifest(dependencies={"right": "^2.0.0", "scripted": "1.0.0"})
    p.bare(p.manager.command, *p.manager.first_install)
    p.bare("rm", "-rf", "node_modules")
    p.commit_all()
    p.run(p.manager.command, *p.manager.install, env={"CI": "true"})


@honest(*ONE_EACH)
def again(p):
    """an install over what is installed already"""
    p.manifest(dependencies={"right": "^2.0.0", "scripted": "1.0.0"})
    p.bare(p.manager.command, *p.manager.first_install)
    p.run(p.manager.command, *p.manager.install)


@honest(*EVERY)
def add(p):
    """adding a package"""
    p.manifest(dependencies={"left": "1.0.0"})
    p.bare(p.manager.command, *p.manager.first_install)
    p.run(p.manager.command, *p.manager.add, "right")


@honest(*ONE_EACH, "npm12", "pnpm12")
def remove(p):
    """removing a package"""
    p.manifest(dependencies={"left": "1.0.0", "right": "2.0.0"})
    p.bare(p.manager.command, *p.manager.first_install)
    p.run(p.manager.command, "remove", "right")


@honest("npm11", "npm12", "pnpm10", "pnpm12", "bun")
def update(p):
    """updating"""
    p.manifest(dependencies={"left": "1.0.0"})
    p.bare(p.manager.command, *p.manager.first_install)
    p.manifest(dependencies={"left": "^1.0.0"})
    p.run(p.manager.command, "update")


@honest("npm10", "npm12")
def prune_and_dedupe(p):
    """npm prune, npm dedupe"""
    p.manifest(dependencies={"left": "1.0.0"})
    p.bare("npm", "install")
    p.write("node_modules/stray/package.json", '{"name": "stray", "version": "1.0.0"}')
    p.run("npm", "prune")
    p.run("npm", "dedupe")


@honest("npm11")
def small_words(p):
    """npm pkg set, npm init -y, npm pack, npm ls, npm --version"""
    p.run("npm", "init", "-y")
    p.run("npm", "pkg", "set", "description=something", "scripts.hello=echo hello")
    p.write("index.js", "hello\n")
    p.run("npm", "pack")
    p.run("npm", "ls")
    p.run("npm", "--version")


@honest("npm11")
def shrinkwrap(p):
    """npm shrinkwrap"""
    p.manifest(dependencies={"left": "1.0.0"})
    p.bare("npm", "install")
    p.run("npm", "shrinkwrap")


@honest(*NPM, "pnpm10", "pnpm12", "bun")
def not_there(p):
    """a package that does not exist"""
    p.manifest(dependencies={"nowhere": "1.0.0"})
    p.may_fail = True
    p.run(p.manager.command, "install", env={"CI": "true"})


@honest(*ONE_EACH)
def out_of_step(p):
    """a lockfile that is out of step, in CI"""
    p.manifest(dependencies={"left": "1.0.0"})
    p.bare(p.manager.command, *p.manager.first_install)
    p.bare("rm", "-rf", "node_modules")
    p.manifest(dependencies={"left": "1.0.0", "right": "2.0.0"})
    if p.manager.name == "yarn4":
        p.bare("git", "init", "-q")
    p.may_fail = True
    p.run(p.manager.command, *p.manager.install, env={"CI": "true"})


@honest("npm11", "npm12")
def conflict(p):
    """peer dependencies in conflict"""
    p.registry.add("needs-old-left", "1.0.0", {"index.js": ""}, more={"peerDependencies": {"left": "1.0.0"}})
    p.manifest(dependencies={"left": "1.1.0", "needs-old-left": "1.0.0"})
    p.may_fail = True
    p.run("npm", "install")


@honest(*NPM, "yarn1", "bun")
def optional_that_fails(p):
    """an optional dependency whose script fails"""
    p.registry.add("fragile", "1.0.0", {"index.js": ""}, scripts={"install": "exit 1"})
    p.manifest(dependencies={"left": "1.0.0"}, optionalDependencies={"fragile": "1.0.0"})
    p.run(p.manager.command, "install")


@honest("npm11", "yarn1", "bun")
def odd_modes_and_names(p):
    """a package with read-only files, spaces and letters in names"""
    p.registry.add("odd", "1.0.0", {"a file.js": "1\n", "größe/ünder.js": "2\n", "bin/run": "#!/bin/sh\necho hi\n"},
                   more={"bin": {"odd-run": "bin/run"}, "bundledDependencies": ["inner"]},
                   raw_files={"package/node_modules/inner/package.json": '{"name": "inner", "version": "1.0.0"}',
                              "package/node_modules/inner/index.js": ""})
    p.manifest(dependencies={"odd": "1.0.0"})
    p.run(p.manager.command, "install")


@honest("npm11", "pnpm10", "bun")
def directory_with_spaces(p):
    """a project whose directory has spaces and letters, reached by a link"""
    p.root = p.cwd = p.work / "mein Projekt ü"
    p.root.mkdir()
    p.manifest(dependencies={"right": "2.0.0"})
    (p.work / "link").symlink_to(p.root.name)
    p.run(p.manager.command, "install")
    p.cwd = p.work / "link"
    p.run(p.manager.command, *p.manager.add, "scripted")


@honest("npm11", "npm12", root=True)
def global_with_own_prefix(p):
    """npm install -g with a prefix of one's own"""
    prefix = p.t.home / ".npm-global"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "lib").mkdir()
    p.t.write(p.t.home / ".npmrc", f"prefix={prefix}\nupdate-notifier=false\nfund=false\naudit=false\n")
    p.manifest()
    p.run("npm", "install", "-g", "builder", also=[prefix])
    p.run("npm", "uninstall", "-g", "builder", also=[prefix])


@honest("npm11", "npm12")
def prefix_elsewhere(p):
    """npm --prefix to a directory beside, new or there"""
    p.manifest()
    p.run("npm", "--prefix", "../new", "install", "right")
    p.run("npm", "install", "left", "--prefix", p.work / "new")


@honest(*PNPM)
def directory_elsewhere(p):
    """pnpm -C to a project beside"""
    p.manifest("../client", dependencies={"right": "2.0.0"})
    p.manifest()
    p.run("pnpm", "-C", "../client", "install")


@honest("yarn1", "yarn4", "bun")
def yarn_elsewhere(p):
    """yarn and bun --cwd to a project beside"""
    p.manifest("../client", dependencies={"right": "2.0.0"})
    if p.manager.name == "yarn4":
        p.write("../client/.yarnrc.yml", "nodeLinker: node-modules\n")
        p.write("../client/yarn.lock", "")
    p.manifest()
    # For bun the option belongs to the word.
    p.run(p.manager.command, *(("install", "--cwd", "../client") if p.manager.name == "bun" else ("--cwd", "../client", "install")))


@honest(*EVERY, not_yet=(*PNPM, *BUN))  # links the program's file, and makes it executable in its own place
def directory_beside_as_dependency(p):
    """a dependency that is a directory beside the project, with a program"""
    p.write("../lib/package.json", '{"name": "lib", "version": "1.2.0", "bin": {"libtool": "cli.js"}}\n')
    p.write("../lib/cli.js", "#!/usr/bin/env node\nconsole.log('lib')\n")
    kind = "portal:" if p.manager.name == "yarn4" else "file:"
    p.manifest(dependencies={"lib": kind + "../lib", "left": "1.0.0"})
    p.run(p.manager.command, *p.manager.first_install)


@honest(*EVERY)
def archive_beside_as_dependency(p):
    """a dependency that is an archive beside the project"""
    from npm_registry import tarball
    p.write("../packed.tgz", tarball({"package/package.json": '{"name": "packed", "version": "1.0.0"}', "package/i.js": ""}))
    p.manifest(dependencies={"packed": "file:../packed.tgz", "left": "1.0.0"})
    p.run(p.manager.command, *p.manager.first_install)


@honest("yarn4", root=True)
def plug_and_play(p):
    """Plug'n'Play"""
    p.manifest(dependencies={"right": "^2.0.0", "scripted": "1.0.0"})
    p.write(".yarnrc.yml", "enableScripts: true\n")
    p.run("yarn", "install")
    p.run("yarn", "add", "builder")
    p.run("yarn", "builder", "dist/out.txt")


@honest("yarn1", "yarn4")
def sorted_by_yarn(p):
    """a package.json that yarn sorts, in CI"""
    p.manifest(dependencies={"right": "2.0.0", "left": "1.0.0"})
    p.bare(p.manager.command, *p.manager.first_install)
    p.bare("rm", "-rf", "node_modules")
    p.manifest(dependencies={"right": "2.0.0", "left": "1.0.0"}) if p.manager.name == "yarn1" else p.write(
        "package.json", '{"dependencies":{"right":"2.0.0","left":"1.0.0"},"name":"app","version":"1.0.0","private":true}')
    p.run(p.manager.command, *p.manager.install, env={"CI": "true"})


@honest("npm11", "npm12")
def registry_in_the_projects_npmrc(p):
    """a registry that the project's .npmrc names"""
    p.write(".npmrc", f"registry={p.registry.url()}\nsave-exact=true\n")
    p.env["npm_config_registry"] = None
    p.manifest(dependencies={"left": "1.0.0"})
    p.run("npm", "install", "right")
