"""What sandbox-run itself goes by: its configuration, its state, a profile of the user's own."""

import os
import shlex
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import require, test  # noqa: E402

FACTS = {"rows": "A086", "stops": "refusal", "event": "none"}

PLANT = "mkdir -p {0} && echo 'allow_hosts = [\"evil.example.com\"]' > {0}/config.toml"
REFUSED = 2


def refused(t, where):
    """Bare, the plant succeeds; sandbox-run refuses before anything runs."""
    plant = PLANT.format(t.home / ".config/sandbox-run")
    configuration = t.home / ".config/sandbox-run/config.toml"
    t.succeeded(t.bare("sh", "-c", plant, cwd=where), "control")
    configuration.unlink()
    result = t.sandbox("sh", "-c", plant, cwd=where)
    t.one_clear_line(result, REFUSED, "XDG_CONFIG_HOME")
    t.true(not configuration.exists(), "it is not there")
    t.equal(result.events, [], "nothing ran")
    return result


@test
def project_is_the_configuration_home(t):
    """a project ~/.config, in which the configuration lies, is refused with what to type"""
    result = refused(t, t.home / ".config")
    typed = "env " + result.said.partition(": env ")[2].split("\n")[0]
    words = shlex.split(typed)
    words[words.index("sandbox-run")] = t.sandbox_command()[0]
    t.succeeded(t.bare(*words, cwd=t.home / ".config"), "what it says to type")


@test
def project_is_the_own_directory(t):
    """a project ~/.config/sandbox-run itself is refused"""
    (t.home / ".config/sandbox-run").mkdir(parents=True)
    refused(t, t.home / ".config/sandbox-run")


@test
def by_a_link(t):
    """so is one that ~/.config leads to by a link"""
    (t.home / ".config").rename(t.home / "dotfiles")
    (t.home / ".config").symlink_to("dotfiles")
    refused(t, t.home / "dotfiles")


@test
def by_a_link_of_the_file(t):
    """so is one that holds the file which config.toml is a link to, and one that holds a link on the way"""
    own = t.home / ".config/sandbox-run"
    own.mkdir(parents=True)
    t.write("config.toml", "")
    (own / "config.toml").symlink_to(t.project / "config.toml")
    plant = "echo 'allow_hosts = [\"evil.example.com\"]' > config.toml"
    t.succeeded(t.bare("sh", "-c", plant), "control")
    t.contains((own / "config.toml").read_text(), "evil", "control")
    t.write("config.toml", "")
    t.one_clear_line(t.sandbox("sh", "-c", plant), REFUSED, "XDG_CONFIG_HOME")
    t.equal((own / "config.toml").read_text(), "")

    elsewhere = t.base / "elsewhere"
    elsewhere.mkdir()
    (t.project / "link").symlink_to(elsewhere)
    env = {"XDG_CONFIG_HOME": t.project / "link"}
    t.one_clear_line(t.sandbox("true", env=env), REFUSED, "XDG_CONFIG_HOME")


@test
def named_by_a_variable(t):
    """so is a project in which XDG_CONFIG_HOME or XDG_STATE_HOME lie"""
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        result = t.sandbox("true", env={variable: t.project / "own"})
        t.one_clear_line(result, REFUSED, variable)
    t.equal(os.listdir(t.project), [])


@test
def further_targets(t):
    """so is --rw ~/.config, and npm --prefix ~/.config"""
    result = t.sandbox("sh", "-c", PLANT.format(t.home / ".config/sandbox-run"),
                       options=["--rw", t.home / ".config"])
    t.one_clear_line(result, REFUSED, "XDG_CONFIG_HOME")
    require(shutil.which("npm"), "no npm")
    t.write(t.home / ".config/package.json", '{"name": "x", "version": "1.0.0"}')
    result = t.sandbox("npm", "--prefix", t.home / ".config", "install", "--offline")
    t.one_clear_line(result, REFUSED, "XDG_CONFIG_HOME")


@test
def state_by_a_link(t):
    """a project that the state directory leads into by a link is refused"""
    (t.project / "state").mkdir()
    (t.home / ".local").mkdir(exist_ok=True)
    (t.home / ".local/state").symlink_to(t.project / "state")
    result = t.sandbox("true")
    t.one_clear_line(result, REFUSED, "XDG_STATE_HOME")
    t.equal(os.listdir(t.project / "state"), [])


@test(stops="commit", event="change.protected")
def own_profile(t):
    """a profile of the user's own, in the project, is a protected place"""
    profile = t.write("tools/own.toml", t.accepting_profile().read_text())
    before = profile.read_text()
    script = "echo '# planted' >> tools/own.toml; echo fine > made"
    t.succeeded(t.bare("sh", "-c", script), "control")
    t.contains(profile.read_text(), "planted", "control")
    profile.write_text(before)
    (t.project / "made").unlink()
    result = t.sandbox("sh", "-c", script, options=["--profile", "./tools/own.toml", "--on-alert=log"])
    t.equal(profile.read_text(), before)
    t.true((t.project / "made").exists(), f"the rest is committed: {result}")
    t.equal([e["details"]["path"] for e in result.of_type("change.protected")], ["tools/own.toml"])
