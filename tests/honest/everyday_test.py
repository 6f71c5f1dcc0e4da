"""What people do with package managers every day."""

import os
import pathlib
import re
import shutil
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


@honest(*ONE_EACH, root=("npm11", "pnpm10"))
def again(p):
    """an install over what is installed already"""
    p.manifest(dependencies={"right": "^2.0.0", "scripted": "1.0.0"})
    p.bare(p.manager.command, *p.manager.first_install)
    p.run(p.manager.command, *p.manager.install)


@honest(*EVERY, root=("npm12", "yarn4"))
def add(p):
    """adding a package"""
    p.manifest(dependencies={"left": "1.0.0"})
    p.bare(p.manager.command, *p.manager.first_install)
    p.run(p.manager.command, *p.manager.add, "right")


@honest(*ONE_EACH, "npm12", "pnpm12", root=("npm12",))
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


@honest(*NPM, "yarn1", "bun", root=("npm10",))
def optional_that_fails(p):
    """an optional dependency whose script fails"""
    p.registry.add("fragile", "1.0.0", {"index.js": ""}, scripts={"install": "exit 1"})
    p.manifest(dependencies={"left": "1.0.0"}, optionalDependencies={"fragile": "1.0.0"})
    p.run(p.manager.command, "install")


@honest("npm11", "yarn1", "bun", root=True)
def odd_modes_and_names(p):
    """a package with read-only files, spaces and letters in names"""
    p.registry.add("odd", "1.0.0", {"a file.js": "1\n", "größe/ünder.js": "2\n", "bin/run": "#!/bin/sh\necho hi\n"},
                   more={"bin": {"odd-run": "bin/run"}, "bundledDependencies": ["inner"]},
                   raw_files={"package/node_modules/inner/package.json": '{"name": "inner", "version": "1.0.0"}',
                              "package/node_modules/inner/index.js": ""})
    p.manifest(dependencies={"odd": "1.0.0"})
    p.run(p.manager.command, "install")


@honest("npm11", "pnpm10", "bun", root=("npm11",))
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
    p.run("npm", "ls", "-g")
    p.run("npm", "uninstall", "-g", "builder", also=[prefix])


@honest("npm11", root=True)
def global_from_the_home(p):
    """npm install -g, typed in the home directory"""
    prefix = p.t.home / ".npm-global"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "lib").mkdir()
    p.t.write(p.t.home / ".npmrc", f"prefix={prefix}\nupdate-notifier=false\nfund=false\naudit=false\n")
    p.cwd = p.t.home
    p.run("npm", "install", "-g", "builder", "scripted", also=[prefix])
    p.run("npm", "uninstall", "-g", "builder", also=[prefix])


def pnpm_home(p):
    home = p.t.home / "pnpm"
    programs = home if p.manager.name == "pnpm10" else home / "bin"
    programs.mkdir(parents=True)
    p.env |= {"PNPM_HOME": str(home), "PATH": f"{programs}:{p.env['PATH']}"}
    return programs


def names_in(directory):
    return sorted(one.name for one in directory.iterdir())


@honest(*PNPM, root=("pnpm10", "pnpm12"))
def pnpm_global(p):
    """pnpm add -g with a PNPM_HOME of one's own: the program is there and runs, and another one beside it"""
    programs = pnpm_home(p)
    p.manifest()
    p.run("pnpm", "add", "-g", "builder", beside=[p.t.home / "pnpm"])
    p.t.true("builder" in names_in(programs), names_in(programs))
    p.cwd = p.t.home
    p.run("pnpm", "add", "-g", "create-thing@3.0.0", beside=[p.t.home / "pnpm"])
    p.cwd = p.root
    for program, wanted in (("builder", "out/by-it.txt"), ("create-thing", "made")):
        p.bare(program, wanted)
        p.t.true((p.root / wanted).exists(), f"{program} runs")
    listed = p.bare("pnpm", "ls", "-g").out
    p.t.contains(listed, "builder", "pnpm itself finds it")
    p.run("pnpm", "remove", "-g", "builder", beside=[p.t.home / "pnpm"])
    p.t.equal("builder" in names_in(programs), False, "removed")
    p.bare("create-thing", "second")


@honest(*PNPM)
def pnpm_global_with_a_build(p):
    """pnpm add -g of a package whose script was allowed"""
    programs = pnpm_home(p)
    p.registry.add("built", "1.0.0", {"cli.js": "#!/usr/bin/env node\nconsole.log(require('./made.json').by)\n",
                                      "install.js": "require('fs').writeFileSync('made.json', '{\"by\": \"the script\"}')\n"},
                   scripts={"postinstall": "node install.js"}, more={"bin": {"built": "cli.js"}})
    p.manifest()
    p.run("pnpm", "add", "-g", "--allow-build=built", "built", beside=[p.t.home / "pnpm"])
    p.t.contains(p.bare(programs / "built").out, "the script", "it was built")


@honest("yarn1", root=True)
def yarn_global(p):
    """yarn global add, upgrade, remove, with a prefix of one's own and with yarn's own"""
    p.manifest()
    prefix = p.t.home / "own"
    (prefix / "bin").mkdir(parents=True)
    folder = p.t.home / "global-folder"
    p.t.write(p.t.home / ".yarnrc", f'--global-folder "{folder}"\nprefix "{prefix}"\n')
    also = [prefix, folder]
    p.run("yarn", "global", "add", "builder", "scripted", also=also)
    p.run("yarn", "global", "add", "create-thing@3", also=also)
    p.bare(prefix / "bin/builder", "out.txt")
    p.cwd = p.t.home
    p.run("yarn", "global", "upgrade", "builder", also=also)
    p.run("yarn", "global", "remove", "builder", also=also)


@honest("bun", root=True)
def bun_global(p):
    """bun add -g in a place of one's own: the program is there and runs; update, remove"""
    programs = p.t.home / ".bun/bin"
    programs.mkdir(parents=True)
    p.env["PATH"] = f"{programs}:{p.env['PATH']}"
    p.manifest()
    p.registry.add("built", "1.0.0", {"cli.js": "#!/usr/bin/env node\nconsole.log(require('./made.json').by)\n",
                                      "install.js": "require('fs').writeFileSync('made.json', '{\"by\": \"the script\"}')\n"},
                   scripts={"postinstall": "node install.js"}, more={"bin": {"built": "cli.js"}})
    also = [programs, p.t.home / ".bun/install/global"]
    p.run("bun", "add", "-g", "builder", also=also)
    p.cwd = p.t.home
    p.run("bun", "add", "-g", "create-thing@3.0.0", also=also)
    p.run("bun", "add", "-g", "--trust", "built", also=also)
    p.t.contains(p.bare("built").out, "the script", "it was built, and runs")
    p.cwd = p.root
    p.bare("builder", "out/by-it.txt")
    p.t.true((p.root / "out/by-it.txt").exists(), "the program runs")
    p.run("bun", "update", "-g", also=also)
    p.run("bun", "remove", "-g", "builder", also=also)
    p.t.equal("builder" in names_in(programs), False, "removed")


@honest(*PNPM)
def patch_of_pnpm(p):
    """pnpm patch in a directory that the user names"""
    p.manifest(dependencies={"right": "^2.0.0"})
    p.run("pnpm", "install")
    p.run("pnpm", "patch", "--edit-dir", "edit", "right@2.0.0")


@honest("npm11")
def formatter_of_the_project(p):
    """a script of the project's that formats JSON, an editor's settings too"""
    p.write(".vscode/settings.json", '{"b":1,"a":[1,2]}')
    p.write("other.json", '{"b":1}')
    p.manifest(scripts={"format": "node format.js"})
    p.write("format.js", "const fs = require('fs')\nfor (const file of ['.vscode/settings.json', 'other.json', 'package.json'])\n"
            "  fs.writeFileSync(file, JSON.stringify(JSON.parse(fs.readFileSync(file)), null, 4))\n")
    p.commit_all()
    p.run("npm", "run", "format")


@honest(*PNPM, root=("pnpm12",))
def store_of_pnpm(p):
    """pnpm's store: the one that is there is used, and none is made elsewhere"""
    p.manifest(dependencies={"right": "^2.0.0", "scripted": "1.0.0"})
    p.run("pnpm", "install")
    p.t.equal(p.run("pnpm", "store", "path").out, p.bare("pnpm", "store", "path").out)
    stores = [path for path in p.work.glob("**/*pnpm-store*")]
    p.t.equal(stores, [], "no store of its own")
    p.bare("rm", "-rf", "node_modules")
    p.bare("pnpm", "install", "--frozen-lockfile")
    p.bare("rm", "-rf", "node_modules")
    p.run("pnpm", "install", "--frozen-lockfile", "--offline")


@honest("npm11", "npm12", root=("npm11",))
def prefix_elsewhere(p):
    """npm --prefix to a directory beside, new or there"""
    p.manifest()
    p.run("npm", "--prefix", "../new", "install", "right")
    p.run("npm", "install", "left", "--prefix", p.work / "new")


@honest(*PNPM, root=("pnpm12",))
def directory_elsewhere(p):
    """pnpm -C to a project beside"""
    p.manifest("../client", dependencies={"right": "2.0.0"})
    p.manifest()
    p.run("pnpm", "-C", "../client", "install")


@honest("yarn1", "yarn4", "bun", root=("yarn1",))
def yarn_elsewhere(p):
    """yarn and bun --cwd to a project beside"""
    p.manifest("../client", dependencies={"right": "2.0.0"})
    if p.manager.name == "yarn4":
        p.write("../client/.yarnrc.yml", "nodeLinker: node-modules\n")
        p.write("../client/yarn.lock", "")
    p.manifest()
    # For bun the option belongs to the word.
    p.run(p.manager.command, *(("install", "--cwd", "../client") if p.manager.name == "bun" else ("--cwd", "../client", "install")))


@honest(*PNPM, root=("pnpm12",))
def build_that_waits(p):
    """a package whose build is not approved: pnpm 11 and 12 end with 1, and the tree is there"""
    p.may_fail = True
    p.manifest(dependencies={"left": "1.0.0", "scripted": "1.0.0"})
    p.run("pnpm", "install")
    p.run("pnpm", "add", "right")


@honest(*EVERY, root=("npm10", "pnpm12", "yarn4"))
def directory_beside_as_dependency(p):
    """a dependency that is a directory beside the project, with a program"""
    directory_beside(p, 0o755)


@honest(*EVERY, root=("npm11", "pnpm11", "bun"))
def directory_beside_with_a_program_to_be(p):
    """a dependency that is a directory beside the project, whose program is not executable yet"""
    directory_beside(p, 0o644)


@honest(*PNPM, *BUN, root=("pnpm12",))
def directory_beside_that_is_built(p):
    """a dependency that is a directory beside the project, with a script and a program that is not executable yet"""
    directory_beside(p, 0o644, ', "scripts": {"postinstall": "true"}')


@honest(*PNPM, *BUN, root=("bun",))
def directory_beside_that_needs_another(p):
    """a directory beside that needs one more, whose programs are not executable yet"""
    for name, more in (("lib", '"dependencies": {"base": "file:../base"}'), ("base", '"private": true')):
        p.write(f"../{name}/package.json", f'{{"name": "@our/{name}", "version": "1.2.0", "bin": {{"{name}tool": "bin/cli.js"}}, {more}}}\n')
        p.write(f"../{name}/bin/cli.js", "#!/usr/bin/env node\nconsole.log('lib')\n", 0o644)
    p.manifest(dependencies={"@our/lib": "file:../lib"})
    p.run(p.manager.command, *p.manager.first_install)


@honest("npm11", "npm12", root=("npm11",))
def directory_beside_with_a_script(p):
    """a directory beside, whose dependencies have scripts and programs, as has the project"""
    p.write("../lib/package.json", '{"name": "lib", "version": "1.2.0", "dependencies": {"scripted": "1.0.0", "left": "1.0.0"}}\n')
    p.write("../lib/.env", "KEY=its-own\n")
    p.manifest(dependencies={"lib": "file:../lib", "right": "2.0.0"})
    p.run("npm", "install")
    p.run("npm", "install", "left@1.0.0")
    p.run("npm", "ci")


@honest("npm11", "yarn4", root=("npm11",))
def directory_above_as_dependency(p):
    """an example in the directory of the package that it shows"""
    p.write("../package.json", '{"name": "shown", "version": "1.2.0", "dependencies": {"left": "1.0.0"}}\n')
    p.write("../index.js", "")
    p.manifest(dependencies={"shown": "portal:.." if p.manager.name == "yarn4" else "file:.."})
    p.run(p.manager.command, *p.manager.first_install)


def directory_beside(p, mode, more=""):
    p.write("../lib/package.json", '{"name": "lib", "version": "1.2.0", "bin": {"libtool": "cli.js"}' + more + '}\n')
    p.write("../lib/cli.js", "#!/usr/bin/env node\nconsole.log('lib')\n", mode)
    kind = "portal:" if p.manager.name == "yarn4" else "file:"
    p.manifest(dependencies={"lib": kind + "../lib", "left": "1.0.0"})
    if p.manager.family == "pnpm":
        p.write("pnpm-workspace.yaml", 'onlyBuiltDependencies: [lib]\nallowBuilds:\n  "lib@file:../lib": true\n')
    p.run(p.manager.command, *p.manager.first_install)


@honest(*EVERY, root=("npm11", "yarn1", "pnpm12"))
def archive_beside_as_dependency(p):
    """a dependency that is an archive beside the project"""
    from npm_registry import tarball
    p.write("../packed.tgz", tarball({"package/package.json": '{"name": "packed", "version": "1.0.0"}', "package/i.js": ""}))
    p.manifest(dependencies={"packed": "file:../packed.tgz", "left": "1.0.0"})
    p.run(p.manager.command, *p.manager.first_install)


@honest("yarn4")
def yarn_patch(p):
    """yarn patch, an edit where it says, yarn patch-commit"""
    p.manifest(dependencies={"left": "1.0.0"})
    p.bare(p.manager.command, "install")
    result = p.t.succeeded(p.t.sandbox("yarn", "patch", "left", env=p.env, cwd=p.cwd, options=p.options))
    p.t.equal(p.complaints(result), [], result)
    directory = re.search(r"/\S+/user\b", result.out).group()
    with open(f"{directory}/index.js", "a") as file:
        file.write("// patched\n")
    p.run("yarn", "patch-commit", "-s", directory)
    p.t.true(list((p.root / ".yarn/patches").iterdir()), "a patch")
    shutil.rmtree(pathlib.Path(directory).parents[1])


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
