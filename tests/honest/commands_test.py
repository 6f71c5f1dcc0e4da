"""Other commands that people put sandbox-run before."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from honest import honest  # noqa: E402


@honest(root=True)
def make_a_program(p):
    """make"""
    p.write("main.c", "int main(void) { return 0; }\n")
    p.write("Makefile", "main: main.c\n\tcc -o main main.c\nclean:\n\trm -f main\n")
    p.run("make")
    p.run("make", "clean")


@honest(root=True)
def shell_tools(p):
    """tar, cp, mv, rm, sed -i, mkdir, ln"""
    p.write("a/b.txt", "1\n")
    p.write("a/c.txt", "2\n")
    p.run("tar", "czf", "a.tgz", "--mtime=2020-01-01", "a")
    p.run("cp", "-r", "a", "copy")
    p.run("mv", "a", "moved")
    p.run("sed", "-i", "s/1/3/", "moved/b.txt")
    p.run("ln", "-s", "moved", "link")
    p.run("rm", "-rf", "copy")
    p.run("sh", "-c", "mkdir -p deep/er && mv moved deep/er/ && chmod 600 deep/er/moved/b.txt")


@honest("bun", "deno")
def other_runtimes(p):
    """bun and deno run a program of the project"""
    p.write("main.js", "import {writeFileSync} from 'node:fs'\nwriteFileSync('out.txt', 'made\\n')\n")
    p.write("package.json", '{"name": "app", "private": true, "type": "module"}\n')
    p.run(*(("bun", "run") if p.manager.name == "bun" else ("deno", "run", "-A")), "main.js")


@honest(root=True)
def git_clone(p):
    """git clone of a repository beside"""
    p.write("a.txt", "1\n")
    p.commit_all()
    p.bare("mkdir", "../other")
    p.cwd = p.work / "other"
    p.run("git", "clone", "-q", p.root, "cloned")


@honest(root=True)
def typed_paths(p):
    """files beside the project that the command line names"""
    p.write("../notes/a.txt", "1\n")
    p.write("../script.py", "import shutil, sys\nshutil.copy(sys.argv[1], 'copied.txt')\n")
    p.write("b.txt", "2\n")
    p.run("cp", "-r", "../notes", "here")
    p.run("python3", p.work / "script.py", "../notes/a.txt")
    p.run("tar", "-czf", "notes.tgz", "--mtime=2020-01-01", f"--directory={p.work}", "notes")


@honest()
def make_with_variables(p):
    """make with variables on its command line, which starts the sandbox itself: no word of secrets"""
    p.write("Makefile", "all:\n\t$(RUN) sh -c 'echo made >made.txt'\n")
    p.bare("make", "RUN=env A=1", "PREFIX=/usr/local")
    (p.root / "made.txt").unlink()
    inside = " ".join(map(str, p.t.sandbox_command()))
    said = p.bare("make", f"RUN={inside} --", "PREFIX=/usr/local").err
    p.t.true((p.root / "made.txt").exists(), said)
    p.t.lacks(said, "secret", "nothing was one")
    p.t.contains(p.bare("make", f"RUN={inside} --", "MY_TOKEN=abc").err, "secrets were cut", "control: one that was")
