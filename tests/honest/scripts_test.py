"""Builds, tests, tools, generators, and who starts the package manager."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from honest import NPM, ONE_EACH, honest  # noqa: E402

BUILDS = {"build": "builder dist/main.js", "test": "builder report.xml && exit 1", "hello": "echo hello"}


def project(p, **more):
    p.manifest(devDependencies={"builder": "^1.0.0"}, **{"scripts": BUILDS} | more)
    p.bare(p.manager.command, *p.manager.first_install)
    p.commit_all()


@honest(*ONE_EACH, "npm12", "pnpm12", root=True)
def build(p):
    """the project's build"""
    project(p)
    p.run(p.manager.command, "run", "build")


@honest(*ONE_EACH)
def failing_test(p):
    """a test that fails and leaves a report"""
    project(p)
    p.may_fail = True
    p.run(p.manager.command, "test" if p.manager.command != "yarn" else "run", *(["test"] if p.manager.command == "yarn" else []))


@honest(*ONE_EACH)
def plain_script(p):
    """a script that writes nothing"""
    project(p)
    p.run(p.manager.command, "run", "hello")


@honest("npm11", "npm12")
def npx_tool(p):
    """npx of an installed tool, and of one that is fetched"""
    project(p)
    p.run("npx", "builder", "out/one.txt")
    p.bare("rm", "-rf", "node_modules")
    p.run("npx", "--yes", "builder@1", "out/two.txt")
    p.run("npm", "exec", "--yes", "--", "builder@1.0.0", "out/three.txt")


@honest("pnpm10", "pnpm12", root=("pnpm10",))
def pnpm_tool(p):
    """pnpm exec, pnpm dlx"""
    project(p)
    p.run("pnpm", "exec", "builder", "out/one.txt")
    p.run("pnpm", "dlx", "builder@1.0.0", "out/two.txt")


@honest("yarn1", "yarn4", root=True)
def yarn_tool(p):
    """yarn TOOL"""
    project(p)
    p.run("yarn", "builder", "out/one.txt")


@honest("yarn4")
def yarn_dlx(p):
    """yarn dlx"""
    project(p)
    p.run("yarn", "dlx", "builder@1.0.0", "out/two.txt")


@honest(*NPM, root=True)
def npm_create(p):
    """npm create, npm init, npx create-…"""
    p.run("npm", "create", "--yes", "thing@3", "first")
    p.run("npm", "init", "--yes", "thing", "second")
    p.run("npx", "--yes", "create-thing", "third", env={"CI": "true"})


@honest("npm11")
def npm_create_beside(p):
    """npm create, npx create-… with a directory beside the project"""
    p.run("npm", "create", "--yes", "thing@3", "../first")
    p.run("npx", "--yes", "create-thing", "../second")


@honest("pnpm10", "pnpm12", root=("pnpm10",))
def pnpm_deploy(p):
    """pnpm deploy to a new directory: in the project, deeper, beside it (which has to be named)"""
    p.manifest(workspaces=["packages/*"])
    p.write("pnpm-workspace.yaml", (p.root / "pnpm-workspace.yaml").read_text() + "injectWorkspacePackages: true\n")
    p.manifest("packages/one", name="one", dependencies={"left": "1.0.0", "scripted": "1.0.0"}, files=["src", "index.js"])
    p.write("packages/one/index.js", "1\n")
    p.write("packages/one/src/page.html", "2\n")
    p.run("pnpm", "install")
    p.run("pnpm", "--filter", "one", "deploy", "--prod", "out")
    p.run("pnpm", "--filter", "one", "deploy", "--prod", "build/deep/out")
    refused = p.t.sandbox("pnpm", "--filter", "one", "deploy", "--prod", "../out", env=p.env, cwd=p.cwd, options=p.options)
    p.t.contains(refused.said, f"--rw {p.work}")
    p.options += ["--rw", p.work]
    p.run("pnpm", "--filter", "one", "deploy", "--prod", "../out")


@honest("pnpm10", "pnpm12", "yarn1", "yarn4", "bun")
def other_create(p):
    """pnpm create, yarn create, bun create"""
    p.run(p.manager.command, "create", "thing", "first")


@honest("npm11")
def create_in_place(p):
    """npm create in the directory itself"""
    p.run("npm", "create", "--yes", "thing", ".")


@honest("npm11", root=True)
def by_a_shell(p):
    """sh -c 'npm ci && npm run build'"""
    project(p)
    p.run("sh", "-c", "npm ci && npm run build")


@honest("npm11", "pnpm10", root=("npm11",))
def by_make(p):
    """make install, ./scripts/setup.sh"""
    project(p)
    p.write("Makefile", f"install:\n\t{p.manager.command} install\n\t{p.manager.command} run build\n")
    p.script("scripts/setup.sh", f"#!/bin/sh\nset -e\n{p.manager.command} install\n{p.manager.command} run build\n")
    p.run("make", "install")
    p.run("./scripts/setup.sh")


@honest("npm11", "yarn1", "pnpm10", "bun", root=("npm11", "yarn1"))
def prepare_builds(p):
    """a prepare script that builds"""
    p.manifest(devDependencies={"builder": "^1.0.0"}, scripts={"prepare": "builder dist/main.js"})
    p.run(p.manager.command, *p.manager.first_install)


@honest("npm11", "yarn1", "bun")
def postinstall_generates(p):
    """a postinstall of the project that generates sources and patches a dependency"""
    p.manifest(dependencies={"left": "1.0.0"}, scripts={"postinstall": "node generate.js"})
    p.write("generate.js", "const fs = require('fs')\nfs.mkdirSync('src/generated', {recursive: true})\n"
            "fs.writeFileSync('src/generated/api.js', '// made\\n')\nfs.appendFileSync('node_modules/left/index.js', '// patched\\n')\n")
    p.commit_all()
    p.run(p.manager.command, *p.manager.first_install)


@honest("npm11")
def tests_in_one_go(p):
    """npm install-ci-test"""
    p.manifest(dependencies={"left": "1.0.0"}, scripts={"test": "node -p \"require('left')\""})
    p.bare("npm", "install")
    p.run("npm", "install-ci-test")


@honest("npm11", "npm12")
def switches_reach_scripts(p):
    """variables that installers read: what they skip without the sandbox they skip in it"""
    p.registry.add("browser", "1.0.0", {"install.js": (
        "const e = process.env\nconst skip = ['PUPPETEER_SKIP_DOWNLOAD', 'CYPRESS_INSTALL_BINARY', 'PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD',"
        "'ELECTRON_SKIP_BINARY_DOWNLOAD', 'SENTRYCLI_SKIP_DOWNLOAD', 'npm_config_sharp_libvips', 'NX_SKIP_NX_CACHE', 'TURBO_TELEMETRY_DISABLED']\n"
        "require('fs').writeFileSync('seen.json', JSON.stringify(skip.map(n => e[n] || '')))\n")},
        scripts={"postinstall": "node install.js"})
    p.manifest(dependencies={"browser": "1.0.0"}, allowScripts={"browser": True})
    p.run("npm", "install", env={
        "PUPPETEER_SKIP_DOWNLOAD": "true", "CYPRESS_INSTALL_BINARY": "0", "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1",
        "ELECTRON_SKIP_BINARY_DOWNLOAD": "1", "SENTRYCLI_SKIP_DOWNLOAD": "1", "npm_config_sharp_libvips": "x",
        "NX_SKIP_NX_CACHE": "true", "TURBO_TELEMETRY_DISABLED": "1"})


@honest("npm11")
def only_allow(p):
    """a preinstall that asks who installs, by npx"""
    p.registry.add("only-allow", "1.2.1", {"bin.js": (
        "#!/usr/bin/env node\nconst agent = process.env.npm_config_user_agent || ''\n"
        "if (!agent.startsWith(process.argv[2])) { console.error('use ' + process.argv[2]); process.exit(1) }\n")},
        more={"bin": {"only-allow": "bin.js"}})
    p.manifest(scripts={"preinstall": "npx --yes only-allow npm"}, dependencies={"left": "1.0.0"})
    p.run("npm", "install")


@honest("npm11", "pnpm10", "yarn1")
def telemetry(p):
    """a tool that notes in ~/.config that it has told of its telemetry: nothing is missed, and nothing said"""
    p.registry.add("counter", "1.0.0", {"cli.js": "#!/usr/bin/env node\nconst fs = require('fs')\n"
                                        "const to = require('os').homedir() + '/.config/counter'\n"
                                        "fs.mkdirSync(to, {recursive: true})\n"
                                        "fs.writeFileSync(to + '/telemetry.json', JSON.stringify({telemetry_enabled: true, "
                                        "telemetry_id: '536c17d73bdcfb76', telemetry_alerted: '2026-11-28T11:11:06Z'}, null, 2))\n"
                                        "fs.writeFileSync('made.txt', 'hello\\n')\n"}, more={"bin": {"counter": "cli.js"}})
    p.manifest(scripts={"use": "counter"}, dependencies={"counter": "1.0.0"})
    p.bare(p.manager.command, *p.manager.first_install)
    said = p.run(p.manager.command, "run", "use").said
    p.t.lacks(said, "discarded with the false home", said)
