"""Credentials on disk, in the environment, in other processes, behind inherited descriptors."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import (  # noqa: E402
    CREDENTIAL_FILES,
    CREDENTIAL_VARIABLES,
    SECRET,
    test,
)

FACTS = {"stops": "mounts", "event": "none"}

PYTHON = "/usr/bin/python3"


@test(rows="A001 A002 A003 A004 A005 A006 A007 A008 A010 A014")
def files_in_the_home(t):
    """no credential file of the home can be read"""
    script = 'for f in "$@"; do cat "$HOME/$f" || echo "failed: $f" >&2; done'
    control = t.bare("sh", "-c", script, "x", *CREDENTIAL_FILES)
    t.true(control.out.count(SECRET) > 8, "control")
    t.lacks(t.sandbox("sh", "-c", script, "x", *CREDENTIAL_FILES).out, SECRET)
    result = t.sandbox("sh", "-c", script, "x", *CREDENTIAL_FILES, options=["--decoys=off"])
    t.lacks(result.out, SECRET)
    for name in CREDENTIAL_FILES:
        t.contains(result.err, f"{t.home}/{name}: No such file", name)


# Of browsers, wallets, clouds, AI tools, other managers: nobody has them all, so neither has every test's home.
FURTHER_FILES = """.mozilla/firefox/x.default/logins.json .config/google-chrome/Default/Login-Data .electrum/wallets/default
    .ethereum/keystore/key .config/gcloud/application_default_credentials.json .azure/msal_token_cache.json
    .terraform.d/credentials.tfrc.json .vault-token .claude/.credentials.json .codex/auth.json .gemini/oauth_creds.json
    .config/github-copilot/hosts.json .cargo/credentials.toml .gem/credentials .m2/settings.xml .password-store/key.gpg
    .psql_history .node_repl_history .python_history""".split()


@test(rows="A007 A008 A009 A010 A011 A012")
def files_of_further_tools(t):
    """no file of browsers, wallets, clouds, AI tools and other package managers can be read"""
    for name in FURTHER_FILES:
        t.write(t.home / name, f"token: {SECRET}\n")
    show = 'for f; do cat "$HOME/$f"; done; true'
    bare = t.bare("sh", "-c", show, "x", *FURTHER_FILES)
    t.equal(bare.out.count(SECRET), len(FURTHER_FILES), "control")
    result = t.succeeded(t.sandbox("sh", "-c", show, "x", *FURTHER_FILES))
    t.lacks(result.out, SECRET)


@test(rows="A023", stops="environment, mounts")
def files_of_a_workflow(t):
    """files by which a CI job's steps speak to each other ($GITHUB_ENV) are neither read nor written"""
    path = t.home / "actions-runner/_work/_temp/_runner_file_commands/set_env_1"
    script = f'for f in "$GITHUB_ENV" {path}; do cat "$f"; echo LD_PRELOAD=planted >> "$f"; done; true'
    for run, reached in ((t.bare, True), (t.sandbox, False)):
        t.write(path, f"TOKEN={SECRET}\n")
        result = run("sh", "-c", script, env={"GITHUB_ENV": path})
        t.equal(SECRET in result.out, reached, result)
        t.equal("planted" in path.read_text(), reached, result)


LAYERS = """
import json, os, re, sys
layers, entered = [], []
for line in open("/proc/self/mountinfo"):
    layers += [path for text in re.findall("(?:lowerdir|upperdir|workdir)[+]?=([^, ]*)", line) for path in text.split(":")]
for path in layers:
    for root in ("", "/proc/1/root", "/proc/self/cwd/"):
        try:
            entered.append((root + path, os.listdir(root + path)))
        except OSError:
            pass
print(json.dumps([layers, entered]))
"""


@test(rows="A019")
def directories_of_the_overlay(t):
    """the directories of which the project's overlay is made can't be entered by their paths in mountinfo"""
    layers, entered = json.loads(t.succeeded(t.sandbox(PYTHON, "-c", LAYERS)).out)
    t.true(layers, "control: there is an overlay")
    t.equal(entered, [], layers)


@test(rows="A004", stops="copies")
def registry_token(t):
    """a copy of ~/.npmrc that npm gets is without the token"""
    t.write(t.home / ".npmrc", f"//registry.example.com/:_authToken={SECRET}\nfund=false\n"
            f"registry=https://me:{SECRET}@registry.example.com/\n")
    t.contains(t.bare("cat", t.home / ".npmrc").out, SECRET, "control")
    result = t.sandbox("sh", "-c", "cat ~/.npmrc; true", options=["--profile", "npm"])
    t.lacks(t.succeeded(result).out, SECRET)


@test(rows="A013 A018 A025")
def search_everywhere(t):
    """no file that can be reached holds a secret of the home, nor of a neighbour's project"""
    script = f"grep -rIls --exclude-dir=proc --exclude-dir=sys --exclude-dir=usr {SECRET} / || true"
    control = t.bare("grep", "-rIls", SECRET, t.home)
    t.true(len(control.out.splitlines()) > 8, "control")
    result = t.sandbox("sh", "-c", script, timeout=80)
    t.equal(t.succeeded(result).out, "")


@test(rows="A013")
def home_listing(t):
    """the home shows nothing but the project and decoys"""
    t.true(".ssh" in os.listdir(t.home), "control")
    decoys = {".ssh", ".aws", ".netrc", ".git-credentials", ".docker", ".kube", ".env"}
    shown = set(t.succeeded(t.sandbox("ls", "-A", t.home)).out.split())
    t.true(decoys <= shown, shown)
    shown = set(t.succeeded(t.sandbox("ls", "-A", t.home, options=["--decoys=off"])).out.split())
    t.equal(shown - {"project", ".cache", ".config", ".local"}, set())


@test(rows="A030 A031 A032", stops="environment", event="env.withheld")
def environment(t):
    """tokens and passwords in the environment do not enter, whatever they are called"""
    t.contains(t.bare("env", env=CREDENTIAL_VARIABLES).out, SECRET, "control")
    result = t.succeeded(t.sandbox("env", env=CREDENTIAL_VARIABLES))
    t.lacks(result.out, SECRET)
    withheld = {event["details"]["name"] for event in result.of_type("env.withheld")}
    t.true(set(CREDENTIAL_VARIABLES) <= withheld, f"logged by name: {withheld}")


@test(rows="A151 A153 A154 A155 A156", stops="environment")
def session_variables(t):
    """addresses of agents and of the desktop session do not enter"""
    names = ["SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
             "GPG_AGENT_INFO", "DOCKER_HOST", "GITHUB_ENV", "GITHUB_OUTPUT", "LD_PRELOAD", "VSCODE_IPC_HOOK"]
    environment = {name: "/some/where" for name in names}
    environment["LD_PRELOAD"] = ""
    t.contains(t.bare("env", env=environment).out, "SSH_AUTH_SOCK=", "control")
    result = t.succeeded(t.sandbox("env", env=environment))
    for name in names:
        t.lacks(result.out, name + "=")


@test(rows="A033", stops="namespaces")
def environment_of_other_processes(t):
    """/proc/PID/environ of init, of sandbox-run and of the host's processes gives nothing"""
    script = "cat /proc/[0-9]*/environ /proc/[0-9]*/task/*/environ 2>/dev/null | tr '\\0' '\\n'; true"
    t.contains(t.bare("sh", "-c", script, env=CREDENTIAL_VARIABLES).out, SECRET, "control")
    result = t.succeeded(t.sandbox("sh", "-c", script, env=CREDENTIAL_VARIABLES))
    t.contains(result.out, "HOME=", "it did read something")
    t.lacks(result.out, SECRET)


@test(rows="A034", stops="namespaces")
def arguments_of_other_processes(t):
    """command lines of the host's processes cannot be seen"""
    held = t.start("sh", "-c", "read x", f"--token={SECRET}", stdin=subprocess.PIPE)
    seen = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
    t.contains(t.bare("sh", "-c", seen).out, SECRET, "control")
    result = t.succeeded(t.sandbox("sh", "-c", seen))
    t.contains(result.out, "/proc/", "it did read something")
    t.lacks(result.out, SECRET)
    held.kill()


@test(rows="A015", stops="namespaces, mounts")
def root_and_cwd_of_init(t):
    """no process' root, working directory or descriptors in /proc lead outside"""
    script = f"for l in root cwd; do for p in /proc/[0-9]*; do cat $p/$l{t.home}/.bash_history; done; done; true"
    t.contains(t.bare("sh", "-c", script).out, SECRET, "control")
    result = t.sandbox("sh", "-c", script)
    t.lacks(result.out, SECRET)


@test(rows="A016")
def relative_way_out(t):
    """.. from the working directory does not lead to the real home"""
    script = "cat ../.bash_history ../../../../../../../../../.." + str(t.home) + "/.bash_history"
    t.contains(t.bare("sh", "-c", script).out, SECRET, "control")
    result = t.sandbox("sh", "-c", script)
    t.lacks(result.out, SECRET)
    t.contains(result.err, "No such file")


@test(rows="A017")
def link_in_the_project(t):
    """a symbolic link in the project to a credential leads nowhere"""
    (t.project / "link").symlink_to(t.home / ".bash_history")
    t.contains(t.bare("cat", "link").out, SECRET, "control")
    result = t.sandbox("cat", "link")
    t.contains(result.err, "No such file")
    t.equal(result.out, "")


@test(rows="A050 A051", stops="descriptors")
def inherited_file(t):
    """a file and a directory that the caller had open are closed"""
    script = "cat <&7; cat /proc/self/fd/8/.aws/credentials"
    wrap = f'exec 7<{t.home}/.netrc 8<{t.home}; exec "$@"'
    control = t.bare("bash", "-c", wrap, "x", "bash", "-c", script)
    t.equal(control.out.count(SECRET), 2, f"control: {control}")
    words = t.sandbox_command("bash", "-c", script, options=["-q"])
    result = t.bare("bash", "-c", wrap, "x", *words)
    t.equal(result.out, "")
    t.contains(result.err, "Bad file descriptor")


REOPEN = """
import os, sys
def attempt(act):
    try:
        act()
    except OSError as error:
        sys.stderr.write(f"blocked: {error.strerror}\\n")
attempt(lambda: sys.stderr.write(open("/proc/self/fd/1").read()) if os.path.isfile("/proc/self/fd/1") else None)
if len(sys.argv) > 1:
    attempt(lambda: open("/proc/self/fd/1", "w").close() if os.path.isfile("/proc/self/fd/1") else None)
    attempt(lambda: os.ftruncate(1, 0))
print("done")
"""


@test(rows="A053 A054", stops="descriptors")
def log_behind_standard_output(t):
    """the file behind standard output cannot be read, truncated or rewritten through /proc"""
    log = t.base / "build.log"
    redirect = f'exec "$@" >> {log}'
    log.write_text(f"earlier {SECRET}\n")
    control = t.bare("sh", "-c", redirect, "x", PYTHON, "-c", REOPEN)
    t.contains(control.err, SECRET, "control")
    log.write_text(f"earlier {SECRET}\n")
    t.bare("sh", "-c", redirect, "x", PYTHON, "-c", REOPEN, "write")
    t.lacks(log.read_text(), "earlier", "control")
    log.write_text(f"earlier {SECRET}\n")
    words = t.sandbox_command(PYTHON, "-c", REOPEN, "write", options=["-q"])
    result = t.bare("sh", "-c", redirect, "x", *words)
    t.lacks(result.err, SECRET)
    t.equal(log.read_text(), f"earlier {SECRET}\ndone\n")


@test(stops="descriptors")
def standard_input_file(t):
    """the file behind standard input cannot be written through /proc"""
    source = t.base / "input"
    source.write_text("input\n")
    source.chmod(0o600)
    attack = "echo attack > /proc/self/fd/0; cat"
    t.bare("sh", "-c", f"exec sh -c 'echo control > /proc/self/fd/0' < {source}")
    t.equal(source.read_text(), "control\n", "control")
    source.write_text("input\n")
    words = t.sandbox_command("sh", "-c", attack, options=["-q"])
    t.bare("sh", "-c", f'exec "$@" < {source}', "x", *words)
    t.equal(source.read_text(), "input\n")


@test(rows="A020 A022")
def shadow_and_host_keys(t):
    """/etc/shadow, host keys and other files for root alone are not there"""
    result = t.sandbox("sh", "-c", "cat /etc/shadow /etc/gshadow /etc/sudoers /etc/ssh/ssh_host_*_key; ls /etc/ssl/private")
    t.equal(result.out, "")
    t.true(result.code != 0, result)


@test(rows="A022 A024")
def other_homes(t):
    """/root, /home, /var, /srv and /mnt show nothing of the host's"""
    script = "ls -A /root /home /srv /mnt /media /var/lib /var/log /var/spool /var/crash /var/backups 2>/dev/null | grep -v : | grep . || true"
    t.true(len(t.bare("sh", "-c", script).out.split()) > 3, "control")
    shown = set(t.succeeded(t.sandbox("sh", "-c", script)).out.split())
    # Toolchains that PATH leads into are shown, wherever they are.
    toolchains = {part for part in (".pyenv", ".cargo", ".rustup", ".local", ".nvm", ".volta")
                  if f"/{part}/" in os.environ["PATH"]} | {".rustup"}
    t.equal(shown - toolchains, set())


@test(rows="A043 A068 A158")
def temporary_files_of_the_host(t):
    """/tmp, /var/tmp, /dev/shm and /run are private"""
    import tempfile

    for directory in ("/tmp", "/var/tmp", "/dev/shm"):
        with tempfile.NamedTemporaryFile(dir=directory, prefix="srt-host-") as file:
            t.contains(t.bare("ls", directory).out, os.path.basename(file.name), "control")
            result = t.sandbox("sh", "-c", f"ls -A {directory}; echo x > {directory}/srt-inside")
            t.lacks(t.succeeded(result).out, "srt-host-")
            t.true(not os.path.exists(f"{directory}/srt-inside"), "nothing left there")
    t.equal(t.succeeded(t.sandbox("sh", "-c", "ls -A /run | wc -l")).out.strip(), "0")
