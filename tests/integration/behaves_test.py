"""sandbox-run behaves like the command that it runs: exit codes, signals, terminal, streams."""

import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import (  # noqa: E402
    Terminal,
    processes_matching,
    require_root,
    shell_code,
    test,
    wait_until,
)

QUIET = ("-q",)


@test(rows="A202", stops="nothing", event="none")
def exit_code(t):
    """the exit code is the command's own"""
    for code in (0, 1, 3, 100, 255):
        t.equal(t.sandbox("sh", "-c", f"exit {code}").code, code)


@test
def death_by_signal(t):
    """a command killed by signal n gives 128+n"""
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGHUP):
        t.equal(t.sandbox("sh", "-c", f"kill -{int(number)} $$").code, 128 + number)


@test
def not_found(t):
    """a command that is not found gives 127 and one clear line"""
    before = t.fingerprint()
    t.one_clear_line(t.sandbox("no-such-command-here"), 127, "no-such-command-here", "not found")
    t.equal(t.fingerprint(), before, "the project")


@test
def not_executable(t):
    """a file that is not executable gives 126 and one clear line"""
    t.write("script", "#!/bin/sh\n", mode=0o644)
    t.one_clear_line(t.sandbox("./script"), 126, "script")


@test
def missing_interpreter(t):
    """a script whose interpreter is missing gives 126 or 127, as a shell does, and says which"""
    t.write("script", "#!/no/such/interpreter\n", mode=0o755)
    result = t.sandbox("./script")
    t.true(result.code in (126, 127), result)
    t.contains(result.err, "interpreter")


@test
def signals_are_forwarded(t):
    """SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGQUIT reach the command"""
    for name in ("INT", "TERM", "HUP", "USR1", "QUIT"):
        script = f"trap 'echo got {name}; exit 42' {name}; echo ready; while :; do sleep 0.05; done"
        process = t.start(
            *t.sandbox_command("sh", "-c", script, options=QUIET),
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        t.equal(process.stdout.readline(), b"ready\n", name)
        process.send_signal(getattr(signal, f"SIG{name}"))
        t.equal(process.stdout.readline(), f"got {name}\n".encode(), name)
        t.equal(process.wait(20), 42, name)


@test(time_limit=120)
def beside_each_other(t):
    """Commands that change nothing take no lock, and disturb neither each other nor a build that goes on"""
    t.write("package.json", '{"name": "app", "version": "1.0.0"}')
    build = t.start(*t.sandbox_command("sh", "-c", "echo up; read line; echo made > made.txt", options=QUIET),
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    t.equal(build.stdout.readline(), b"up\n")
    for _ in range(6):
        beside = [t.start(*t.sandbox_command("npm", "ls", options=QUIET), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
        for one in beside:
            _, said = one.communicate(timeout=60)
            t.equal((one.returncode, said), (0, b""))
    build.communicate(b"\n", timeout=60)
    t.equal(build.returncode, 0)
    t.equal((t.project / "made.txt").read_text(), "made\n")


@test
def default_signal_ends_it(t):
    """SIGTERM to sandbox-run ends a command that does not handle it, with 143"""
    process = t.start(
        *t.sandbox_command("sh", "-c", "echo ready; exec sleep 1000", options=QUIET),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    t.equal(process.stdout.readline(), b"ready\n")
    process.send_signal(signal.SIGTERM)
    t.equal(shell_code(process.wait(20)), 143)


@test
def interrupt_key(t):
    """Ctrl-C on the terminal interrupts the command"""
    terminal = Terminal(
        t, *t.sandbox_command("sh", "-c", "echo ready; exec sleep 1000", options=QUIET)
    )
    terminal.expect("ready")
    terminal.send("\x03")
    t.equal(terminal.wait(), 130)


@test
def stop_and_continue(t):
    """Ctrl-Z stops the job, fg continues it, under a shell with job control"""
    terminal = Terminal(t, "bash", "--norc", "--noprofile", "-i", env={"PS1": "PROMPT> "})
    terminal.expect("PROMPT> ")
    command = " ".join(t.sandbox_command("sh", "-c", "'echo started; read x; echo got $x'", options=QUIET))
    terminal.send(command + "\n")
    terminal.expect("started\r\n")
    terminal.send("\x1a")
    terminal.expect("Stopped")
    terminal.expect("PROMPT> ")
    terminal.send("jobs\n")
    terminal.expect("Stopped")
    terminal.expect("PROMPT> ")
    terminal.send("fg\n")
    terminal.expect("got $x")
    terminal.send("hello\n")
    terminal.expect("got hello")
    terminal.expect("PROMPT> ")
    terminal.send("exit\n")
    t.equal(terminal.wait(), 0)


@test
def continued_while_it_gets_the_terminal(t):
    """a command that is continued again while it is given the terminal is not stopped by that"""
    for _ in range(20):
        terminal = Terminal(t, *t.sandbox_command("sh", "-c", "echo started; read x; echo got $x", options=QUIET))
        terminal.expect("started\r\n")
        for _ in range(50):  # as the shell's fg does, once
            os.kill(terminal.pid, signal.SIGCONT)
        terminal.send("hello\n")
        terminal.expect("got hello")
        t.equal(terminal.wait(), 0)


@test
def stdin_pipe(t):
    """standard input is the caller's"""
    result = t.sandbox("sh", "-c", "cat; echo end", stdin="one\ntwo\n")
    t.equal(result.out, "one\ntwo\nend\n")


@test
def stdin_closed(t):
    """standard input that is closed stays closed, and nothing else takes its number"""
    words = t.sandbox_command("sh", "-c", "ls -l /proc/self/fd | grep -c ' 0 -> ' ; echo done", options=QUIET)
    result = t.bare("sh", "-c", 'exec "$@" <&-', "x", *words)
    t.contains(t.succeeded(result).out, "done")


@test(rows="A197", stops="nothing", event="none")
def large_output(t):
    """ten megabytes of output come through unaltered"""
    result = t.sandbox("sh", "-c", "head -c 10000000 /dev/zero | tr '\\0' x", options=QUIET)
    t.equal((result.code, len(result.out)), (0, 10_000_000))


@test
def closed_pipe(t):
    """output to a closed pipe: the command ends as it would, and sandbox-run does not hang"""
    words = t.sandbox_command("sh", "-c", "yes; echo $? >&2", options=QUIET)
    result = t.bare("bash", "-c", '"$@" | head -1; echo "${PIPESTATUS[0]}"', "x", *words)
    t.equal(result.out.split("\n")[0], "y")
    bare = t.bare("bash", "-c", 'sh -c "yes; echo \\$? >&2" | head -1; echo "${PIPESTATUS[0]}"')
    t.equal(result.out, bare.out)


@test
def terminal_is_the_callers(t):
    """the command sees a terminal of the caller's size, colours, and resizes"""
    script = "stty size; tty -s && echo tty; trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done"
    terminal = Terminal(t, *t.sandbox_command("sh", "-c", script, options=QUIET), rows=33, columns=111)
    t.contains(terminal.expect("ready"), "33 111\r\ntty")
    terminal.resize(44, 99)
    terminal.expect("44 99")
    t.equal(terminal.wait(), 0)


@test
def no_controlling_terminal(t):
    """it works without a controlling terminal (no /dev/tty)"""
    result = t.bare("setsid", "-w", *t.sandbox_command("echo", "fine", options=QUIET))
    t.equal(t.succeeded(result).out, "fine\n")


@test
def odd_directories(t):
    """a working directory with spaces, quotes, newlines and unicode is kept"""
    for name in ("with space", "ünï-日本", "quote'\"$x", "new\nline"):
        directory = t.home / name
        directory.mkdir()
        result = t.sandbox("sh", "-c", "pwd", cwd=directory)
        t.equal(t.succeeded(result).out, f"{directory}\n")


@test
def subdirectory(t):
    """a command in a subdirectory of a git work tree starts there, and the whole tree is the target"""
    t.succeeded(t.bare("git", "init", "-q"))
    t.write("top.txt", "top\n")
    t.write("deep/er/x", "")
    result = t.sandbox("sh", "-c", "pwd; cat ../../top.txt", cwd=t.project / "deep/er")
    t.equal(t.succeeded(result).out, f"{t.project}/deep/er\ntop\n")


@test
def umask_is_kept(t):
    """the umask is the caller's"""
    for umask in ("0022", "0077", "0002"):
        words = t.sandbox_command("sh", "-c", "umask", options=QUIET)
        result = t.bare("sh", "-c", f'umask {umask}; exec "$@"', "x", *words)
        t.equal(t.succeeded(result).out.strip(), umask)


@test
def identity_is_kept(t):
    """user, groups and locale are the caller's"""
    t.equal(t.sandbox("id", "-u").out, t.bare("id", "-u").out)
    t.equal(t.sandbox("id", "-g").out, t.bare("id", "-g").out)
    locale = {"LC_ALL": "C.UTF-8"}
    t.equal(t.sandbox("locale", "charmap", env=locale).out, "UTF-8\n")


@test
def archive_of_another_owner(t):
    """an archive with another's files is unpacked as the bare command does, root's own as root"""
    archive = t.write("a.tar", "")
    with tarfile.open(archive, "w") as tar:
        entry = tarfile.TarInfo("theirs.txt")
        entry.uid = entry.gid = 4711
        entry.size = 2
        tar.addfile(entry, io.BytesIO(b"x\n"))
    unpack = ("tar", "-xf", str(archive))
    t.equal(t.sandbox(*unpack, options=("-q", "--profile", t.accepting_profile())).code, 0)
    status = os.stat(t.project / "theirs.txt")
    t.equal((status.st_uid, status.st_gid), (os.geteuid(), os.getegid()))
    t.equal(t.bare(*unpack).code, 0)


@test
def arguments_are_kept(t):
    """arguments arrive byte for byte, empty ones too"""
    words = ["", "a b", "'", '"', "$HOME", "*", "-q", "--json", "--", "ü", "\n"]
    result = t.sandbox("sh", "-c", 'for a in "$@"; do printf "<%s>" "$a"; done', "x", *words)
    t.equal(result.out, "".join(f"<{word}>" for word in words))


@test(rows="A194", stops="namespaces", event="none")
def daemon_dies(t):
    """a daemon that the command leaves behind does not outlive the run"""
    marker = f"86400.{os.getpid()}"
    script = f"setsid nohup sleep {marker} >/dev/null 2>&1 & setsid sh -c 'trap \"\" TERM HUP; sleep {marker}; :' >/dev/null 2>&1 & echo started"
    result = t.sandbox("sh", "-c", script)
    t.contains(t.succeeded(result).out, "started")
    t.equal(processes_matching(marker), [], "processes left")


@test(rows="A196", stops="namespaces", event="none")
def background_holding_output(t):
    """a background process that holds the output open does not keep the run from ending"""
    result = t.sandbox("sh", "-c", "sleep 1000 & echo over", timeout=30)
    t.equal(t.succeeded(result).out, "over\n")


@test(rows="A195", stops="namespaces", event="none")
def killed_supervisor(t):
    """SIGKILL of sandbox-run kills everything in the sandbox, and the project is untouched"""
    marker = f"86400.{os.getpid()}"
    before = t.fingerprint()
    script = f"echo x > made; (setsid sleep {marker} &) ; echo ready; exec sleep {marker}"
    process = t.start(
        *t.sandbox_command("sh", "-c", script, options=QUIET),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    t.equal(process.stdout.readline(), b"ready\n")
    t.true(processes_matching(marker), "it runs")
    process.kill()
    process.wait()
    wait_until(lambda: not processes_matching(marker), "the sandboxed processes are gone")
    t.equal(t.fingerprint(), before, "the project")
    # The next run is not disturbed by what was left.
    t.succeeded(t.sandbox("true"))


@test(rows="A046", stops="limits", event="run.finished")
def time_limit(t):
    """--timeout ends the command with 124 and commits nothing"""
    before = t.fingerprint()
    options = ["--timeout", "1", "--profile", t.accepting_profile()]
    result = t.sandbox("sh", "-c", "echo x > made; exec sleep 1000", options=options)
    t.equal(result.code, 124, result)
    t.equal(t.fingerprint(), before, "the project")


@test(rows="A052 A055 A056", stops="descriptors", event="none")
def no_inherited_descriptors(t):
    """no descriptor of the caller's or of sandbox-run's own is open in the command"""
    t.write("list.sh", "for f in /proc/self/fd/*; do echo ${f##*/} $(readlink $f); done\n")
    words = t.sandbox_command("bash", "list.sh", options=QUIET)
    result = t.bare("bash", "-c", 'exec 7</etc/passwd 9>/dev/null; exec "$@"', "x", *words)
    numbers = {line.split()[0] for line in t.succeeded(result).out.splitlines()}
    # The shell that lists has its script open too.
    t.true("7" not in numbers and "9" not in numbers and len(numbers) <= 5, result.out)


@test
def stopped_by_signal(t):
    """a command that stops itself stops sandbox-run, and SIGCONT continues both"""
    process = t.start(
        *t.sandbox_command("sh", "-c", "echo before; kill -STOP $$; echo after", options=QUIET),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    t.equal(process.stdout.readline(), b"before\n")
    pid, status = os.waitpid(process.pid, os.WUNTRACED)
    t.true(os.WIFSTOPPED(status), f"stopped: {status}")
    os.kill(process.pid, signal.SIGCONT)
    t.equal(process.stdout.readline(), b"after\n")
    t.equal(process.wait(20), 0)


@test
def idle_memory(t):
    """supervisor and init together take less than 10 MiB (PSS) while the command runs"""
    require_root("read the memory of init, which is closed to its own user")
    process = t.start(
        *t.sandbox_command("sh", "-c", "echo ready; exec sleep 1000", options=QUIET),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    t.equal(process.stdout.readline(), b"ready\n")
    total = 0
    children = open(f"/proc/{process.pid}/task/{process.pid}/children").read().split()
    for pid in [process.pid, *children]:
        path = f"/proc/{pid}/smaps_rollup"
        lines = open(path).read().splitlines()
        total += int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    process.kill()
    process.wait()
    t.true(total < 10 * 1024, f"{total} KiB")


@test
def copied_binary(t):
    """a copied binary works alone: its profiles are inside"""
    from harness import BINARY

    copy = t.base / "alone"
    shutil.copy2(BINARY, copy)
    result = t.bare(copy, "-q", "--", "echo", "fine")
    t.equal(t.succeeded(result).out, "fine\n")
