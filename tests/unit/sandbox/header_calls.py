"""Prints the system calls of this build's kernel headers as C++ initialisers {"name", number}.

Usage: header_calls.py COMPILER [OPTION...]
"""

import re
import subprocess
import sys

# Counts and bases that the headers define beside the calls.
NO_CALLS = {"syscalls", "arch_specific_syscall"}

macros = subprocess.run(
    [*sys.argv[1:], "-E", "-dM", "-include", "asm/unistd.h", "-x", "c++", "/dev/null"],
    check=True, stdout=subprocess.PIPE, text=True).stdout
names = set(re.findall(r"^#define __NR_(\w+)", macros, re.MULTILINE)) - NO_CALLS
print("#include <asm/unistd.h>")
print("inline constexpr struct { const char* name; int number; } kHeaderCalls[] = {")
for name in sorted(names):
    print(f'{{"{name}", __NR_{name}}},')
print("};")
