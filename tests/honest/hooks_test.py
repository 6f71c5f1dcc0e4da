"""Git hooks that the project's own script sets up by a known tool, itself from the npm registry or the
distribution: held, told in a line, and no alarm; for good, once the user's configuration says so."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from honest import PYTHON, honest  # noqa: E402
from pypi_index import PypiIndex, add_python_tools  # noqa: E402
from python_environment import make_environment  # noqa: E402

# All that these kinds need, fetched at once.
REAL = ("husky@4", "husky@8", "husky@9", "lefthook@1", "simple-git-hooks@2", "yorkie@2")
CI = {"CI": "true"}


def set_up(p, tool, command, env=CI, files=None, **members):
    """The project's own script sets the hooks up; none of the tool's own is run before."""
    p.serve_real(*REAL)
    name, version = tool.split("@")
    # Of yarn berry a project has no `prepare` of its own.
    script = "postinstall" if p.manager.name == "yarn4" else "prepare"
    p.manifest(devDependencies={name: f"^{version}.0.0"}, scripts={script: command}, **members)
    if p.manager.family == "pnpm":  # which wants to be told, also if it is no
        p.write("pnpm-workspace.yaml", f"ignoredBuiltDependencies:\n  - {name}\nallowBuilds:\n  {name}: false\n")
    for path, text in (files or {}).items():
        p.write(path, text)
    p.commit_all()
    p.env |= {"HUSKY": None}
    for always in (False, True):
        p.take_hooks(always)
        p.bare("rm", "-rf", "node_modules")
        # Where a dependency's script is run unasked, it is not what sets the hooks up here.
        if p.manager.name in ("npm10", "npm11", "yarn1"):
            p.bare(p.manager.command, "install", "--ignore-scripts")
        again = ("--force",) if p.manager.name == "yarn1" else ()
        p.run(p.manager.command, *p.manager.first_install, *again, env=env)


@honest("npm11", "pnpm12", "yarn1", "bun", root=("npm11",))
def husky_9(p):
    """husky 9 in the project's own script, in CI, held, then for good"""
    set_up(p, "husky@9", "husky", files={".husky/pre-commit": "npm test\n"})


@honest("npm12", "yarn4")
def husky_8(p):
    """husky 8 in the project's own script, in CI, held, then for good"""
    set_up(p, "husky@8", "husky install")


HUSKY_4 = {"hooks": {"pre-commit": "npm test"}, "skipCI": False}


@honest("npm12", "pnpm10", root=("npm12",))
def husky_4(p):
    """husky 4 by the project's own script, held, then for good"""
    set_up(p, "husky@4", "node node_modules/husky/husky install", env=None, husky=HUSKY_4)


@honest("npm10", "yarn1", root=("npm10",))
def husky_4_in_ci(p):
    """husky 4 by its own install script, which sets nothing up in CI"""
    p.serve_real(*REAL)
    p.manifest(devDependencies={"husky": "^4.0.0"}, husky={"hooks": {"pre-commit": "npm test"}})
    p.commit_all()
    p.run(p.manager.command, *p.manager.first_install, env=CI)


@honest("npm11", "yarn4")
def lefthook(p):
    """lefthook in the project's own script, in CI, held, then for good"""
    set_up(p, "lefthook@1", "lefthook install",
           files={"lefthook.yml": "pre-commit:\n  commands:\n    a:\n      run: echo hi\n"})


@honest("npm12", "pnpm10")
def simple_git_hooks(p):
    """simple-git-hooks in the project's own script, in CI, held, then for good"""
    set_up(p, "simple-git-hooks@2", "simple-git-hooks", **{"simple-git-hooks": {"pre-commit": "npm test"}})


@honest("npm12", "bun", root=("npm12",))
def yorkie(p):
    """yorkie by the project's own script, held, then for good"""
    set_up(p, "yorkie@2", "node node_modules/yorkie/bin/install.js", env=None, gitHooks={"pre-commit": "npm test"})


def pre_commit_place(p):
    p.index = PypiIndex()
    add_python_tools(p.index)
    p.env |= {"PIP_INDEX_URL": p.index.url()}
    p.options = ["--allow-host", f"localhost:{p.index.port}"]
    make_environment(p.t, p.root / ".venv")
    p.write("requirements-dev.txt", "pre-commit\n")
    p.write(".pre-commit-config.yaml", json.dumps({"repos": []}) + "\n")
    p.write("Makefile", "setup:\n\t.venv/bin/pip install -r requirements-dev.txt\n"
            "\t.venv/bin/pre-commit install --hook-type pre-commit --hook-type pre-push\n")
    p.commit_all()


@honest()
def pre_commit_by_make(p):
    """pip install pre-commit && pre-commit install, by make, held, then for good"""
    pre_commit_place(p)
    for always in (False, True):
        p.take_hooks(always)
        p.run("make", "setup", env=CI)


@honest()
def pre_commit_typed(p):
    """pre-commit install, typed, held, then for good; pre-commit uninstall"""
    pre_commit_place(p)
    p.bare(".venv/bin/pip", "install", "pre-commit")
    for always in (False, True):
        p.take_hooks(always)
        p.run(".venv/bin/pre-commit", "install")
