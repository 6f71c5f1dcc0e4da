"""A package's script that takes the machine: processes, memory, disk. The bounds are set low here, so that the
control, which passes them without the sandbox, harms nobody."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
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
    t.contains(t.bare(PYTHON, "many.py", "3000", "end").out, "made", "control")
    t.bare("rm", "-rf", "many")
    limits(t, f"free_files = {os.statvfs(t.project).f_favail - 2000}")
    result = t.sandbox(PYTHON, "many.py", "100000", timeout=90)
    ended_by(t, result, "files that can still be made", "more files on the disk")
    t.true(not (t.project / "many").exists(), "nothing of it is kept")
