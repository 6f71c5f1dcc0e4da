"""The manual pages: what they show can be used as it stands; and what `help` answers."""

import pathlib
import re
import shutil
import subprocess

from harness import require, test

MAN = pathlib.Path(__file__).resolve().parents[2] / "man"


def examples(page):
    """The literal blocks of a page, as its source has them."""
    text = (MAN / page).read_text()
    blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", text, re.S | re.M)
    return [block.replace("\\e", "\\") for block in blocks]


@test
def configuration(t):
    """each example of configuration in sandbox-run.toml(5) is read, and the wrong one is refused"""
    t.write(t.home / "docs.toml", "")
    kinds = {"error": 0, "profile": 0, "configuration": 0}
    for block in examples("sandbox-run.toml.5"):
        config = t.home / ".config/sandbox-run/config.toml"
        if block.startswith("config.toml:"):
            kinds["error"] += 1
            t.write(config, "\n\n" + block.split("'")[1] + " = ['a.example.com']\n")
            t.one_clear_line(t.cli("plan", "true"), 2, block.strip())
            config.unlink()
        elif "[[target]]" in block:
            kinds["profile"] += 1
            t.write(t.home / "docs.toml", block)
            t.succeeded(t.cli("--profile", f"{t.home}/docs.toml", "plan", "true"), block)
        else:
            kinds["configuration"] += 1
            t.write(config, block)
            t.succeeded(t.cli("plan", "true"), block)
            config.unlink()
    t.true(kinds["error"] == kinds["profile"] == 1 and kinds["configuration"] >= 3, kinds)


@test
def rendered(t):
    """what is to be copied from a page looks as it is to be typed, by mandoc and by groff"""
    require(shutil.which("mandoc"), "there is no mandoc")
    renderers = [["mandoc", "-T", "utf8"]]
    if shutil.which("groff"):
        renderers.append(["groff", "-k", "-Tutf8", "-mandoc"])
    for renderer in renderers:
        for page in ("sandbox-run.toml.5", "sandbox-run.1"):
            done = subprocess.run([*renderer, str(MAN / page)], capture_output=True, check=True)
            text = re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout.decode())
            shown = [line.strip() for line in text.splitlines()]
            for line in "".join(examples(page)).splitlines():
                t.true(line.strip() in shown, f"{renderer[0]} shows {line!r} otherwise")


@test
def help_on_a_topic(t):
    """`help`, `help TOPIC` and `TOPIC --help` say how the thing is used, and help with a slip"""
    t.equal(t.succeeded(t.cli("help")).out, t.cli("--help").out)
    for topic in "plan review commit discard undo runs prune log explain lock".split():
        text = t.succeeded(t.cli("help", topic)).out
        t.true(re.match(rf"Usage: sandbox-run (\[OPTION\]… )?{topic}\b", text), text)
        t.equal(t.succeeded(t.cli(topic, "--help")).out, text)
        t.true(max(map(len, text.splitlines())) <= 84, text)
    t.one_clear_line(t.cli("help", "reveiw"), 2, "did you mean review?")
    t.one_clear_line(t.cli("log", "--alrets"), 2, "did you mean --alerts?")


@test
def mistyped_sub_command(t):
    """a slip in a sub-command's name is told; a program of that name is run"""
    t.one_clear_line(t.cli("reveiw"), 127, "did you mean sandbox-run review?")
    t.one_clear_line(t.cli("--revew", "true"), 2, "did you mean --review?")
    program = t.write("bin/reveiw", "#!/bin/sh\necho mine\n")
    program.chmod(0o755)
    result = t.sandbox("reveiw", env={"PATH": f"{t.project}/bin:/usr/bin:/bin"})
    t.equal(t.succeeded(result).out, "mine\n")
