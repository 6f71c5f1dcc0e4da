"""The command line: help, plan, JSON, rules and their mistakes."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import BINARY, SECRET, Terminal, read_events, test  # noqa: E402
from local_server import LocalServer  # noqa: E402


@test
def help_and_version(t):
    """--help and --version answer on standard output with exit code 0"""
    result = t.succeeded(t.cli("--help"))
    for option in "--allow-host --allow-env --ro --rw --profile --events --dry-run --timeout --json".split():
        t.contains(result.out, option)
    t.contains(result.out, "sandbox-run npm ci", "an example")
    t.equal(result.err, "")
    version = t.succeeded(t.cli("--version"))
    t.true(version.out.startswith("sandbox-run ") and len(version.out.splitlines()) == 1, version)


@test
def no_command(t):
    """without a command: exit code 2 and how to use it"""
    result = t.cli()
    t.equal(result.code, 2)
    t.contains(result.err, "sandbox-run")


@test
def unknown_option(t):
    """an unknown option is exit code 2 and named"""
    t.one_clear_line(t.cli("--no-such-option", "true"), 2, "--no-such-option")


@test
def options_after_the_command_are_its_own(t):
    """options after the command's name belong to the command"""
    result = t.cli("echo", "-q", "--json", "--help")
    t.equal(t.succeeded(result).out, "-q --json --help\n")


@test
def bad_host_patterns(t):
    """a host pattern that is too wide or broken is exit code 2, in words"""
    bad = ["*", "*.com", "a.*.com", "example.com.", "example.com:0", "example.com:65536",
           "example.com:x", "exa mple.com", "http://example.com", "", "a..b", "*example.com"]
    for pattern in bad:
        result = t.cli("--allow-host", pattern, "--", "echo", "ran")
        t.one_clear_line(result, 2)
        t.lacks(result.out, "ran", pattern)


@test
def unknown_profile(t):
    """an unknown profile is exit code 2, with the nearest name"""
    t.one_clear_line(t.cli("--profile", "nmp", "--", "true"), 2, "nmp", "npm")


@test
def profile_mistakes_have_a_place(t):
    """an unknown key in a profile is named with file, line, column and the nearest key"""
    path = t.write("mine.toml", '# a comment\ndescripton = "x"\n')
    result = t.cli("--profile", path, "--", "true")
    t.one_clear_line(result, 2, "mine.toml:2:1", "descripton", "description")
    path = t.write("mine.toml", "# a comment\ndescription = 3\n")
    t.one_clear_line(t.cli("--profile", path, "--", "true"), 2, "mine.toml:2:", "description")
    path = t.write("mine.toml", 'description = "mine\n')
    t.one_clear_line(t.cli("--profile", path, "--", "true"), 2, "mine.toml:1:")


@test
def user_configuration_mistakes(t):
    """a mistake in config.toml is exit code 2, with its place"""
    t.write(t.home / ".config/sandbox-run/config.toml", "\nno_such_key = 1\n")
    t.one_clear_line(t.cli("true"), 2, "config.toml:2:1", "no_such_key")


@test
def where_the_time_went(t):
    """plan --timings says how long each step took, and the end of a run's log where its time went"""
    plan = t.succeeded(t.cli("plan", "--timings", "true"))
    t.true(len([line for line in plan.out.splitlines() if line.startswith("time ")]) >= 4, plan)
    t.lacks(t.succeeded(t.cli("plan", "true")).out, "\ntime ", "without the option")
    t.equal(t.cli("plan", "--", "--timings").code, 127, "a command of that name")
    # On a busy machine its beginning is noticed after it: longer than what is asked for.
    finished = t.succeeded(t.sandbox("sleep", "0.5")).of_type("run.finished")[0]["details"]
    t.true(finished["steps_us"]["command"] >= 200_000, finished)


@test
def a_command_by_its_path(t):
    """a command is found by its path, also through a link of the system's: /bin/sh"""
    t.equal(t.succeeded(t.cli("-q", "/bin/sh", "-c", "echo hello")).out, "hello\n")
    t.equal(t.succeeded(t.cli("-q", "/usr/bin/env", "echo", "hello")).out, "hello\n")


@test
def plan_runs_nothing(t):
    """`plan` and --dry-run print the same plan, run nothing and change nothing"""
    before = t.fingerprint(t.home)
    plan = t.succeeded(t.cli("plan", "sh", "-c", "echo ran > made"))
    t.contains(plan.out, str(t.project))
    dry = t.succeeded(t.cli("--dry-run", "sh", "-c", "echo ran > made"))
    t.equal(dry.out, plan.out)
    t.true(not (t.project / "made").exists(), "nothing ran")
    after = t.fingerprint(t.home)
    t.equal({p for p in after if not p.startswith((".local", ".cache"))},
            {p for p in before if not p.startswith((".local", ".cache"))})
    t.lacks(plan.out, SECRET, "no secret in the plan")


@test
def json_summary(t):
    """--json prints the summary as one JSON object on standard error"""
    result = t.succeeded(t.cli("--json", "echo", "out"))
    t.equal(result.out, "out\n")
    summary = json.loads(result.err)
    t.equal(summary["exit_code"], 0)


@test
def quiet(t):
    """-q prints nothing of its own"""
    result = t.succeeded(t.cli("-q", "echo", "out"))
    t.equal((result.out, result.err), ("out\n", ""))


@test
def summary(t):
    """the summary says what was held and where the log is"""
    result = t.succeeded(t.sandbox("sh", "-c", "echo x > made; mkdir .vscode; echo {} > .vscode/tasks.json"))
    t.contains(result.err, "sandbox-run: ")
    t.contains(result.err, ".vscode")
    t.contains(result.err, "log")


@test
def events_to_a_descriptor(t):
    """--events fd:N writes the events to an open descriptor, which the command does not get"""
    words = t.sandbox_command("sh", "-c", "echo >&7", options=["-q", "--events", "fd:7"])
    result = t.bare("bash", "-c", f'"$@" 7>{t.base}/log', "x", *words)
    t.true(result.code != 0, "descriptor 7 is closed inside")
    types = [event["type"] for event in read_events(t.base / "log")]
    t.equal((types[0], types[-1]), ("run.started", "run.finished"))


@test
def events_frame_the_run(t):
    """the log begins with run.started (with the plan's digest) and ends with run.finished"""
    result = t.succeeded(t.sandbox("true"))
    first, last = result.events[0], result.events[-1]
    t.equal((first["type"], last["type"]), ("run.started", "run.finished"))
    t.true(len(first["details"]["plan_sha256"]) == 64, first)
    t.true(last["details"]["exit_code"] == 0, last)
    sequence = [event["seq"] for event in result.events]
    t.equal(sequence, sorted(set(sequence)), "sequence")


@test
def withheld_environment(t):
    """credentials in the environment are withheld; the log has their names, never their values"""
    from harness import CREDENTIAL_VARIABLES

    result = t.succeeded(t.sandbox("env", env=CREDENTIAL_VARIABLES | {"EDITOR": "vi"}))
    for name in CREDENTIAL_VARIABLES:
        t.lacks(result.out, name + "=")
        t.contains(json.dumps(result.of_type("env.withheld")), name)
    t.lacks(result.out + json.dumps(result.events), SECRET)


@test
def allow_environment(t):
    """--allow-env lets one variable through by name"""
    environment = {"MY_TOKEN": "let-through"}
    result = t.sandbox("printenv", "MY_TOKEN", env=environment, options=["--allow-env", "MY_TOKEN"])
    t.equal(t.succeeded(result).out, "let-through\n")
    t.true(t.sandbox("printenv", "MY_TOKEN", env=environment).code != 0, "not without it")


@test
def read_only_path(t):
    """--ro shows a path, and it cannot be changed"""
    extra = t.write(t.base / "extra/file", "shown\n").parent
    script = f"cat {extra}/file; echo x > {extra}/new"
    result = t.sandbox("sh", "-c", script, options=["--ro", extra])
    t.equal(result.out, "shown\n")
    t.contains(result.err, "Read-only file system")
    t.true(t.sandbox("sh", "-c", f"cat {extra}/file").code != 0, "not shown without it")


@test
def read_write_path(t):
    """--rw makes a path a further target"""
    extra = t.write(t.base / "extra/file", "old\n").parent
    result = t.sandbox("sh", "-c", f"echo new > {extra}/file; cat {extra}/file", options=["--rw", extra])
    t.equal(t.succeeded(result).out, "new\n")
    held = extra / "file"
    t.true(held.read_text() == "new\n" or "held" in result.err, result)


@test
def missing_path(t):
    """--ro and --rw of a path that does not exist are exit code 2"""
    for option in ("--ro", "--rw"):
        t.one_clear_line(t.cli(option, t.base / "nothing", "--", "true"), 2, "nothing")


@test
def dangerous_paths(t):
    """--rw of the home or of / is refused"""
    for path in (t.home, "/"):
        t.one_clear_line(t.cli("--rw", path, "--", "true"), 2)


@test
def local_service(t):
    """a service on the host's localhost is reached by an explicit rule alone"""
    server = LocalServer({"/": b"hello from the host"})
    program = f"import urllib.request; print(urllib.request.urlopen('{server.url()}', timeout=5).read())"
    command = ["/usr/bin/python3", "-c", program]
    t.contains(t.succeeded(t.bare(*command)).out, "hello", "control")
    refused = t.sandbox(*command)
    t.true(refused.code != 0, "without a rule")
    result = t.sandbox(*command, options=["--allow-host", f"localhost:{server.port}"])
    t.contains(t.succeeded(result).out, "hello from the host")
    t.true(result.of_type("flow.opened"), "the connection is in the log")


@test
def user_configuration_adds(t):
    """a host allowed in config.toml is allowed"""
    server = LocalServer({"/": b"hello from the host"})
    t.write(t.home / ".config/sandbox-run/config.toml",
            f'allow_hosts = ["localhost:{server.port}"]\n')
    program = f"import urllib.request; print(urllib.request.urlopen('{server.url()}', timeout=5).read())"
    t.contains(t.succeeded(t.sandbox("/usr/bin/python3", "-c", program)).out, "hello")


@test
def strip_rule(t):
    """what a rule strips is thrown away and told, new, changed or removed; the rest is judged as ever"""
    t.write("old.txt", "old\n")
    t.write("src/report.txt", "old\n")
    t.write(t.home / ".config/sandbox-run/config.toml", """
[[profile.generic.rule]]
verdict = "strip"
paths = ["**/.cache/**", "**/report.txt", "old.txt"]
reason = "nobody needs it"
""")
    result = t.succeeded(t.sandbox("sh", "-c", "mkdir -p lib/.cache/deep .cache; echo x > lib/.cache/deep/a; echo x > lib/b;"
                                   "echo x > .cache/c; echo new > src/report.txt; echo x > src/new; rm old.txt",
                                   options=["--profile", "generic"]))
    t.equal(sorted(str(p.relative_to(t.project)) for p in t.project.rglob("*") if p.is_file()),
            ["lib/b", "old.txt", "src/new", "src/report.txt"])
    t.equal((t.project / "src/report.txt").read_text(), "old\n")
    stripped = {e["details"]["path"]: e["details"]["what"] for e in result.of_type("change.stripped")}
    t.equal(sorted(stripped), [".cache", "lib/.cache", "old.txt", "src/report.txt"])
    t.equal(set(stripped.values()), {"all of it, by a rule (nobody needs it)"})
    t.contains(result.said, "4 files or modes left out")
    t.lacks(result.err, "held")


@test
def colours_reach_a_terminal(t):
    """on a terminal the command's colours pass through, and the summary comes after them"""
    command = t.sandbox_command("printf", "\\033[31mred\\033[0m\\n")
    terminal = Terminal(t, *command)
    terminal.expect("\x1b[31mred\x1b[0m")
    terminal.expect("sandbox-run: ")
    t.equal(terminal.wait(), 0)


@test
def errors_fit_the_terminal(t):
    """an error is one line for a program, and on a narrow terminal lines that fit, with nothing lost"""
    words = ["--learn", "--frozen", "true"]
    whole = t.one_clear_line(t.cli(*words), 2, "choose one")
    terminal = Terminal(t, BINARY, *words, columns=50)
    t.equal(terminal.wait(), 2)
    lines = terminal.output.replace("\r", "").splitlines()
    t.true(len(lines) > 1 and max(map(len, lines)) <= 50, lines)
    t.equal(" ".join(" ".join(lines).split()), " ".join(t.cli(*words).err.split()), whole)
