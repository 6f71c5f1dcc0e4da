#!/usr/bin/env python3
"""The package managers under test, each as a person would have it: installed below a prefix that the
tests copy to ~/.local, with a project of some 400 packages, its lockfile, and warm caches.

Usage: package_managers.py DIRECTORY: makes what is missing there (from the npm registry that npm is
configured for); some two minutes the first time.
"""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys

from npm_registry import tarball

DEPENDENCIES = {
    "esbuild": "^0.25.0",
    "core-js": "^3.40.0",
    "@parcel/watcher": "^2.5.0",
    "sharp": "^0.34.0",
    "eslint": "^9.0.0",
    "webpack": "^5.0.0",
    "webpack-cli": "^6.0.0",
    "jest": "^29.0.0",
    "native-hello": "file:native-hello-1.0.0.tgz",
}

# A package of C++ that node-gyp compiles. It names node-gyp as a dependency, for not every manager
# lends its own.
NATIVE_PACKAGE = {
    "package/package.json": json.dumps(
        {
            "name": "native-hello",
            "version": "1.0.0",
            "license": "Apache-2.0",
            "main": "index.js",
            "gypfile": True,
            "scripts": {"install": "node-gyp rebuild"},
            "dependencies": {"node-gyp": "^11.0.0"},
        }
    ),
    "package/binding.gyp": '{"targets": [{"target_name": "hello", "sources": ["hello.cc"]}]}\n',
    "package/index.js": "module.exports = require('./build/Release/hello.node');\n",
    "package/hello.cc": """\
#include <node_api.h>

static napi_value hello(napi_env env, napi_callback_info) {
  napi_value text;
  napi_create_string_utf8(env, "hello from C++", NAPI_AUTO_LENGTH, &text);
  return text;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "hello", NAPI_AUTO_LENGTH, hello, nullptr, &function);
  return function;
}
""",
}

# pnpm names a dependency that is a file by its whole specification.
BUILT = ["esbuild", "core-js", "@parcel/watcher", "sharp", "native-hello@file:native-hello-1.0.0.tgz"]

YARN_CONFIGURATION = """\
nodeLinker: node-modules
enableScripts: true
enableTelemetry: false
"""


@dataclasses.dataclass(frozen=True)
class Manager:
    name: str  # of the fixture
    package: str
    command: str
    first_install: tuple  # makes the lockfile
    install: tuple  # from the lockfile
    add: tuple
    node_major: int = 18


MANAGERS = [
    Manager("npm10", "npm@10", "npm", ("install",), ("ci",), ("install",)),
    Manager("npm11", "npm@11", "npm", ("install",), ("ci",), ("install",), node_major=20),
    Manager(
        "yarn1",
        "yarn@1.22.22",
        "yarn",
        ("install", "--non-interactive"),
        ("install", "--frozen-lockfile", "--non-interactive"),
        ("add", "--non-interactive"),
    ),
    Manager("yarn4", "@yarnpkg/cli-dist@4", "yarn", ("install",), ("install", "--immutable"), ("add",)),
    Manager("pnpm", "pnpm@10", "pnpm", ("install",), ("install", "--frozen-lockfile"), ("add",)),
]


def manifest(manager, dependencies):
    """package.json of a project for `manager`, its scripts approved where the manager asks."""
    text = {"name": "app", "version": "1.0.0", "private": True, "license": "Apache-2.0"}
    text["dependencies"] = dependencies
    if manager.name == "pnpm":
        text["pnpm"] = {"onlyBuiltDependencies": BUILT}
    if manager.name == "npm11":
        text["allowScripts"] = {name.split("@file:")[0]: True for name in BUILT}
    return json.dumps(text, indent=2) + "\n"


def write_project(manager, directory, dependencies=None):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "package.json").write_text(manifest(manager, dependencies or DEPENDENCIES))
    (directory / "native-hello-1.0.0.tgz").write_bytes(tarball(NATIVE_PACKAGE))
    if manager.name == "yarn4":
        (directory / ".yarnrc.yml").write_text(YARN_CONFIGURATION)
        (directory / "yarn.lock").touch()


def variables(manager, home, prefix):
    """Environment for `manager` installed below `prefix`, on top of the caller's."""
    return {
        "HOME": str(home),
        "PATH": f"{prefix}/bin:{os.environ['PATH']}",
        "npm_config_nodedir": "/usr",
        "npm_config_update_notifier": "false",
        "npm_config_fund": "false",
        "npm_config_audit": "false",
        "npm_config_prefer_offline": "true",
        "YARN_ENABLE_IMMUTABLE_INSTALLS": "false",
        # For root yarn 1 has another default, which is the whole machine's.
        "YARN_CACHE_FOLDER": f"{home}/.cache/yarn" if manager.name == "yarn1" else None,
        # pnpm keeps what scripts built in its store, and would then not run them.
        "npm_config_side_effects_cache": "false" if manager.name == "pnpm" else None,
        "CI": None,
    }


def run(command, directory, environment):
    merged = {**os.environ, **environment}
    merged = {name: value for name, value in merged.items() if value is not None}
    done = subprocess.run(
        command, cwd=directory, env=merged, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")


def node_major():
    return int(subprocess.check_output(["node", "-p", "process.versions.node.split('.')[0]"]))


def install_node(prefix):
    """A newer Node.js than the system's, from the npm registry, for the managers that ask for it."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]
    package = f"node-linux-{machine}"
    run(["npm", "install", "--prefix", prefix / "node", f"{package}@22"], prefix, {})
    shutil.copy2(prefix / "node/node_modules" / package / "bin/node", prefix / "bin/node")
    shutil.rmtree(prefix / "node")


def prepare(manager, directory):
    stamp = directory / "ready"
    wanted = json.dumps([dataclasses.asdict(manager), DEPENDENCIES, NATIVE_PACKAGE, BUILT])
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(directory, ignore_errors=True)
    home, prefix, project = directory / "home", directory / "prefix", directory / "project"
    home.mkdir(parents=True)
    (prefix / "bin").mkdir(parents=True)
    run(["npm", "install", "-g", "--prefix", prefix, manager.package], directory, {})
    if node_major() < manager.node_major:
        install_node(prefix)
    write_project(manager, project)
    environment = variables(manager, home, prefix)
    run([manager.command, *manager.first_install], project, environment)
    shutil.rmtree(project / "node_modules")
    run([manager.command, *manager.install], project, environment)
    shutil.rmtree(project / "node_modules")
    subprocess.run(["chmod", "-R", "a+rX", directory], check=True)
    stamp.write_text(wanted)


def main():
    directory = pathlib.Path(sys.argv[1]).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = {m.name: pool.submit(prepare, m, directory / m.name) for m in MANAGERS}
    for name, job in jobs.items():
        job.result()
        print(f"{name}: ready")


if __name__ == "__main__":
    main()
