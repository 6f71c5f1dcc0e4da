"""Installs by pip from an index on loopback: wheels, sdists, a C extension; venv, --user, --target."""

import glob
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import compare_trees  # noqa: E402
from harness import IS_ROOT, NotApplicable, require, require_root, test  # noqa: E402
from pypi_index import PypiIndex, system_wheels  # noqa: E402
from python_environment import make_environment  # noqa: E402

PYTHON = "/usr/bin/python3"
EVERYTHING = ["needy", "classic", "modern", "native"]
RUN_ALL = "import native, classic, modern, needy; print(native.hello())"


class Pip:
    def __init__(self, t):
        require(system_wheels(), "no setuptools wheel in /usr/share/python-wheels")
        self.t = t
        self.index = PypiIndex()
        # Hash seeds and dates of compiled files are no part of the comparison.
        self.env = {"PIP_INDEX_URL": self.index.url(), "SOURCE_DATE_EPOCH": "1600000000"}
        self.options = ["--allow-host", f"localhost:{self.index.port}"]

    def sandbox(self, *command, **more):
        return self.t.sandbox(*command, env=self.env, options=self.options, **more)

    def bare(self, *command):
        return self.t.bare(*command, env=self.env)

    def same_tree(self, root, make, install):
        """make() lays the ground; then `install` is run bare, bare again and in the sandbox."""
        t, kept = self.t, {}
        for name in ("bare", "again", "sandboxed"):
            shutil.rmtree(root, ignore_errors=True)
            make()
            run = self.sandbox if name == "sandboxed" else self.bare
            t.succeeded(run(*install), name)
            if name != "sandboxed":
                kept[name] = t.base / name
                os.rename(root, kept[name])
        by_itself = dict(compare_trees.compare(kept["bare"], kept["again"]))
        found = dict(compare_trees.compare(kept["again"], root))
        found = {path: what for path, what in found.items() if path not in by_itself}
        t.equal(dict(list(found.items())[:20]), {}, "differences from the bare run")


@test(time_limit=200)
def into_a_venv(t):
    """wheels, sdists and a C extension into a venv give the bare tree, and work"""
    pip = Pip(t)
    venv = t.project / "venv"
    pip.same_tree(
        venv,
        lambda: make_environment(t, venv),
        [venv / "bin/pip", "install", *EVERYTHING],
    )
    t.equal(t.succeeded(t.bare(venv / "bin/python", "-c", RUN_ALL)).out, "hello from C\n")


@test(time_limit=120)
def into_a_venv_elsewhere(t):
    """an active venv outside the project is a target too"""
    pip = Pip(t)
    venv = t.home / "venvs/tool"
    make_environment(t, venv)
    pip.env |= {"VIRTUAL_ENV": venv, "PATH": f"{venv}/bin:{os.environ['PATH']}"}
    t.write("requirements.txt", "needy==1.0\n")
    t.succeeded(pip.sandbox("pip", "install", "-r", "requirements.txt"))
    t.succeeded(t.bare(venv / "bin/python", "-c", "import needy, pure"))


@test(time_limit=120)
def python_dash_m_pip(t):
    """`python -m pip` of a venv is recognised"""
    pip = Pip(t)
    venv = t.project / ".venv"
    make_environment(t, venv)
    t.succeeded(pip.sandbox(venv / "bin/python", "-m", "pip", "install", "modern"))
    t.equal(t.succeeded(t.bare(venv / "bin/modern-hello")).out, "hello from modern\n")
    listed = t.succeeded(pip.sandbox(venv / "bin/python", "-m", "pip", "list", "--format=json"))
    t.true("modern" in [one["name"] for one in json.loads(listed.out)], listed)
    t.succeeded(pip.sandbox(venv / "bin/python", "-m", "pip", "uninstall", "-y", "modern"))
    t.true(not (venv / "bin/modern-hello").exists(), "uninstalled")


@test(time_limit=120)
def setuptools_into_a_venv(t):
    """setuptools, which starts with every Python, is installed and upgraded; nothing of it is held"""
    pip = Pip(t)
    venv = t.project / "venv"
    make_environment(t, venv)
    t.succeeded(t.bare(venv / "bin/pip", "uninstall", "-y", "setuptools"))
    for options in ([], ["--force-reinstall"]):
        result = t.succeeded(pip.sandbox(venv / "bin/pip", "install", *options, "setuptools"))
        t.true("held" not in result.err, result.err)
        t.succeeded(t.bare(venv / "bin/python", "-c", "import _distutils_hack"))


STEALING_SETUP = """\
import os
from setuptools import setup
site = os.path.join(os.environ["VIRTUAL_ENV"], "lib", "python{major}.{minor}".format(
    major=__import__("sys").version_info[0], minor=__import__("sys").version_info[1]), "site-packages")
for name in ("evil.pth", "sitecustomize.py", "_distutils_hack/__init__.py"):
    os.makedirs(os.path.dirname(os.path.join(site, name)), exist_ok=True)
    with open(os.path.join(site, name), "a") as file:
        file.write("import os  # evil\\n")
setup(name="hacker", version="1.0")
"""


@test(time_limit=120)
def build_that_stays(t):
    """what a build leaves to run at each start of Python, listed by no RECORD, is held, with an alert"""
    pip = Pip(t)
    pip.index.add_sdist("hacker", {"setup.py": STEALING_SETUP})
    venv = t.project / ".venv"
    make_environment(t, venv)
    pip.env["VIRTUAL_ENV"] = venv
    kept = t.base / "kept"
    shutil.copytree(venv, kept, symlinks=True)
    install = [venv / "bin/pip", "install", "hacker"]
    t.succeeded(pip.bare(*install), "the control run")
    site = glob.glob(f"{venv}/lib/python3*/site-packages")[0]
    names = ["evil.pth", "sitecustomize.py", "_distutils_hack/__init__.py"]
    for name in names:
        t.contains(open(os.path.join(site, name)).read(), "evil", "the control run")
    shutil.rmtree(venv)
    shutil.copytree(kept, venv, symlinks=True)
    result = pip.sandbox(*install)
    protected = {event["details"]["path"].split("site-packages/")[-1]
                 for event in result.of_type("change.protected")}
    t.equal(protected & set(names), set(names), "protected")
    for name in names:
        path = os.path.join(site, name)
        t.true(not os.path.exists(path) or "evil" not in open(path).read(), name)


def breaking():
    """Newer Debian and Ubuntu ask for this flag outside a venv."""
    managed = glob.glob("/usr/lib/python3*/EXTERNALLY-MANAGED")
    return ["--break-system-packages"] if managed else []


@test(time_limit=120)
def user_site(t):
    """pip install --user goes to the user's site"""
    pip = Pip(t)
    t.succeeded(pip.sandbox(PYTHON, "-m", "pip", "install", "--user", *breaking(), "pure", "modern"))
    t.equal(t.succeeded(t.bare(t.home / ".local/bin/modern-hello")).out, "hello from modern\n")
    t.succeeded(t.bare(PYTHON, "-c", "import pure"))


@test(time_limit=120)
def into_a_directory(t):
    """pip install --target gives the bare tree"""
    pip = Pip(t)
    target = t.project / "vendored"
    install = [PYTHON, "-m", "pip", "install", "--target", target, "pure", "modern", "native"]
    pip.same_tree(target, lambda: None, install)


@test(time_limit=120)
def target_outside(t):
    """pip install --target of a directory outside the project works"""
    pip = Pip(t)
    target = t.home / "elsewhere/lib"
    t.succeeded(pip.sandbox(PYTHON, "-m", "pip", "install", "--target", target, "pure"))
    t.true((target / "pure.py").exists(), "it is there")


@test(time_limit=120)
def pip_download_and_wheel(t):
    """pip download and pip wheel write into the project"""
    pip = Pip(t)
    result = pip.sandbox(PYTHON, "-m", "pip", "download", "--no-deps", "-d", "wheels", "pure")
    t.succeeded(result)
    made = (t.project / "wheels/pure-1.0-py3-none-any.whl").exists()
    t.true(made or "held" in result.err, "the wheel is there or held")


@test(time_limit=120)
def unreachable_index(t):
    """without a rule for a local index pip fails, and the hint says which rule it needs"""
    pip = Pip(t)
    venv = t.project / ".venv"
    make_environment(t, venv)
    pip.options = []
    result = pip.sandbox(venv / "bin/pip", "install", "--retries", "0", "pure")
    t.true(result.code != 0, "no way to the index")
    t.contains(result.said, f"--allow-host localhost:{pip.index.port}", "the hint")


@test(time_limit=120)
def pip_of_pyenv(t):
    """a pip that is a pyenv shim below the home works, and the home shows nothing else"""
    real = os.path.expanduser("~" + os.environ.get("USER", "root")) if IS_ROOT else ""
    root = os.environ.get("PYENV_ROOT") or os.path.join(real, ".pyenv")
    require_root("use the pyenv below root's home")
    if not os.path.isdir(os.path.join(root, "shims")):
        raise NotApplicable("no pyenv on this host")
    pip = Pip(t)
    home = os.path.dirname(root)
    environment = {"HOME": home, "PYENV_ROOT": root, "XDG_STATE_HOME": t.home / "state",
                   "PATH": f"{root}/shims:{root}/bin:/usr/bin:/bin", "XDG_CACHE_HOME": t.home / "cache"}
    pip.env |= environment
    install = ["pip", "install", "--target", t.project / "lib", "pure"]
    t.succeeded(pip.sandbox(*install))
    t.true((t.project / "lib/pure.py").exists(), "it is there")
    shown = t.succeeded(pip.sandbox("sh", "-c", "ls -A ~")).out.split()
    t.true(".pyenv" in shown and not {".bashrc", ".npmrc", ".config"} & set(shown), shown)
