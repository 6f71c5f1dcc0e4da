// The filters as bytes: what each system call would be answered, without loading them.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <vector>

#include "bpf_evaluator.h"
#include "sandbox/seccomp_filter_data.h"

using namespace sandbox_run::sandbox;

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr std::uint32_t kForeign = AUDIT_ARCH_I386;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t kForeign = AUDIT_ARCH_ARM;
#endif

constexpr std::uint32_t refused(int error) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
}

/// The stricter answer of the two filters wins: actions compare as signed numbers (seccomp(2)).
std::uint32_t answer(long number, std::array<std::uint64_t, 6> arguments = {},
                     std::uint32_t architecture = kArchitecture) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = architecture;
  std::copy(arguments.begin(), arguments.end(), data.args);
  const std::uint32_t a = evaluate(kAllowFilter, data);
  const std::uint32_t b = evaluate(kArgumentFilter, data);
  const auto strictness = [](std::uint32_t action) {
    return static_cast<std::int32_t>(action & SECCOMP_RET_ACTION_FULL);
  };
  return strictness(a) <= strictness(b) ? a : b;
}

}  // namespace

TEST_CASE("ordinary calls are allowed") {
  for (const long number : {SYS_read, SYS_openat, SYS_mmap, SYS_futex, SYS_getrandom, SYS_prctl,
                            SYS_fchmod, SYS_seccomp}) {
    CHECK(answer(number) == SECCOMP_RET_ALLOW);
  }
}

TEST_CASE("what a socket's first packet may leave by is notified, and sending on is not") {
  for (const long number : {SYS_connect, SYS_sendmsg, SYS_sendmmsg}) {
    CHECK(answer(number) == SECCOMP_RET_USER_NOTIF);
  }
  constexpr std::uint64_t kAddress = 0x7fff00000000;  // its lower half is 0
  CHECK(answer(SYS_sendto, {3, 1, 2, 0, kAddress, 16}) == SECCOMP_RET_USER_NOTIF);
  CHECK(answer(SYS_sendto, {3, 1, 2, 0, 0, 0}) == SECCOMP_RET_ALLOW);
  CHECK(answer(SYS_write) == SECCOMP_RET_ALLOW);
}

TEST_CASE("for root, a change of owner is answered with success, and nothing else is touched") {
  seccomp_data data{};
  data.arch = kArchitecture;
  for (const long number : {SYS_fchown, SYS_fchownat}) {
    data.nr = static_cast<int>(number);
    CHECK(evaluate(kOwnerFilter, data) == refused(0));
    CHECK(answer(number) == SECCOMP_RET_ALLOW);
  }
  data.nr = SYS_fchmod;
  CHECK(evaluate(kOwnerFilter, data) == SECCOMP_RET_ALLOW);
}

TEST_CASE("the supervisor starts no program, makes no namespace, and still reads the sandboxee") {
  const auto own = [](long number, std::uint64_t first = 0) {
    seccomp_data data{};
    data.arch = kArchitecture;
    data.nr = static_cast<int>(number);
    data.args[0] = first;
    return evaluate(kSupervisorFilter, data);
  };
  for (const long number :
       {SYS_execve, SYS_execveat, SYS_ptrace, SYS_mount, SYS_unshare, SYS_setns, SYS_bpf,
        SYS_init_module, SYS_keyctl, SYS_io_uring_setup, SYS_setresuid, SYS_process_vm_writev,
        SYS_perf_event_open, SYS_userfaultfd, SYS_pivot_root, SYS_capset}) {
    CAPTURE(number);
    CHECK(own(number) == refused(EPERM));
  }
  for (const long number : {SYS_process_vm_readv, SYS_pidfd_getfd, SYS_renameat2, SYS_socket,
                            SYS_openat2, SYS_fchown, SYS_wait4}) {
    CHECK(own(number) == SECCOMP_RET_ALLOW);
  }
  CHECK(own(SYS_clone, SIGCHLD) == SECCOMP_RET_ALLOW);
  CHECK(own(SYS_clone, CLONE_NEWUSER | SIGCHLD) == refused(EPERM));
  CHECK(own(SYS_clone3) == refused(ENOSYS));
  CHECK(own(SYS_socket, AF_VSOCK) == refused(EAFNOSUPPORT));
}

TEST_CASE("what may write is notified, and reading is not") {
  const auto own = [](long number, std::array<std::uint64_t, 6> arguments) {
    seccomp_data data{};
    data.arch = kArchitecture;
    data.nr = static_cast<int>(number);
    std::copy(arguments.begin(), arguments.end(), data.args);
    return evaluate(kArgumentFilter, data);
  };
  for (const std::uint64_t flags : {O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC,
                                    O_RDWR | O_APPEND | O_CLOEXEC, O_TMPFILE | O_WRONLY}) {
    CHECK(own(SYS_openat, {0, 0, flags}) == SECCOMP_RET_USER_NOTIF);
    CHECK(own(SYS_openat, {0, 0, flags | (std::uint64_t{1} << 40U)}) == SECCOMP_RET_USER_NOTIF);
  }
  for (const std::uint64_t flags : {O_RDONLY, O_RDONLY | O_CLOEXEC | O_DIRECTORY, O_PATH}) {
    CHECK(own(SYS_openat, {0, 0, flags}) == SECCOMP_RET_ALLOW);
  }
  for (const long number : {SYS_openat2, SYS_renameat2, SYS_mkdirat, SYS_unlinkat, SYS_linkat,
                            SYS_symlinkat, SYS_mknodat, SYS_truncate, SYS_execve, SYS_connect}) {
    CHECK(own(number, {}) == SECCOMP_RET_USER_NOTIF);
  }
  CHECK(own(SYS_write, {}) == SECCOMP_RET_ALLOW);
}

TEST_CASE("init gets no vsock and no packet socket") {
  const auto own = [](std::uint64_t family) {
    seccomp_data data{};
    data.arch = kArchitecture;
    data.nr = SYS_socket;
    data.args[0] = family;
    return evaluate(kInitFilter, data);
  };
  CHECK(own(AF_VSOCK) == refused(EAFNOSUPPORT));
  CHECK(own(AF_PACKET) == refused(EAFNOSUPPORT));
  CHECK(own(AF_UNIX) == SECCOMP_RET_ALLOW);
}

TEST_CASE("execve, connect and the end of a process go to the supervisor") {
  CHECK(answer(SYS_exit_group) == SECCOMP_RET_USER_NOTIF);
  CHECK(answer(SYS_exit) == SECCOMP_RET_ALLOW);
  CHECK(answer(SYS_connect) == SECCOMP_RET_USER_NOTIF);
  CHECK(answer(SYS_execve) == SECCOMP_RET_USER_NOTIF);
  CHECK(answer(SYS_execveat) == SECCOMP_RET_USER_NOTIF);
}

TEST_CASE("what reaches other processes, mounts, namespaces, keys or the kernel is refused") {
  for (const long number : {SYS_ptrace,
                            SYS_process_vm_readv,
                            SYS_process_vm_writev,
                            SYS_kcmp,
                            SYS_mount,
                            SYS_umount2,
                            SYS_pivot_root,
                            SYS_chroot,
                            SYS_unshare,
                            SYS_setns,
                            SYS_open_by_handle_at,
                            SYS_bpf,
                            SYS_perf_event_open,
                            SYS_userfaultfd,
                            SYS_kexec_load,
                            SYS_init_module,
                            SYS_finit_module,
                            SYS_add_key,
                            SYS_keyctl,
                            SYS_request_key,
                            SYS_reboot,
                            SYS_swapon,
                            SYS_syslog,
                            SYS_move_mount,
                            SYS_open_tree,
                            SYS_fsopen}) {
    CHECK(answer(number) == refused(EPERM));
  }
}

TEST_CASE("io_uring, clone3 and calls that nobody knows do not exist") {
  for (const long number :
       {long{SYS_io_uring_setup}, long{SYS_io_uring_enter}, long{SYS_clone3}, 1000L}) {
    CHECK(answer(number) == refused(ENOSYS));
  }
}

TEST_CASE("clone makes threads and processes, no namespace") {
  CHECK(answer(SYS_clone, {SIGCHLD}) == SECCOMP_RET_ALLOW);
  CHECK(answer(SYS_clone, {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD}) ==
        SECCOMP_RET_ALLOW);
  for (const std::uint64_t flag : {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID,
                                   CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP}) {
    CHECK(answer(SYS_clone, {flag | SIGCHLD}) == refused(EPERM));
  }
}

TEST_CASE("typing into the terminal is refused, whatever the upper half of the argument") {
  for (const std::uint64_t high : {0ULL, 1ULL << 32U, 0xFFFFFFFFULL << 32U}) {
    CHECK(answer(SYS_ioctl, {0, high | TIOCSTI}) == refused(EPERM));
    CHECK(answer(SYS_ioctl, {0, high | TIOCLINUX}) == refused(EPERM));
    CHECK(answer(SYS_ioctl, {0, high | TIOCGWINSZ}) == SECCOMP_RET_ALLOW);
    for (const std::uint64_t request :
         std::vector<std::uint64_t>{TIOCSETD, TCXONC, TIOCEXCL, TIOCCONS, TIOCVHANGUP}) {
      CHECK(answer(SYS_ioctl, {0, high | request}) == refused(EPERM));
    }
    for (const std::uint64_t request : std::vector<std::uint64_t>{
             TCGETS, TCSETSF, TIOCSPGRP, FIONREAD, FIONBIO, FIOCLEX, TIOCGPTN, TIOCSPTLCK}) {
      CHECK(answer(SYS_ioctl, {0, high | request}) == SECCOMP_RET_ALLOW);
    }
    CHECK(answer(SYS_ioctl, {0, high | FS_IOC_SETFLAGS}) == refused(EOPNOTSUPP));
    CHECK(answer(SYS_ioctl, {0, high | FS_IOC_GETFLAGS}) == SECCOMP_RET_ALLOW);
  }
}

TEST_CASE("sockets are unix, IPv4, IPv6 and routing netlink only") {
  for (const std::uint64_t family : {AF_UNIX, AF_INET, AF_INET6}) {
    CHECK(answer(SYS_socket, {family, SOCK_STREAM, 0}) == SECCOMP_RET_ALLOW);
  }
  CHECK(answer(SYS_socket, {AF_NETLINK, SOCK_RAW, 0}) == SECCOMP_RET_ALLOW);
  CHECK(answer(SYS_socket, {AF_NETLINK, SOCK_RAW, 12}) != SECCOMP_RET_ALLOW);
  // The supervisor records the try and refuses it.
  for (const std::uint64_t family : {AF_PACKET, AF_VSOCK}) {
    CHECK(answer(SYS_socket, {family, SOCK_STREAM, 0}) == SECCOMP_RET_USER_NOTIF);
    CHECK(answer(SYS_socket, {family | (1ULL << 32U), SOCK_STREAM, 0}) == SECCOMP_RET_USER_NOTIF);
  }
  for (const std::uint64_t family : {AF_ALG, AF_KEY, AF_BLUETOOTH, AF_XDP, AF_TIPC}) {
    CHECK(answer(SYS_socket, {family, SOCK_STREAM, 0}) == refused(EAFNOSUPPORT));
    // The kernel takes an int: set upper bits must not help.
    CHECK(answer(SYS_socket, {family | (1ULL << 32U), SOCK_STREAM, 0}) == refused(EAFNOSUPPORT));
  }
  CHECK(answer(SYS_socket, {64, SOCK_STREAM, 0}) != SECCOMP_RET_ALLOW);
}

TEST_CASE("of the internet's protocols there are TCP and UDP only") {
  constexpr std::uint64_t kL2tp = 115;
  constexpr std::uint64_t kSmc = 256;
  const auto with_flags = [](std::uint64_t type) { return type | SOCK_CLOEXEC | SOCK_NONBLOCK; };
  for (const std::uint64_t family : {AF_INET, AF_INET6}) {
    CHECK(answer(SYS_socket, {family, SOCK_STREAM, IPPROTO_TCP}) == SECCOMP_RET_ALLOW);
    CHECK(answer(SYS_socket, {family, with_flags(SOCK_DGRAM), IPPROTO_UDP}) == SECCOMP_RET_ALLOW);
    for (const std::uint64_t high : {0ULL, 1ULL << 32U}) {
      CHECK(answer(SYS_socket, {family, with_flags(SOCK_STREAM), high | IPPROTO_MPTCP}) ==
            refused(EPROTONOSUPPORT));
      for (const std::uint64_t protocol :
           {std::uint64_t{IPPROTO_SCTP}, std::uint64_t{IPPROTO_UDPLITE}, kL2tp, kSmc}) {
        CHECK(answer(SYS_socket, {family, SOCK_STREAM, high | protocol}) == SECCOMP_RET_USER_NOTIF);
        CHECK(answer(SYS_socket, {family, SOCK_DGRAM, high | protocol}) == SECCOMP_RET_USER_NOTIF);
      }
    }
    CHECK(answer(SYS_socket, {family, SOCK_RAW, IPPROTO_RAW}) == SECCOMP_RET_USER_NOTIF);
  }
}

TEST_CASE("another architecture's calls end the process") {
  CHECK(answer(SYS_read, {}, kForeign) == SECCOMP_RET_KILL_PROCESS);
#if defined(__x86_64__)
  CHECK(answer(0x40000000L | SYS_read) == SECCOMP_RET_KILL_PROCESS);  // x32
#endif
}

TEST_CASE("limits can be set for oneself, not for init") {
  CHECK(answer(SYS_prlimit64, {0, 7}) == SECCOMP_RET_ALLOW);
  CHECK(answer(SYS_prlimit64, {1, 0}) == refused(EPERM));
}
