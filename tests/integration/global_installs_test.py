"""npm install -g: where it works as bare, and what is said where it can't."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import IS_ROOT, test  # noqa: E402
from places import Places  # noqa: E402

TOOL = "#!/usr/bin/env node\nconsole.log('tool runs')\n"


def places_with_tool(t):
    places = Places(t)
    places.manifest("app")
    places.registry.add("tool", "1.0.0", {"cli.js": TOOL}, more={"bin": {"tool": "cli.js"}},
                        dependencies={"is-odd": "3.0.1"})
    places.registry.add("@scope/tool", "1.0.0", {"cli.js": TOOL}, more={"bin": {"scoped": "cli.js"}})
    places.prefix = places.root / "tools"
    return places


def runs(t, places, program):
    t.contains(t.succeeded(t.bare(places.prefix / "bin" / program)).out, "tool runs", program)


@test(time_limit=120)
def prefix_in_the_environment(t):
    """npm install -g with NPM_CONFIG_PREFIX works as bare: new, again, a scoped package, update, uninstall"""
    places = places_with_tool(t)
    env = {"NPM_CONFIG_PREFIX": str(places.prefix)}
    places.same_as_bare("npm", "install", "-g", "tool", cwd="app", env=env)
    runs(t, places, "tool")
    places.same_as_bare("npm", "i", "--global", "@scope/tool", "tool@1.0.0", cwd="app", env=env)
    runs(t, places, "scoped")
    places.same_as_bare("npm", "update", "-g", cwd="app", env=env)
    places.same_as_bare("npm", "uninstall", "-g", "tool", "@scope/tool", cwd="app", env=env)


@test(time_limit=120)
def prefix_as_an_option(t):
    """npm install -g --prefix DIR works as bare, by a relative and by an absolute name"""
    places = places_with_tool(t)
    places.same_as_bare("npm", "install", "-g", "--prefix", "../tools", "tool", cwd="app")
    runs(t, places, "tool")
    places.same_as_bare("npm", "uninstall", "--location=global", "--prefix", places.prefix, "tool", cwd="app")


@test(time_limit=120)
def the_project_itself(t):
    """npm install -g . and npm link make a global package of the project, as bare"""
    places = places_with_tool(t)
    places.manifest("mine", bin={"mine": "cli.js"})
    t.write(places.root / "mine/cli.js", TOOL, 0o755)
    env = {"NPM_CONFIG_PREFIX": str(places.prefix)}
    places.same_as_bare("npm", "install", "-g", ".", cwd="mine", env=env)
    runs(t, places, "mine")
    places.same_as_bare("npm", "uninstall", "-g", "mine", cwd="mine", env=env)
    places.same_as_bare("npm", "link", cwd="mine", env=env)
    runs(t, places, "mine")


@test(time_limit=120)
def a_prefix_that_is_not_ones_own(t):
    """npm install -g into a prefix of the system is refused, with a command that this user can run"""
    places = places_with_tool(t)
    env = {**places.env, "NPM_CONFIG_PREFIX": "/usr/local"}
    refused = t.cli("npm", "install", "-g", "tool", cwd=places.root / "app", env=env)
    if IS_ROOT:
        t.one_clear_line(refused, 2, "--rw /usr/local/lib/node_modules --rw /usr/local/bin npm install -g tool")
    else:
        own = t.home / ".npm-global"
        t.one_clear_line(refused, 2, f"--prefix {own}")
        t.lacks(refused.err, "--rw", "no option that can't work")
        t.lacks(refused.err, "sudo", "nothing of the system is to be changed")
        t.succeeded(t.sandbox("npm", "install", "-g", "tool", "--prefix", own, cwd=places.root / "app", env=env))
        t.contains(t.bare(own / "bin/tool").out, "tool runs", "the printed command installs it")


@test(time_limit=120)
def as_root_with_the_printed_options(t):
    """npm install -g with --rw for a prefix' packages and programs works as bare: its links are no escape"""
    places = places_with_tool(t)
    (places.prefix / "lib/node_modules").mkdir(parents=True)
    (places.prefix / "bin").mkdir()
    places.same_as_bare("npm", "install", "-g", "tool", cwd="app", env={"NPM_CONFIG_PREFIX": str(places.prefix)},
                        options=["--rw", places.prefix / "lib/node_modules", "--rw", places.prefix / "bin"])
    runs(t, places, "tool")
