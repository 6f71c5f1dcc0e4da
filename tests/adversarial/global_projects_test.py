"""pnpm add -g, yarn global add and bun add -g, in a place of one's own: packages and programs of the user's that are
there are tried by the script of a package that is installed beside them."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from honest import FIXTURES  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"stops": "commit", "event": "change.held|change.protected"}

SH = "#!/bin/sh\n"
CLI = "#!/usr/bin/env node\nconsole.log('other runs')\n"


class Home:
    """What a user of `manager` has: a place for global packages, and one package in it, `other`."""

    def __init__(self, t, manager, script, bin_name="evil"):
        self.t, self.manager = t, manager
        self.registry = NpmRegistry()
        self.registry.add("dep", "1.0.0", {"index.js": "module.exports = 'dep'\n"})
        self.registry.add("other", "1.0.0", {"cli.js": CLI}, more={"bin": {"other": "cli.js"}},
                          dependencies={"dep": "1.0.0"})
        self.place = t.home / "tools"
        (self.place / "bin").mkdir(parents=True)
        self.programs = self.place if manager == "pnpm10" else self.place / "bin"
        prefix = FIXTURES / manager / "prefix"
        self.env = {"npm_config_registry": self.registry.url(), "pnpm_config_registry": self.registry.url(),
                    "YARN_REGISTRY": self.registry.url(), "PNPM_HOME": str(self.place), "BUN_INSTALL": str(self.place),
                    "PATH": f"{self.programs}:{prefix}/bin:{t.env['PATH']}"}
        t.write(t.home / ".npmrc", "update-notifier=false\n")
        t.write(t.home / ".yarnrc", f'--global-folder "{self.place}/global"\nprefix "{self.place}"\n')
        t.write("package.json", '{"name": "app", "version": "1.0.0"}')
        t.succeeded(t.bare(*self.words("other"), env=self.env), "what is there before")
        text = script.format(programs=self.programs, other=self.find("other/cli.js"), dep=self.find("dep/index.js"),
                             folder=self.folder(), place=self.place)
        self.registry.add("evil", "1.0.0", {"cli.js": CLI, "attack.sh": SH + text},
                          scripts={"postinstall": "sh attack.sh"}, more={"bin": {bin_name: "cli.js"}})

    def words(self, package):
        if self.manager == "yarn1":
            return ("yarn", "global", "add", package)
        if self.manager == "bun":
            return ("bun", "add", "-g", "--trust", package)
        return ("pnpm", "add", "-g", f"--allow-build={package}", package)

    def folder(self):
        """The project that the packages are installed in."""
        return {"yarn1": self.place / "global", "bun": self.place / "install/global", "pnpm10": self.place / "global/5"}.get(
            self.manager, self.place / "global/v11")

    def find(self, end):
        found = [path for path in self.place.glob(f"**/node_modules/{end}") if not path.is_symlink()]
        self.t.true(found, f"{end} below {self.place}")
        return os.path.realpath(found[0])

    def state(self, paths):
        return {str(path): (os.path.lexists(path), path.is_symlink() and os.readlink(path),
                            path.read_bytes() if path.is_file() else None) for path in paths}

    def attack(self, *changed, alerts=True):
        """In the control run each of `changed` (paths with the words of the script) differs; in the
        sandbox none, and it is told."""
        t = self.t
        words = {"programs": self.programs, "other": self.find("other/cli.js"), "dep": self.find("dep/index.js"),
                 "folder": self.folder(), "place": self.place}
        paths = [type(self.place)(one.format(**words)) for one in changed]
        before = self.state(paths)
        copy = t.base / "copy"
        t.succeeded(t.bare("cp", "-a", self.place, copy))
        t.succeeded(t.bare(*self.words("evil"), env=self.env))
        after = self.state(paths)
        t.true(all(after[path] != before[path] for path in before), f"control: {before.keys()}")
        t.bare("rm", "-rf", self.place)
        copy.rename(self.place)
        result = t.sandbox(*self.words("evil"), env=self.env,
                           options=["--allow-host", f"localhost:{self.registry.port}"])
        t.equal(self.state(paths), before, f"{changed}: {result}")
        found = [e for e in result.events if e["type"] in ("change.protected", "change.held")]
        t.true(found, f"it is told: {result}")
        if alerts:
            t.true([e for e in found if e["severity"] == "alert"], f"an alert: {result}")
        t.equal(t.bare(self.programs / "other", env=self.env).out, "other runs\n", "the other one is whole")
        return result


def tried(what, managers, script, *changed, alerts=True, bin_name="evil"):
    for manager in managers:
        def body(t, manager=manager):
            Home(t, manager, script, bin_name).attack(*changed, alerts=alerts)

        body.__doc__ = f"a global install by {manager}: {what}"
        test(body, one_by_day=True, time_limit=120)


ALL = ("yarn1", "bun", "pnpm10", "pnpm12")
tried("a script that changes another global package changes nothing", ALL,
      "echo evil >> '{other}'\n", "{other}")
tried("a script that changes what another global package depends on changes nothing", ALL,
      "echo evil >> '{dep}'\n", "{dep}")
# The others write all programs anew when the scripts have ended, and so put it right.
tried("a script that puts itself in the place of another program changes nothing", ("pnpm12",),
      "rm -f '{programs}/other' && printf '#!/bin/sh\\necho evil\\n' > '{programs}/other' && chmod +x '{programs}/other'\n",
      "{programs}/other")
tried("a script that adds a git to the programs adds none", ALL,
      "printf '#!/bin/sh\\necho evil\\n' > '{programs}/git' && chmod +x '{programs}/git'\n", "{programs}/git")
tried("a package that calls its program `ls` does not stand before the system's", ALL, "exit 0\n",
      "{programs}/ls", bin_name="ls")
tried("a script that names another program in the manager's own form adds none", ("pnpm10", "pnpm12"),
      "sed 's/other/evil/g' '{programs}/other' > '{programs}/git' && chmod +x '{programs}/git'\n", "{programs}/git")
tried("a script that leads a program of another package to itself changes nothing", ("yarn1",),
      "ln -sf ../evil/cli.js '{folder}/node_modules/.bin/other'\n", "{folder}/node_modules/.bin/other")
tried("a link to a program that no manifest names is not taken over", ("yarn1", "bun"),
      "ln -s '{folder}/node_modules/evil/cli.js' '{programs}/git'\n", "{programs}/git")
tried("what a script has the next global install run is not taken over", ("yarn1", "pnpm10"),
      "echo 'ignore-scripts=false' > '{folder}/.npmrc'; echo 'module.exports = {{}}' > '{folder}/.pnpmfile.cjs'\n",
      "{folder}/.npmrc", "{folder}/.pnpmfile.cjs", alerts=False)
tried("what a script has the next global install run is not taken over", ("bun",),
      "printf '[install.lifecycle]\\nenabled = true\\n' > '{folder}/bunfig.toml'; echo 'ignore-scripts=false' > '{folder}/.npmrc'\n",
      "{folder}/bunfig.toml", "{folder}/.npmrc", alerts=False)

tried("a script that allows all packages their scripts from then on allows none", ("pnpm10", "pnpm12"),
      "echo 'dangerouslyAllowAllBuilds: true' >> '{folder}/pnpm-workspace.yaml'\n", "{folder}/pnpm-workspace.yaml")

# pnpm and bun write it from what they read before the scripts.
tried("a script that the package.json of all of them gets is not taken over", ("yarn1",),
      "sed -i 's/^{{/{{\"scripts\": {{\"postinstall\": \"evil\"}},/' '{folder}/package.json'\n", "{folder}/package.json")
