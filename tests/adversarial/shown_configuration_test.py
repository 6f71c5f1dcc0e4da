"""Credentials in configuration that is shown: toolchains', the system's, an environment's.

One table (profiles/configuration.toml) says which files that are; each place here stands for its kind."""

import os
import shlex
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import SECRET, require, test  # noqa: E402

FACTS = {"rows": "A004 A010", "stops": "copies", "event": "none"}

KEPT = "registry.example.com"

NPMRC = f"registry=https://{KEPT}/\n//{KEPT}/:_authToken={SECRET}\n# _auth={SECRET}\n"
PIP = f"[global]\nindex-url = https://me:{SECRET}@{KEPT}/simple\npassword = {SECRET}\n"
CARGO = (f'[registries.own]\nindex = "sparse+https://me:{SECRET}@{KEPT}/"\ntoken = "{SECRET}"\n'
         f'[env]\nAWS_SECRET_ACCESS_KEY = "{SECRET}"\n')
CONDARC = f"channels:\n  - https://{KEPT}/free\n  - https://{KEPT}/t/{SECRET}/private\n"
GIT = (f'[remote "origin"]\n\turl = https://me:{SECRET}@{KEPT}/x.git\n'
       f'[http "https://{KEPT}/"]\n\textraHeader = AUTHORIZATION: basic {SECRET}\n')
MAVEN = (f"<settings><!-- {SECRET} --><servers><server><id>own</id><password>{SECRET}</password></server>"
         f"</servers><mirrors><mirror><url>https://me:{SECRET}@{KEPT}/</url></mirror></mirrors></settings>\n")
VOLTA = f'{{"node": {{"index": {{"prefix": "https://me:{SECRET}@{KEPT}/"}}}}}}\n'
YARNRC = f'registry "https://{KEPT}/"\n"//{KEPT}/:_authToken" {SECRET}\n'

# name: what is on PATH (relative to the home), and files that then are shown, with their text.
TOOLCHAINS = {
    "nvm": (".nvm/versions/node/v20/bin", {".nvm/versions/node/v20/etc/npmrc": NPMRC,
                                            ".nvm/versions/node/v22/etc/npmrc": NPMRC,
                                            ".nvm/versions/node/v22/lib/node_modules/npm/npmrc": NPMRC,
                                            ".nvm/.git/config": GIT}),
    "fnm": (".local/share/fnm/node-versions/v20/installation/bin",
            {".local/share/fnm/node-versions/v20/installation/etc/npmrc": NPMRC}),
    "volta": (".volta/bin", {".volta/tools/image/node/20.1.0/etc/npmrc": NPMRC, ".volta/hooks.json": VOLTA}),
    "n": ("n/bin", {"n/etc/npmrc": NPMRC, "n/n/versions/node/20/etc/npmrc": NPMRC}),
    "nodenv": (".nodenv/shims", {".nodenv/versions/20/etc/npmrc": NPMRC}),
    "npm's own prefix": (".npm-global/bin", {".npm-global/etc/npmrc": NPMRC}),
    "mise": (".local/share/mise/shims", {".local/share/mise/installs/node/20/etc/npmrc": NPMRC,
                                         ".local/share/mise/installs/python/3.12/pip.conf": PIP,
                                         ".local/share/mise/plugins/x/.git/config": GIT}),
    "asdf": (".asdf/shims", {".asdf/installs/nodejs/20/etc/npmrc": NPMRC, ".asdf/plugins/x/.git/config": GIT}),
    "pyenv": (".pyenv/shims", {".pyenv/versions/3.12/pip.conf": PIP, ".pyenv/.git/config": GIT}),
    "cargo": (".cargo/bin", {".cargo/config.toml": CARGO}),
    "conda": ("miniconda3/bin", {"miniconda3/.condarc": CONDARC, "miniconda3/condarc.d/own.yml": CONDARC,
                                 "miniconda3/envs/a/pip.conf": PIP}),
    "sdkman": (".sdkman/candidates/maven/current/bin",
               {".sdkman/candidates/maven/3.9/conf/settings.xml": MAVEN}),
}


def read_all(t, paths, **more):
    """All of it in one run; what can't be read is a mistake of the test."""
    return t.succeeded(t.sandbox("sh", "-c", 'cat -- "$@"', "x", *paths, **more))


def toolchain(name, directory, files):
    def body(t):
        paths = [t.write(t.home / path, text) for path, text in files.items()]
        t.write(t.home / directory / "tool", "#!/bin/sh\n", 0o755)
        env = {"PATH": f"{t.home / directory}:{t.env['PATH']}", "PYENV_ROOT": None}
        control = t.succeeded(t.bare("cat", *paths)).out
        t.true(control.count(SECRET) >= len(paths), "control")
        shown = read_all(t, paths, env=env).out
        t.lacks(shown, SECRET)
        t.true(shown.count(KEPT) >= len(paths), f"a copy, not nothing: {shown}")

    body.__doc__ = f"tokens in the configuration of {name} are not shown; where packages come from is"
    test(body)


for NAME, (DIRECTORY, FILES) in TOOLCHAINS.items():
    toolchain(NAME, DIRECTORY, FILES)


SYSTEM = {
    "/etc/npmrc": NPMRC,
    "/etc/pip.conf": PIP,
    "/etc/xdg/pip/pip.conf": PIP,
    "/etc/gitconfig": GIT,
    "/etc/maven/settings.xml": MAVEN,
    "/usr/local/etc/npmrc": NPMRC,
    "/usr/local/share/.yarnrc": YARNRC,
    "/usr/local/share/nvm/versions/node/v20/etc/npmrc": NPMRC,
    "/opt/node/etc/npmrc": NPMRC,
    "/opt/maven/conf/settings.xml": MAVEN,
    "/opt/builder/.npmrc": NPMRC,
    "/opt/builder/.cargo/config.toml": CARGO,
    "/opt/hostedtoolcache/node/20.1.0/x64/etc/npmrc": NPMRC,
}
HIDDEN = {
    "/opt/builder/.netrc": f"machine {KEPT} password {SECRET}\n",
    "/opt/builder/.git-credentials": f"https://me:{SECRET}@{KEPT}\n",
    "/opt/runner/.credentials": f'{{"token": "{SECRET}"}}\n',
}


def over_system(t):
    """Mounts of the test's own over /etc, /opt and /usr/local's, in which it may write."""
    return (f"mkdir -p {t.base}/own-etc; cp -r /etc/. {t.base}/own-etc 2> /dev/null || true\n"
            f"mount --bind {t.base}/own-etc /etc\n"
            "for d in /opt /usr/local/etc /usr/local/share; do mount -t tmpfs -o mode=755 tmpfs $d; done\n"
            "umask 022\n")


def write_files(files):
    lines = []
    for path, text in files.items():
        lines.append(f"mkdir -p {os.path.dirname(path)}; rm -f {path}; printf %s {shlex.quote(text)} > {path}")
    return "\n".join(lines) + "\n"


@test
def of_the_system(t):
    """tokens in the system's configuration, in /opt and in /usr/local are not shown"""
    files = {**SYSTEM, **HIDDEN}
    script = over_system(t) + write_files(files) + f'cd {t.project}\n"$@"'
    control = t.succeeded(t.in_own_mounts(script, "cat", *files)).out
    t.true(control.count(SECRET) >= len(files), "control")
    words = t.sandbox_command("sh", "-c", 'cat -- "$@"; true', "x", *files, options=["-q"])
    shown = t.succeeded(t.in_own_mounts(over_system(t) + write_files(files) + f'cd {t.project}\n"$@"', *words))
    t.lacks(shown.out, SECRET)
    t.true(shown.out.count(KEPT) >= len(SYSTEM), f"copies, not nothing: {shown}")


@test
def of_an_environment(t):
    """a token in the pip.conf of a virtual environment in the project is not shown"""
    t.succeeded(t.bare("/usr/bin/python3", "-m", "venv", "--without-pip", ".venv"))
    t.write(".venv/pip.conf", PIP)
    env = {"PATH": f"{t.project}/.venv/bin:{t.env['PATH']}"}
    t.contains(t.bare("cat", ".venv/pip.conf").out, SECRET, "control")
    shown = read_all(t, [".venv/pip.conf"], env=env).out
    t.lacks(shown, SECRET)
    t.contains(shown, KEPT)
    t.contains((t.project / ".venv/pip.conf").read_text(), SECRET, "the owner's is as it was")


@test
def reached_by_a_link(t):
    """~/.npmrc that is a link into a toolchain shows no token there either, nor does a variable's file"""
    real = t.write(t.home / ".nvm/ci/npmrc-of-mine", NPMRC)
    (t.home / ".npmrc").unlink()
    (t.home / ".npmrc").symlink_to(real)
    t.write(t.home / ".nvm/bin/tool", "#!/bin/sh\n", 0o755)
    env = {"PATH": f"{t.home}/.nvm/bin:{t.env['PATH']}"}
    t.contains(t.bare("cat", real).out, SECRET, "control")
    shown = read_all(t, [real], env=env, options=["--profile", "npm"]).out
    t.lacks(shown, SECRET)
    (t.home / ".npmrc").unlink()
    env["npm_config_userconfig"] = str(real)
    shown = read_all(t, [real], env=env, options=["--profile", "npm"]).out
    t.lacks(shown, SECRET)
    t.contains(shown, KEPT)


@test
def included_configuration(t):
    """what a git configuration includes is configuration, too"""
    t.write(t.home / ".pyenv/.git/config", "[include]\n\tpath = ../own.inc\n")
    included = t.write(t.home / ".pyenv/own.inc", GIT)
    t.write(t.home / ".pyenv/shims/tool", "#!/bin/sh\n", 0o755)
    env = {"PATH": f"{t.home}/.pyenv/shims:{t.env['PATH']}", "PYENV_ROOT": None}
    t.contains(t.bare("cat", included).out, SECRET, "control")
    t.lacks(read_all(t, [included], env=env).out, SECRET)


@test(rows="", stops="nothing", event="none")
def shown_by_name(t):
    """what the user shows by name is shown as it is"""
    path = t.write(t.home / ".nvm/etc/npmrc", NPMRC)
    t.write(t.home / ".nvm/bin/tool", "#!/bin/sh\n", 0o755)
    env = {"PATH": f"{t.home}/.nvm/bin:{t.env['PATH']}"}
    t.lacks(read_all(t, [path], env=env).out, SECRET)
    t.contains(read_all(t, [path], env=env, options=["--ro", path]).out, SECRET)


@test(rows="", stops="nothing", event="none")
def the_copy_is_read_by_its_program(t):
    """git and npm read the copies: the address without its password"""
    require(shutil.which("npm"), "no npm")
    t.write(t.home / ".npm-global/etc/npmrc", NPMRC)
    t.write(t.home / ".npm-global/bin/tool", "#!/bin/sh\n", 0o755)
    t.write(t.home / ".pyenv/.git/HEAD", "ref: refs/heads/main\n")
    t.write(t.home / ".pyenv/.git/config", GIT)
    t.write(t.home / ".pyenv/shims/tool", "#!/bin/sh\n", 0o755)
    env = {"PATH": f"{t.home}/.npm-global/bin:{t.home}/.pyenv/shims:{t.env['PATH']}",
           "PYENV_ROOT": None, "npm_config_globalconfig": str(t.home / ".npm-global/etc/npmrc"), "npm_config_registry": None}
    script = f"npm config get registry; git config -f {t.home}/.pyenv/.git/config remote.origin.url"
    t.contains(t.bare("sh", "-c", script, env=env).out, SECRET, "control")
    shown = t.succeeded(t.sandbox("sh", "-c", script, env=env)).out
    t.equal(shown.split(), [f"https://{KEPT}/", f"https://{KEPT}/x.git"])
