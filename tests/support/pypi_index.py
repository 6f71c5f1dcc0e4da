"""A package index (PEP 503) on 127.0.0.1 with distributions that are built here from a few lines:
a wheel, an sdist with setup.py, one with pyproject.toml, one with a C extension. What pip needs to
build them (setuptools, wheel) comes from the distribution's own wheels.
"""

import base64
import glob
import hashlib
import io
import os
import pathlib
import re
import sys
import tarfile
import zipfile

import tools
from harness import NotApplicable
from local_server import LocalServer

WHEELS_OF_THE_SYSTEM = "/usr/share/python-wheels"

SETUP_PY = """\
from setuptools import setup
setup(name="{name}", version="1.0", py_modules=["{module}"])
"""
PYPROJECT = """\
[build-system]
requires = ["setuptools", "wheel"]
build-backend = "setuptools.build_meta"
[project]
name = "{name}"
version = "1.0"
[project.scripts]
{name}-hello = "{module}:hello"
[tool.setuptools]
py-modules = ["{module}"]
"""
C_SETUP_PY = """\
from setuptools import Extension, setup
setup(name="{name}", version="1.0", ext_modules=[Extension("{module}", ["{module}.c"])])
"""
C_MODULE = """\
#include <Python.h>
static PyObject* hello(PyObject* self, PyObject* none) {{
  (void)self, (void)none;
  return PyUnicode_FromString("hello from C");
}}
static PyMethodDef methods[] = {{{{"hello", hello, METH_NOARGS, NULL}}, {{NULL, NULL, 0, NULL}}}};
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "{module}", NULL, -1, methods,
                                    NULL, NULL, NULL, NULL}};
PyMODINIT_FUNC PyInit_{module}(void) {{ return PyModule_Create(&module); }}
"""
MODULE = 'def hello():\n    print("hello from {name}")\n'


def sdist(name, files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in files.items():
            data = text.encode()
            info = tarfile.TarInfo(f"{name}-1.0/{path}")
            info.size, info.mode, info.mtime = len(data), 0o644, 1600000000
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def wheel(name, files, requires=(), version="1.0", entry_points=""):
    """A pure wheel with a right RECORD. `files`: path → text or bytes."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {other}\n" for other in requires)
    members = dict(files)
    members[f"{info}/METADATA"] = metadata
    members[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if entry_points:
        members[f"{info}/entry_points.txt"] = entry_points
    record = ""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in members.items():
            data = text.encode() if isinstance(text, str) else text
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
            record += f"{path},sha256={digest.rstrip(b'=').decode()},{len(data)}\n"
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), data)
        archive.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    return buffer.getvalue()


def system_wheels():
    """The distribution's setuptools and wheel, by file name."""
    found = {}
    for pattern in ("setuptools-*.whl", "wheel-*.whl"):
        for path in glob.glob(os.path.join(WHEELS_OF_THE_SYSTEM, pattern)):
            with open(path, "rb") as file:
                found[os.path.basename(path)] = file.read()
    return found


# Tools of the distribution that a person has from an index: the distribution's package, the tool's name
# there, what it needs.
PYTHON_TOOLS = {
    "pre-commit": ("pre_commit", ("cfgv", "identify", "virtualenv", "pyyaml")),
    "python3-cfgv": ("cfgv", ()),
    "python3-identify": ("identify", ()),
    "python3-virtualenv": ("virtualenv", ("distlib", "filelock", "platformdirs")),
    "python3-distlib": ("distlib", ()),
    "python3-filelock": ("filelock", ()),
    "python3-platformdirs": ("platformdirs", ()),
}
LIBRARY_OF_THE_SYSTEM = pathlib.Path("/usr/lib/python3/dist-packages")


def files_of(library, name):
    """A module's or a package's files, nothing compiled or packed among them."""
    paths = [library / f"{name}.py", *(library / name).glob("**/*")]
    return {str(path.relative_to(library)): path.read_bytes() for path in paths
            if path.is_file() and path.suffix not in (".pyc", ".so", ".gz")}


def add_python_tools(index):
    """pre-commit and virtualenv as the distribution has them (tools.py brings them), in wheels."""
    directory = pathlib.Path(os.environ.get("SANDBOX_RUN_TOOLS") or "build-test-tools").absolute()
    yaml = files_of(LIBRARY_OF_THE_SYSTEM, "yaml")
    missing = [name for name in PYTHON_TOOLS if not (directory / name).is_dir()]
    if missing or not yaml:
        raise NotApplicable(f"not in build-test-tools/: {', '.join(missing or ['yaml'])}")
    index.add_file("pyyaml-6.0-py3-none-any.whl", wheel("pyyaml", yaml, version="6.0"))
    table = tools.load_table()
    for package, (name, needs) in PYTHON_TOOLS.items():
        library = directory / package / "usr/lib/python3/dist-packages"
        version = table[package]["version"]
        entry_points = "".join(path.read_text() for path in library.glob("*-info/entry_points.txt"))
        index.add_file(f"{name}-{version}-py3-none-any.whl",
                       wheel(name, files_of(library, name), needs, version, entry_points))


class PypiIndex(LocalServer):
    def __init__(self):
        super().__init__({})
        self.links = {}
        for name, data in system_wheels().items():
            self.add_file(name, data)
        self.add_usual()

    def url(self, host="localhost"):
        return super().url(host) + "/simple/"

    def add_file(self, file_name, data):
        project = re.sub(r"[-_.]+", "-", file_name.split("-")[0]).lower()
        path = f"/files/{file_name}"
        self.answers[path] = ("application/octet-stream", data)
        digest = hashlib.sha256(data).hexdigest()
        self.links.setdefault(project, []).append(
            f'<a href="{path}#sha256={digest}">{file_name}</a>'
        )
        page = f"<!DOCTYPE html><html><body>{'<br>'.join(self.links[project])}</body></html>"
        self.answers[f"/simple/{project}/"] = ("text/html", page.encode())

    def add_sdist(self, name, files):
        self.add_file(f"{name}-1.0.tar.gz", sdist(name, files))

    def add_usual(self):
        def fill(text, name):
            return text.format(name=name, module=name)

        files = {"pure.py": fill(MODULE, "pure"), "pure_data/note.txt": "data\n"}
        self.add_file("pure-1.0-py3-none-any.whl", wheel("pure", files))
        needs = wheel("needy", {"needy.py": "import pure\n"}, ["pure"])
        self.add_file("needy-1.0-py3-none-any.whl", needs)
        self.add_sdist(
            "classic",
            {"setup.py": fill(SETUP_PY, "classic"), "classic.py": fill(MODULE, "classic")},
        )
        self.add_sdist(
            "modern",
            {"pyproject.toml": fill(PYPROJECT, "modern"), "modern.py": fill(MODULE, "modern")},
        )
        self.add_sdist(
            "native",
            {"setup.py": fill(C_SETUP_PY, "native"), "native.c": fill(C_MODULE, "native")},
        )


if __name__ == "__main__":
    index = PypiIndex()
    print(index.url(), flush=True)
    sys.stdin.read()
