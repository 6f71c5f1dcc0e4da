"""Programs that take what a machine has, and the configuration that holds them to less. With one word more than they
need they end by themselves: the control."""

HOG = """
import sys, time
held = []
for _ in range(60):
    held.append(bytearray(b"x") * (10 << 20))
    time.sleep(0.02)
print("held", len(held), flush=True)
time.sleep(0 if len(sys.argv) > 1 else 60)
"""

SHARING_HOG = """
import mmap, sys, time
held = mmap.mmap(-1, 600 << 20)
for i in range(600):
    held[i << 20:(i + 1) << 20] = b"x" * (1 << 20)
    time.sleep(0.002)
print("held", i + 1, flush=True)
time.sleep(0 if len(sys.argv) > 1 else 60)
"""

THREADS = """
import os, sys, threading, time
made = 0
over = threading.Event()
for _ in range(int(sys.argv[1])):
    try:
        threading.Thread(target=over.wait, daemon=True).start()
        made += 1
    except RuntimeError:
        break
print("made", made, flush=True)
if len(sys.argv) <= 2: time.sleep(60)
os._exit(0)
"""


def limits(t, text):
    t.write(t.home / ".config/sandbox-run/config.toml", f"[limits]\n{text}\n")
