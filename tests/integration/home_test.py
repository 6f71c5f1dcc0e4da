"""What a command writes to the false home, and what it does not find in its environment: said, with what
keeps it or lets it in."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

TOKEN = "ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z"


class Scene:
    def __init__(self, t, script, more=None):
        self.t, self.registry = t, NpmRegistry()
        self.registry.add("big-browser", "1.0.0", {"install.js": script}, scripts={"postinstall": "node install.js"})
        t.write("package.json", json.dumps({"name": "app", "version": "1.0.0", "private": True,
                                            "dependencies": {"big-browser": "1.0.0"}, **(more or {})}))
        self.env = {"npm_config_registry": self.registry.url()}

    def sandbox(self, *words, options=(), env=None):
        return self.t.sandbox("npm", "install", *words, env=self.env | (env or {}), options=[
            "--allow-host", f"localhost:{self.registry.port}", *options])


DOWNLOADS = """
const fs = require('fs'), to = require('os').homedir() + '/.cache/BigBrowser'
fs.mkdirSync(to, {recursive: true})
fs.writeFileSync(to + '/browser', Buffer.alloc(3 << 20, 'x'))
"""


@test
def download_into_the_cache(t):
    """a program that a script puts into ~/.cache is thrown away, which is said; --rw keeps it"""
    scene = Scene(t, DOWNLOADS)
    result = t.succeeded(scene.sandbox())
    place = t.home / ".cache/BigBrowser"
    found = result.of_type("home.discarded")
    t.equal([e["details"] for e in found], [{"path": str(place), "files": 1, "bytes": 3 << 20}])
    t.equal(found[0]["actor"]["package"], "big-browser")
    t.contains(result.said, "~/.cache/BigBrowser (1 file, 3.1 MB) by big-browser@1.0.0 postinstall")
    t.contains(result.said, f"; to keep it: sandbox-run --rw {place} npm install")
    t.true(not place.exists(), "it is thrown away")
    t.bare("rm", "-rf", "node_modules")
    kept = t.succeeded(scene.sandbox(options=["--rw", place]))
    t.equal(kept.of_type("home.discarded"), [])
    t.equal((place / "browser").stat().st_size, 3 << 20, "kept")


@test
def link_to_the_project(t):
    """a link to the project in the home, which is all that yarn link makes, is thrown away, and said; another is not"""
    script = "mkdir -p ~/.config/yarn/link ~/.config/browser; ln -s $PWD ~/.config/yarn/link/app; ln -s host-1234 ~/.config/browser/lock\n"
    result = t.succeeded(t.sandbox("sh", "-c", script))
    t.equal([e["details"]["path"] for e in result.of_type("home.discarded")], [f"{t.home}/.config/yarn"])
    t.contains(result.said, "~/.config/yarn (1 file", result)


@test
def start_files_of_shells(t):
    """a line that a script adds to ~/.bashrc is named, and reaches nobody"""
    scene = Scene(t, "require('fs').appendFileSync(require('os').homedir() + '/.bashrc', 'evil\\n')\n")
    before = (t.home / ".bashrc").read_text()
    t.succeeded(t.bare("npm", "install", env=scene.env), "the control")
    t.contains((t.home / ".bashrc").read_text(), "evil", "the control")
    (t.home / ".bashrc").write_text(before)
    t.bare("rm", "-rf", "node_modules")
    result = t.succeeded(scene.sandbox())
    t.contains(result.said, "~/.bashrc (1 file, 5 bytes) by big-browser@1.0.0 postinstall")
    t.equal((t.home / ".bashrc").read_text(), before)


@test
def nothing_to_tell(t):
    """what programs note of themselves, and small caches, are no line"""
    t.write("package.json", '{"name": "app", "version": "1.0.0"}')
    script = ("mkdir -p ~/.cache/small ~/.config/configstore && echo x > ~/.cache/small/x && "
              "echo x > ~/.config/configstore/x && : > ~/.empty && echo x > ~/.node_repl_history")
    result = t.succeeded(t.sandbox("sh", "-c", script))
    t.equal(result.of_type("home.discarded"), [])
    t.lacks(result.err, "discarded with")


@test
def odd_homes(t):
    """what a hostile script does to the false home neither ends nor delays the run"""
    deep = "cd ~ && i=0 && while [ $i -lt 200 ]; do mkdir d && cd d && i=$((i+1)); done; echo x > x"
    script = f"({deep}); mkdir ~/closed && echo x > ~/closed/x && chmod 000 ~/closed; mkfifo ~/fifo; ln -s / ~/root; printf 'x' > \"$HOME/$(printf 'a\\033[2Jb')\""
    result = t.succeeded(t.sandbox("sh", "-c", script))
    t.lacks(result.err, "\x1b[2J")


@test
def token_of_the_projects_npmrc(t):
    """a variable that the project's .npmrc uses is named when the command fails without it"""
    scene = Scene(t, "")
    scene.registry.answers.clear()
    t.write(".npmrc", f"//localhost:{scene.registry.port}/:_authToken=${{NPM_TOKEN}}\n")
    result = scene.sandbox("--fetch-retries=0", env={"NPM_TOKEN": "x"})
    t.true(result.code != 0, "it fails")
    t.contains(result.said, "the project's .npmrc uses the variable NPM_TOKEN, which was withheld")
    t.contains(result.said, "--allow-env NPM_TOKEN npm install")


@test
def what_installers_read(t):
    """switches and settings come in; a token does not, whatever it is called"""
    names = {"PUPPETEER_SKIP_DOWNLOAD": "true", "CYPRESS_INSTALL_BINARY": "0", "UNHEARD_OF": "1",
             "ELECTRON_MIRROR": "https://mirror.example.com/x/"}
    secrets = {"PUPPETEER_EXTRA": TOKEN, "ELECTRON_CACHE": TOKEN, "npm_config_some": TOKEN, "NX_CLOUD_ACCESS_TOKEN": "x",
               "UNHEARD_OF_TOO": "something"}
    control = t.bare("env", env=names | secrets)
    t.contains(control.out, TOKEN, "the control")
    result = t.succeeded(t.sandbox("env", env=names | secrets))
    for name, value in names.items():
        t.contains(result.out, f"{name}={value}\n")
    for name in secrets:
        t.lacks(result.out, f"{name}=")


@test
def beside_telemetry(t):
    """only what a tool notes of its telemetry is passed over: not what stands beside it, is no JSON, or lies elsewhere"""
    files = {".config/a/telemetry.json": '{"telemetry_id": "1", "telemetry": {"enabled": true}}',
             ".config/b/config.json": '{"telemetry": true, "token": "x"}',
             ".config/c/telemetry": "telemetry = true",
             ".config/d/deep/telemetry.json": '{"telemetry": true}',
             ".config/e/telemetry.json": '{}',
             ".telemetry.json": '{"telemetry": true}'}
    scene = Scene(t, f"const fs = require('fs'), files = {json.dumps(files)}\nfor (const name in files) {{\n"
                  "  const to = require('os').homedir() + '/' + name\n"
                  "  fs.mkdirSync(require('path').dirname(to), {recursive: true})\n  fs.writeFileSync(to, files[name])\n}\n")
    result = t.succeeded(scene.sandbox())
    named = {os.path.relpath(e["details"]["path"], t.home) for e in result.of_type("home.discarded")}
    t.equal(named, {".config/b", ".config/c", ".config/d", ".config/e", ".telemetry.json"})
