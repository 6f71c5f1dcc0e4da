"""Which registries a package manager uses is read where it would read it, or it is asked: both must say
the same, whatever its configuration."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import package_managers  # noqa: E402
from harness import test  # noqa: E402
from honest import FIXTURES  # noqa: E402

NPMRC = {".npmrc": "registry=https://project.example.com/npm/\n@acme:registry=\"https://acme.example.com\"\n"}
USER_NPMRC = {"~/.npmrc": "; mine\nregistry = https://user.example.com:8443/\n//user.example.com:8443/:_authToken=x\n"}
PNPM_CASES = {
    "nothing configured": {}, "the project's .npmrc": NPMRC, "the user's": USER_NPMRC,
    "both": NPMRC | USER_NPMRC,
    "a workspace": {"pnpm-workspace.yaml": "packages:\n  - 'packages/*'\n"} | NPMRC,
    "registries in the workspace": {"pnpm-workspace.yaml": "registries:\n  default: https://w.example.com/\n"},
    "the manager's own rc": {"~/.config/pnpm/rc": "registry=https://rc.example.com/\n"},
    "a pnpmfile": {".pnpmfile.cjs": "module.exports = {hooks: {updateConfig: c => c}}\n"} | NPMRC,
}
YARN_CASES = {
    "nothing configured": {},
    "the project's file": {".yarnrc.yml": "nodeLinker: node-modules\nnpmRegistryServer: https://project.example.com\n"},
    "the user's": {"~/.yarnrc.yml": "npmRegistryServer: \"https://user.example.com\" # ours\n"},
    "both": {".yarnrc.yml": "npmRegistryServer: 'https://project.example.com'\n",
             "~/.yarnrc.yml": "npmRegistryServer: https://user.example.com\n"},
    "scopes": {".yarnrc.yml": "npmScopes:\n  acme:\n    npmAlwaysAuth: true\n"
                              "    npmRegistryServer: 'https://acme.example.com'\n  other: {}\n"},
    "scopes in short": {".yarnrc.yml": "npmScopes: {acme: {npmRegistryServer: 'https://acme.example.com'}}\n"},
    "a variable": {".yarnrc.yml": "npmRegistryServer: \"${SERVER:-https://variable.example.com}\"\n"},
}


def said(t, manager, words, env):
    """What may be reached and which caches may be changed, by `plan`."""
    env = {"PATH": f"{FIXTURES / manager / 'prefix/bin'}:{t.env['PATH']}", "XDG_CONFIG_HOME": None} | env
    plan = t.succeeded(t.cli("plan", *words, env=env, cwd=t.project), words)
    return sorted(line for line in plan.out.splitlines() if line.startswith(("egress", "writable")))


def compare(t, manager, command, cases, forces_asking):
    for name, files in cases.items():
        for path, text in files.items():
            t.write(t.home / path[2:] if path.startswith("~") else t.project / path, text)
        read, asked = (said(t, manager, (command, "install"), env) for env in ({}, forces_asking))
        t.equal(read, asked, f"{manager}: {name}")
        for path in files:
            (t.home / path[2:] if path.startswith("~") else t.project / path).unlink()


def register(manager, command, cases, forces_asking):
    def body(t):
        t.write(t.project / "package.json", '{"name": "app", "version": "1.0.0"}\n')
        t.write(t.project / "yarn.lock", "")
        compare(t, manager, command, cases, forces_asking)

    title = next(one.title for one in package_managers.MANAGERS if one.name == manager)
    body.__doc__ = f"{title}: the registries that are read are those that it names itself"
    test(body, one_by_day=True)


# Settings that say nothing, but of the kind that only the manager itself can tell the meaning of.
for each in ("pnpm10", "pnpm11"):
    register(each, "pnpm", PNPM_CASES, {"npm_config_store_lock": "x"})
register("yarn4", "yarn", YARN_CASES, {"YARN_IGNORE_PATH": "0"})
