// Build-time program: syscall table → BPF programs as C arrays on standard output; with --table,
// that table for people. libseccomp is seen only here: compiling a filter costs it a millisecond,
// which no run has to pay.
//
// Two filters, because a libseccomp rule can test one argument once: the first lets through what
// the list allows; the second refuses single arguments and sends execve and connect to the
// supervisor, with SIGUSR1 and odd sockets. The kernel runs both and takes the stricter answer
// (seccomp(2)). A third one is for root alone.

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/filter_table.h"
#include "sandbox/supervisor_syscall_lists.h"
#include "sandbox/syscall_table.h"
#include "sandbox/terminal_requests.h"

namespace {

using sandbox_run::sandbox::Answer;

constexpr std::uint64_t kSocketType = 0xf;  // without SOCK_NONBLOCK and SOCK_CLOEXEC
// Protocols that not all headers have.
constexpr int kL2tp = 115;
constexpr int kSmc = 256;

struct FilterDeleter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterDeleter>;

[[noreturn]] void fail(const char* what, int error) {
  std::fprintf(stderr, "generate-filter: %s: %s\n", what, std::strerror(error));
  std::exit(1);
}

Filter make_filter(std::uint32_t default_action) {
  Filter filter(seccomp_init(default_action));
  if (!filter) fail("seccomp_init", ENOMEM);
  // int 0x80 and x32 numbers would be judged by the wrong table (A161, A162).
  seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE,
                   2);  // a binary tree: loads in half the time
  return filter;
}

/// False if this architecture does not have the call.
bool number_of(const char* name, int& number) {
  number = seccomp_syscall_resolve_name(name);
  for (const auto& call : sandbox_run::sandbox::kNewCalls) {
    if (number < 0 && std::strcmp(call.name, name) == 0) number = call.number;
  }
  return number >= 0;
}

void add(const Filter& filter, std::uint32_t action, const char* name,
         const std::vector<scmp_arg_cmp>& conditions = {}) {
  int number = 0;
  if (!number_of(name, number)) return;
  const int result = seccomp_rule_add_array(
      filter.get(), action, number, static_cast<unsigned>(conditions.size()), conditions.data());
  if (result != 0) fail(name, -result);
}

/// `action` for all calls that the table answers so.
void add_all(const Filter& filter, std::uint32_t action, Answer answer) {
  for (const auto& calls : sandbox_run::sandbox::kCalls) {
    if (calls.answer != answer) continue;
    for (const std::string& name : names_of(calls)) add(filter, action, name.c_str());
  }
}

scmp_arg_cmp equals(unsigned argument, std::uint64_t value) {
  // The kernel reads these arguments as int: the upper half is the caller's to fill
  // (CVE-2019-10063).
  return {argument, SCMP_CMP_MASKED_EQ, 0xFFFFFFFFU, value};
}

void refuse_namespaces(const Filter& filter) {
  for (const std::uint64_t flag :
       {std::uint64_t{CLONE_NEWNS}, std::uint64_t{CLONE_NEWCGROUP}, std::uint64_t{CLONE_NEWUTS},
        std::uint64_t{CLONE_NEWIPC}, std::uint64_t{CLONE_NEWUSER}, std::uint64_t{CLONE_NEWPID},
        std::uint64_t{CLONE_NEWNET}}) {
    add(filter, SCMP_ACT_ERRNO(EPERM), "clone", {{0, SCMP_CMP_MASKED_EQ, flag, flag}});
  }
}

/// Typing into the caller's terminal (CVE-2017-5226, CVE-2019-7303) and its console's paste buffer
/// (CVE-2023-28100). 32 bits are compared, as the kernel does.
void refuse_typing(const Filter& filter) {
  for (const std::uint64_t request : {std::uint64_t{TIOCSTI}, std::uint64_t{TIOCLINUX}}) {
    add(filter, SCMP_ACT_ERRNO(EPERM), "ioctl", {equals(1, request)});
  }
}

/// Attributes of inodes (immutable, casefold, no copy on write): an overlay passes them through to
/// the host's file system, and no look at the changes would show them. file_setattr(2) is not
/// there.
void refuse_inode_flags(const Filter& filter) {
  for (const std::uint64_t request :
       {std::uint64_t{FS_IOC_SETFLAGS}, std::uint64_t{FS_IOC32_SETFLAGS},
        std::uint64_t{FS_IOC_FSSETXATTR}}) {
    add(filter, SCMP_ACT_ERRNO(EOPNOTSUPP), "ioctl", {equals(1, request)});
  }
}

/// See kTerminalRequests. 16 bits are compared: the upper ones say the direction and the size.
void refuse_terminal_requests(const Filter& filter) {
  constexpr unsigned kLast = 0x7F;
  for (unsigned number = 0; number <= kLast; ++number) {
    const auto& known = sandbox_run::sandbox::kTerminalRequests;
    if (std::find(std::begin(known), std::end(known), number) != std::end(known)) continue;
    const std::uint64_t request = (std::uint64_t{'T'} << 8U) | number;
    add(filter, SCMP_ACT_ERRNO(EPERM), "ioctl", {{1, SCMP_CMP_MASKED_EQ, 0xFFFFU, request}});
  }
}

Filter allow_filter() {
  Filter filter = make_filter(SCMP_ACT_ERRNO(ENOSYS));
  add_all(filter, SCMP_ACT_ALLOW, Answer::kAllowed);
  add_all(filter, SCMP_ACT_ALLOW, Answer::kExcept);    // by the other filter
  add_all(filter, SCMP_ACT_ALLOW, Answer::kNotified);  // by the other filter
  add_all(filter, SCMP_ACT_ERRNO(EPERM), Answer::kRefused);
  // What follows is answered kOnly.

  // Plain Linux, and what build tools use: no ASLR, 32-bit uname, and asking (0xffffffff).
  for (const std::uint64_t persona :
       {0x0ULL, 0x8ULL, 0x20000ULL, 0x20008ULL, 0x40000ULL, 0xFFFFFFFFULL}) {
    add(filter, SCMP_ACT_ALLOW, "personality", {equals(0, persona)});
  }
  // One's own limits only: another process of the same user is init, whom RLIMIT_CPU would kill.
  add(filter, SCMP_ACT_ALLOW, "prlimit64", {equals(0, 0)});
  add(filter, SCMP_ACT_ERRNO(EPERM), "prlimit64", {{0, SCMP_CMP_NE, 0, 0}});
  // No new namespace. clone3 hides its flags behind a pointer: ENOSYS makes every libc use clone
  // (flatpak's CVE-2021-41133).
  constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                        CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  add(filter, SCMP_ACT_ALLOW, "clone", {{0, SCMP_CMP_MASKED_EQ, kNamespaces, 0}});
  refuse_namespaces(filter);
  // AF_ALG and the other families are kernel surface. Netlink: only routing, for getifaddrs().
  // Vsock and packet sockets are notified by the other filter, and never made.
  for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_VSOCK, AF_PACKET}) {
    add(filter, SCMP_ACT_ALLOW, "socket", {equals(0, static_cast<std::uint64_t>(family))});
  }
  add(filter, SCMP_ACT_ALLOW, "socket", {equals(0, AF_NETLINK), equals(2, 0 /*NETLINK_ROUTE*/)});
  for (int family = AF_UNSPEC; family < 64; ++family) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK ||
        family == AF_VSOCK || family == AF_PACKET) {
      continue;
    }
    add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket",
        {equals(0, static_cast<std::uint64_t>(family))});
  }
  add(filter, SCMP_ACT_ALLOW, "socketpair", {equals(0, AF_UNIX)});
  return filter;
}

/// Sockets for what is neither TCP nor UDP, which nobody inside may have: see watch/socket_watch.h.
void notify_packet_sockets(const Filter& filter) {
  for (const auto& [family, icmp] :
       {std::pair{AF_INET, int{IPPROTO_ICMP}}, std::pair{AF_INET6, int{IPPROTO_ICMPV6}}}) {
    const scmp_arg_cmp of_family = equals(0, static_cast<std::uint64_t>(family));
    add(filter, SCMP_ACT_NOTIFY, "socket",
        {of_family, {1, SCMP_CMP_MASKED_EQ, kSocketType, SOCK_RAW}});
    add(filter, SCMP_ACT_NOTIFY, "socket",
        {of_family,
         {1, SCMP_CMP_MASKED_EQ, kSocketType, SOCK_DGRAM},
         equals(2, static_cast<std::uint64_t>(icmp))});
    for (const int protocol :
         {int{IPPROTO_SCTP}, int{IPPROTO_DCCP}, int{IPPROTO_UDPLITE}, kL2tp, kSmc}) {
      add(filter, SCMP_ACT_NOTIFY, "socket",
          {of_family, equals(2, static_cast<std::uint64_t>(protocol))});
    }
  }
  // Vsock reaches the hypervisor past every network namespace (A143).
  for (const int family : {AF_VSOCK, AF_PACKET}) {
    add(filter, SCMP_ACT_NOTIFY, "socket", {equals(0, static_cast<std::uint64_t>(family))});
  }
}

/// Multipath TCP is much code that no install needs; who asks for it takes TCP at this answer, as
/// on a kernel without it. No event: Go's servers ask by themselves.
void refuse_multipath(const Filter& filter) {
  for (const int family : {AF_INET, AF_INET6}) {
    add(filter, SCMP_ACT_ERRNO(EPROTONOSUPPORT), "socket",
        {equals(0, static_cast<std::uint64_t>(family)),
         {1, SCMP_CMP_MASKED_EQ, kSocketType, SOCK_STREAM},
         equals(2, IPPROTO_MPTCP)});
  }
}

/// SIGUSR1 opens node's debugger in who gets it: see watch/signal_watch.h. Descriptors whose owner
/// the kernel would send it to (F_SETSIG) are refused to all.
void notify_debugger_signal(const Filter& filter) {
  struct Call {
    const char* name;
    unsigned signal;  // which argument it is
  };
  for (const auto& [name, signal] :
       {Call{"kill", 1}, Call{"tkill", 1}, Call{"tgkill", 2}, Call{"rt_sigqueueinfo", 1},
        Call{"rt_tgsigqueueinfo", 2}, Call{"pidfd_send_signal", 1}}) {
    add(filter, SCMP_ACT_NOTIFY, name, {equals(signal, SIGUSR1)});
  }
  add(filter, SCMP_ACT_ERRNO(EPERM), "fcntl", {equals(1, F_SETSIG), equals(2, SIGUSR1)});
}

/// What opens for writing or makes a file: see watch/write_watch.h. openat2(2) has its flags in
/// memory, and is notified whatever they are.
void notify_opens(const Filter& filter) {
  struct Open {
    const char* name;
    unsigned flags;  // which argument they are
  };
  for (const auto& [name, flags] : {Open{"open", 1}, Open{"openat", 2}}) {
    for (const auto& [mask, value] : {std::pair{O_ACCMODE, O_WRONLY}, std::pair{O_ACCMODE, O_RDWR},
                                      std::pair{O_CREAT, O_CREAT}, std::pair{O_TRUNC, O_TRUNC}}) {
      add(filter, SCMP_ACT_NOTIFY, name,
          {{flags, SCMP_CMP_MASKED_EQ, static_cast<std::uint64_t>(mask),
            static_cast<std::uint64_t>(value)}});
    }
  }
}

Filter argument_filter() {
  Filter filter = make_filter(SCMP_ACT_ALLOW);
  add_all(filter, SCMP_ACT_NOTIFY, Answer::kNotified);
  notify_opens(filter);
  refuse_terminal_requests(filter);
  refuse_inode_flags(filter);
  // What sends by a socket that needs no connect(2): datagrams, TCP Fast Open. sendto(2) without an
  // address is send(2), which most of what is sent by TCP goes by.
  add(filter, SCMP_ACT_NOTIFY, "sendto", {{4, SCMP_CMP_NE, 0, 0}});
  notify_debugger_signal(filter);
  notify_packet_sockets(filter);
  refuse_multipath(filter);
  return filter;
}

/// What is notified of the sandboxee is refused to init, which nobody answers.
Filter init_filter() {
  Filter filter = make_filter(SCMP_ACT_ALLOW);
  for (const int family : {AF_VSOCK, AF_PACKET}) {
    add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket",
        {equals(0, static_cast<std::uint64_t>(family))});
  }
  return filter;
}

Filter owner_filter() {
  Filter filter = make_filter(SCMP_ACT_ALLOW);
  for (const char* name : sandbox_run::sandbox::kOwnerCalls) add(filter, SCMP_ACT_ERRNO(0), name);
  return filter;
}

bool supervisor_needs(const std::string& name) {
  const auto& needed = sandbox_run::sandbox::kSupervisorNeeds;
  return std::find(std::begin(needed), std::end(needed), name) != std::end(needed);
}

/// The supervisor's own: it commits, relays and looks up names by whatever libc does for that, so
/// that what it must not do is listed, not what it may.
Filter supervisor_filter() {
  Filter filter = make_filter(SCMP_ACT_ALLOW);
  for (const auto& calls : sandbox_run::sandbox::kCalls) {
    if (calls.answer != Answer::kRefused) continue;
    for (const std::string& name : names_of(calls)) {
      if (!supervisor_needs(name)) add(filter, SCMP_ACT_ERRNO(EPERM), name.c_str());
    }
  }
  for (const char* name : sandbox_run::sandbox::kRefusedToSupervisor) {
    add(filter, SCMP_ACT_ERRNO(EPERM), name);
  }
  add(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3");  // see allow_filter(): libc takes clone then
  refuse_namespaces(filter);
  refuse_typing(filter);
  for (const int family : {AF_VSOCK, AF_ALG, AF_PACKET, AF_BLUETOOTH, AF_TIPC, AF_CAN, AF_XDP}) {
    add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket",
        {equals(0, static_cast<std::uint64_t>(family))});
  }
  return filter;
}

void print(const char* name, const Filter& filter) {
  const int fd = ::memfd_create("filter", MFD_CLOEXEC);
  if (fd < 0) fail("memfd_create", errno);
  const int result = seccomp_export_bpf(filter.get(), fd);
  if (result != 0) fail("seccomp_export_bpf", -result);
  if (::lseek(fd, 0, SEEK_SET) != 0) fail("lseek", errno);
  struct Instruction {
    std::uint16_t code;
    std::uint8_t jump_true, jump_false;
    std::uint32_t k;
  };
  std::printf("inline constexpr sock_filter %s[] = {\n", name);
  Instruction instruction{};
  while (::read(fd, &instruction, sizeof instruction) == sizeof instruction) {
    std::printf("{0x%x, %u, %u, 0x%x},\n", instruction.code, instruction.jump_true,
                instruction.jump_false, instruction.k);
  }
  std::printf("};\n");
  ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--table") == 0) {
    sandbox_run::sandbox::print_filter_table();
    return 0;
  }
  std::printf("#pragma once\n#include <linux/filter.h>\nnamespace sandbox_run::sandbox {\n");
  print("kAllowFilter", allow_filter());
  print("kArgumentFilter", argument_filter());
  print("kInitFilter", init_filter());
  print("kOwnerFilter", owner_filter());
  print("kSupervisorFilter", supervisor_filter());
  std::printf("}  // namespace sandbox_run::sandbox\n");
  return 0;
}
