"""What the integration and adversarial tests stand on: a scratch home with fake credentials, runs of
a command with and without sandbox-run, and the events of a run.

A test is a function with the decorator @test; its docstring is its name, a sentence about behaviour.
It gets a Context. It fails by an exception, is skipped by skip("why"). runner.py runs them, each in a
process of its own.
"""

import dataclasses
import fcntl
import inspect
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

import compare_trees

TESTS = []
TESTS_DIRECTORY = pathlib.Path(__file__).resolve().parent.parent
BINARY = os.environ.get("SANDBOX_RUN") or str(
    TESTS_DIRECTORY.parent / "build/src/cli/sandbox-run"
)
IS_ROOT = os.geteuid() == 0

# What a person's shell has and a package manager needs to reach the network; no more comes along.
PASSED_VARIABLES = """PATH LANG LANGUAGE LC_ALL SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS
    CURL_CA_BUNDLE REQUESTS_CA_BUNDLE PIP_CERT HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy
    https_proxy no_proxy all_proxy npm_config_registry PYENV_ROOT ASAN_OPTIONS""".split()

# Each fake secret holds this, so that one search of any output finds a leak.
SECRET = "sekrit-3fa1c0de"

CREDENTIAL_FILES = {
    ".aws/credentials": "[default]\naws_secret_access_key = {secret}\n",
    ".ssh/id_ed25519": "-----BEGIN OPENSSH PRIVATE KEY-----\n{secret}\n",
    ".ssh/authorized_keys": "ssh-ed25519 AAAA owner\n",
    ".npmrc": "//registry.example.com/:_authToken={secret}\n",
    ".netrc": "machine example.com login me password {secret}\n",
    ".git-credentials": "https://me:{secret}@example.com\n",
    ".docker/config.json": '{{"auths": {{"example.com": {{"auth": "{secret}"}}}}}}\n',
    ".kube/config": "token: {secret}\n",
    ".bash_history": "export TOKEN={secret}\n",
    ".bashrc": "# the owner's\n",
    ".config/gh/hosts.yml": "oauth_token: {secret}\n",
    ".gnupg/private.key": "{secret}\n",
    ".pypirc": "[pypi]\npassword = {secret}\n",
    "neighbour/.env": "API_KEY={secret}\n",
}
CREDENTIAL_VARIABLES = {
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_ACCESS_KEY_ID": "AKIA" + SECRET,
    "GITHUB_TOKEN": SECRET,
    "NPM_TOKEN": SECRET,
    "MY_COMPANY_PASSPHRASE": SECRET,
    "DATABASE_URL": f"postgres://me:{SECRET}@db.example.com/x",
}

ACCEPTING_PROFILE = """\
description = "for tests: every change is expected"
[[target]]
kind = "project"
[[target.rule]]
verdict = "commit"
paths = ["**"]
"""

INSTALL_PROFILE = """\
description = "for tests: as an install, but no package manager has to be asked first"
[[target]]
kind = "project"
[[target.rule]]
use = "protected"
[[target.rule]]
verdict = "commit"
paths = ["node_modules/**"]
"""


class Skip(Exception):
    pass


class NotApplicable(Exception):
    """What the test is about does not exist on this host: nothing to test, and no skip."""


def skip(reason):
    raise Skip(reason)


def require(condition, reason):
    if not condition:
        raise Skip(reason)


def require_root(what):
    """For what only root can set up: the same suite runs as root too, so nothing is left out."""
    if os.geteuid() != 0:
        raise NotApplicable(f"only root can {what}: tested there")


@dataclasses.dataclass
class Test:
    name: str
    function: object
    time_limit: int
    own_facts: dict
    one_by_day: bool = False

    @property
    def facts(self):
        """With what the tests of its file have in common: the dictionary FACTS of that file."""
        return {**self.function.__globals__.get("FACTS", {}), **self.own_facts}


def test(function=None, *, time_limit=90, one_by_day=False, **facts):
    """Registers a test. `time_limit` in seconds: after it the test is killed and has failed. `one_by_day`:
    of those that one function makes (slow ones, which differ in the manager or in one detail) root runs
    the first by day, and all at night. `facts` of an attack, for the public list: see attack_list.py."""

    def register(inner):
        TESTS.append(Test(inspect.getdoc(inner).split("\n")[0], inner, time_limit, facts, one_by_day))
        return inner

    return register(function) if function else register


@dataclasses.dataclass
class Result:
    """How a command ended. `code` as a shell gives it: 128+n for a signal."""

    code: int
    out: str
    err: str
    events: list = dataclasses.field(default_factory=list)

    @property
    def said(self):
        """Standard error without the line breaks that only the summary's width asks for."""
        return self.err.replace(" \\\n    ", " ").replace("\n    ", " ")

    def of_type(self, *types):
        return [event for event in self.events if event["type"] in types]

    def __str__(self):
        return f"exit code {self.code}\nstdout: {self.out[-2000:]}\nstderr: {self.err[-3000:]}"


def shell_code(returncode):
    return 128 - returncode if returncode < 0 else returncode


def mentions(event, text):
    return text in json.dumps(event)


class Context:
    def __init__(self, base):
        self.base = pathlib.Path(base)
        self.home = self.base / "home"
        self.project = self.home / "project"
        self.project.mkdir(parents=True)
        self.base.chmod(0o755)
        for name, text in CREDENTIAL_FILES.items():
            self.write(self.home / name, text.format(secret=SECRET))
        self.env = {k: os.environ[k] for k in PASSED_VARIABLES if k in os.environ}
        self.env.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin")
        self.env |= {"HOME": str(self.home), "TERM": "dumb", "USER": "someone"}
        self.env |= {"npm_config_update_notifier": "false", "npm_config_fund": "false"}
        self.env |= {"npm_config_audit": "false", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        self.runs = 0
        self.forged_logs = set()  # logs that a test damaged on purpose

    # ── files ──────────────────────────────────────────────────────────────────────────────────

    def write(self, path, text, mode=None):
        """Writes a file (relative: in the project), with its directories."""
        path = self.project / path
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text)
        if mode is not None:
            path.chmod(mode)
        return path

    def attack_program(self, name):
        """Compiles adversarial/attacks/NAME.c (once a run of the tests); returns a copy's path in
        the project."""
        shutil.copy2(self.compiled(f"adversarial/attacks/{name}.c"), self.project / name)
        return str(self.project / name)

    def compiled(self, source, *more_options):
        """The program of a C file (relative to tests/), compiled once a run of the tests."""
        source = TESTS_DIRECTORY / source
        program = pathlib.Path(os.environ.get("SRT_PROGRAMS", self.base)) / source.stem
        if not program.exists():
            compiler = shutil.which("cc") or shutil.which("gcc") or skip("no C compiler")
            unfinished = self.base / f"{source.stem}.new"
            options = ["-O1", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wno-unused-result",
                       *more_options]
            subprocess.run([compiler, *options, "-o", unfinished, source], check=True)
            os.replace(unfinished, program)
        return program

    def accepting_profile(self):
        """A profile that commits every change of a command that succeeds, whatever it is."""
        return self.write(self.base / "accepting.toml", ACCEPTING_PROFILE)

    def install_profile(self):
        """A profile that commits node_modules, holds all else, and protects what is protected."""
        return self.write(self.base / "install.toml", INSTALL_PROFILE)

    def fingerprint(self, root=None):
        return compare_trees.fingerprint(root or self.project)

    # ── running ────────────────────────────────────────────────────────────────────────────────

    def environment(self, extra=None):
        merged = {**self.env, **(extra or {})}
        return {name: str(value) for name, value in merged.items() if value is not None}

    def bare(self, *command, env=None, cwd=None, stdin=None, timeout=80, **more):
        """Runs without the sandbox. `stdin` is text; None: /dev/null. env None-values unset."""
        try:
            done = subprocess.run(
                [str(word) for word in command],
                env=self.environment(env),
                cwd=cwd or self.project,
                input=stdin.encode() if stdin is not None else None,
                stdin=subprocess.DEVNULL if stdin is None else None,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=timeout,
                **more,
            )
        except subprocess.TimeoutExpired as hung:
            output = (hung.stdout or b"") + (hung.stderr or b"")
            raise AssertionError(f"{command} still ran after {timeout} s: {output[-2000:]!r}")
        decode = lambda text: text.decode(errors="replace")  # noqa: E731
        return Result(shell_code(done.returncode), decode(done.stdout), decode(done.stderr))

    def in_own_mounts(self, script, *words, env=None):
        """Runs a shell script with mounts of its own, as root of a user namespace (real root: as it
        is); the rest are its arguments."""
        kind = ["-m"] if IS_ROOT else ["-Urm"]
        probe = self.bare("unshare", *kind, "true")
        require(probe.code == 0, f"unshare {kind[0]} does not work here: {probe.err}")
        return self.bare("unshare", *kind, "sh", "-e", "-c", script, "x", *words, env=env)

    def certificate(self, subject):
        """A certificate for `subject` ("IP:…", "DNS:…") that is its own authority, and its key: two
        paths outside the project."""
        name = subject.replace(":", "-")
        paths = self.base / f"{name}.crt", self.base / f"{name}.key"
        self.succeeded(self.bare(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", f"/CN={subject.partition(':')[2]}", "-addext", f"subjectAltName={subject}",
            "-out", paths[0], "-keyout", paths[1]))
        return paths

    def sandbox_command(self, *command, options=()):
        return [BINARY, *map(str, options), *(["--"] if command else []), *map(str, command)]

    def sandbox(self, *command, options=(), **more):
        """Runs `sandbox-run OPTIONS -- COMMAND`, and reads the events of the run."""
        self.runs += 1
        log = self.base / f"events-{self.runs}.jsonl"
        result = self.bare(
            *self.sandbox_command(*command, options=["--events", log, *options]), **more
        )
        result.events = read_events(log)
        return result

    def cli(self, *arguments, **more):
        """Runs sandbox-run with just these arguments."""
        return self.bare(BINARY, *arguments, **more)

    def start(self, *command, env=None, cwd=None, **more):
        """Starts a command in a session of its own and returns the Popen."""
        return subprocess.Popen(
            [str(word) for word in command],
            env=self.environment(env),
            cwd=cwd or self.project,
            start_new_session=True,
            **more,
        )

    def log_problem(self):
        """What is wrong with the logs of all runs of this test (event_schema.py); None."""
        try:
            import event_schema

            schema = event_schema.EventSchema()
        except (ImportError, FileNotFoundError):
            return None  # events_test.py tells: python3-jsonschema, or man/ beside tests/
        for path in self.logs():
            if path not in self.forged_logs:
                problem = event_schema.log_problem(path, schema)
                if problem:
                    return problem
        return None

    def logs(self):
        """Of all runs of this test."""
        kept = self.home.glob(".local/state/sandbox-run/runs/*/events.jsonl")
        return [*kept, *self.base.glob("events-*.jsonl")]

    def unseen_events(self, test):
        """What is wrong with the events by which the test says that its attack shows; None."""
        wanted = set(test.facts.get("event", "none").split()) - {"none"}
        if not wanted:
            return None
        text = "".join(path.read_text(errors="replace") for path in self.logs())
        logged = set(re.findall('"type":"([a-z_]+[.][a-z_]+)"', text))
        for names in wanted:
            if not logged & set(names.split("|")):
                return f"the list of attacks says that it shows by {names}; the logs have {sorted(logged)}"
        return None

    # ── saying what was expected ───────────────────────────────────────────────────────────────

    @staticmethod
    def equal(actual, expected, about=""):
        if actual != expected:
            raise AssertionError(f"{about}: expected {expected!r}, got {actual!r}")

    @staticmethod
    def true(condition, about):
        if not condition:
            raise AssertionError(str(about))

    @staticmethod
    def contains(text, part, about=""):
        if part not in text:
            raise AssertionError(f"{about}: no {part!r} in {text[-3000:]!r}")

    @staticmethod
    def lacks(text, part, about=""):
        if part in text:
            raise AssertionError(f"{about}: {part!r} is in {text[-3000:]!r}")

    def succeeded(self, result, about=""):
        if result.code != 0:
            raise AssertionError(f"{about}: {result}")
        return result

    def one_clear_line(self, result, code, *parts):
        """sandbox-run said in one line of its own what is wrong (the cure may follow), and ended
        with `code`."""
        self.equal(result.code, code, f"exit code ({result})")
        lines = [line for line in result.err.splitlines() if line.startswith("sandbox-run: ")]
        if not lines or len(lines) > 2:
            raise AssertionError(f"not one clear line: {result.err!r}")
        for part in parts:
            self.true(
                part.lower() in "\n".join(lines).lower(), f"the message lacks {part!r}: {lines}"
            )


def read_events(path):
    """The events of a JSON Lines file; a line that is not JSON is an error."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def wait_until(condition, about, seconds=20):
    """Polls a condition that no event announces (another process' state)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"did not happen within {seconds} s: {about}")


def processes_matching(marker):
    """Host pids whose command line holds `marker`, zombies and ourselves not counted."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                if marker.encode() in file.read():
                    found.append(int(entry))
        except OSError:
            continue
    return found


class Terminal:
    """A pseudo-terminal with a program on it: send() types, expect() waits for output."""

    def __init__(self, context, *command, env=None, rows=24, columns=80):
        self.output = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(context.project)
            words = [str(word) for word in command]
            os.execvpe(words[0], words, context.environment({"TERM": "xterm", **(env or {})}))
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        os.write(self.fd, text.encode())

    def read_some(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # EIO: the last process on the terminal is gone
            return False
        self.output += data.decode(errors="replace")
        return bool(data)

    def expect(self, text, seconds=20):
        """Waits until `text` has come; returns what came before it and drops it all."""
        deadline = time.monotonic() + seconds
        while text not in self.output:
            left = deadline - time.monotonic()
            if left <= 0 or not self.read_some(left):
                raise AssertionError(f"no {text!r} on the terminal, only {self.output[-2000:]!r}")
        before, self.output = self.output.split(text, 1)
        return before

    def wait(self):
        """Exit code of the program, when it ends."""
        while self.read_some(20):
            pass
        return shell_code(os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]))

    def close(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.fd)


if __name__ == "__main__":
    sys.exit("harness.py is imported by the tests; run them with runner.py")
