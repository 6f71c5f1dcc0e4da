#!/usr/bin/env python3
"""The programs under test in fixed versions: Node.js, npm, pnpm, yarn, bun, deno from the npm registry
that npm is configured for, a newer pip from the distribution's mirror. tools.json names them with the
digest that each must have; what lies in the directory with that digest is not fetched again.

Usage: tools.py DIRECTORY    says what is there, fetches the rest; exit code 1 if something can't be had
       tools.py --pin        writes tools.json anew: the latest release of each major version named there
"""

import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request

TABLE = pathlib.Path(__file__).with_name("tools.json")


def load_table():
    return json.loads(TABLE.read_text())


class Tool:
    """A row of tools.json: a package of the npm registry, or a .deb in the pool of the mirror. Its name
    and digest are those for this machine's processor, or "any"."""

    def __init__(self, name, row):
        self.name, self.row = name, row
        packages = row["packages"]
        self.package, self.integrity = packages.get(platform.machine()) or packages.get("any") or ("", "")

    @property
    def title(self):
        return f"{self.name} {self.row['version']}"

    def is_in(self, directory):
        stamp = directory / self.name / ".integrity"
        return stamp.exists() and stamp.read_text() == self.integrity

    def fetch(self, directory, scratch):
        """Into DIRECTORY/NAME, whole or not at all. Raises RuntimeError with what to do."""
        if not self.integrity:
            raise RuntimeError(f"{self.title}: no package for {platform.machine()}")
        place = scratch / self.name
        place.mkdir()
        archive = self.download_deb(place) if "deb" in self.row else self.download_package(place)
        algorithm, _, wanted = self.integrity.partition("-")
        digest = base64.b64encode(hashlib.new(algorithm, archive.read_bytes()).digest()).decode()
        if digest != wanted:
            raise RuntimeError(f"{self.title}: its digest is {algorithm}-{digest}, not {self.integrity}")
        content = place / "content"
        content.mkdir()
        if "deb" in self.row:
            subprocess.run(["dpkg-deb", "-x", archive, content], check=True)
        else:
            unpack(archive, content)
        (content / ".integrity").write_text(self.integrity)
        shutil.rmtree(directory / self.name, ignore_errors=True)
        shutil.move(content, directory / self.name)

    def download_package(self, place):
        # An answer within the first minute, also where nothing answers.
        patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=2000", "--fetch-retry-maxtimeout=2000"]
        command = ["npm", "pack", f"{self.package}@{self.row['version']}", "--loglevel=error", *patience,
                   "--cache", place / "cache", "--pack-destination", place]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        archives = list(place.glob("*.tgz"))
        if done.returncode != 0 or len(archives) != 1:
            raise RuntimeError(f"{self.title}: npm pack {self.package}@{self.row['version']} ended with "
                               f"{done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}")
        return archives[0]

    def download_deb(self, place):
        """From where apt has the distribution's own version of this package."""
        asked = subprocess.run(["apt-get", "download", "--print-uris", self.package],
                               capture_output=True, text=True, stdin=subprocess.DEVNULL)
        address = asked.stdout.partition("'")[2].partition("'")[0]
        if not address:
            raise RuntimeError(f"{self.title}: apt-get knows no {self.package}; apt-get update?")
        archive = place / "package.deb"
        try:
            with urllib.request.urlopen(f"{address.rpartition('/')[0]}/{self.row['deb']}", timeout=60) as answer:
                archive.write_bytes(answer.read())
        except OSError as error:
            raise RuntimeError(f"{self.title}: the mirror has no {self.row['deb']}: {error}") from error
        return archive


def unpack(archive, target):
    """What npm calls a package: its files lie one directory down."""
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            _, _, path = member.name.partition("/")
            if not path or not (member.isfile() or member.isdir()) or ".." in path.split("/"):
                continue
            member.name = path
            member.uid = member.gid = os.getuid()
            member.mode = (member.mode | 0o644) & 0o755
            packed.extract(member, target)


def all_tools():
    return [Tool(name, row) for name, row in load_table().items()]


def version_of(program):
    path = shutil.which(program)
    if not path:
        return f"no {program}"
    done = subprocess.run([path, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return f"{program} {done.stdout.strip() or '(does not run)'} ({path})"


def fetch_missing(directory):
    """Says what is found and what is fetched; the errors of what can't be had."""
    tools = all_tools()
    missing = [tool for tool in tools if not tool.is_in(directory)]
    print("Found on this machine: " + ", ".join(map(version_of, ("node", "npm", "python3"))))
    there = [tool.title for tool in tools if tool not in missing]
    if there:
        print("Fetched before: " + ", ".join(there))
    if missing:
        print("Fetching: " + ", ".join(tool.title for tool in missing), flush=True)
    errors = []
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as scratch, concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = {tool: pool.submit(tool.fetch, directory, pathlib.Path(scratch)) for tool in missing}
        for tool, job in jobs.items():
            try:
                job.result()
            except (RuntimeError, OSError, subprocess.CalledProcessError, tarfile.TarError) as error:
                if tool.row.get("optional"):  # another distribution's mirror
                    print(f"Not to be had here: {error}")
                else:
                    errors.append(str(error))
    return errors


def pin():
    """Each row of the npm registry: the newest version of its major one, and its digests."""
    table = load_table()
    for row in table.values():
        if "deb" in row:
            continue
        major = row["version"].partition(".")[0]
        packages = row["packages"]
        first, _ = next(iter(packages.values()))
        found = json.loads(subprocess.check_output(["npm", "view", f"{first}@{major}", "version", "--json"]))
        found = [found] if isinstance(found, str) else found
        row["version"] = max(found, key=lambda text: tuple(map(int, text.split("."))))
        for kind, (package, _) in packages.items():
            asked = ["npm", "view", f"{package}@{row['version']}", "dist.integrity"]
            packages[kind] = [package, subprocess.check_output(asked, text=True).strip()]
    TABLE.write_text(json.dumps(table, indent=2) + "\n")


def main():
    if sys.argv[1:] == ["--pin"]:
        return pin()
    errors = fetch_missing(pathlib.Path(sys.argv[1]).absolute())
    for error in errors:
        print(f"can't be had: {error}", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
