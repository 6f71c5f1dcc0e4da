"""A small npm registry on 127.0.0.1: packages are given as files in memory, so that a hostile one is
installed by the real package manager over the real protocol.

    registry = NpmRegistry()
    registry.add("evil", "1.0.0", {"index.js": "", "attack.js": "…"}, scripts={"postinstall": "node attack.js"})
    registry.url()  → "http://localhost:PORT/"
"""

import base64
import gzip
import hashlib
import io
import json
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
        data = tarball(members | (raw_files or {}), self.level)
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
