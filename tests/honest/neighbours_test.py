"""Projects beside the project: what a manifest or a command leads to is built, installed, used."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from honest import honest  # noqa: E402
from honest_python import SETUPTOOLS, environment  # noqa: E402

NPM = ("npm10", "npm11", "npm12")
BUILD = ("const fs = require('fs'), from = fs.readdirSync('src')\nfs.rmSync('dist', {recursive: true, force: true})\n"
         "fs.mkdirSync('dist/deep', {recursive: true})\n"
         "for (const name of from) fs.writeFileSync('dist/deep/' + name, fs.readFileSync('src/' + name) + '// built\\n')\n"
         "fs.copyFileSync('dist/deep/index.js', 'dist/index.js')\n")


def library(p, ignore="dist\nnode_modules\n"):
    p.write("../lib/package.json", '{"name": "lib", "version": "1.2.0", "main": "dist/index.js", '
            '"scripts": {"prepare": "node build.js"}, "dependencies": {"left": "1.0.0"}}\n')
    p.write("../lib/build.js", BUILD)
    p.write("../lib/src/index.js", "module.exports = 1\n")
    p.write("../lib/src/other.js", "")
    p.write("../lib/.gitignore", ignore)


@honest(*NPM, root=("npm11",))
def library_that_is_built(p):
    """file:../lib, whose prepare builds it: first, and again when its sources have changed"""
    library(p)
    p.manifest(dependencies={"lib": "file:../lib", "right": "2.0.0"})
    p.run("npm", "install")
    (p.work / "lib/src/other.js").unlink()
    p.write("../lib/src/index.js", "module.exports = 2\n")
    p.write("../lib/src/more.js", "")
    p.run("npm", "install")


@honest("npm11")
def library_without_git(p):
    """file:../lib, whose prepare builds what its manifest offers, and that no repository is"""
    library(p, ignore="")
    p.manifest(dependencies={"lib": "file:../lib"})
    p.run("npm", "install")


@honest(*NPM, "pnpm10", "yarn1", "yarn4", "bun", root=("npm11",))
def project_that_is_built(p):
    """a project whose own prepare or postinstall builds it again"""
    p.manifest(dependencies={"left": "1.0.0"}, scripts={"postinstall": "node build.js"})
    p.write("build.js", BUILD)
    p.write("src/index.js", "module.exports = 1\n")
    p.write("src/other.js", "")
    p.write(".gitignore", "dist\nnode_modules\n")
    p.run(p.manager.command, *p.manager.first_install)
    (p.root / "src/other.js").unlink()
    p.write("src/index.js", "module.exports = 2\n")
    p.run(p.manager.command, *(("install", "--force") if p.manager.family == "yarn" and p.manager.name == "yarn1" else ("install",)))


@honest("npm11", "pnpm12", "bun")
def settings_from_an_example(p):
    """a postinstall that copies .env.example to .env"""
    p.manifest(dependencies={"left": "1.0.0"}, scripts={"postinstall": "test -e .env || cp .env.example .env"})
    p.write(".env.example", "PORT=3000\n")
    p.write(".gitignore", ".env\nnode_modules\n")
    p.run(p.manager.command, *p.manager.first_install)


@honest("npm11", root=True)
def used_by_other_programs(p):
    """what is linked from beside is found by node, make, a shell; make installs it"""
    p.write("../lib/package.json", '{"name": "lib", "version": "1.2.0"}\n')
    p.write("../lib/index.js", "module.exports = 1\n")
    p.manifest(dependencies={"lib": "file:../lib"})
    p.write("t.js", "console.log(require('lib'))\n")
    p.write("Makefile", "all:\n\tnpm install --no-audit\n\tnode t.js\n")
    p.bare("npm", "install")
    p.run("node", "t.js")
    p.run("sh", "-c", "node t.js > out")
    p.run("make")


def python_library(p, name):
    p.write(f"../{name}/pyproject.toml", SETUPTOOLS + f'[project]\nname = "{name}"\nversion = "1.0"\n')
    p.write(f"../{name}/src/{name}/__init__.py", "x = 1\n")


@honest()
def two_python_libraries(p):
    """pip install of two directories beside the project, editable and not"""
    environment(p)
    for name in ("one", "two"):
        python_library(p, name)
    p.run(".venv/bin/pip", "install", "-e", "../one", "-e", "../two")
    p.run(".venv/bin/pip", "install", "../one", "../two")


@honest(root=True)
def python_library_in_use(p):
    """pip list, uninstall, install once more of what is editable beside the project; python that imports it"""
    environment(p)
    python_library(p, "one")
    p.bare(".venv/bin/pip", "install", "-e", "../one")
    p.run(".venv/bin/pip", "list")
    p.run(".venv/bin/python", "-B", "-c", "import one; open('out', 'w').write(str(one.x))")
    p.run(".venv/bin/pip", "install", "../one")
    p.run(".venv/bin/pip", "uninstall", "-y", "one")
