"""npm install -g into a prefix of one's own: what lies there is on the PATH, and a package's script
tries to put itself in the place of other programs."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"stops": "commit", "event": "change.held|change.protected"}

SH = "#!/bin/sh\n"
TOOL = "#!/usr/bin/env node\nconsole.log('tool runs')\n"


class Prefix:
    """A prefix with npm's own link, as nvm has it, and another global package; `script` is that of
    `evil`, started in the prefix."""

    def __init__(self, t, script="exit 0\n", members=None, files=None):
        self.t = t
        self.registry = NpmRegistry()
        self.registry.add("evil", "1.0.0", {"cli.js": "#!/usr/bin/env node\n", "attack.sh": SH + script,
                                            **(files or {})},
                          scripts={"postinstall": 'cd "$npm_config_prefix" && sh "$OLDPWD/attack.sh" "$OLDPWD"'},
                          more={"bin": {"evil": "cli.js"}} | (members or {}))
        self.path = t.home / "tools"
        t.write(self.path / "lib/node_modules/other/package.json", '{"name": "other", "version": "1.0.0", '
                '"bin": {"other": "cli.js"}}')
        t.write(self.path / "lib/node_modules/other/cli.js", SH + "echo other\n", 0o755)
        t.write(self.path / "lib/node_modules/npm/package.json", '{"name": "npm", "version": "1.0.0", '
                '"bin": {"npm": "cli.js"}}')
        t.write(self.path / "lib/node_modules/npm/cli.js", SH + "echo npm\n", 0o755)
        t.write(self.path / "bin/by-hand", SH + "echo hand\n", 0o755)
        for name in ("other", "npm"):
            (self.path / "bin" / name).symlink_to(f"../lib/node_modules/{name}/cli.js")
        t.write(t.home / ".npmrc", f"prefix={self.path}\nupdate-notifier=false\nfund=false\naudit=false\n")
        t.write("package.json", '{"name": "app", "version": "1.0.0"}')
        self.env = {"npm_config_registry": self.registry.url()}

    def attack(self, changed, command=("npm", "install", "-g", "evil"), reason=""):
        """Bare (control) `changed` differs afterwards; in the sandbox not, and it is an alert."""
        t, path = self.t, self.path / changed
        look = lambda: (os.path.lexists(path), path.is_symlink() and os.readlink(path),  # noqa: E731
                        path.read_bytes() if path.is_file() else None)
        copy = t.base / "copy"
        t.bare("cp", "-a", self.path, copy)
        before = look()
        t.succeeded(t.bare(*command, env=self.env))
        t.true(look() != before, f"control: {changed}")
        t.bare("rm", "-rf", self.path)
        copy.rename(self.path)
        result = t.sandbox(*command, env=self.env,
                           options=["--allow-host", f"localhost:{self.registry.port}"])
        t.equal(look(), before, f"{changed}: {result}")
        found = [e for e in result.events if e["severity"] == "alert" and e["type"] == "change.protected"]
        t.true(any(reason in e["details"]["reason"] for e in found), f"an alert for {reason!r}: {result}")
        return result


@test(time_limit=120)
def another_program(t):
    """npm install -g: a script that puts itself in the place of the prefix's npm changes nothing"""
    Prefix(t, 'rm bin/npm && ln -s ../lib/node_modules/evil/cli.js bin/npm\n').attack(
        "bin/npm", reason="a program that is there")


@test(time_limit=120)
def a_program_made_by_hand(t):
    """npm install -g: a script that writes into a program of the prefix changes nothing"""
    Prefix(t, "echo evil >> bin/by-hand\n").attack("bin/by-hand", reason="a program that is there")


@test(time_limit=120)
def through_a_link(t):
    """npm install -g: a script that writes through another program's link changes nothing"""
    Prefix(t, "echo evil >> bin/other\n").attack(
        "lib/node_modules/other/cli.js", reason="a global package that the command does not name")


@test(time_limit=120)
def a_new_program(t):
    """npm install -g: a script that adds a git to the prefix's programs adds none"""
    Prefix(t, "printf '#!/bin/sh\\necho evil\\n' > bin/git && chmod +x bin/git\n").attack(
        "bin/git", reason="no link of the package's")


@test(time_limit=120)
def a_link_that_no_manifest_names(t):
    """npm install -g: a link to the package's own file that its manifest does not name is not taken over"""
    Prefix(t, "ln -s ../lib/node_modules/evil/cli.js bin/deploy\n").attack(
        "bin/deploy", reason="the package's manifest does not name")


@test(time_limit=120)
def a_named_program_of_the_system(t):
    """npm install -g: a package whose manifest calls its program `ls` does not stand before the system's"""
    Prefix(t, members={"bin": {"ls": "cli.js"}}).attack("bin/ls", reason="in the place of")


@test(time_limit=120)
def a_manifest_changed_by_the_script(t):
    """npm install -g: a script that names `ls` in its own manifest afterwards does not get it either"""
    script = ('sed -i \'s/"evil": *"cli.js"/"evil":"cli.js","ls":"cli.js"/\' "$1/package.json"\n'
              "ln -s ../lib/node_modules/evil/cli.js bin/ls\n")
    Prefix(t, script).attack("bin/ls", reason="in the place of")


@test(time_limit=120)
def another_package(t):
    """npm install -g: a script that changes another global package changes nothing"""
    Prefix(t, "echo evil > lib/node_modules/other/cli.js\n").attack(
        "lib/node_modules/other/cli.js", reason="a global package that the command does not name")


@test(time_limit=120)
def removed(t):
    """npm install -g: a script that removes another package's program removes nothing"""
    Prefix(t, "rm bin/other\n").attack("bin/other", reason="a program that is there")


@test(time_limit=120)
def a_package_planted(t):
    """npm install -g: a package that a script makes beside its own is held"""
    prefix = Prefix(t, "mkdir lib/node_modules/planted && echo evil > lib/node_modules/planted/index.js\n")
    planted = prefix.path / "lib/node_modules/planted"
    t.succeeded(t.bare("npm", "install", "-g", "evil", env=prefix.env))
    t.true(planted.exists(), "control")
    t.bare("rm", "-rf", planted, prefix.path / "lib/node_modules/evil", prefix.path / "bin/evil")
    result = t.sandbox("npm", "install", "-g", "evil", env=prefix.env,
                       options=["--allow-host", f"localhost:{prefix.registry.port}"])
    t.true((prefix.path / "bin/evil").is_symlink(), f"what was asked for is there: {result}")
    t.true(not planted.exists(), result)
    t.true(any(e["type"] == "change.held" and e["details"]["path"].startswith("planted")
               for e in result.events), result)


@test(time_limit=120)
def the_project_it_is_typed_in(t):
    """npm install -g: a script that writes into the node_modules of the project there is not taken over"""
    prefix = Prefix(t, 'mkdir -p "$INIT_CWD/node_modules/right" && echo evil > "$INIT_CWD/node_modules/right/index.js"\n')
    t.succeeded(t.bare("npm", "install", "-g", "evil", env=prefix.env))
    t.true((t.project / "node_modules/right/index.js").exists(), "control")
    t.bare("rm", "-rf", t.project / "node_modules", prefix.path / "lib/node_modules/evil", prefix.path / "bin/evil")
    result = t.sandbox("npm", "install", "-g", "evil", env=prefix.env,
                       options=["--allow-host", f"localhost:{prefix.registry.port}"])
    t.true(not (t.project / "node_modules").exists(), result)


@test(time_limit=180, event="file.written")
def npm_itself(t):
    """npm install -g: a script can't become npm by writing into npm, where that lies in the prefix that it changes"""
    from honest import FIXTURES
    real = FIXTURES / "npm11/prefix/lib/node_modules/npm"
    prefix = Prefix(t)
    npm = prefix.path / "lib/node_modules/npm"
    t.bare("rm", "-rf", npm, prefix.path / "bin/npm")
    npm.mkdir()
    t.succeeded(t.bare("cp", "-r", *(real / name for name in ("bin", "lib", "index.js", "package.json")), npm))
    (npm / "node_modules").symlink_to(real / "node_modules")
    (prefix.path / "bin/npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
    script = (f'cd "{prefix.path}" && echo "// evil" >> lib/node_modules/npm/index.js\n'
              "mv lib/node_modules/npm lib/node_modules/real && touch lib/node_modules/moved\nexit 0\n")
    prefix.registry.add("evil", "1.0.0", {"cli.js": TOOL, "attack.sh": SH + script},
                        scripts={"postinstall": "sh attack.sh"}, more={"bin": {"evil": "cli.js"}})
    env = {**prefix.env, "PATH": f"{prefix.path}/bin:{FIXTURES}/npm11/prefix/bin:{t.env['PATH']}"}
    before = t.fingerprint(npm)
    result = t.sandbox("npm", "install", "-g", "evil", env=env,
                       options=["--allow-host", f"localhost:{prefix.registry.port}"])
    t.contains(t.succeeded(t.bare(prefix.path / "bin/evil", env=env)).out, "tool runs", result)
    t.equal(t.fingerprint(npm), before, result)
    t.true(not [e for e in result.events if e["severity"] == "alert"], f"nor inside, so no alert: {result}")
    t.bare("npm", "install", "-g", "evil", env=env)
    t.true((prefix.path / "lib/node_modules/moved").exists(), "control")
