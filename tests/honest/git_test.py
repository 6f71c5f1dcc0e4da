"""Projects in git: their state, hooks, linked work trees."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from honest import honest  # noqa: E402


@honest("npm11", root=True)
def script_asks_git(p):
    """a postinstall that asks git: status, diff, describe"""
    p.manifest(dependencies={"left": "1.0.0"}, scripts={
        "postinstall": "git status --short && git diff --quiet; git describe --always --dirty && git rev-parse HEAD"})
    p.commit_all()
    p.bare("touch", "package.json")  # so that git has to look, and writes what it saw to its index
    p.run("npm", "install")


@honest("npm11", root=True)
def linked_work_tree(p):
    """a linked work tree, whose script asks git"""
    p.manifest(dependencies={"left": "1.0.0"}, scripts={"postinstall": "git status --short; git rev-parse HEAD"})
    p.commit_all()
    p.git("worktree", "add", "-q", "../tree", "-b", "tree")
    p.cwd = p.work / "tree"
    p.run("npm", "install")


@honest(root=True)
def git_in_a_linked_work_tree(p):
    """git add, commit, tag, switch in a linked work tree, by a person"""
    p.write("a.txt", "1\n")
    p.commit_all()
    p.git("worktree", "add", "-q", "../tree", "-b", "tree")
    p.cwd = p.work / "tree"
    p.write("../tree/a.txt", "2\n")
    p.run("git", "status")
    p.run("git", "commit", "-q", "-a", "-m", "second")
    p.run("git", "tag", "v1")
    p.run("git", "switch", "-q", "-c", "topic")


@honest(root=True)
def work_trees_beside(p):
    """git worktree add beside the project; list, prune, gc where one is linked already"""
    p.write("a.txt", "1\n")
    p.commit_all()
    p.run("git", "worktree", "add", "-q", "../second", "-b", "second")
    p.run("git", "worktree", "list")
    p.run("git", "worktree", "prune", "-v", "--expire", "now")
    p.run("git", "gc", "-q", "--prune=now")
    p.cwd = p.work / "second"
    p.run("git", "worktree", "add", "-q", "-b", "third", "../third")


@honest()
def work_tree_with_a_hook(p):
    """git worktree add beside the project, where a hook of the user's own runs"""
    p.write("a.txt", "1\n")
    p.commit_all()
    p.script(".git/hooks/post-checkout", "#!/bin/sh\necho checked out\n")
    p.run("git", "worktree", "add", "-q", "../second", "-b", "second")


@honest()
def git_directory_by_variable(p):
    """GIT_DIR and GIT_WORK_TREE, of a repository that lies beside: status, commit, by a person"""
    p.write("a.txt", "1\n")
    p.commit_all()
    (p.work / "apart").mkdir()
    p.bare("mv", ".git", "../apart/.git")
    p.write("a.txt", "2\n")
    env = {"GIT_DIR": str(p.work / "apart/.git"), "GIT_WORK_TREE": str(p.cwd)}
    p.run("git", "status", env=env)
    p.run("git", "commit", "-q", "-a", "-m", "second", env=env)
    p.run("git", "log", "--oneline", env=env)


@honest("npm11")
def install_from_a_hook(p):
    """an install that git's post-merge hook starts, in a linked work tree: git sets GIT_DIR"""
    p.manifest(dependencies={"left": "1.0.0"}, scripts={"postinstall": "git rev-parse --git-dir HEAD; env | grep ^GIT_DIR"})
    p.commit_all()
    p.git("worktree", "add", "-q", "../tree", "-b", "tree")
    p.cwd = p.work / "tree"
    p.run("npm", "install", env={"GIT_DIR": str(p.root / ".git/worktrees/tree"), "GIT_REFLOG_ACTION": "merge"})


@honest(root=True)
def git_itself(p):
    """git status, add, commit, config, switch, by a person"""
    p.write("a.txt", "1\n")
    p.commit_all()
    p.write("a.txt", "2\n")
    p.run("git", "status")
    p.run("git", "commit", "-q", "-a", "-m", "second")
    p.run("git", "switch", "-q", "-c", "topic")
    p.run("git", "config", "core.editor", "vi")
    p.run("git", "tag", "v1")


@honest(root=True)
def commit_with_a_hook_of_ones_own(p):
    """git commit with the user's own hook, which checks and stages; a hook that refuses"""
    p.write("a.txt", "1\n")
    p.commit_all()
    hook = p.root / ".git/hooks/pre-commit"
    p.t.write(hook, "#!/bin/sh\necho checked > checked.txt && git add checked.txt && ! grep -q bad a.txt\n", 0o755)
    p.write("a.txt", "2\n")
    p.run("git", "commit", "-qam", "second")
    p.write("a.txt", "bad\n")
    p.may_fail = True
    p.run("git", "commit", "-qam", "third")


@honest("npm11", "npm12", root=("npm11",))
def version(p):
    """npm version patch: commit and tag"""
    p.manifest()
    p.commit_all()
    p.run("npm", "version", "patch")


@honest("npm11", "npm12", root=("npm11",))
def version_with_scripts(p):
    """npm version with scripts of the project's own: a check before it, a file that is staged, a log after it"""
    p.manifest(scripts={"preversion": "git diff --quiet && node -e 1",
                        "version": "node -e \"require('fs').writeFileSync('VERSION', '1')\" && git add VERSION",
                        "postversion": "git log -1 --oneline"})
    p.write("CHANGELOG.md", "# Changes\n")
    p.commit_all()
    p.run("npm", "version", "patch")
    p.manifest(scripts={"version": "echo more >> CHANGELOG.md && git add CHANGELOG.md"}, version="1.0.1")
    p.commit_all()
    p.run("npm", "version", "minor")


@honest("npm11")
def version_in_a_linked_work_tree(p):
    """npm version in a linked git work tree"""
    p.manifest()
    p.commit_all()
    p.bare("git", "worktree", "add", "-q", "../linked", "-b", "other")
    p.cwd = p.work / "linked"
    p.run("npm", "version", "patch")


@honest("npm11")
def pack_with_scripts(p):
    """npm pack with scripts of the project's own"""
    p.manifest(scripts={"prepack": "node -e 1", "prepare": "node -e 1", "postpack": "node -e 1"})
    p.commit_all()
    p.run("npm", "pack")
    p.manifest(scripts={"prepack": "rm -rf dist && mkdir dist && node -e \"require('fs').writeFileSync('dist/a', '1')\""})
    p.write("dist/a", "0")
    p.commit_all()
    p.run("npm", "pack")


@honest("npm11")
def git_config_by_script(p):
    """a prepare script that sets a harmless key of git's configuration"""
    p.manifest(scripts={"prepare": "git config core.autocrlf false"})
    p.commit_all()
    p.run("npm", "install")


@honest("npm11")
def ignored_editor_settings(p):
    """a checked-in script that makes git-ignored editor settings"""
    p.manifest(scripts={"postinstall": "node setup.js"})
    p.write("setup.js", "require('fs').cpSync('.vscode/settings.example.json', '.vscode/settings.json')\n")
    p.write(".vscode/settings.example.json", "{}\n")
    p.commit_all()
    p.write(".gitignore", "node_modules\n.vscode/settings.json\n")
    p.held = ("settings.json",)
    try:
        p.run("npm", "install", env={"CI": "true"})
    except AssertionError as error:
        # Held: so it is not in the tree, and nothing else differs.
        p.t.contains(str(error), "settings.json: only in the first")
        p.t.lacks(str(error), "alert ")
        p.t.lacks(str(error), "exit code 122")
    else:
        raise AssertionError("it is in the project: a protected place was written unasked")
