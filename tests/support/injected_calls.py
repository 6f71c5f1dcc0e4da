"""System calls in another process' name, by ptrace(2): what could it do if somebody else ran in it?"""

import ctypes
import os
import platform
import time

_ATTACH, _DETACH, _SINGLE_STEP, _GET_REGISTERS, _SET_REGISTERS, _POKE = 16, 17, 9, 12, 13, 5
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long

CAN_INJECT = platform.machine() == "x86_64"


class _Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in (
        "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
        "fs_base gs_base ds es fs gs").split()]


class InjectedCalls:
    """`with InjectedCalls(pid) as process:` while `pid` waits in a system call; it finds that call
    interrupted (EINTR) afterwards."""

    def __init__(self, pid):
        self.pid = pid
        self.saved = _Registers()

    def __enter__(self):
        self._trace(_ATTACH)
        self._wait()
        self._trace(_GET_REGISTERS, data=ctypes.addressof(self.saved))
        return self

    def __exit__(self, *_):
        self.saved.orig_rax = 2**64 - 1
        self.saved.rax = 2**64 - 4  # -EINTR
        self._trace(_SET_REGISTERS, data=ctypes.addressof(self.saved))
        self._trace(_DETACH)

    def call(self, number, *arguments):
        """Texts are put into its memory. Returns what the kernel does: -errno on failure."""
        at = (self.saved.rsp - 65536) & ~15
        words = []
        for argument in arguments:
            if isinstance(argument, (str, os.PathLike)):
                words.append(at)
                at += self._write(at, os.fsencode(argument) + b"\0")
            else:
                words.append(argument)
        registers = _Registers.from_buffer_copy(self.saved)
        registers.rip -= 2  # the instruction by which it is in the kernel
        registers.rax = number
        registers.orig_rax = 2**64 - 1
        names = ("rdi", "rsi", "rdx", "r10", "r8", "r9")
        for name, word in zip(names, words + [0] * (6 - len(words))):
            setattr(registers, name, word % 2**64)
        self._trace(_SET_REGISTERS, data=ctypes.addressof(registers))
        self._trace(_SINGLE_STEP)
        self._wait()
        self._trace(_GET_REGISTERS, data=ctypes.addressof(registers))
        return ctypes.c_longlong(registers.rax).value

    def _write(self, address, content):
        content += b"\0" * (-len(content) % 8)
        for offset in range(0, len(content), 8):
            word = int.from_bytes(content[offset : offset + 8], "little")
            self._trace(_POKE, address + offset, word)
        return len(content)

    def _wait(self):
        for _ in range(500):
            pid, status = os.waitpid(self.pid, os.WNOHANG | 0x40000000)  # __WALL
            if pid:
                if not os.WIFSTOPPED(status):
                    raise AssertionError(f"process {self.pid} has ended")
                return
            time.sleep(0.01)
        raise AssertionError(f"process {self.pid} does not stop")

    def _trace(self, request, address=0, data=0):
        if _libc.ptrace(request, self.pid, address, data) < 0:
            raise OSError(ctypes.get_errno(), "ptrace")
