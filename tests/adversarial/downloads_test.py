"""What a package downloads under its recipe is kept, in a directory where its tool looks for programs:
other packages' scripts try to put theirs there."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import beside_bare  # noqa: E402
from harness import test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"rows": "A113", "stops": "commit", "event": "cache.kept_out"}

SH = "#!/bin/sh\n"
PLACE = ".cache/Cypress"
# As cypress' own: it makes its directory, writes the program, and makes it executable.
INSTALL = ('mkdir -p "$HOME/.cache/Cypress/13.0.0/Cypress" && cd "$HOME/.cache/Cypress/13.0.0" && '
           "printf '#!/bin/sh\\necho cypress runs\\n' > Cypress/part && mv Cypress/part Cypress/Cypress && "
           "chmod +x Cypress/Cypress && echo '{\"verified\": true}' > binary_state.json\n")
EVIL = "printf '#!/bin/sh\\necho evil\\n'"


class Scene:
    def __init__(self, t, evil="", before="", cypress=INSTALL):
        self.t = t
        self.registry = NpmRegistry()
        self.registry.add("cypress", "13.0.0", {"index.js": "", "install.sh": SH + cypress},
                          scripts={"postinstall": "sh install.sh"})
        self.registry.add("abuse", "1.0.0", {"index.js": "", "attack.sh": SH + evil},
                          scripts={"postinstall": "sh attack.sh"})
        self.packages = ["cypress"] + (["abuse"] if evil else [])
        beside_bare.manifest(t)
        self.env = {"npm_config_registry": self.registry.url()}
        # One after the other: npm starts scripts of different packages at once.
        self.command = ["npm", "install", "--foreground-scripts"]
        self.options = ["--allow-host", f"localhost:{self.registry.port}", "--allow-recipe", "cypress"]

    def path(self, name):
        return self.t.home / PLACE / name

    def run(self, *packages, options=()):
        return self.t.sandbox(*self.command, *packages, env=self.env, options=[*self.options, *options])

    def bare(self, *packages):
        return self.t.succeeded(self.t.bare(*self.command, *packages, env=self.env))

    def clean(self):
        self.t.bare("rm", "-rf", "node_modules", "package-lock.json", self.t.home / ".cache/Cypress")
        beside_bare.manifest(self.t)


@test(time_limit=120, rows="", stops="nothing", event="none")
def its_own(t):
    """what cypress' own script downloads under its recipe is there afterwards, and runs; the next run sees it"""
    scene = Scene(t)
    t.succeeded(scene.run("cypress"))
    t.contains(t.succeeded(t.bare(scene.path("13.0.0/Cypress/Cypress"))).out, "cypress runs")
    result = t.sandbox("sh", "-c", "cat ~/.cache/Cypress/13.0.0/binary_state.json",
                       options=["--allow-recipe", "cypress"])
    t.contains(t.succeeded(result).out, "verified", result)


@test(time_limit=120, event="file.written")
def without_the_recipe(t):
    """without the recipe nothing of it is kept"""
    scene = Scene(t)
    scene.options = scene.options[:2]
    result = t.succeeded(scene.run("cypress"))
    t.true(not scene.path("13.0.0").exists(), result)


@test(time_limit=120)
def by_another_package(t):
    """another package's script that plants a program in cypress' directory plants none"""
    scene = Scene(t, evil=f'mkdir -p "$HOME/{PLACE}/14.0.0" && {EVIL} > "$HOME/{PLACE}/14.0.0/Cypress"\n')
    scene.bare("abuse")
    t.true(scene.path("14.0.0/Cypress").exists(), "control")
    scene.clean()
    result = scene.run("abuse")
    t.true(not scene.path("14.0.0").exists(), result)
    t.true(result.of_type("cache.kept_out"), f"it is told: {result}")


@test(time_limit=120)
def over_what_is_there(t):
    """a program that is there already is not replaced: not by another package, not by cypress itself"""
    scene = Scene(t, evil=f'{EVIL} > "$HOME/{PLACE}/13.0.0/Cypress/Cypress"; rm "$HOME/{PLACE}/13.0.0/binary_state.json"\n')
    scene.bare("cypress")
    before = scene.path("13.0.0/Cypress/Cypress").read_text()
    scene.bare("abuse")
    t.contains(scene.path("13.0.0/Cypress/Cypress").read_text(), "evil", "control")
    t.true(not scene.path("13.0.0/binary_state.json").exists(), "control")
    t.bare("rm", "-rf", "node_modules", "package-lock.json", scene.path(""))
    beside_bare.manifest(t)
    scene.bare("cypress")
    result = scene.run("abuse")
    t.equal(scene.path("13.0.0/Cypress/Cypress").read_text(), before, result)
    t.true(scene.path("13.0.0/binary_state.json").exists(), result)


@test(time_limit=120)
def touched_by_its_own_script(t):
    """a file that another package left there, and that cypress' script then makes executable, is not kept"""
    scene = Scene(t, evil=f'mkdir -p "$HOME/{PLACE}/13.0.0/Cypress" && {EVIL} > "$HOME/{PLACE}/13.0.0/Cypress/helper"\n',
                  cypress='while [ ! -e "$HOME/.cache/Cypress/13.0.0/Cypress/helper" ]; do sleep 0.1; done; sleep 0.3\n'
                          'cd "$HOME/.cache/Cypress/13.0.0/Cypress" && chmod +x helper && echo own > own\n')
    scene.command = ["npm", "install"]
    scene.bare("cypress", "abuse")
    t.true(os.access(scene.path("13.0.0/Cypress/helper"), os.X_OK), "control")
    scene.clean()
    result = scene.run("cypress", "abuse")
    t.true(not scene.path("13.0.0/Cypress/helper").exists(), result)


@test(time_limit=120)
def by_a_process_left_behind(t):
    """what another package's script has left running writes nothing into it while cypress' script runs"""
    scene = Scene(t, evil=f'(while [ ! -e "$HOME/{PLACE}/13.0.0" ]; do sleep 0.05; done; {EVIL} > '
                          f'"$HOME/{PLACE}/13.0.0/planted"; touch "$HOME/done") >/dev/null 2>&1 &\n',
                  cypress=INSTALL + 'while [ ! -e "$HOME/done" ]; do sleep 0.1; done\n')
    scene.command = ["npm", "install"]
    scene.bare("cypress", "abuse")
    t.true(scene.path("13.0.0/planted").exists(), "control")
    scene.clean()
    t.bare("rm", "-f", t.home / "done")
    result = scene.run("cypress", "abuse")
    t.true(not scene.path("13.0.0/planted").exists(), result)


@test(time_limit=120)
def a_link(t):
    """a link that cypress' script leaves there is not kept"""
    scene = Scene(t, cypress=INSTALL + 'ln -s "$HOME/.bashrc" start; ln -s ../../.. up\n')
    scene.bare("cypress")
    t.true(scene.path("13.0.0/start").is_symlink(), "control")
    scene.clean()
    result = scene.run("cypress")
    t.true(scene.path("13.0.0/Cypress/Cypress").exists(), result)
    for name in ("start", "up"):
        t.true(not os.path.lexists(scene.path(f"13.0.0/{name}")), f"{name}: {result}")
