"""What the project's scripts, and programs that the user names, leave behind is taken over: builds,
tests, new projects; package.json that says the same, programs that workspaces name."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import beside_bare  # noqa: E402
from harness import test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

TOOL = "#!/usr/bin/env node\nconst fs = require('fs');\n"


def registry_with(t, name, program):
    """A registry with a package of one program, and how to use it."""
    registry = NpmRegistry()
    manifest = {"bin": {name: "cli.js"}}
    registry.add(name, "1.2.0", {"cli.js": TOOL + program})
    # The registry's own add() knows no bin: the archive and what is told of it get one.
    version = registry.packuments[name]["versions"]["1.2.0"]
    version |= manifest
    registry.answers["/" + name] = ("application/json", json.dumps(registry.packuments[name]).encode())
    env = {"npm_config_registry": registry.url(), "npm_config_update_notifier": None}
    return env, ["--allow-host", registry.url().split("/")[2]]


@test
def build(t):
    """npm run build leaves its output"""
    beside_bare.manifest(t, scripts={"build": "mkdir -p dist && echo built > dist/app.js && echo x >> src.txt"})
    t.write("src.txt", "x\n")
    result = beside_bare.compare(t, "npm", "run", "build", env={"CI": "true"})
    t.lacks(result.err, "blocked", result)


@test
def failing_test(t):
    """npm test that fails leaves its report"""
    beside_bare.manifest(t, scripts={"test": "mkdir coverage && echo 50 > coverage/report.txt && exit 3"})
    result = beside_bare.compare(t, "npm", "test")
    t.equal(result.code, 3)
    t.true((t.project / "coverage/report.txt").exists(), "the report")


@test
def program_of_a_dependency(t):
    """npx of an installed program leaves its output"""
    beside_bare.manifest(t)
    t.write("node_modules/tool/package.json", '{"name": "tool", "version": "1.0.0", "bin": "cli.js"}')
    t.write("node_modules/tool/cli.js", TOOL + "fs.writeFileSync('out.txt', 'made');\n", 0o755)
    (t.project / "node_modules/.bin").mkdir()
    (t.project / "node_modules/.bin/tool").symlink_to("../tool/cli.js")
    beside_bare.compare(t, "npx", "tool")
    beside_bare.compare(t, "npm", "exec", "tool")


@test
def protected_output(t):
    """what a script leaves in a protected place is held all the same, with an alert"""
    beside_bare.manifest(t, scripts={"build": "mkdir dist .vscode && echo x > dist/a && echo x > .vscode/tasks.json"})
    result = t.sandbox("npm", "run", "build", env={"CI": "true"})
    t.equal(result.code, 122, result)
    t.contains(result.said, "exit code 122, because CI is set: change.protected (.vscode")
    t.contains(result.err, '[[profile.npm.rule]]\n    verdict = "hold"\n    paths = [".vscode')
    t.true("sandbox-run review" not in result.err, result)
    t.true((t.project / "dist/a").exists() and not (t.project / ".vscode").exists(), result)


@test
def new_project(t):
    """npm create of a directory that did not exist makes it, hidden files included"""
    env, options = registry_with(t, "create-thing", """
        fs.mkdirSync(process.argv[2] + '/.vscode', {recursive: true});
        fs.writeFileSync(process.argv[2] + '/package.json', '{"name": "thing", "scripts": {"a": "b"}}');
        fs.writeFileSync(process.argv[2] + '/.vscode/extensions.json', '{}');
        fs.writeFileSync(process.argv[2] + '/.env', 'A=1');
    """)
    beside_bare.compare(t, "npm", "create", "--yes", "thing", "app", env={**env, "CI": "true"}, options=options)
    t.true((t.project / "app/.vscode/extensions.json").exists(), "the new project")
    beside_bare.compare(t, "npx", "--yes", "create-thing", "packages/b", env=env, options=options)


@test
def new_project_here(t):
    """npm create in an empty directory makes package.json, and who did it is named"""
    env, options = registry_with(t, "create-thing", """
        fs.writeFileSync('package.json', '{"name": "thing", "scripts": {"a": "b"}}');
        fs.mkdirSync('src'); fs.writeFileSync('src/index.js', '');
    """)
    result = beside_bare.compare(t, "npm", "create", "--yes", "thing", ".", env=env, options=options)
    events = [e for e in result.of_type("process.exec") if e["actor"].get("event") == "npx"]
    t.true(events and events[0]["actor"]["package"] == "create-thing", events[:1])


@test
def workspace_program(t):
    """a program that a workspace's package.json names is made executable"""
    beside_bare.manifest(t, workspaces=["packages/*"])
    t.write("packages/cli/package.json", '{"name": "@x/cli", "version": "1.0.0", "bin": {"hello": "cli.js"}}')
    t.write("packages/cli/cli.js", "#!/usr/bin/env node\nconsole.log('hello')\n", 0o644)
    beside_bare.compare(t, "npm", "install", env={"CI": "true"})
    t.true(os.access(t.project / "packages/cli/cli.js", os.X_OK), "it is")


@test
def resorted_manifest(t):
    """a package.json that a script writes anew with the same meaning is no alert of a clean install"""
    beside_bare.manifest(t, scripts={"prepare": "node sort.js"}, dependencies={})
    t.write("sort.js", """
        const fs = require('fs'), text = JSON.parse(fs.readFileSync('package.json'));
        fs.writeFileSync('package.json', JSON.stringify(Object.fromEntries(Object.entries(text).sort())));
    """)
    t.succeeded(t.bare("npm", "install", "--package-lock-only", "--ignore-scripts"))
    beside_bare.compare(t, "npm", "ci", env={"CI": "true"})


@test
def ignored_editor_setting(t):
    """.vscode/settings.json that git ignores, made by the project's own script, is held, and no alert"""
    beside_bare.repository(t, **{
        "package.json": beside_bare.manifest(t, scripts={"postinstall": "cp .vscode/settings.example.json "
                                                                   ".vscode/settings.json"}),
        ".gitignore": ".vscode/*\n!.vscode/settings.example.json\n", ".vscode/settings.example.json": "{}\n"})
    result = t.succeeded(t.sandbox("npm", "install", env={"CI": "true"}))
    t.true(not (t.project / ".vscode/settings.json").exists(), result)
    t.equal([e for e in result.events if e["severity"] == "alert"], [], result)
    t.contains(str(result.of_type("change.held")), ".vscode/settings.json", result)
