"""A small npm registry on 127.0.0.1: packages are given as files in memory, so that a hostile one is
installed by the real package manager over the real protocol.

    registry = NpmRegistry()
    registry.add("evil", "1.0.0", {"index.js": "", "attack.js": "…"}, scripts={"postinstall": "node attack.js"})
    registry.url()  → "http://localhost:PORT/"
"""

import base64
import fcntl
import gzip
import hashlib
import io
import json
import os
import pathlib
import pickle
import subprocess
import tarfile

from local_server import LocalServer


def tarball(files, level=9):
    """`files`: path → text, bytes, or a tarfile.TarInfo with its data. Paths go in as they are, so
    that "../" and links can be tried too. `level` of compression: 1 is quick."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(data), 0o644
            archive.addfile(info, io.BytesIO(data))
    # The same bytes each time: lockfiles hold their digest.
    return gzip.compress(buffer.getvalue(), level, mtime=0)


def pack(directory):
    """The archive of an installed package: what lies in it but for its own node_modules."""

    def clean(info):
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = ""
        return None if info.name == "package/node_modules" else info

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(directory, "package", filter=clean)
    return gzip.compress(buffer.getvalue(), 1, mtime=0)


def installed_packages(place):
    """All below place/node_modules, as (package.json, archive), older versions first."""
    found = {}
    for path in place.glob("node_modules/**/package.json"):
        parts = path.relative_to(place).parent.parts
        name = parts[-2:] if parts[-2].startswith("@") else parts[-1:]
        if parts[-len(name) - 1] != "node_modules":
            continue  # one that a package has among its files
        manifest = json.loads(path.read_text())
        found[manifest["name"], manifest["version"]] = (manifest, path.parent)
    names = {name for name, _ in found}
    packages = []
    for (_, version), (manifest, directory) in found.items():
        # Another machine's programs are not there to be had.
        optional = {name: wanted for name, wanted in manifest.get("optionalDependencies", {}).items() if name in names}
        manifest = {key: value for key, value in manifest.items() if not key.startswith("_")}
        order = tuple(int(one) for one in version.split("-")[0].split("."))
        packages.append((order, manifest | {"optionalDependencies": optional}, pack(directory)))
    return [(manifest, data) for _, manifest, data in sorted(packages, key=lambda one: one[0])]


def real_packages(specs, environment):
    """Packages of the registry that npm is configured for, with all they depend on. Fetched once a run of
    the tests; none of their scripts is run."""
    place = pathlib.Path(os.environ["SRT_PROGRAMS"]) / ("npm-" + hashlib.sha1(repr(specs).encode()).hexdigest()[:8])
    place.mkdir(exist_ok=True)
    kept = place / "packages"
    with open(place / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            names = [f"real-{number}@npm:{spec}" for number, spec in enumerate(specs)]
            subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error",
                            "--prefix", place, *names], env=environment, cwd=place, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, check=True, timeout=100)
            unfinished = place / "packages.new"
            unfinished.write_bytes(pickle.dumps(installed_packages(place)))
            unfinished.rename(kept)
    return pickle.loads(kept.read_bytes())


class NpmRegistry(LocalServer):
    def __init__(self, level=9):
        super().__init__({})
        self.packuments = {}
        self.level = level

    def url(self, host="localhost"):
        return super().url(host) + "/"

    def add(self, name, version, files, scripts=None, dependencies=None, raw_files=None, more=None):
        """`files` are below package/; `raw_files` are named from the archive's root; `more` of
        package.json ("bin" …)."""
        manifest = {"name": name, "version": version, "license": "Apache-2.0"}
        manifest |= {"scripts": scripts or {}, "dependencies": dependencies or {}} | (more or {})
        members = {"package/package.json": json.dumps(manifest)}
        members |= {f"package/{path}": content for path, content in files.items()}
        self.add_archive(manifest, tarball(members | (raw_files or {}), self.level))

    def add_archive(self, manifest, data):
        """A package whose archive is there already, with its package.json."""
        name, version, scripts = manifest["name"], manifest["version"], manifest.get("scripts")
        path = f"/{name}/-/{name.split('/')[-1]}-{version}.tgz"
        self.answers[path] = ("application/octet-stream", data)
        described = dict(manifest)
        described["dist"] = {
            "tarball": self.url().rstrip("/") + path,
            "shasum": hashlib.sha1(data).hexdigest(),
            "integrity": "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode(),
        }
        if scripts and {"preinstall", "install", "postinstall"} & scripts.keys():
            described["hasInstallScript"] = True
        packument = self.packuments.setdefault(name, {"name": name, "dist-tags": {}, "versions": {}})
        packument["versions"][version] = described
        packument["dist-tags"]["latest"] = version
        # Of old: some managers let a new version wait.
        packument.setdefault("time", {})[version] = "2020-01-01T00:00:00.000Z"
        answer = ("application/json", json.dumps(packument).encode())
        self.answers["/" + name] = answer
        self.answers["/" + name.replace("/", "%2f")] = answer
        self.answers["/" + name.replace("/", "%2F")] = answer
