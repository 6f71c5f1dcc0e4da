"""The event log: its schema, its chain of digests, where it is sent, how it is shown and explained."""

import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import BINARY, SECRET, Terminal, read_events, skip, test, wait_until  # noqa: E402

HELD = "echo x > made; mkdir -p .vscode; echo {} > .vscode/tasks.json; true"


def event_schema():
    try:
        import event_schema as module

        return module, module.EventSchema()
    except ImportError:
        skip("python3-jsonschema is not installed")
    except FileNotFoundError as missing:
        skip(f"man/ is not beside tests/: {missing.filename}")


def newest_log(t):
    return max(t.home.glob(".local/state/sandbox-run/runs/*/events.jsonl"))


def run_that_holds(t):
    """A run of the npm profile's rules with a held and a protected change, and a refused name."""
    script = HELD + "; /usr/bin/python3 -c 'import socket; socket.gethostbyname(\"no.example.com\")'"
    t.sandbox("sh", "-c", script + " 2>/dev/null; true", options=["--profile", "npm"])
    return newest_log(t)


# ── schema and manual ──────────────────────────────────────────────────────────────────────────────


@test
def manual_and_schema(t):
    """every type of the schema has a place in the manual, with an example that is valid"""
    module, schema = event_schema()
    text = (module.MANUALS / "sandbox-run-events.5").read_text().split(".Sh EVENTS")[1]
    text = text.split(".Sh ")[0]
    documented, examples = set(), {}
    for section in text.split("\n.Ss ")[1:]:
        names = re.findall(r"[a-z]+\.[a-z_]+", section.split("\n")[0])
        documented.update(names)
        for block in re.findall(r"\.Bd -literal\n(.*?)\n\.Ed", section, re.S):
            decoder, rest = json.JSONDecoder(), block.replace("\\e", "\\")
            while rest.strip():
                event, end = decoder.raw_decode(rest := rest.strip())
                examples.setdefault(event["type"], []).append(event)
                rest = rest[end:]
    t.equal(documented - set(schema.types), set(), "documented, but not in the schema")
    t.equal(set(schema.types) - documented, set(), "in the schema, but not documented")
    t.true(len(examples) >= len(documented) - 1, f"an example each: {documented - set(examples)}")
    frame = {"time": "2024-05-01T12:00:00.000001Z", "run": "r", "seq": 1}
    frame |= {"prev_sha256": "0" * 64, "act_to_record_us": 0}
    for event in (event for events in examples.values() for event in events):
        whole = frame | event
        if "plan_sha256" in event["details"]:  # shortened there
            whole["details"] = event["details"] | {"plan_sha256": "0" * 64}
        t.equal(schema.problem(whole), None, f"example {event}")


@test
def schema_refuses(t):
    """the schema refuses what is not so: the check of every test's log could fail"""
    _, schema = event_schema()
    result = t.succeeded(t.sandbox("true"))
    event = result.events[-1]
    t.equal(schema.problem(event), None)
    for change in ({"seq": 0}, {"severity": "loud"}, {"type": "no.such"}, {"prev_sha256": "x"},
                   {"details": {}}, {"details": event["details"] | {"more": 1}}, {"extra": 1},
                   {"actor": {"kind": "jester"}}, {"severity": "alert"}):
        schema.seen.clear()
        t.true(schema.problem(event | change), change)


# ── chain ──────────────────────────────────────────────────────────────────────────────────────────


def verify(t, log, code, *parts):
    t.forged_logs.add(log)
    result = t.cli("log", "--verify", log)
    t.equal(result.code, code, str(result))
    for part in parts:
        t.contains(result.out, part)


@test
def end_of_a_script(t):
    """a script's end says how long it took, and what it and its children used of time and memory"""
    def finished(name, command):
        script = (f"env npm_lifecycle_event=postinstall npm_package_name={name} npm_package_version=1.0.0 "
                  f"npm_package_json=/nowhere/{name}/package.json sh -c '{command}; :'")
        result = t.succeeded(t.sandbox("sh", "-c", script + "; :", options=["--profile", "npm"]))
        ended, = result.of_type("script.finished")
        t.equal((ended["actor"]["package"], ended["details"]["exit_code"]), (name, 0))
        return ended["details"]

    allocate = 'python3 -c "x = bytearray(200 << 20); del x"'
    large, small = finished("large", f"( /usr/bin/{allocate} )"), finished("small", "/usr/bin/true")
    t.true(200 << 10 <= large["peak_memory_kb"] < 300 << 10, large)
    t.true(0 < small["peak_memory_kb"] < 20 << 10, small)
    busy = finished("busy", '/usr/bin/python3 -c "import time\nwhile time.process_time() < 0.3: pass"')
    t.true(busy["duration_ms"] >= 300 and busy.get("cpu_ms", 300) >= 290, busy)


@test
def chain_of_digests(t):
    """`log --verify` finds what was changed, removed, added or cut off, and where"""
    log = run_that_holds(t)
    whole = log.read_bytes()
    lines = whole.splitlines(keepends=True)
    verify(t, log, 0, "whole")
    log.write_bytes(whole.replace(b"no.example.com", b"xx.example.com"))
    verify(t, log, 1, "CHANGED", "line")
    log.write_bytes(b"".join(lines[:2] + lines[3:]))
    verify(t, log, 1, "line 3", "number 4 follows number 2")
    log.write_bytes(b"".join(lines[:-1]))
    verify(t, log, 1, "the end is missing")
    (log.parent / "events.head").unlink()
    verify(t, log, 3, "run.finished is missing")
    log.write_bytes(b"".join(lines[:-1]) + lines[-1][:30])
    verify(t, log, 3, "torn")
    log.write_bytes(whole)
    verify(t, log, 0, "whole")


@test
def commit_goes_on(t):
    """a later commit and discard go on with the log's numbers and its chain"""
    log = run_that_holds(t)
    before = len(read_events(log))
    t.succeeded(t.cli("commit", log.parent.name, "made"))
    t.succeeded(t.cli("discard", log.parent.name))
    events = read_events(log)
    t.true(len(events) > before, "the log grew")
    t.equal([event["seq"] for event in events], list(range(1, len(events) + 1)))
    verify(t, log, 0, "whole")


@test
def killed_run(t):
    """the log of a run that was killed is not called changed, but has no end"""
    process = t.start(*t.sandbox_command("sh", "-c", "echo up; exec sleep 1000"),
                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    verify(t, newest_log(t), 3, "run.finished is missing")


@test
def log_in_project(t):
    """a log in the project can't be written, replaced or removed by the command"""
    log = t.project / "log.jsonl"
    script = "echo forged > log.jsonl; rm -f log.jsonl; echo forged > log.jsonl; ls"
    t.bare(BINARY, "--events", log, "--", "sh", "-c", script)
    t.lacks(log.read_text(), "forged\n", "the log")
    events = read_events(log)
    t.equal((events[0]["type"], events[-1]["type"]), ("run.started", "run.finished"))


# ── sinks ──────────────────────────────────────────────────────────────────────────────────────────


class Collector:
    """An OTLP/HTTP receiver that keeps the requests, and answers as told."""

    def __init__(self, statuses=()):
        self.requests, self.statuses = [], list(statuses)
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = collector.statuses.pop(0) if collector.statuses else 200
                collector.requests.append((status, self.path, dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def records(self):
        return [record for status, _, _, body in self.requests if status == 200
                for resource in json.loads(body)["resourceLogs"]
                for scope in resource["scopeLogs"] for record in scope["logRecords"]]


def check_any_value(t, value):
    (kind, inner), = value.items()
    kinds = {"stringValue": str, "boolValue": bool, "intValue": str, "doubleValue": float,
             "arrayValue": dict, "kvlistValue": dict}
    t.true(isinstance(inner, kinds[kind]), value)
    if kind == "intValue":
        int(inner)
    if kind == "arrayValue":
        for element in inner["values"]:
            check_any_value(t, element)
    if kind == "kvlistValue":
        check_attributes(t, inner["values"])


def check_attributes(t, attributes):
    keys = [attribute["key"] for attribute in attributes]
    t.equal(len(keys), len(set(keys)), f"keys are unique: {keys}")
    for attribute in attributes:
        t.equal(set(attribute), {"key", "value"})
        check_any_value(t, attribute["value"])


def check_otlp(t, request):
    """ExportLogsServiceRequest in protobuf's JSON: lower camel case, 64-bit numbers as strings."""
    _, path, headers, body = request
    t.equal(path, "/v1/logs")
    t.equal(headers["Content-Type"], "application/json")
    document = json.loads(body)
    t.equal(set(document), {"resourceLogs"})
    for resource in document["resourceLogs"]:
        t.equal(set(resource), {"resource", "scopeLogs"})
        check_attributes(t, resource["resource"]["attributes"])
        for scope in resource["scopeLogs"]:
            t.equal(set(scope), {"scope", "logRecords"})
            t.equal(scope["scope"]["name"], "sandbox-run")
            for record in scope["logRecords"]:
                t.equal(set(record), {"timeUnixNano", "observedTimeUnixNano", "severityNumber",
                                      "severityText", "eventName", "body", "attributes"})
                t.true(re.fullmatch("[0-9]{19}", record["timeUnixNano"]), record)
                t.true(record["observedTimeUnixNano"] >= record["timeUnixNano"], record)
                t.true(record["severityNumber"] in (9, 10, 19), record)
                check_any_value(t, record["body"])
                check_attributes(t, record["attributes"])


@test
def otlp(t):
    """every event gets to an OpenTelemetry collector, as OTLP/HTTP has it in JSON"""
    collector = Collector()
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                   "OTEL_EXPORTER_OTLP_HEADERS": "api-key=to%20the%20collector",
                   "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test"}
    result = t.sandbox("sh", "-c", "env; " + HELD, options=["--events", "otlp", "--profile", "npm"],
                       env=environment)
    t.lacks(result.out, "collector", "the command sees no header")
    t.lacks(result.err, "could not be sent")
    t.true(collector.requests, "something was sent")
    for request in collector.requests:
        check_otlp(t, request)
        t.equal(request[2]["api-key"], "to the collector")
        t.contains(request[3].decode(), "deployment.environment.name")
    names = [record["eventName"] for record in collector.records()]
    t.equal(names, [event["type"] for event in result.events], "every event, in order")


@test
def otlp_busy(t):
    """a collector that is busy at first gets the events later, each once"""
    collector = Collector(statuses=[503])
    command = t.sandbox_command("sh", "-c", "read line", options=["--events", f"otlp:{collector.url}"])
    process = t.start(*command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: len(collector.requests) > 1, "the batch was sent again")
    _, err = process.communicate(b"go\n")
    t.lacks(err.decode(), "could not be sent")
    names = [record["eventName"] for record in collector.records()]
    t.equal(names, [event["type"] for event in read_events(newest_log(t))])


@test
def receivers_that_are_down(t):
    """receivers that are down, refuse or hang change nothing for the command, and are named"""
    hanging = socket.create_server(("127.0.0.1", 0), backlog=0)
    refusing = Collector(statuses=[400] * 99)
    sinks = ["otlp:http://127.0.0.1:1", f"otlp:{refusing.url}", "syslog:/nonexistent/log",
             "syslog:tcp://127.0.0.1:1", f"otlp:http://127.0.0.1:{hanging.getsockname()[1]}"]
    options = [word for sink in sinks for word in ("--events", sink)]
    result = t.sandbox("sh", "-c", "echo out; exit 3", options=options)
    t.equal((result.code, result.out), (3, "out\n"))
    for sink in sinks:
        t.contains(result.said, f"note: {sink}: ", "the summary")
    t.contains(result.err, "they are in the log")
    t.contains(result.err, "answered 400")
    t.equal(result.events[-1]["type"], "run.finished", "the log has it all")
    hanging.close()


@test
def unknown_sinks(t):
    """an unknown place for events is exit code 2 and named, on the command line and in config.toml"""
    t.one_clear_line(t.cli("--events", "sylog", "--", "true"), 2, "sylog", "syslog")
    t.one_clear_line(t.cli("--events", "kafka:broker", "--", "true"), 2, "kafka", "otlp")
    config = t.write(t.home / ".config/sandbox-run/config.toml", '[events]\nsinks = ["jornald"]\n')
    t.one_clear_line(t.cli("true"), 2, "jornald", "journald")
    config.write_text('[events]\nsink = ["syslog"]\n')
    t.one_clear_line(t.cli("true"), 2, "config.toml:2:1", "sinks")


@test
def words_to_stderr(t):
    """--events stderr says what happens in words, from the level on that is asked for"""
    t.write(t.home / ".config/sandbox-run/config.toml", '[events]\nsinks = ["stderr,level=alert"]\n')
    result = t.sandbox("sh", "-c", HELD, options=["--profile", "npm"])
    t.contains(result.err, "alert package manager: added .vscode")
    t.lacks(result.err, " info ")
    t.contains(t.sandbox("true", options=["--events", "stderr"]).err, "info sandbox-run: true started")


@test
def words_to_a_terminal(t):
    """--events stderr on a terminal with `tostop`, which the command has, does not stop the run"""
    command = t.sandbox_command("sh", "-c", "read line; /bin/true; echo done",
                                options=["--events", "stderr,level=info"])
    terminal = Terminal(t, "sh", "-c", 'stty tostop; exec "$@"', "sh", *command, columns=200)
    terminal.expect("ran sh -c")
    terminal.send("go\n")
    terminal.expect("ran /bin/true")
    terminal.expect("ended with exit code 0")
    t.equal(terminal.wait(), 0)


@test
def rsyslog(t):
    """a real rsyslogd gets every event: by its unix socket, UDP and TCP"""
    daemon = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin:/sbin") or skip("no rsyslogd")
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        for one in (tcp, udp):
            one.bind(("127.0.0.1", 0))
        tcp_port, udp_port = tcp.getsockname()[1], udp.getsockname()[1]
    path = t.base / "s"  # short: a unix socket's path has 108 bytes
    template = ("%inputname%\\t%pri%\\t%app-name%\\t%msgid%\\t%structured-data%\\t%msg%\\n")
    configuration = t.write(t.base / "rsyslog.conf", f"""
global(workDirectory="{t.base}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{path}" CreatePath="off" RateLimit.Interval="0")
module(load="imudp")
input(type="imudp" address="127.0.0.1" port="{udp_port}")
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="{tcp_port}")
template(name="all" type="string" string="{template}")
action(type="omfile" file="{t.base}/received" template="all")
""")
    words = [daemon, "-n", "-f", configuration, "-i", t.base / "rsyslog.pid"]
    process = t.start(*words, stderr=open(t.base / "rsyslog.err", "w"))
    wait_until(lambda: path.exists() and (t.base / "rsyslog.pid").exists(), "rsyslogd is up")
    sinks = {"imuxsock": f"syslog:{path}", "imudp": f"syslog:udp://127.0.0.1:{udp_port}",
             "imtcp": f"syslog:tcp://127.0.0.1:{tcp_port}"}
    options = [word for sink in sinks.values() for word in ("--events", sink)]
    result = t.sandbox("sh", "-c", HELD, options=[*options, "--profile", "npm"])
    t.lacks(result.err, "could not be sent")
    received = lambda: (t.base / "received").read_text().splitlines()  # noqa: E731
    wait_until(lambda: (t.base / "received").exists()
               and len(received()) >= 3 * len(result.events), "all messages arrived")
    process.terminate()
    process.wait()
    rows = [line.split("\t", 5) for line in received()]
    for name in sinks:
        of_input = [row for row in rows if row[0] == name]
        t.equal([json.loads(row[5]) for row in of_input], result.events, name)
        for row, event in zip(of_input, result.events):
            severity = {"info": 6, "notice": 5, "alert": 1}[event["severity"]]
            t.equal(row[1:3], [str(8 + severity), "sandbox-run"], name)
            if name != "imuxsock":  # RFC 5424; on a unix socket rsyslog reads what syslog(3) writes
                t.equal(row[3], event["type"])
                t.contains(row[4], f'[sandbox-run@32473 run="{event["run"]}" seq="{event["seq"]}"')


@test
def journal(t):
    """--events journald speaks the journal's native protocol"""
    path = t.base / "j"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        result = t.sandbox("true", options=["--events", f"journald:{path}"])
        entries = [dict(line.split("=", 1) for line in server.recv(200000).decode().splitlines())
                   for _ in result.events]
    t.equal([json.loads(entry["SANDBOX_RUN_EVENT"]) for entry in entries], result.events)
    t.equal(entries[0]["SYSLOG_IDENTIFIER"], "sandbox-run")
    t.contains(entries[0]["MESSAGE"], "true started in")


@test
def nothing_left(t):
    """a sender's process ends with the run, also if sandbox-run is killed"""
    process = t.start(*t.sandbox_command("sh", "-c", "echo up; exec sleep 1000",
                                         options=["--events", "syslog:/nonexistent/log"]),
                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    senders = lambda: [pid for pid in filter(str.isdigit, os.listdir("/proc"))  # noqa: E731
                       if is_sender(pid, t.home)]
    t.equal(len(senders()), 1, "a sender")
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not senders(), "the sender has ended")


def is_sender(pid, home):
    try:
        with open(f"/proc/{pid}/comm") as comm, open(f"/proc/{pid}/environ", "rb") as environ:
            return comm.read() == "events-sender\n" and f"HOME={home}".encode() in environ.read()
    except OSError:
        return False


# ── log and explain ────────────────────────────────────────────────────────────────────────────────


@test
def log_tree(t):
    """`log` shows alerts first, then who did what; --alerts, --actor and --json narrow it"""
    log = run_that_holds(t)
    shown = t.succeeded(t.cli("log")).out
    t.true(shown.startswith("ALERTS\n") and ".vscode" in shown.splitlines()[1], shown)
    t.contains(shown, "started in")
    t.contains(shown, "looked up no.example.com")
    alerts = t.succeeded(t.cli("log", "--alerts")).out
    t.lacks(alerts, "looked up")
    lines = t.succeeded(t.cli("log", "--json")).out.splitlines()
    t.equal([json.loads(line) for line in lines], read_events(log))
    only = t.succeeded(t.cli("log", "--json", "--actor", "nobody-at-all")).out
    t.equal(only, "")
    t.one_clear_line(t.cli("log", "no-such-run"), 2, "no-such-run")
    t.one_clear_line(t.cli("log", "--no-such"), 2, "--no-such")
    t.lacks(shown, SECRET)


@test
def log_colours(t):
    """`log` has colours on a terminal, and none with NO_COLOR or in a pipe"""
    run_that_holds(t)
    t.lacks(t.cli("log").out, "\x1b[")
    for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        terminal = Terminal(t, BINARY, "log", env=env)
        terminal.wait()
        t.equal("\x1b[1;31m" in terminal.output, coloured, str(env))


@test
def log_follow(t):
    """`log --follow` shows the events of a run as they come, and ends with it"""
    process = t.start(*t.sandbox_command("sh", "-c", "echo up; read line; /bin/true; exit 0"),
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    terminal = Terminal(t, BINARY, "log", "--follow", env={"NO_COLOR": "1"}, columns=200)
    terminal.expect("ran sh -c")
    t.lacks(terminal.output, "ran /bin/true")
    process.communicate(b"go\n")
    terminal.expect("ran /bin/true")
    terminal.expect("ended with exit code 0")
    t.equal(terminal.wait(), 0)


@test
def log_follow_killed(t):
    """`log --follow` ends when the run was killed"""
    process = t.start(*t.sandbox_command("sh", "-c", "echo up; exec sleep 1000"),
                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    follower = t.start(BINARY, "log", "-f", stdout=subprocess.PIPE)
    follower.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    t.equal(follower.wait(timeout=20), 0)


@test
def hostile_log(t):
    """no byte of a forged log reaches the terminal as a control character"""
    hostile = "\x1b]0;title\x07\x1b[2J\r\n\u202e\u009b\x00"
    event = {"time": hostile, "run": hostile, "seq": 1, "prev_sha256": hostile, "type": "a.b" + hostile,
             "severity": "alert", "actor": {"kind": "script", "package": hostile},
             "process": {"argv": [hostile]}, "details": {hostile: hostile, "reason": hostile}}
    for kind in ("a.b", "name.lookup", "change.held", "run.started", "process.exec"):
        log = t.write(t.base / "forged/log", json.dumps(event | {"type": kind}) + "\n")
        for words in (["log"], ["log", "--json"], ["log", "--verify"], ["explain"], ["log", "--alerts"]):
            result = t.bare(BINARY, *words, log, *(["last"] if words == ["explain"] else []))
            for character in "\x1b\x07\r\u202e\u009b\x00" if "--json" not in words else "\x1b\x07\r\x00":
                t.lacks(result.out + result.err, character, f"{words} {kind}")


@test
def explain_and_allow(t):
    """`explain` prints lines that allow just that: pasted into config.toml, it is allowed"""
    log = run_that_holds(t)
    events = read_events(log)
    held = next(e for e in events if e["type"] == "change.held" and e["details"]["path"] == "made")
    text = t.succeeded(t.cli("explain", held["seq"])).out
    for part in ("Rule", "Layer", "To allow it once", "config.toml", "Why you might not want to"):
        t.contains(text, part)
    lines = text.split("config.toml\n")[1].split("\n\n")[0]
    denied = next(e for e in events if e["type"] == "name.lookup")
    lookup = t.succeeded(t.cli("explain", log.parent.name, denied["seq"])).out
    t.contains(lookup, 'host = "no.example.com"')
    lines += "\n" + lookup.split("config.toml\n")[1].split("\n\n")[0]
    t.write(t.home / ".config/sandbox-run/config.toml", re.sub("(?m)^  ", "", lines) + "\n")
    (t.project / "made").unlink(missing_ok=True)
    again = run_that_holds(t)
    t.true((t.project / "made").exists(), "the change is expected now")
    verdicts = {e["details"]["verdict"] for e in read_events(again) if e["type"] == "name.lookup"}
    t.equal(verdicts - {"failed"}, {"allowed"}, "the name, which does not exist")
    t.true(not (t.project / ".vscode").exists(), "and nothing else")


@test
def explain_last(t):
    """`explain` explains the last event out of the ordinary; without one it says so"""
    t.sandbox("true")
    t.one_clear_line(t.cli("explain"), 2, "nothing was refused")
    run_that_holds(t)
    t.contains(t.succeeded(t.cli("explain", "last")).out, "Layer")
    t.one_clear_line(t.cli("explain", "99999"), 2, "99999")
    t.one_clear_line(t.cli("explain", "no-number"), 2, "no-number")


@test
def explain_the_gravest(t):
    """`explain` alone explains the gravest event, and says first how to be rid of the package"""
    t.write("node_modules/evil/package.json", "{}")
    act = "cat ~/.aws/credentials > /dev/null; echo x > ../../.envrc"
    script = (f"(cd node_modules/evil && npm_package_name=evil npm_package_version=1.0.0 npm_lifecycle_event=postinstall "
              f"npm_package_json=$PWD/package.json sh -c '{act}'); python3 -c "
              f"'import socket\ntry: socket.getaddrinfo(\"drop.example.com\", 443)\nexcept OSError: pass'")
    result = t.sandbox("sh", "-c", script, options=["--profile", "npm"])
    t.equal([event["type"] for event in result.of_type("decoy.opened", "change.protected")],
            ["decoy.opened", "change.protected"], result)
    t.contains(result.said.splitlines()[1], "opened the decoy ~/.aws/credentials: sandbox-run explain")
    out = t.succeeded(t.cli("explain")).out
    t.contains(out.splitlines()[0], "opened the decoy")
    t.true(out.index("What to do first") < out.index("Rule"), out)
    t.contains(out, "sandbox-run npm uninstall evil")
    last = t.succeeded(t.cli("explain", "last")).out
    t.true(last != out, last)


@test
def a_refusal_is_said_at_once(t):
    """A refusal is said on the terminal while the command still waits, not with -q, and not if it ended at once"""
    waiting = ("python3", "-c", "import socket, time\ntry: socket.getaddrinfo('drop.example.com', 443)\n"
               "except OSError: pass\ntime.sleep(float(__import__('sys').argv[1])); print('waited', flush=True)")
    line = "blocked: drop.example.com, for the project's own command; the command may keep trying"
    process = t.start(*t.sandbox_command(*waiting, "30"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        t.contains(process.stderr.readline().decode(), line, "while it waits")
    finally:
        process.terminate()
        process.communicate()
    t.lacks(t.sandbox(*waiting, "2", options=["-q"]).err, "keep trying", "with -q")
    t.lacks(t.sandbox(*waiting, "0").err, "keep trying", "a command that ends at once")
