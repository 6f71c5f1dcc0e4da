"""What honest projects in Python have: an index of packages, an environment."""

from pypi_index import PypiIndex
from python_environment import make_environment

SETUPTOOLS = '[build-system]\nrequires = ["setuptools", "wheel"]\nbuild-backend = "setuptools.build_meta"\n'


def python(p):
    p.index = PypiIndex()
    p.env |= {"PIP_INDEX_URL": p.index.url(), "SOURCE_DATE_EPOCH": "1600000000"}
    p.options = []
    p.open_for_managers(p.index.port)


def environment(p):
    python(p)
    make_environment(p.t, p.root / ".venv")
