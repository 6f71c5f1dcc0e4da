"""A package's script that takes the machine: processes, memory, disk, descriptors. The bounds are set low here, so that the
control, which passes them without the sandbox, harms nobody."""

import errno
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import NotApplicable, test, wait_until  # noqa: E402
from resources import HOG, SHARING_HOG, THREADS, limits  # noqa: E402

FACTS = {"stops": "limits", "event": "limit.reached"}

PYTHON = "/usr/bin/python3"

BOMB = """
import os, sys, time
made = 0
for i in range(400):
    try:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
    except OSError:
        break
    if i % 20 == 0: time.sleep(0.05)
print("made", made, flush=True)
if len(sys.argv) > 1: os.killpg(0, 9)
time.sleep(60)
"""
FILL = """
import os, sys, time
with open("filling", "wb") as file:
    for _ in range(int(sys.argv[1])):
        file.write(os.urandom(1 << 20) * 10)
        file.flush()
        time.sleep(0.01)
print("filled", flush=True)
time.sleep(0 if len(sys.argv) > 2 else 60)
"""

MANY = """
import os, sys, time
os.makedirs("many", exist_ok=True)
for i in range(int(sys.argv[1])):
    open(f"many/{i}", "w").close()
    if i % 500 == 0: time.sleep(0.02)
print("made", flush=True)
time.sleep(0 if len(sys.argv) > 2 else 60)
"""

FILL_MEMORY = """
import os, sys, time
for i in range(60):
    with open(f"{sys.argv[1]}/srt-fill", "ab") as file: file.write(os.urandom(1 << 20) * 10)
    time.sleep(0.02)
print("filled", flush=True)
os.remove(f"{sys.argv[1]}/srt-fill") if len(sys.argv) > 2 else time.sleep(60)
"""
MANY_IN_MEMORY = """
import os, sys, time
os.makedirs(sys.argv[1] + "/many", exist_ok=True)
for i in range(400000):
    os.symlink("x", f"{sys.argv[1]}/many/{i}")
    if i % 2000 == 0: time.sleep(0.01)
print("made", flush=True)
if len(sys.argv) > 2: import shutil; shutil.rmtree(sys.argv[1] + "/many")
else: time.sleep(60)
"""
# In no process and in no place: a file that has no name, and is not mapped.
NAMELESS = """
import os, sys, time
fd = os.memfd_create("x")
for i in range(int(sys.argv[1])):
    os.write(fd, b"x" * (10 << 20))
    time.sleep(0.02)
print("held", flush=True)
time.sleep(0 if len(sys.argv) > 2 else 60)
"""
OPEN = """
import os, resource, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (900, 900))
for _ in range(4):
    if os.fork() == 0:
        for _ in range(800): os.open("/dev/null", os.O_RDONLY)
        time.sleep(60 if len(sys.argv) == 1 else 0.5)
        os._exit(0)
for _ in range(4): os.wait()
print("opened", flush=True)
"""


def ended_by(t, result, limit, words):
    t.equal(result.code, 137, result)
    event, = result.of_type("limit.reached")
    t.equal(event["details"]["limit"], limit)
    t.contains(result.said, words)
    t.contains(result.said, "[limits]", "what to type")


@test(time_limit=100, rows="A190")
def processes(t):
    """too many processes: the run is ended, and none of them lives on"""
    t.write("bomb.py", BOMB)
    t.contains(t.bare("setsid", "-w", PYTHON, "bomb.py", "end").out, "made 400", "control")
    limits(t, "processes = 200")
    ended_by(t, t.sandbox(PYTHON, "bomb.py", timeout=50), "processes at once", "more than 200 processes at once")


@test(time_limit=100, rows="A191")
def memory(t):
    """too much memory: the run is ended"""
    t.write("hog.py", HOG)
    t.contains(t.bare(PYTHON, "hog.py", "end").out, "held 60", "control")
    limits(t, "memory_mb = 300")
    ended_by(t, t.sandbox(PYTHON, "hog.py", timeout=50), "bytes of memory", "more than 300 MiB of memory")


@test(time_limit=100, rows="A191")
def shared_memory(t):
    """too much memory that is shared, and so no process's alone: the same"""
    t.write("hog.py", SHARING_HOG)
    t.contains(t.bare(PYTHON, "hog.py", "end").out, "held 600", "control")
    limits(t, "memory_mb = 300")
    ended_by(t, t.sandbox(PYTHON, "hog.py", timeout=50), "bytes of memory", "more than 300 MiB of memory")


@test(time_limit=100)
def threads(t):
    """too many threads: the run is ended"""
    t.write("threads.py", THREADS)
    t.contains(t.bare(PYTHON, "threads.py", "500", "end").out, "made 500", "control")
    limits(t, "processes = 50")
    ended_by(t, t.sandbox(PYTHON, "threads.py", "500", timeout=50), "threads at once", "more than 200 threads at once")


@test(time_limit=100, rows="A192")
def disk(t):
    """a disk that is about to be full: the run is ended, and what it wrote is gone"""
    t.write("fill.py", FILL)
    t.contains(t.bare(PYTHON, "fill.py", "30", "end").out, "filled", "control")
    (t.project / "filling").unlink()
    free = os.statvfs(t.project)
    free_mb = free.f_bavail * free.f_frsize >> 20
    limits(t, f"free_disk_mb = {free_mb - 100}")
    result = t.sandbox(PYTHON, "fill.py", "2000", timeout=90)
    ended_by(t, result, "bytes of disk left free", "MiB of disk left free")
    t.true(not (t.project / "filling").exists(), "nothing of it is kept")


@test(time_limit=100)
def files(t):
    """a file system that has room for hardly one more file: the run is ended, and what it made is gone"""
    t.write("many.py", MANY)
    t.contains(t.bare(PYTHON, "many.py", "12000", "end").out, "made", "control")
    t.bare("rm", "-rf", "many")
    limits(t, f"free_files = {os.statvfs(t.project).f_favail - 2000}")
    result = t.sandbox(PYTHON, "many.py", "100000", timeout=90)
    ended_by(t, result, "files that can still be made", "more files on the disk")
    t.true(not (t.project / "many").exists(), "nothing of it is kept")


@test(time_limit=100, rows="A191")
def memory_of_places(t):
    """too much memory in a place that lies in memory, /tmp, /dev/shm, the home: no process has it, and the run is ended"""
    t.write("fill.py", FILL_MEMORY)
    t.contains(t.bare(PYTHON, "fill.py", "/dev/shm", "end").out, "filled", "control")
    limits(t, "memory_mb = 300")
    for place in ("/dev/shm", "/tmp", t.home):
        ended_by(t, t.sandbox(PYTHON, "fill.py", place, timeout=50), "bytes of memory", "more than 300 MiB of memory")


@test(time_limit=100)
def names_in_memory(t):
    """too many names in such a place: each is memory"""
    t.write("many.py", MANY_IN_MEMORY)
    t.contains(t.bare(PYTHON, "many.py", "/dev/shm", "end").out, "made", "control")
    limits(t, "memory_mb = 200")
    ended_by(t, t.sandbox(PYTHON, "many.py", "/tmp", timeout=90), "bytes of memory", "more than 200 MiB of memory")


@test(time_limit=100)
def memory_that_is_nobodys(t):
    """memory that neither a process nor a place has: what is left of the machine's tells"""
    t.write("nameless.py", NAMELESS)
    t.contains(t.bare(PYTHON, "nameless.py", 60, "end").out, "held", "control")
    with open("/proc/meminfo") as file:
        sizes = {line.split(":")[0]: int(line.split()[1]) >> 10 for line in file}
    limits(t, f"free_memory_mb = {sizes['MemAvailable'] + sizes['SwapFree'] - 250}")
    # Others may give back a gigabyte meanwhile.
    ended_by(t, t.sandbox(PYTHON, "nameless.py", 250, timeout=50), "bytes of memory left free", "MiB of memory left free")


@test(time_limit=100)
def open_files(t):
    """too many open files, of all processes together, or of one"""
    if os.stat("/proc/self/fd").st_size == 0:
        raise NotApplicable("before Linux 6.2 nobody counts them")
    t.write("open.py", OPEN)
    t.contains(t.bare(PYTHON, "open.py", "end").out, "opened", "control")
    limits(t, "open_files = 2000")
    ended_by(t, t.sandbox(PYTHON, "open.py", timeout=50), "open files", "more than 2000 open files")
    t.equal(t.succeeded(t.sandbox("sh", "-c", "ulimit -Hn")).out, "2000\n")


@test(time_limit=60, event="none")
def terminals(t):
    """pseudo terminals: a run can't take those of the machine"""
    text = ("import os\nheld = []\ntry:\n    for _ in range(400): held.append(os.open('/dev/ptmx', os.O_RDWR))\n"
            "except OSError as error: print(error.errno)\nprint(len(held))\n")
    t.equal(t.bare(PYTHON, "-c", text).out, "400\n", "control")
    t.equal(t.succeeded(t.sandbox(PYTHON, "-c", text)).out, f"{errno.ENOSPC}\n256\n")


KERNEL_OBJECTS = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
for get, control, remove in ((lambda: libc.msgget(0, 0o600), libc.msgctl, (0,)), (lambda: libc.semget(0, 1, 0o600), libc.semctl, (0, 0))):
    made = []
    while len(made) < 300 and (one := get()) >= 0: made.append(one)
    print(len(made), ctypes.get_errno() if len(made) < 300 else 0)
    for one in made: control(one, *remove, 0)
"""


@test(time_limit=60, event="none")
def kernel_objects(t):
    """message queues and semaphores, which are memory of the kernel's: a bounded number, where root runs it"""
    if os.geteuid() != 0:
        raise NotApplicable("root alone may set the bound")
    t.equal(t.bare(PYTHON, "-c", KERNEL_OBJECTS).out, "300 0\n300 0\n", "control")
    result = t.succeeded(t.sandbox(PYTHON, "-c", KERNEL_OBJECTS))
    if result.of_type("protection.missing"):
        raise NotApplicable("this host's own root alone may set it, and the log says so")
    t.equal(result.out, f"256 {errno.ENOSPC}\n128 {errno.ENOSPC}\n")


@test(time_limit=60, event="change.held")
def a_deep_directory(t):
    """a directory that is 4,000 deep, in the project and in node_modules: an end within seconds, and what was made can be removed"""
    text = ("import os\nfor at in ('.', 'node_modules'):\n    os.makedirs(at, exist_ok=True)\n    top = os.open('.', 0)\n    os.chdir(at)\n"
            "    for _ in range(4000): os.mkdir('d'); os.chdir('d')\n    os.fchdir(top)\nprint('made')\n")
    t.contains(t.bare(PYTHON, "-c", text).out, "made", "control")
    t.succeeded(t.bare("rm", "-rf", "d", "node_modules"))
    result = t.sandbox(PYTHON, "-c", text, timeout=50)
    t.contains(t.succeeded(result).out, "made", result)
    reasons = [e["details"]["reason"] for e in result.of_type("change.held")]
    t.true(reasons and all("nested too deeply" in reason for reason in reasons), reasons)
    t.succeeded(t.bare("rm", "-rf", "d", "node_modules"))


ONE_FILE = """
import os, sys, time
try:
    with open("large", "wb", buffering=0) as file:
        for _ in range(int(sys.argv[1])):
            file.write(os.urandom(1 << 20))
            time.sleep(0.01)
    print("written", flush=True)
except OSError as error:
    print("errno", error.errno, flush=True)
    held = open("large")
    time.sleep(60)
"""


@test(time_limit=100, rows="A192")
def one_file(t):
    """one file that is too large: the kernel lets it grow no further, and the run is ended"""
    t.write("file.py", ONE_FILE)
    t.contains(t.bare(PYTHON, "file.py", 60).out, "written", "control")
    (t.project / "large").unlink()
    limits(t, "file_mb = 50")
    result = t.sandbox(PYTHON, "file.py", 60, timeout=50)
    ended_by(t, result, "bytes of one file", "a file of more than 50 MiB")
    event, = result.of_type("limit.reached")
    t.contains(event["process"]["argv"], "file.py", "who it was")
    t.contains(result.out, f"errno {errno.EFBIG}")


@test(time_limit=100)
def file_without_blocks(t):
    """a file of terabytes without a block on the disk: nobody gets one, and whom that ends says why"""
    text = "truncate -s 8T large && echo made"
    t.contains(t.bare("sh", "-c", text).out, "made", "control")
    (t.project / "large").unlink()
    result = t.sandbox("sh", "-c", text)
    ended_by(t, result, "bytes of one file", "a file of more than 32768 MiB")
    t.true(not (t.project / "large").exists(), result)


def kept(t):
    """How many files all runs have left in the state: of the disk others take, too."""
    return sum(len(files) for _, _, files in os.walk(t.home / ".local/state/sandbox-run/runs"))


@test(time_limit=100, rows="A192")
def changes(t):
    """changes that are too large together: the run is ended, and all space is back; what others write does not count"""
    t.write("fill.py", FILL)
    t.contains(t.bare(PYTHON, "fill.py", "30", "end").out, "filled", "control")
    (t.project / "filling").unlink()
    limits(t, "changes_mb = 200")
    result = t.sandbox(PYTHON, "fill.py", "100", timeout=90)
    ended_by(t, result, "bytes of changes", "changes of more than 200 MiB")
    event, = result.of_type("limit.reached")
    t.contains(event["process"]["argv"], "fill.py", "who it was")
    t.true(not (t.project / "filling").exists(), "nothing of it is kept")
    elsewhere = t.base / "elsewhere"
    elsewhere.mkdir()
    other = t.start(PYTHON, t.project / "fill.py", "40", "end", cwd=elsewhere)
    t.succeeded(t.sandbox(PYTHON, "fill.py", "10", "end", timeout=60), "while another fills the disk")
    other.wait()


@test(time_limit=150)
def very_many_files(t):
    """very many files (a million: tests/nightly/limits_test.py): the run is ended within seconds, and all space is back"""
    t.write("many.py", MANY)
    t.contains(t.bare(PYTHON, "many.py", "3000", "end").out, "made", "control")
    t.bare("rm", "-rf", "many")
    limits(t, "changed_files = 10000")
    result = t.sandbox(PYTHON, "many.py", "200000", timeout=90)
    ended_by(t, result, "files changed", "more than 10000 files changed")
    event, = result.of_type("limit.reached")
    t.contains(event["process"]["argv"], "many.py", "who it was")
    t.true(not (t.project / "many").exists(), "nothing of it is kept")
    wait_until(lambda: kept(t) < 100, "all files are gone")


@test(time_limit=60)
def time(t):
    """a command that takes too long, by the configuration: it is ended, and how to give it longer is said"""
    t.succeeded(t.bare("sleep", 3), "control")
    limits(t, "time_s = 2")
    result = t.sandbox("sleep", 50, timeout=40)
    t.equal(result.code, 124, result)
    event, = result.of_type("limit.reached")
    t.equal(event["details"], {"limit": "seconds", "value": 2, "used": 2})
    t.contains(event["process"]["argv"], "sleep", "who it was")
    t.contains(result.said, "--timeout TIME, or [limits] time_s = N")
    t.succeeded(t.sandbox("sleep", 3, options=["--timeout", "30"]), "the option says otherwise")
