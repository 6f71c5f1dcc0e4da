"""Whatever a package's script does to get away from its name, each of its acts is in the log with it:
the acts of support/acts.py under each package manager."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import acts  # noqa: E402
from harness import require, test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402
from python_environment import make_environment  # noqa: E402

FIXTURES = pathlib.Path(os.environ.get("SANDBOX_RUN_FIXTURES") or "build-test-fixtures").absolute()


FILES = {"open-cat": ".aws/credentials", "open-redirected": ".ssh/id_ed25519", "open-python": ".kube/config",
         "open-perl-daemon": ".git-credentials"}


def check(t, result, names, actor):
    """Each act's word is in an event of the right kind, and every such event has this actor."""
    wrong, missing = [], []
    for name in names:
        word = f"act-{name}"
        if name == "open-grep":  # it does not wait to be found: its arguments are not known for sure
            found = [e for e in result.of_type("decoy.opened") if e["details"]["path"].endswith("/.docker/config.json")]
            wrong += [(name, e["actor"]) for e in found if {**e["actor"]} != actor]
            missing += [] if found else [name]
            continue
        kind = "decoy.opened" if name.startswith("open-") else "process.exec"
        found = [e for e in result.of_type(kind)
                 if any(word in argument.split("/") + argument.split() for argument in e.get("process", {}).get("argv", ()))]
        if not found:
            missing.append(name)
        wrong += [(name, e["actor"]) for e in found if {**e["actor"]} != actor]
    # On a busy machine one of the others may be gone before it is found, too: then its file's event says so.
    inferred = {e["details"]["path"].rpartition("/home/")[2] for e in result.of_type("decoy.opened")
                if e["details"].get("inferred") and {**e["actor"]} == actor}
    gone = [name for name in missing if FILES.get(name) in inferred]
    missing = [name for name in missing if name not in gone[:1]]
    opened = [(e["details"], e.get("process")) for e in result.of_type("decoy.opened")]
    t.equal(missing, [], f"acts without an event; the decoys that were opened: {opened}")
    t.equal(wrong, [], f"acts with another actor; the decoys that were opened: {opened}")
    t.true(len(names) >= 60, f"only {len(names)} acts")


def npm_like(name, command, arguments, environment=(), settings=None, manifest=None):
    def body(t):
        prefix = FIXTURES / name / "prefix"
        env = {}
        if name != "npm":
            t.true(prefix.exists(), f"no {prefix}: tests/support/package_managers.py makes it")
            (t.home / ".local").mkdir(exist_ok=True)
            subprocess.run(["cp", "-R", f"{prefix}/.", t.home / ".local"], check=True)
            env["PATH"] = f"{t.home}/.local/bin:{t.env['PATH']}"
        registry = NpmRegistry()
        registry.add("acts", "1.2.3", {"acts.sh": acts.script(["node"])}, scripts={"postinstall": "sh acts.sh"})
        registry.add("carrier", "2.0.0", {"index.js": ""}, dependencies={"acts": "^1.0.0"})
        t.write("package.json", json.dumps({"name": "app", "version": "1.0.0", "private": True,
                                            "dependencies": {"carrier": "^2.0.0"}, **(manifest or {})}))
        for path, text in (settings or {}).items():
            t.write(path, text.replace("@REGISTRY@", registry.url()))
        env |= {"npm_config_registry": registry.url()} | dict(environment)
        result = t.sandbox(command, *arguments, env=env, timeout=150, options=[
            "--allow-host", f"localhost:{registry.port}", "--on-alert", "log"])
        t.succeeded(result)
        actor = {"kind": "script", "package": "acts", "version": "1.2.3", "event": "postinstall"}
        check(t, result, acts.commands(["node"]), actor)
        alerts = [e for e in result.of_type("decoy.opened") if e["severity"] == "alert"]
        ended = [e["details"] for e in result.of_type("script.finished") if e["actor"] == actor]
        t.equal([(e["exit_code"], e["package"]) for e in ended if "exit_code" in e], [(0, "acts")], ended)
        t.equal([e for e in alerts if e["details"].get("dependency_path") != ["app", "carrier", "acts"]], [],
                "alerts that do not say why the package is here")

    body.__doc__ = f"{name}: no act of a script gets away from its package's name"
    test(body, one_by_day=True, time_limit=200)


npm_like("npm", "npm", ("install",))
npm_like("pnpm10", "pnpm", ("install",), manifest={"pnpm": {"onlyBuiltDependencies": ["acts"]}})
for one in ("pnpm11", "pnpm12"):
    npm_like(one, "pnpm", ("install",), settings={"pnpm-workspace.yaml": "allowBuilds:\n  acts: true\n",
                                                  ".npmrc": "registry=@REGISTRY@\n"})
npm_like("bun", "bun", ("install",), manifest={"trustedDependencies": ["acts"]})
npm_like("deno", "deno", ("install", "--allow-scripts"), settings={".npmrc": "registry=@REGISTRY@\n"})
for one in ("npm10", "npm12"):
    npm_like(one, "npm", ("install",), manifest={"allowScripts": {"acts": True}})
npm_like("yarn1", "yarn", ("install", "--non-interactive"),
         settings={".yarnrc": 'registry "@REGISTRY@"\n'})
npm_like("yarn4", "yarn", ("install",), environment={"YARN_ENABLE_IMMUTABLE_INSTALLS": "false"}.items(),
         settings={"yarn.lock": "", ".yarnrc.yml": 'nodeLinker: node-modules\nenableTelemetry: false\n'
                   'enableScripts: true\nnpmRegistryServer: "@REGISTRY@"\nunsafeHttpWhitelist: ["localhost"]\n'})


@test(time_limit=200)
def pip_build(t):
    """pip: no act of a distribution's build gets away from its name"""
    from pypi_index import PypiIndex, system_wheels

    require(system_wheels(), "no setuptools wheel in /usr/share/python-wheels")
    index = PypiIndex()
    interpreters = ["node"] if shutil.which("node") else []
    index.add_sdist("acts", {
        "acts.sh": acts.script(interpreters), "acts.py": "",
        "PKG-INFO": "Metadata-Version: 2.1\nName: acts\nVersion: 1.0\n",
        "setup.py": "import os\nif not os.path.exists('/tmp/once'):\n"
                    "    open('/tmp/once', 'w'); os.system('sh acts.sh')\n"
                    "from setuptools import setup\nsetup(name='acts', version='1.0', py_modules=['acts'])\n"})
    venv = t.project / ".venv"
    make_environment(t, venv)
    result = t.sandbox(venv / "bin/pip", "install", "acts", env={"PIP_INDEX_URL": index.url()}, timeout=150,
                       options=["--allow-host", f"localhost:{index.port}", "--on-alert", "log"])
    t.succeeded(result)
    check(t, result, acts.commands(interpreters), {"kind": "build", "package": "acts", "version": "1.0"})
