"""bun and deno, which install packages and run programs."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from honest import BUN, DENO, honest  # noqa: E402


def project(p, **more):
    p.manifest(devDependencies={"builder": "^1.0.0"}, dependencies={"left": "1.0.0"}, **more)
    p.bare(p.manager.command, *p.manager.first_install)
    p.commit_all()


@honest(*BUN, root=True)
def bun_tool(p):
    """bun x of an installed tool, and of one that is fetched; bun TOOL; --bun"""
    project(p)
    p.run("bun", "x", "builder", "out/one.txt")
    p.run("bun", "builder", "out/two.txt")
    p.run("bun", "--bun", "run", "builder", "out/three.txt")
    p.bare("rm", "-rf", "node_modules")
    p.run("bun", "x", "builder@1.0.0", "out/four.txt")


@honest(*BUN)
def bun_programs(p):
    """bun FILE, bun run FILE, bun -e, bun test, bun build"""
    project(p)
    p.write("main.ts", "import left from 'left'\nawait Bun.write('out.txt', left as string)\n")
    p.write("a.test.ts", "import { expect, test } from 'bun:test'\ntest('a', () => { expect(1).toBe(1) })\n")
    p.run("bun", "main.ts")
    p.run("bun", "run", "main.ts")
    p.run("bun", "-e", "await Bun.write('e.txt', 'e')")
    p.run("bun", "test")
    p.run("bun", "build", "main.ts", "--outdir", "dist")


@honest(*BUN)
def bun_small_words(p):
    """bun pm ls, bun outdated, bun why, bun pm version, bun init"""
    project(p)
    for words in (("pm", "ls"), ("outdated",), ("why", "left"), ("pm", "version", "patch"), ("pm", "pack")):
        p.run("bun", *words)
    p.cwd = p.root = p.work / "new"
    p.root.mkdir()
    p.run("bun", "init", "-y", "--minimal")


@honest(*BUN)
def bun_trust(p):
    """a script that waits for trust, bun pm trust, bun add --trust"""
    p.manifest(dependencies={"scripted": "1.0.0"}, trustedDependencies=[])
    p.write("package.json", json.dumps({"name": "app", "dependencies": {"scripted": "1.0.0"}}))
    p.run("bun", "install")
    p.run("bun", "pm", "trust", "scripted")
    p.write("package.json", json.dumps({"name": "app"}))
    p.run("bun", "add", "--trust", "scripted")


@honest(*BUN)
def bun_configuration(p):
    """a registry that bunfig.toml names, the project's and the home's, with a scope's"""
    p.env |= {"npm_config_registry": None, "BUN_CONFIG_REGISTRY": None}
    p.registry.add("@own/x", "1.0.0", {"index.js": ""})
    p.write("bunfig.toml", f'[install]\nregistry = "{p.registry.url()}"\n')
    p.manifest(dependencies={"left": "1.0.0"})
    p.run("bun", "install")
    p.bare("rm", "bunfig.toml")
    p.t.write(p.t.home / ".bunfig.toml", f'[install]\nregistry = {{ url = "{p.registry.url()}" }}\n'
              f'[install.scopes]\nown = "{p.registry.url()}"\n')
    p.run("bun", "add", "@own/x")


@honest(*BUN)
def bun_by_a_shell(p):
    """sh -c 'bun install && bun run build', and a postinstall that installs in a sub-directory"""
    p.manifest(devDependencies={"builder": "^1.0.0"}, scripts={
        "build": "builder dist/main.js", "postinstall": "cd client && bun install"})
    p.manifest("client", name="client", dependencies={"right": "2.0.0"})
    p.bare("bun", "install")
    p.bare("rm", "-rf", "node_modules", "client/node_modules")
    p.run("bun", "install")
    p.run("sh", "-c", "bun install && bun run build")


@honest(*DENO, root=True)
def deno_install(p):
    """deno install, with scripts and from the lockfile; deno ci"""
    p.manifest(dependencies={"right": "^2.0.0", "scripted": "1.0.0"})
    p.run("deno", "install", "--allow-scripts")
    p.bare("rm", "-rf", "node_modules")
    p.run("deno", "install", "--frozen", env={"CI": "true"})
    p.bare("rm", "-rf", "node_modules")
    p.run("deno", "ci")


@honest(*DENO)
def deno_add_and_remove(p):
    """deno add, remove, update, in a package.json and in a deno.json"""
    p.manifest(dependencies={"left": "1.0.0"})
    p.run("deno", "add", "npm:right")
    p.run("deno", "remove", "right")
    p.run("deno", "update", "--latest")
    p.bare("rm", "-rf", "package.json", "deno.lock", "node_modules")
    p.write("deno.json", "{}\n")
    p.run("deno", "add", "npm:left")


@honest(*DENO)
def deno_programs(p):
    """deno run, deno task, deno test, of packages that are installed"""
    p.manifest(dependencies={"left": "1.0.0", "builder": "1.0.0"}, scripts={"build": "builder dist/main.js"})
    p.write("main.ts", "import left from 'left'\nDeno.writeTextFileSync('out.txt', left)\n")
    p.write("a_test.ts", "Deno.test('a', () => {})\n")
    p.bare("deno", "install")
    p.run("deno", "run", "-A", "main.ts")
    p.run("deno", "task", "build")
    p.run("deno", "test")


@honest(*DENO)
def deno_tool(p):
    """deno x of an installed tool, and of one that is fetched"""
    p.manifest(dependencies={"builder": "1.0.0"})
    p.bare("deno", "install")
    p.run("deno", "x", "-A", "builder", "out/one.txt")
    p.bare("rm", "-rf", "node_modules")
    p.run("deno", "x", "-A", "-y", "npm:create-thing", "made")
