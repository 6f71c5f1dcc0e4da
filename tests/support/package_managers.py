#!/usr/bin/env python3
"""The package managers under test, each as a person would have it: a prefix with a Node.js, its npm and
the manager, a project of some 400 packages; where long installs are tried its lockfile and warm caches, too.

Usage: package_managers.py DIRECTORY TOOLS: makes what is missing in DIRECTORY, of the programs that
tools.py put into TOOLS; some three minutes the first time. Says `ok` or `FAIL` of each.
"""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys

import tools
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

# pnpm 10 knows the first, 11 and later the second.
PNPM_CONFIGURATION = "onlyBuiltDependencies:\n{}allowBuilds:\n{}".format(
    "".join(f'  - "{name}"\n' for name in BUILT), "".join(f'  "{name}": true\n' for name in BUILT))

YARN_CONFIGURATION = """\
nodeLinker: node-modules
enableScripts: true
enableTelemetry: false
"""



@dataclasses.dataclass(frozen=True)
class Manager:
    name: str  # of the fixture, and of its row in tools.json
    command: str
    node: str  # a row of tools.json: one that the manager supports
    first_install: tuple  # makes the lockfile
    install: tuple  # from the lockfile
    add: tuple
    program: str = ""  # of one that is no package of JavaScript: where it lies in its package

    @property
    def family(self):
        return self.name.rstrip("0123456789")

    @property
    def title(self):
        """For the names of tests: which versions ran."""
        table = tools.load_table()
        return f"{self.family} {table[self.name]['version']} on node {table[self.node]['version']}"


def npm(version, node):
    return Manager(f"npm{version}", "npm", node, ("install",), ("ci",), ("install",))


def pnpm(version, node, program=""):
    return Manager(f"pnpm{version}", "pnpm", node, ("install",), ("install", "--frozen-lockfile"), ("add",), program)


MANAGERS = [
    npm(10, "node20"),
    npm(11, "node22"),
    npm(12, "node24"),
    Manager(
        "yarn1",
        "yarn",
        "node20",
        ("install", "--non-interactive"),
        ("install", "--frozen-lockfile", "--non-interactive"),
        ("add", "--non-interactive"),
    ),
    Manager("yarn4", "yarn", "node24", ("install",), ("install", "--immutable"), ("add",)),
    pnpm(10, "node20"),
    pnpm(11, "node22"),
    pnpm(12, "node24", program="pnpm"),
    Manager("bun", "bun", "node24", ("install",), ("install", "--frozen-lockfile"), ("add",), "bin/bun"),
    Manager("deno", "deno", "node24", ("install",), ("install", "--frozen"), ("add",), "deno"),
]

# Those whose long installs are tried by day; at night all are.
LONG_BY_DAY = ("npm11", "pnpm12", "yarn1", "yarn4")
ALL_VERSIONS = bool(os.environ.get("SANDBOX_RUN_ALL_VERSIONS"))
LONG = [one for one in MANAGERS if one.family not in ("bun", "deno") and (ALL_VERSIONS or one.name in LONG_BY_DAY)]

# Of each Node.js the npm that came with it, or a later one that it supports.
NPM_OF = {"node20": "npm10", "node22": "npm11", "node24": "npm12"}


def manifest(manager, directory, dependencies):
    """package.json of a project in `directory` for `manager`, its scripts approved where the manager asks."""
    text = {"name": "app", "version": "1.0.0", "private": True, "license": "Apache-2.0"}
    text["dependencies"] = dependencies
    if manager.name in ("npm11", "npm12"):
        text["allowScripts"] = {name.split("@file:")[0]: True for name in BUILT}
        text["allowScripts"][f"file:{directory}/native-hello-1.0.0.tgz"] = True  # by its place, says npm 12
    if manager.name == "bun":
        text["trustedDependencies"] = [name.split("@file:")[0] for name in BUILT]
    return json.dumps(text, indent=2) + "\n"


def write_project(manager, directory, dependencies=None):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "package.json").write_text(manifest(manager, directory, dependencies or DEPENDENCIES))
    (directory / "native-hello-1.0.0.tgz").write_bytes(tarball(NATIVE_PACKAGE))
    if manager.name == "yarn4":
        (directory / ".yarnrc.yml").write_text(YARN_CONFIGURATION)
        (directory / "yarn.lock").touch()
    if manager.family == "pnpm":
        (directory / "pnpm-workspace.yaml").write_text(PNPM_CONFIGURATION)


def variables(manager, home, prefix):
    """Environment for `manager` installed below `prefix`, on top of the caller's."""
    return {
        "HOME": str(home),
        "PATH": f"{prefix}/bin:{os.environ['PATH']}",
        "npm_config_nodedir": str(prefix),
        "npm_config_update_notifier": "false",
        "npm_config_fund": "false",
        "npm_config_audit": "false",
        "npm_config_prefer_offline": "true",
        "YARN_ENABLE_IMMUTABLE_INSTALLS": "false",
        # For root yarn 1 has another default, which is the whole machine's.
        "YARN_CACHE_FOLDER": f"{home}/.cache/yarn" if manager.name == "yarn1" else None,
        # pnpm keeps what scripts built in its store, and would then not run them.
        "npm_config_side_effects_cache": "false" if manager.family == "pnpm" else None,
        "pnpm_config_side_effects_cache": "false" if manager.family == "pnpm" else None,
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


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", "--reflink=auto", source, target], check=True)


def add_package(prefix, package):
    """As `npm install -g` would: the package's directory, and a link for each of its programs."""
    manifest_ = json.loads((package / "package.json").read_text())
    place = prefix / "lib/node_modules" / manifest_["name"]
    copy(package, place)
    for name, path in manifest_["bin"].items():
        (place / path).chmod(0o755)
        (prefix / "bin" / name).symlink_to(os.path.relpath(place / path, prefix / "bin"))


def make_prefix(manager, prefix, directory):
    """A Node.js with its npm, and the manager, from the tools in `directory`."""
    copy(directory / manager.node / "bin/node", prefix / "bin/node")
    copy(directory / manager.node / "include", prefix / "include")  # for node-gyp
    if manager.program:
        copy(directory / manager.name / manager.program, prefix / "bin" / manager.command)
    elif manager.family != "npm":
        add_package(prefix, directory / manager.name)
    add_package(prefix, directory / (manager.name if manager.family == "npm" else NPM_OF[manager.node]))


def prepare(manager, directory, tools_directory):
    stamp = directory / "ready"
    table = tools.load_table()
    wanted = json.dumps([dataclasses.asdict(manager), table[manager.name], table[manager.node], DEPENDENCIES,
                         NATIVE_PACKAGE, BUILT, PNPM_CONFIGURATION, YARN_CONFIGURATION])
    # With a lockfile and warm caches, a quarter of a minute, where a long install is tried.
    is_warm = manager in LONG
    if stamp.exists() and stamp.read_text() in ({wanted + " warm"} if is_warm else {wanted, wanted + " warm"}):
        return
    shutil.rmtree(directory, ignore_errors=True)
    home, prefix, project = directory / "home", directory / "prefix", directory / "project"
    home.mkdir(parents=True)
    make_prefix(manager, prefix, tools_directory)
    write_project(manager, project)
    if is_warm:
        environment = variables(manager, home, prefix)
        for words in (manager.first_install, manager.install):
            run([manager.command, *words], project, environment)
            shutil.rmtree(project / "node_modules")
    subprocess.run(["chmod", "-R", "a+rX", directory], check=True)
    stamp.write_text(wanted + (" warm" if is_warm else ""))


def main():
    directory, tools_directory = (pathlib.Path(word).absolute() for word in sys.argv[1:])
    directory.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = {m: pool.submit(prepare, m, directory / m.name, tools_directory) for m in MANAGERS}
        for manager, job in jobs.items():
            try:
                job.result()
                print(f"ok    fixture of {manager.title}", flush=True)
            except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                print(f"FAIL  fixture of {manager.title}; its tests will fail, the others run\n      {error}", flush=True)


if __name__ == "__main__":
    main()
