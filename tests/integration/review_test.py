"""What is held is looked at, taken over or thrown away: review, commit, discard, --review, --discard."""

import json
import os
import re
import termios

from harness import BINARY, Terminal, skip, test

PYTHON = "/usr/bin/python3"


def hold(t, script, *options, **more):
    """Runs a script whose changes the profile does not expect."""
    return hold_of(t, "sh", "-c", script, options=options, **more)


def hold_of(t, *command, options=(), **more):
    return t.sandbox(*command, options=["--profile", t.install_profile(), *options], **more)


def held(t):
    """The newest run that holds something, as review --json tells it."""
    return json.loads(t.succeeded(t.cli("review", "--json")).out)


def held_paths(t):
    result = t.cli("review", "--json")
    return [change["path"] for change in json.loads(result.out)["changes"]] if not result.code else []


def typed(t, command):
    """A command line as a person pastes it into bash, `sandbox-run` being on PATH."""
    programs = t.base / "programs"
    programs.mkdir(exist_ok=True)
    if not (programs / "sandbox-run").exists():
        (programs / "sandbox-run").symlink_to(BINARY)
    return t.bare("bash", "-c", command, env={"PATH": f"{programs}:{t.env['PATH']}"})


@test
def review_shows_all(t):
    """review shows new, changed and removed entries, a diff of texts, the kind of the rest, and why"""
    t.write("src/a.js", "one\ntwo\nthree\n")
    t.write("src/gone.js", "gone\n")
    hold(t, "printf 'one\\nTWO\\nthree\\n' > src/a.js; rm src/gone.js; head -c 3000 /bin/ls > tool;"
            "ln -s /etc/passwd link; mkdir -p .vscode; echo '{\"a\":1}' > .vscode/tasks.json")
    out = t.succeeded(t.cli("review")).out
    for part in ("src/\n", "~ a.js", "-two\n", "+TWO\n", "@@ -1,3 +1,3 @@", "- gone.js", "+ tool",
                 "ELF program or library, 3.0 KB", "new link to /etc/passwd", "+ .vscode/",
                 "PROTECTED: ", "tasks.json", '+{"a":1}', "not an expected change", "suspected: "):
        t.contains(out, part)
    t.lacks(out, "\x1b", "no colour in a pipe")
    t.true((t.project / "src/gone.js").exists() and not (t.project / "tool").exists(), "untouched")
    one = t.succeeded(t.cli("review", "last", "src/a.js")).out
    t.contains(one, "+TWO")
    t.lacks(one, "tool")


@test
def review_shows_renames(t):
    """a file under another name is shown as renamed, one with another content is not"""
    t.write("src/old.js", "the same\n")
    t.write("src/other.js", "else\n")
    hold(t, "mkdir lib; mv src/old.js src/new.js; rm src/other.js; echo ELSE > src/fresh.js; : > src/empty")
    out = t.succeeded(t.cli("review")).out
    for part in ("renamed from src/old.js", "renamed to src/new.js", "+ELSE", "-else"):
        t.contains(out, part)
    t.equal(out.count("renamed"), 2, out)
    t.lacks(out, "the same", "the content is no news")
    changes = {change["path"]: change for change in json.loads(t.succeeded(t.cli("review", "--json")).out)["changes"]}
    t.equal(changes["src/new.js"]["renamed_from"], "src/old.js")
    t.equal(changes["src/old.js"]["renamed_to"], "src/new.js")
    t.true("renamed_from" not in changes["src/fresh.js"], changes)


@test
def every_hint_works(t):
    """each command that the summary and review print can be typed as it stands"""
    result = hold(t, "echo 1 > '-a b'; echo 2 > notes.txt")
    command, = re.findall(r": (sandbox-run review)\n", result.err)
    t.succeeded(typed(t, command), command)
    out = t.cli("review").out
    one, all_of_it, none = (re.search(label + r": +(sandbox-run [^\n]*?)(?:   |\n)", out).group(1)
                            for label in ("Commit one", "Commit all", "Discard all"))
    t.succeeded(typed(t, one), one)
    t.equal((t.project / "-a b").read_text(), "1\n", one)
    t.succeeded(typed(t, all_of_it), all_of_it)
    t.equal((t.project / "notes.txt").read_text(), "2\n")
    hold(t, "echo x > third")
    out = t.cli("review").out
    t.succeeded(typed(t, re.search(r"Discard all: +(sandbox-run \S+ \S+)", out).group(1)), none)
    t.one_clear_line(t.cli("review"), 2, "no run holds changes")


@test(rows="A198", stops="log", event="none")
def hostile_names_and_content(t):
    """names and content with escape sequences forge nothing, and any name can be typed as shown"""
    names = [b"a\nb", b"\x1b[2J\x1b]0;x\x07", b"\xff\xfe", b"it's $(touch owned) `x`", b"-rf", b"last",
             b"\xe2\x80\xaetxt.exe", b"back\\slash\\n", "ä ö".encode()]
    t.write("make.py", f"for name in {names!r}:\n    open(name, 'wb').write(b'x\\x1b[31m\\r\\nsandbox-run: fine\\n')\n")
    t.succeeded(hold_of(t, PYTHON, "make.py"))
    out = t.succeeded(t.cli("review")).out
    t.lacks(out, "\x1b")
    t.lacks(out, "\u202e")
    t.true(not any(line.startswith("sandbox-run: fine") for line in out.splitlines()), out)
    changes = held(t)["changes"]
    t.equal(len(changes), len(names))
    for change in changes:
        t.succeeded(typed(t, f"sandbox-run commit last {change['argument']}"), change)
    made = set(os.listdir(os.fsencode(t.project))) - {b"make.py"}
    t.equal(made, set(names))


@test
def shown_name_is_not_taken(t):
    """a name typed in its escaped form is no other file's: it is refused, and the right form is named"""
    t.write("make.py", "open('a\\nb', 'w').close()\n")
    t.succeeded(hold_of(t, PYTHON, "make.py"))
    t.one_clear_line(t.cli("commit", "a\\nb"), 2, "did you mean $'a\\012b'?")


@test
def directories(t):
    """a directory's path means all below it, and a file in a new directory can be chosen alone"""
    t.write("src/old", "old\n")
    hold(t, "mkdir -p tool/in; echo 1 > tool/in/a; echo 2 > tool/b; echo 3 > src/x; rm src/old")
    t.succeeded(t.cli("commit", "tool/in/a"))
    t.equal((t.project / "tool/in/a").read_text(), "1\n")
    t.true(not (t.project / "tool/b").exists(), "not chosen")
    t.succeeded(t.cli("discard", f"{t.project}/tool"))
    t.succeeded(t.cli("commit", "src"))
    t.equal(sorted(os.listdir(t.project / "src")), ["x"])
    t.equal(held_paths(t), [])
    t.equal(sorted(os.listdir(t.project / "tool")), ["in"])


@test
def host_edited_since(t):
    """what changed on the host since the run is never overwritten: 125, and still held"""
    t.write("src/a", "one\n")
    hold(t, "echo theirs > src/a; echo new > src/b")
    t.write("src/a", "mine\n")
    result = t.cli("commit")
    t.equal(result.code, 125, result)
    t.contains(result.err, "not committed: src/a (changed on the host meanwhile)")
    t.equal((t.project / "src/a").read_text(), "mine\n")
    t.equal((t.project / "src/b").read_text(), "new\n")
    t.contains(t.cli("review").out, "-mine\n", "the difference to what is there now")


@test
def link_in_the_way(t):
    """a directory that became a link since the run is not followed, by review or by commit"""
    t.write("src/a", "one\n")
    hold(t, "echo evil > src/a")
    victim = t.write(t.home / "victim/a", "victim\n").parent
    (t.project / "src").rename(t.project / "moved")
    (t.project / "src").symlink_to(victim)
    t.lacks(t.succeeded(t.cli("review")).out, "victim", "not read through")
    t.cli("commit")
    t.equal((victim / "a").read_text(), "victim\n")


@test
def large_and_odd_content(t):
    """huge, endless, unreadable and special files are shown by what they are, and quickly"""
    t.write("big", "".join(f"line {i}\n" for i in range(60000)))
    hold(t, "seq 60000 > big; truncate -s 30G sparse; mkfifo pipe; head -c 900000 /dev/zero | "
            "tr '\\0' x > wide; echo x > shut; chmod 000 shut; mkdir shutdir; echo y > shutdir/y;"
            "chmod 000 shutdir", timeout=60)
    out = t.succeeded(t.cli("review", timeout=60)).out
    t.contains(out, "more lines of the diff")
    t.contains(out, "32 GB")
    t.contains(out, "… (900 KB more)")
    t.contains(out, "+ shut\n")
    t.true(len(out) < 100_000, "bounded")
    t.succeeded(t.cli("review", "last", "big", timeout=60))


@test
def two_projects(t):
    """review and commit mean the run of the project that one stands in, and no other"""
    hold(t, "echo x > mine")
    other = t.home / "other"
    other.mkdir()
    t.one_clear_line(t.cli("commit", cwd=other), 2, "no run holds changes of", str(t.project))
    t.true(not (t.project / "mine").exists(), "nothing was committed")
    hold(t, "echo x > theirs", cwd=other)
    t.succeeded(t.cli("commit", "mine"))
    t.true((t.project / "mine").exists() and not (other / "theirs").exists(), "this project's")
    t.succeeded(t.cli("discard", "last", cwd=t.project))
    t.true(not (other / "theirs").exists(), "discarded")


def script_of(t, package, script):
    """Runs the shell script as the package manager runs a postinstall."""
    t.write(f"node_modules/{package}/package.json", "{}")
    return (f"(cd node_modules/{package} && npm_package_name={package} npm_package_version=1.2.3 "
            f"npm_lifecycle_event=postinstall npm_package_json=$PWD/package.json sh -c '{script}\ntrue'); ")


@test
def suspects(t):
    """of scripts that run at once the one that was seen writing is named: in the review, the alert and the summary"""
    plant = "mkdir -p ../../.vscode; echo x > ../../.vscode/tasks.json"
    scripts = [script_of(t, "early", "sleep 0.5"), script_of(t, "evil", plant + "; sleep 0.5"),
               script_of(t, "late", "sleep 0.5; : .vscode/tasks.json")]
    at_once = "".join(script.removesuffix("; ") + " & " for script in scripts) + "wait"
    result = t.sandbox("sh", "-c", at_once, options=["--profile", "npm"])
    t.equal(len(result.of_type("script.finished")), 3)
    event, = result.of_type("change.protected")
    actor = {"kind": "script", "package": "evil", "version": "1.2.3", "event": "postinstall"}
    t.equal((event["actor"], "inferred" in event["details"]), (actor, False))
    t.contains(result.said, "ALERT: evil@1.2.3 postinstall: added .vscode, a protected place")
    t.contains(t.cli("review").out, "suspected: evil@1.2.3 postinstall (seen writing it)")
    t.equal(held(t)["changes"][0]["suspects"], ["evil@1.2.3 postinstall"])


@test
def suspects_left_running(t):
    """a script that leaves something running, forked only or another program, stays suspected"""
    def held_by(script, options=()):
        done = "".join(script_of(t, *each) for each in
                       (("early", "true"), ("evil", script), ("late", "sleep 0.6")))
        result = t.sandbox("sh", "-c", done, options=["--profile", "npm", *options])
        t.cli("discard")
        ended = {e["actor"]["package"]: e["details"].get("left_running", False)
                 for e in result.of_type("script.finished")}
        t.true(not ended["late"], ended)
        event, = result.of_type("change.protected")
        return ended["evil"], event["details"].get("suspects", event.get("actor", {}).get("package"))

    t.equal(held_by("mkdir ../../.husky; echo x > ../../.husky/x"), (False, "evil"))
    late = "sleep 0.3; mkdir ../../.husky; echo x > ../../.husky/x"
    t.equal(held_by(f"(read x < /proc/uptime; {late}) &"), (True, "evil"))
    t.equal(held_by(f"setsid sh -c \"{late}\" &"), (True, "evil"))
    t.write("node_modules/evil/fork.py", "import os, time\nif os.fork() == 0: time.sleep(0.3); "
            "os.mkdir('../../.husky'); open('../../.husky/x', 'w')")
    both = ["late@1.2.3 postinstall", "evil@1.2.3 postinstall"]
    t.equal(held_by("/usr/bin/python3 fork.py"), (True, both))
    forged = "env npm_package_name=early npm_package_json=${PWD%/*}/early/package.json"
    t.equal(held_by(f"{forged} /usr/bin/python3 fork.py"), (True, both), "with another's environment")


@test
def unnamed(t):
    """commit without a path leaves protected places, and what an alerted package made; named or with --yes they go in"""
    act = "echo x > ../../.envrc; echo x > ../../planted"
    script = script_of(t, "evil", act) + "sleep 0.05; echo mine > notes"
    result = t.sandbox("sh", "-c", script, options=["--profile", t.install_profile()])
    t.equal(sorted(held_paths(t)), [".envrc", "notes", "planted"], result)
    result = t.succeeded(t.cli("commit"))
    t.equal(held_paths(t), [".envrc", "planted"], result)
    t.contains(result.said, "not committed: ")
    t.contains(result.said, " .envrc planted", result)
    t.equal((t.project / "notes").read_text(), "mine\n")
    t.succeeded(t.cli("commit"))
    t.equal(held_paths(t), [".envrc", "planted"], "nothing is left to be taken unnamed")
    t.succeeded(t.cli("commit", ".envrc"))
    t.equal((t.project / ".envrc").read_text(), "x\n")
    t.succeeded(t.cli("commit", "--yes"))
    t.equal((t.project / "planted").read_text(), "x\n")


# ── --review and --discard ──────────────────────────────────────────────────────────────────────


@test
def review_without_a_terminal(t):
    """--review commits nothing, holds all, and says what to type"""
    before = t.fingerprint()
    result = t.succeeded(hold(t, "mkdir node_modules; echo 1 > node_modules/x", "--review"))
    t.equal(t.fingerprint(), before)
    t.contains(result.err, "nothing committed yet")
    t.contains(result.err, ": sandbox-run review\n")
    t.succeeded(t.cli("commit"))
    t.equal((t.project / "node_modules/x").read_text(), "1\n")


@test
def discard_keeps_nothing(t):
    """--discard keeps nothing, also of a profile that expects all, and the log has what was tried"""
    before = t.fingerprint()
    script = "mkdir node_modules; echo 1 > node_modules/x; mkdir .vscode; echo x > .vscode/tasks.json; exit 3"
    result = hold(t, script, "--discard")
    t.equal(result.code, 3, "the command's own")
    t.equal(t.fingerprint(), before)
    t.contains(result.said, "2 changes discarded")
    t.true(result.of_type("change.protected") and result.of_type("change.held"), result.events)
    t.equal(result.events[-1]["details"]["outcome"], "discarded")
    t.one_clear_line(t.cli("review"), 2, "no run holds")
    t.equal(t.sandbox("sh", "-c", "echo x > made", options=["--discard"]).code, 0)
    t.equal(t.fingerprint(), before)


@test
def options_that_contradict(t):
    """--review with --discard or before a sub-command, and review -i in a pipe, are exit code 2"""
    t.one_clear_line(t.cli("--review", "--discard", "true"), 2, "choose one")
    t.one_clear_line(t.cli("--discard", "runs"), 2, "sub-command")
    hold(t, "echo x > a")
    t.one_clear_line(t.cli("review", "--interactive"), 2, "needs a terminal")


# ── keyboard ────────────────────────────────────────────────────────────────────────────────────

PROMPT = "(q)uit ? "
CONFIRM = "nothing is done ? "


def interview(t, *words, **more):
    return Terminal(t, *map(str, words), rows=50, columns=120, **more)


@test
def keys_decide(t):
    """review -i: commit, discard, skip, show and help by single keys, done after a yes"""
    hold(t, "echo 1 > a; echo 2 > b; echo 3 > c; mkdir .vscode; echo 4 > .vscode/tasks.json")
    terminal = interview(t, BINARY, "review", "-i")
    t.contains(terminal.expect(PROMPT), ".vscode")
    terminal.send("?")
    t.contains(terminal.expect(PROMPT), "discard it")
    terminal.send("w")
    t.contains(terminal.expect(PROMPT), "tasks.json")
    terminal.send("c")
    terminal.expect(PROMPT)
    terminal.send("c")
    terminal.expect(PROMPT)
    terminal.send("d")
    terminal.expect(PROMPT)
    terminal.send("s")
    confirmation = terminal.expect(CONFIRM)
    t.contains(confirmation, "Commit 2, discard 1, leave 1 held")
    t.contains(confirmation, "PROTECTED, to be committed")
    t.true(not (t.project / "a").exists(), "not before the yes")
    terminal.send("y")
    t.equal(terminal.wait(), 0)
    t.true((t.project / "a").exists() and (t.project / ".vscode/tasks.json").exists(), "committed")
    t.true(not (t.project / "b").exists() and not (t.project / "c").exists(), "not those")
    t.equal(held_paths(t), ["c"])


@test
def keys_back_open_finish(t):
    """review -i: a directory is opened, an answer taken back, and the rest skipped"""
    hold(t, "mkdir -p new/in; echo 1 > new/in/a; echo 2 > new/b; echo 3 > z")
    terminal = interview(t, BINARY, "review", "-i")
    terminal.expect("[1/2]")
    terminal.expect(PROMPT)
    terminal.send("o")
    t.contains(terminal.expect(PROMPT), "new/b")
    terminal.send("d")
    t.contains(terminal.expect(PROMPT), "new/in/a")
    terminal.send("b")
    t.contains(terminal.expect(PROMPT), "new/b")
    terminal.send("c")
    terminal.expect(PROMPT)
    terminal.send("f")
    t.contains(terminal.expect(CONFIRM), "Commit 1, discard 0, leave 2 held")
    terminal.send("y")
    t.equal(terminal.wait(), 0)
    t.true((t.project / "new/b").exists() and not (t.project / "new/in").exists(), "that one")


@test
def leaving_does_nothing(t):
    """review -i left by q, Ctrl-C, Ctrl-D or at the last question does nothing, and the terminal is
    as before"""
    hold(t, "echo 1 > a; echo 2 > b")
    for keys in (["q"], ["\x03"], ["c", "\x04"], ["c", "c", "q"], ["c", "c", "\x03"]):
        terminal = interview(t, BINARY, "review", "-i")
        before = None
        for key in keys:
            terminal.expect(" ? ")
            before = before or termios.tcgetattr(terminal.fd)
            terminal.send(key)
        terminal.expect("Nothing was done")
        t.equal(terminal.wait(), 0, keys)
        t.true(not before[3] & termios.ICANON, "single keys meanwhile")
    t.equal(held_paths(t), ["a", "b"])
    t.true(not (t.project / "a").exists(), "nothing committed")


@test
def terminal_restored(t):
    """a shell finds its terminal with echo and lines, also after a SIGTERM"""
    hold(t, "echo 1 > a")
    for end in ("q", None):
        script = 'stty -a > before; "$0" review -i; stty -a > after; echo over'
        terminal = interview(t, "sh", "-c", script, BINARY)
        terminal.expect(PROMPT)
        if end:
            terminal.send(end)
        else:
            for pid in os.listdir("/proc"):
                if pid.isdigit() and is_child(pid, terminal.pid):
                    os.kill(int(pid), 15)
        terminal.expect("over")
        terminal.wait()
        t.equal((t.project / "after").read_text(), (t.project / "before").read_text(), end)


def is_child(pid, parent):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1]) == parent
    except OSError:
        return False


@test
def typed_ahead(t):
    """what was typed while the command ran answers no question"""
    terminal = interview(t, BINARY, "--profile", t.install_profile(), "--review", "sh", "-c",
                         "echo ready; read line; echo x > made")
    terminal.expect("ready")
    terminal.send("go\ncyccyy")
    terminal.expect(PROMPT)
    terminal.send("c")
    terminal.expect(CONFIRM)
    t.true(not (t.project / "made").exists(), "not yet")
    terminal.send("y")
    t.equal(terminal.wait(), 0)
    t.true((t.project / "made").exists(), "now")


@test
def review_at_the_end(t):
    """--review on a terminal asks at the end, and ends with the command's own exit code"""
    terminal = interview(t, BINARY, "--profile", "generic", "--review", "sh", "-c", "echo x > made; exit 7")
    terminal.expect("nothing committed yet")
    terminal.expect(PROMPT)
    terminal.send("d")
    terminal.expect(CONFIRM)
    terminal.send("y")
    t.equal(terminal.wait(), 7)
    t.true(not (t.project / "made").exists(), "discarded")


@test
def colours(t):
    """review is coloured on a terminal, unless NO_COLOR is set"""
    hold(t, "echo 1 > a")
    terminal = interview(t, BINARY, "review")
    terminal.expect("\x1b[32m+\x1b[0m")
    t.equal(terminal.wait(), 0)
    terminal = interview(t, BINARY, "review", env={"NO_COLOR": "1"})
    t.lacks(terminal.expect("Discard all"), "\x1b")
    t.equal(terminal.wait(), 0)
