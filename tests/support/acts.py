"""Ways for a package's script to start a program or open a file, in the hope of not being recognised.

Each act runs `true act-NAME`, or opens a decoy by a process whose arguments hold act-NAME. SHELL and
PYTHON need only what Debian's base has, NODE needs node. `script()` is a sh script that does them all
and waits until the orphans among them have come to their end.
"""

# name → shell; $T is the act's own word, $D a directory to write in.
SHELL = {
    "direct": "/bin/true $T",
    "subshell": "(/bin/true $T)",
    "background": "/bin/true $T & wait $!",
    "pipeline": "/bin/true $T | cat",
    "replaced-shell": "(exec /bin/true $T)",
    "no-environment": "env -i /bin/true $T",
    "foreign-name": "env npm_package_name=other npm_package_version=9 npm_lifecycle_event=x /bin/true $T",
    "foreign-json": "env npm_package_json=/usr/share/other/package.json npm_package_name=other /bin/true $T",
    "foreign-pnpm": "env PNPM_SCRIPT_SRC_DIR=/tmp npm_package_name=other /bin/true $T",
    "no-event": "(unset npm_lifecycle_event npm_package_name npm_package_version; /bin/true $T)",
    "other-directory": "(cd / && /bin/true $T)",
    "project-directory": '(cd "${INIT_CWD:-/}" && /bin/true $T)',
    "session": "setsid -w /bin/true $T",
    "orphan-session": "setsid -f /bin/true $T",
    "orphan": "(/bin/true $T &)",
    "double-fork": "( ( ( /bin/true $T & ) & ) & )",
    "nohup": "nohup /bin/true $T >/dev/null 2>&1",
    "shells-in-shells": 'sh -c "sh -c \\"sh -c \'/bin/true $T; :\'; :\\"; :"',
    "xargs": "echo $T | xargs /bin/true",
    "find": "find . -maxdepth 0 -exec /bin/true $T ';'",
    "timeout": "timeout 20 /bin/true $T",
    "nice": "nice /bin/true $T",
    "copy": "cp /bin/true $D/copy && $D/copy $T",
    "named-npm": "cp /bin/true $D/npm && $D/npm $T",
    "link-named-npm": "mkdir -p $D/l && ln -sf /bin/true $D/l/npm && $D/l/npm $T",
    "first-on-path": "mkdir -p $D/p && cp /bin/true $D/p/node && PATH=$D/p:$PATH node $T",
    "script-file": "printf '#!/bin/sh\\n/bin/true %s\\n' $T > $D/s && chmod +x $D/s && $D/s",
    "env-script-file": "printf '#!/usr/bin/env sh\\n/bin/true %s\\n' $T > $D/e && chmod +x $D/e && $D/e",
    "named-npm-cli": "mkdir -p $D/npm-cli && printf '/bin/true %s\\n' $T > $D/npm-cli/npm-cli.js && sh $D/npm-cli/npm-cli.js",
    "other-argv0": "bash -c \"exec -a npm /bin/true $T\"",
    "awk": "awk -v t=$T 'BEGIN { system(\"/bin/true \" t) }'",
    "perl": "perl -e 'system \"/bin/true\", @ARGV' $T",
    "perl-exec": "perl -e '$0 = \"npm\"; exec {\"/bin/true\"} \"npm\", @ARGV' $T",
    "perl-daemon": "perl -e 'use POSIX; fork && exit; setsid; fork && exit; exec \"/bin/true\", @ARGV' $T",
    "git-alias": "git -c \"alias.act=!/bin/true $T\" act",
    "git-ssh": "GIT_SSH_COMMAND=\"/bin/true $T; :\" git ls-remote ssh://nowhere/x >/dev/null 2>&1",
    "tar-checkpoint": "tar cf /dev/null --checkpoint=1 --checkpoint-action=\"exec=/bin/true $T\" /etc/hosts 2>/dev/null",
    "tar-filter": "tar cf $D/x.tar -I \"sh -c '/bin/true $T; cat'\" /etc/hosts 2>/dev/null",
    "make": "printf 'all:\\n\\t@/bin/true %s\\n' $T > $D/Makefile && make -s -f $D/Makefile",
    "loader": "$(ls /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 2>/dev/null | head -1) /bin/true $T",
    "ssh-proxy": "ssh -F /dev/null -o ProxyCommand=\"/bin/true $T\" nowhere 2>/dev/null",
    "orphan-that-waits": "(sh -c 'while [ \"$(cut -d\" \" -f4 /proc/$$/stat)\" -gt 2 ]; do :; done; "
                         "/bin/true $0; : > $1' $T $D/done-waits &)",
}

# name → Python; `T` is the act's word. Each runs in a python3 of its own.
PYTHON = {
    "python": "import subprocess; subprocess.run(['/bin/true', T])",
    "python-spawn": "import os; os.waitpid(os.posix_spawn('/bin/true', ['true', T], {}), 0)",
    "python-no-environment": "import os; os.execve('/bin/true', ['npm', T], {})",
    "python-renamed": "import ctypes, subprocess\n"
                      "ctypes.CDLL(None).prctl(15, b'npm', 0, 0, 0); subprocess.run(['/bin/true', T])",
    "python-thread": "import threading, subprocess\n"
                     "t = threading.Thread(target=subprocess.run, args=(['/bin/true', T],)); t.start(); t.join()",
    "python-thread-exec": "import threading, os, time\n"
                          "threading.Thread(target=os.execv, args=('/bin/true', ['true', T])).start()\n"
                          "threading.Event().wait(20)",
    "python-daemon": "import os\n"
                     "os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0)\n"
                     "os.chdir('/'); os.execve('/bin/true', ['true', T], {})",
    "python-memfd": "import os, shutil\nfd = os.memfd_create('x'); os.write(fd, open('/bin/true', 'rb').read())\n"
                    "os.execve(fd, ['true', T], os.environ)",
    "python-group": "import os, subprocess; os.setpgid(0, 0); subprocess.run(['/bin/true', T])",
    "python-orphaned-group": "import os\nif os.fork(): os._exit(0)\nos.setpgid(0, 0)\n"
                             "os.execv('/bin/true', ['true', T])",
}

NODE = {
    "node": "require('child_process').spawnSync('/bin/true', [T])",
    "node-shell": "require('child_process').execSync('/bin/true ' + T)",
    "node-no-environment": "require('child_process').spawnSync('/bin/true', [T], { env: {} })",
    "node-foreign-name": "require('child_process').spawnSync('/bin/true', [T], { env: { npm_package_name: 'other',"
                         " npm_package_version: '9', npm_lifecycle_event: 'x', npm_package_json: '/o/package.json' } })",
    "node-detached": "require('child_process').spawn('/bin/true', [T], { detached: true, stdio: 'ignore' }).unref()",
    "node-title": "process.title = 'npm ci'; require('child_process').spawnSync('/bin/true', [T])",
    "node-worker": "const { Worker } = require('worker_threads'); new Worker(\"require('child_process')"
                   ".spawnSync('/bin/true', ['\" + T + \"'])\", { eval: true })",
    "node-fork": "require('fs').writeFileSync(D + '/f.js', \"require('child_process').spawnSync('/bin/true', ['\" + T + \"'])\");"
                 " require('child_process').fork(D + '/f.js')",
    "npm-run": "const fs = require('fs'), p = D + '/inner'; fs.mkdirSync(p); fs.writeFileSync(p + '/package.json',"
               " JSON.stringify({ name: 'inner', version: '9.9.9', scripts: { postinstall: '/bin/true ' + T } }));"
               " require('child_process').spawnSync('npm', ['run', 'postinstall'], { cwd: p })",
    "npm-node-gyp": "const g = process.env.npm_config_node_gyp; require('child_process').spawnSync(g ? process.execPath : 'true',"
                    " g ? [g, '--version', T] : [T])",
}

# Opens of decoys: the word is in the opener's own arguments.
OPENS = {
    "open-cat": "cat ~/.aws/credentials /dev/null/$T >/dev/null 2>&1",
    "open-redirected": "sh -c 'read x < ~/.ssh/id_ed25519' $T",
    "open-python": "python3 -c 'open(__import__(\"os\").path.expanduser(\"~/.kube/config\")).read()' $T",
    "open-perl-daemon": "perl -e 'use POSIX; fork && exit; setsid; fork && exit;"
                        " open F, \"<\", \"$ENV{HOME}/.git-credentials\"; <F>; open G, \">\", $ARGV[1];' $T $D/done-perl",
    "open-grep": "grep -r secret ~/.docker ./$T >/dev/null 2>&1",
}

ORPHANS = ("waits", "perl")


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def commands(interpreters):
    """name → shell command, for the interpreters that are there."""
    found = dict(SHELL) | OPENS
    for name, code in PYTHON.items():
        found[name] = f"python3 -c {quoted('import sys; T = sys.argv[1]' + chr(10) + code)} $T"
    if "node" in interpreters:
        for name, code in NODE.items():
            found[name] = f"node -e {quoted('const T = process.argv[1], D = process.argv[2];' + code)} $T $D"
    return found


def script(interpreters):
    lines = ["#!/bin/sh", "D=$(mktemp -d)", "export D"]
    for name, command in commands(interpreters).items():
        lines += [f"T=act-{name}; export T", f"{command}", ""]
    # Bounded: whoever does not come shall be missed by the test, not waited for.
    waits = " && ".join(f"[ -e $D/done-{name} ]" for name in ORPHANS)
    lines += [f"i=0; until {{ {waits}; }} || [ $i -gt 2000 ]; do i=$((i+1)); /bin/true; done", "exit 0"]
    return "\n".join(lines) + "\n"
