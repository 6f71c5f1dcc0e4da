"""Python: environments, pip in them, builds of the project itself."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import NotApplicable  # noqa: E402
from honest import PYTHON, TOOLS, honest  # noqa: E402
from honest_python import SETUPTOOLS, environment, python  # noqa: E402
from pypi_index import C_MODULE, add_python_tools, wheel  # noqa: E402
from python_environment import make_environment  # noqa: E402

@honest(root=True)
def make_environments(p):
    """python3 -m venv, with links, copies, without pip"""
    python(p)
    p.run(PYTHON, "-m", "venv", ".venv")
    p.run(PYTHON, "-m", "venv", "--symlinks", "--without-pip", "linked")
    p.run(PYTHON, "-m", "venv", "--copies", "--without-pip", "copied")
    p.run(".venv/bin/python", "-c", "print(1)")


@honest()
def make_environment_beside(p):
    """python3 -m venv beside the project, in a directory that is not there yet, too"""
    python(p)
    p.run(PYTHON, "-m", "venv", "--without-pip", "../venv")
    p.run(PYTHON, "-m", "venv", "--without-pip", "../environments/app")
    where = "import sys, pathlib; pathlib.Path('prefix').write_text(sys.prefix)"
    p.run("../venv/bin/python", "-c", where)
    p.run("python3", "-c", where, env={"PATH": f"{p.work}/venv/bin:{p.t.env['PATH']}"})


@honest()
def into_an_environment(p):
    """pip install in an environment: wheels, sdists, requirements; uninstall, freeze"""
    environment(p)
    p.write("requirements.txt", "needy==1.0\nclassic\n")
    p.run(".venv/bin/pip", "install", "-r", "requirements.txt")
    p.run(".venv/bin/pip", "install", "modern", "native")
    p.run(".venv/bin/pip", "freeze")
    p.run(".venv/bin/pip", "uninstall", "-y", "needy")


def package(p, where, name="mine"):
    p.write("pyproject.toml", SETUPTOOLS + f'[project]\nname = "{name}"\nversion = "1.0"\n')
    p.write(f"{where}{name}/__init__.py", "x = 1\n")
    p.commit_all()


@honest(root=True)
def editable_src(p):
    """pip install -e . of a src layout"""
    environment(p)
    package(p, "src/")
    p.run(".venv/bin/pip", "install", "-e", ".")
    p.run(".venv/bin/python", "-c", "import mine")


@honest()
def editable_flat(p):
    """pip install -e . of a flat layout"""
    environment(p)
    package(p, "")
    p.run(".venv/bin/pip", "install", "-e", ".")


@honest(root=True)
def editable_beside(p):
    """requirements that name a directory beside the project, editable"""
    environment(p)
    p.write("../lib/pyproject.toml", SETUPTOOLS + '[project]\nname = "lib"\nversion = "1.0"\n')
    p.write("../lib/src/lib/__init__.py", "x = 1\n")
    p.write("requirements.txt", "-e ../lib\nneedy==1.0\n")
    p.run(".venv/bin/pip", "install", "-r", "requirements.txt")
    p.run(".venv/bin/pip", "install", "-r", "requirements.txt")


@honest()
def editable_native(p):
    """pip install -e . with a C extension that is built in place, without isolation"""
    environment(p)
    p.bare(".venv/bin/pip", "install", "setuptools", "wheel")
    p.write("setup.py", 'from setuptools import Extension, setup\n'
            'setup(name="fast", version="1.0", ext_modules=[Extension("fast", ["fast.c"])])\n')
    p.write("fast.c", C_MODULE.format(module="fast"))
    p.commit_all()
    p.run(".venv/bin/pip", "install", "--no-build-isolation", "-e", ".")


@honest()
def newer_pip(p):
    """pip 25, where the distribution's mirror has it: install, editable, uninstall"""
    wheels = list(TOOLS.glob("pip25/usr/share/python-wheels/pip-*.whl"))
    if not wheels:
        raise NotApplicable("no pip25 in build-test-tools/: another distribution's mirror")
    environment(p)
    p.bare(".venv/bin/python", "-m", "pip", "install", "--no-index", wheels[0])
    package(p, "src/")
    p.run(".venv/bin/pip", "install", "needy", "native")
    p.run(".venv/bin/pip", "install", "-e", ".")
    p.run(".venv/bin/pip", "uninstall", "-y", "needy")


@honest()
def install_the_project(p):
    """pip install . ; pip wheel"""
    environment(p)
    package(p, "src/")
    p.run(".venv/bin/pip", "install", ".")
    p.run(".venv/bin/pip", "wheel", "--no-deps", "-w", "dist", ".")


@honest(root=True)
def elsewhere(p):
    """pip install --target, pip download"""
    environment(p)
    p.run(".venv/bin/pip", "install", "--target", "vendor", "needy")
    p.run(".venv/bin/pip", "download", "-d", "wheels", "needy")


@honest()
def run_python(p):
    """the project's own python: scripts, setup.py build, compiled files"""
    environment(p)
    p.bare(".venv/bin/pip", "install", "setuptools", "wheel")
    package(p, "")
    p.write("make.py", "import mine\nopen('out.txt', 'w').write('made')\n")
    p.run(".venv/bin/python", "make.py")


@honest(root=True)
def program_of_a_system_name(p):
    """a distribution whose program has a name that the system has, too"""
    environment(p)
    p.index.add_file("cover-1.0-py3-none-any.whl", wheel("cover", {
        "cover/__init__.py": "def main(): print('cover')\n"},
        entry_points="[console_scripts]\nnproc = cover:main\n"))
    p.run(".venv/bin/pip", "install", "cover")
    p.run(".venv/bin/pip", "uninstall", "-y", "cover")


def virtualenv_place(p):
    python(p)
    add_python_tools(p.index)
    venv = p.t.home / ".local/share/pipx/venvs/virtualenv"
    make_environment(p.t, venv)
    p.bare(venv / "bin/pip", "install", "virtualenv")
    (p.t.home / ".local/bin").mkdir()
    (p.t.home / ".local/bin/virtualenv").symlink_to("../share/pipx/venvs/virtualenv/bin/virtualenv")
    p.env["PATH"] = f"{p.t.home}/.local/bin:{p.t.env['PATH']}"


@honest()
def virtualenv(p):
    """virtualenv, which pipx installed"""
    virtualenv_place(p)
    p.run("virtualenv", ".venv")
    p.run(".venv/bin/python", "-c", "print(1)")


@honest()
def pip_of_virtualenv(p):
    """pip in an environment that virtualenv made and that was used before"""
    virtualenv_place(p)
    p.bare("virtualenv", ".venv")
    p.bare(".venv/bin/pip", "install", "needy")
    p.bare(".venv/bin/python", "-m", "pip", "uninstall", "-y", "needy", "pure")
    p.run(".venv/bin/pip", "install", "needy")
    p.run(".venv/bin/python", "-m", "pip", "uninstall", "-y", "needy")


@honest()
def first_pip_of_virtualenv(p):
    """the first pip in an environment that virtualenv made"""
    virtualenv_place(p)
    p.bare("virtualenv", ".venv")
    p.compiles_pip = True
    p.run(".venv/bin/pip", "install", "needy")


# ── pip that something else starts ──


@honest()
def by_make(p):
    """make: an environment and what is installed in it"""
    python(p)
    p.write("requirements.txt", "needy==1.0\n")
    p.write("Makefile", f"venv:\n\t{PYTHON} -m venv .venv\n\t.venv/bin/pip install -r requirements.txt\n")
    p.run("make", "venv")


@honest(root=True)
def by_make_with_a_shim_of_pip(p):
    """make: an environment and what is built in it, where the pip on PATH is a version manager's shim"""
    python(p)
    for name, words in (("pip", "-m pip"), ("python3", "")):
        p.t.write(p.t.home / "shims" / name, f'#!/usr/bin/env bash\nexec {PYTHON} {words} "$@"\n', 0o755)
    p.env["PATH"] = f"{p.t.home}/shims:{p.t.env['PATH']}"
    p.write("requirements.txt", "classic\n")
    p.write("Makefile", f"venv:\n\t{PYTHON} -m venv .venv\n\t.venv/bin/pip install -r requirements.txt\n")
    p.run("make", "venv")


@honest(root=True)
def by_make_beside_the_background(p):
    """make: an environment and what is installed in it, where something has lost its parent before"""
    python(p)
    p.write("requirements.txt", "needy==1.0\n")
    p.write("Makefile", "venv:\n\t(sh -c 'sleep 0.1; /bin/true; sleep 0.1' &)\n\tsleep 0.3\n"
            f"\t{PYTHON} -m venv .venv\n\t.venv/bin/pip install -r requirements.txt\n")
    p.run("make", "venv")


@honest()
def by_make_with_a_build(p):
    """make: an environment, what is built for it, and the project itself"""
    environment(p)
    package(p, "src/")
    p.write("requirements.txt", "classic\n")
    p.write("Makefile", "install:\n\t.venv/bin/pip install -r requirements.txt\n\t.venv/bin/pip install -e .\n")
    p.run("make", "install")


@honest(root=True)
def by_make_all_of_it(p):
    """make: an environment, what is built in it, the project itself, and pip once more"""
    python(p)
    package(p, "src/")
    p.write("Makefile", f"install:\n\t{PYTHON} -m venv .venv\n\t.venv/bin/pip install classic\n"
            "\t.venv/bin/pip install -e .\n\t.venv/bin/python -m pip install needy\n\t.venv/bin/pip install modern\n")
    p.run("make", "install")


@honest(root=True)
def by_make_with_copies(p):
    """make: an environment whose Python is a copy, what is built in it, and pip once more"""
    python(p)
    p.write("Makefile", f"install:\n\t{PYTHON} -m venv --copies .venv\n\t.venv/bin/python -m pip install classic\n"
            "\t.venv/bin/pip install needy\n\t.venv/bin/python -c 'import needy'\n")
    p.run("make", "install")


@honest()
def by_a_shell(p):
    """sh -c with an environment that is activated first; a set-up script of the project"""
    environment(p)
    p.write("requirements.txt", "needy==1.0\n")
    p.run("sh", "-c", ". .venv/bin/activate && pip install -r requirements.txt && python -c 'import needy'")
    p.script("setup.sh", "#!/bin/sh\nset -e\n.venv/bin/python -m pip install modern\n")
    p.run("./setup.sh")


@honest("npm11", "pnpm10", "yarn1")
def by_a_script_of_the_project(p):
    """a postinstall that installs Python's packages, too"""
    environment(p)
    p.write("requirements.txt", "needy==1.0\n")
    p.manifest(dependencies={"left": "1.0.0"}, scripts={"postinstall": ".venv/bin/pip install -r requirements.txt"})
    p.options += ["--allow-host", f"localhost:{p.registry.port}"]
    p.run(p.manager.command, *p.manager.first_install)
