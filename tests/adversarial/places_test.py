"""What a project may lead to outside itself is what the user's own tools made: a project that comes with
a crafted manifest or `.git` shows no secret, and what a package's script writes there is held."""

import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import SECRET, test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"stops": "mounts", "event": "none"}


def project(t, dependencies=None, script=None):
    registry = NpmRegistry()
    registry.add("evil", "1.0.0", {"attack.js": script or ""}, scripts={"postinstall": "node attack.js"})
    t.write("package.json", json.dumps({"name": "app", "dependencies": {
        **({"evil": "1.0.0"} if script else {}), **(dependencies or {})}}))
    env = {"npm_config_registry": registry.url()}
    return env, ["--allow-host", f"localhost:{registry.port}"]


def control(t, env):
    """The bare install; what it left is removed again."""
    result = t.bare("npm", "install", "--foreground-scripts", env=env)
    shutil.rmtree(t.project / "node_modules", ignore_errors=True)
    (t.project / "package-lock.json").unlink(missing_ok=True)
    return result


def reader(path):
    return f"console.error(require('fs').readFileSync({str(path)!r}, 'utf8'))"


def repository(t):
    """Another repository of the user's, with a secret in its history's directory."""
    t.succeeded(t.bare("git", "init", "-q", t.home / "neighbour"))
    return t.write(t.home / "neighbour/.git/secret", SECRET).parent


@test
def a_crafted_git_file(t):
    """A file .git that names another repository's git directory does not show it to a script"""
    git = repository(t)
    env, options = project(t, script=reader(git / "secret"))
    t.write(".git", f"gitdir: {git}\n")
    bare = control(t, env)
    t.contains(bare.err + bare.out, SECRET, "control: the script reads it")
    result = t.sandbox("npm", "install", "--foreground-scripts", options=options, env=env)
    t.lacks(result.err + result.out, SECRET, result)
    t.contains(result.err + result.out, "ENOENT", "because it is not there")


@test
def a_git_directory_by_variable(t):
    """GIT_DIR shows a script no repository in a hidden directory of the home, and nothing that is none"""
    for place, makes in ((".dotfiles", True), ("keys", False)):
        if makes:
            t.succeeded(t.bare("git", "init", "-q", "--bare", t.home / place))
        secret = t.write(t.home / place / "secret", SECRET)
        env, options = project(t, script=reader(secret))
        env["GIT_DIR"] = str(t.home / place)
        bare = control(t, env)
        t.contains(bare.err + bare.out, SECRET, "control: the script reads it")
        result = t.sandbox("npm", "install", "--foreground-scripts", options=options, env=env)
        t.lacks(result.err + result.out, SECRET, result)
        t.contains(result.err + result.out, "ENOENT", "because it is not there")
        if makes:
            t.contains(result.said, f"{place} is not shown in the sandbox; to show it: --ro")
        shutil.rmtree(t.project / "node_modules", ignore_errors=True)


@test
def a_crafted_worktree(t):
    """A git directory made in the project, whose commondir is another repository, does not show that one"""
    git = repository(t)
    env, options = project(t, script=reader(git / "secret"))
    (t.project / "made").mkdir()
    t.write("made/HEAD", "ref: refs/heads/main\n")
    t.write("made/commondir", f"{git}\n")
    t.write("made/gitdir", f"{t.project}/.git\n")
    t.write(".git", "gitdir: made\n")
    bare = control(t, env)
    t.contains(bare.err + bare.out, SECRET, "control: the script reads it")
    result = t.sandbox("npm", "install", "--foreground-scripts", options=options, env=env)
    t.lacks(result.err + result.out, SECRET, result)
    t.contains(result.err + result.out, "ENOENT", "because it is not there")


@test(stops="refusal")
def a_dependency_that_is_a_link(t):
    """A dependency that is a link into a hidden directory of the home is not shown: the run is refused"""
    env, options = project(t, {"lib": "file:../lib"}, reader(t.home / "lib/credentials"))
    t.write(t.home / ".aws/package.json", '{"name": "lib", "version": "1.0.0"}')
    (t.home / "lib").symlink_to(".aws")
    bare = control(t, env)
    t.contains(bare.err + bare.out, SECRET, "control: the script reads it")
    result = t.sandbox("npm", "install", "--foreground-scripts", options=options, env=env)
    t.lacks(result.err + result.out, SECRET, result)
    t.one_clear_line(result, 2, "is not shown")


@test
def a_directory_that_is_no_package(t):
    """A dependency that is a directory without a package.json is not shown"""
    env, options = project(t, {"lib": "file:../neighbour"}, reader(t.home / "neighbour/.env"))
    bare = t.bare("node", "-e", reader(t.home / "neighbour/.env"))
    t.contains(bare.err, "API_KEY", "control")
    result = t.sandbox("npm", "install", "--foreground-scripts", options=options, env=env)
    t.lacks(result.err + result.out, SECRET, result)


@test(stops="commit")
def a_script_that_writes_to_a_linked_package(t):
    """What a package's script writes into a dependency outside the project is held: sources and hooks alike"""
    lib = t.home / "lib"
    t.write(lib / "package.json", '{"name": "lib", "version": "1.0.0"}')
    t.write(lib / "index.js", "honest\n")
    (lib / ".git/hooks").mkdir(parents=True)
    attack = f"""const fs = require('fs'); const lib = {str(lib)!r};
    fs.writeFileSync(lib + '/index.js', 'back door'); fs.writeFileSync(lib + '/.git/hooks/pre-commit', 'x');
    fs.writeFileSync(lib + '/package.json', '{{"name":"lib","version":"1.0.0","scripts":{{"prepare":"x"}}}}');"""
    env, options = project(t, {"lib": "file:../lib"}, attack)
    bare = control(t, env)
    t.equal((lib / "index.js").read_text(), "back door", f"control: {bare}")
    shutil.rmtree(lib / ".git/hooks")
    t.write(lib / ".git/hooks/README", "")
    t.write(lib / "package.json", '{"name": "lib", "version": "1.0.0"}')
    t.write(lib / "index.js", "honest\n")
    result = t.sandbox("npm", "install", options=options, env=env)
    t.succeeded(result)
    t.equal((lib / "index.js").read_text(), "honest\n", "its source")
    t.true(not (lib / ".git/hooks/pre-commit").exists(), "no hook")
    t.lacks((lib / "package.json").read_text(), "prepare", "no script")
    t.contains(result.err, "ALERT", "the hook is an alert")


@test
def typed_through_the_projects_link(t):
    """a path that is typed leads nowhere by a link that the project has: it chose where, not who typed"""
    t.write(t.home / "documents/letter", SECRET)
    (t.project / "src").symlink_to(t.home / "documents")
    for words in (("cat", "src/letter"), ("cat", t.project / "src/letter"), ("ls", "src/")):
        t.succeeded(t.bare(*words), "control")
        result = t.sandbox(*words)
        t.true(result.code != 0, result)
        t.lacks(result.out, SECRET)
    t.contains(result.err, "is not shown in the sandbox")
    t.contains(t.succeeded(t.sandbox("cat", t.home / "documents/letter"), "typed itself").out, SECRET)


@test
def alternates_that_are_no_repository(t):
    """git's alternates of a crafted project bring about no advice to show a directory that is no repository's"""
    t.succeeded(t.bare("git", "init", "-q", t.home / "real"))
    t.succeeded(t.bare("git", "init", "-q"))
    real = t.home / "real/.git/objects"
    t.write(t.home / ".ssh/id_rsa", SECRET)
    t.write(".git/objects/info/alternates", f"{real}\n{t.home}/.ssh\n")
    result = t.succeeded(t.sandbox("true"))
    t.contains(result.err, f"--ro {real}")
    t.lacks(result.err, ".ssh")
