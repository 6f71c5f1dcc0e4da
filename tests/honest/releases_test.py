"""Release tools: the version, the commit and the tag of all members of a workspace, by a tool's own name and by a
script of the project's. The real tools."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from honest import honest  # noqa: E402

TOOLS = ("@changesets/cli@2.27.9", "commit-and-tag-version@12.5.0")
MEMBERS = {"a": {"dependencies": {"@our/b": "^1.0.0"}}, "b": {}}


def workspace(p, **scripts):
    p.serve_real(*TOOLS)
    p.manifest(workspaces=["packages/*"], scripts=scripts,
               devDependencies={tool.rpartition("@")[0]: tool.rpartition("@")[2] for tool in TOOLS})
    for name, more in MEMBERS.items():
        p.manifest(f"packages/{name}", name=f"@our/{name}", **more)
    p.write(".changeset/config.json", json.dumps({"changelog": "@changesets/cli/changelog", "access": "restricted",
                                                  "baseBranch": "main", "updateInternalDependencies": "patch"}))
    p.write(".changeset/one.md", '---\n"@our/b": major\n---\n\nA change.\n')
    p.bare("npm", "install")
    p.commit_all()
    p.write("packages/a/x.js", "")
    p.git("add", "-A")
    p.git("commit", "-q", "-m", "feat: a thing")


@honest("npm11", root=True)
def changesets(p):
    """changesets: npx changeset version; a script that does it and mends the lockfile; one that commits and tags as well"""
    workspace(p, version="changeset version && npm install --package-lock-only",
              release="npm run version && git add -A && git commit -q -m release && git tag v9")
    for command in (("npx", "changeset", "version"), ("npm", "run", "version"), ("npm", "run", "release")):
        p.run(*command)
        p.git("checkout", "-q", "-f", "main")
        p.git("reset", "-q", "--hard", "HEAD" if command[-1] != "release" else "HEAD~1")
        p.git("clean", "-q", "-f", "-d")


@honest("npm11")
def commit_and_tag(p):
    """commit-and-tag-version, by npx and by a script of the project's"""
    workspace(p, release="commit-and-tag-version")
    p.run("npx", "commit-and-tag-version")
    p.write("packages/a/y.js", "")
    p.git("add", "-A")
    p.git("commit", "-q", "-m", "fix: another")
    p.run("npm", "run", "release")
