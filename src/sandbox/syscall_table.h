#pragma once

#include <sstream>
#include <string>
#include <vector>

// How each system call of the sandboxee is answered, and why: data for generate_filter.cpp, which
// runs at build time and also prints it as a table (scripts/filter-table). A call that is not named
// here, as one of a kernel to come, answers ENOSYS; a test tells when the headers have such a one.

namespace sandbox_run::sandbox {

enum class Answer {
  kAllowed,
  kExcept,    ///< allowed, but for the arguments that the reason names
  kOnly,      ///< allowed with the arguments that the reason names alone
  kNotified,  ///< the supervisor looks at it first
  kRefused,   ///< EPERM: "not permitted"
  kAbsent,    ///< ENOSYS, as of a kernel without it: programs take their fallback
};

struct Calls {
  Answer answer;
  const char* why;
  const char* names;  ///< separated by spaces
};

inline constexpr Calls kCalls[] = {
    {Answer::kAllowed, "reads and closes; what can be opened is decided by mounts and Landlock",
     "access close close_range copy_file_range dup dup2 dup3 faccessat faccessat2 fadvise64 "
     "fgetxattr flistxattr flock fstat fstatfs getcwd getdents getdents64 getxattr lgetxattr "
     "listxattr llistxattr lseek lstat newfstatat pread64 preadv preadv2 read readahead readlink "
     "readlinkat readv sendfile splice stat statfs statx tee umask chdir fchdir"},
    {Answer::kAllowed, "writes to what is open, or changes attributes: all of it in a layer",
     "chmod chown fallocate fchmod fchmodat fchmodat2 fchown fchownat fdatasync fremovexattr "
     "fsetxattr fsync ftruncate futimesat lchown lremovexattr lsetxattr pwrite64 pwritev pwritev2 "
     "removexattr setxattr sync sync_file_range syncfs utime utimensat utimes write writev"},
    {Answer::kExcept, "the supervisor looks first if it opens for writing, makes or truncates",
     "open openat"},
    {Answer::kNotified, "makes, renames or removes an entry: who writes where is noted",
     "creat openat2 mkdir mkdirat mknod mknodat rename renameat link renameat2 truncate linkat "
     "symlink symlinkat unlink unlinkat rmdir"},
    {Answer::kExcept, "requests of terminals that no program needs, and flags of inodes, refused",
     "ioctl"},
    {Answer::kExcept, "not SIGUSR1, which opens node's debugger, for one's descriptors (F_SETSIG)",
     "fcntl"},
    {Answer::kAllowed, "waits for descriptors, signals, timers, files of its own",
     "epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 "
     "inotify_add_watch inotify_init inotify_init1 inotify_rm_watch pipe pipe2 poll ppoll pselect6 "
     "select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_settime"},
    {Answer::kAllowed, "asynchronous reads and writes of open descriptors; databases in tests",
     "io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit"},
    {Answer::kAllowed, "a process' own memory",
     "brk madvise membarrier memfd_create mincore mlock mlock2 mlockall mmap mprotect mremap msync "
     "munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages mseal "
     "map_shadow_stack"},
    {Answer::kAllowed, "what mincore(2) tells, for open files", "cachestat"},
    {Answer::kAllowed, "frees the memory of a process that is dying", "process_mrelease"},
    {Answer::kNotified, "every program that is run is in the log, with who ran it",
     "execve execveat"},
    {Answer::kNotified, "the memory that it has used is read before it ends", "exit_group"},
    {Answer::kOnly, "without a flag that makes a namespace", "clone"},
    {Answer::kOnly, "for the caller itself: init's limits would end the run", "prlimit64"},
    {Answer::kOnly, "plain Linux, without ASLR, with an old version's number; else surface",
     "personality"},
    {Answer::kAllowed, "processes and threads: in a namespace of their own",
     "arch_prctl exit fork futex futex_waitv futex_wait futex_wake futex_requeue get_robust_list "
     "get_thread_area getcpu getpgid getpgrp getpid getppid getpriority getrlimit getrusage getsid "
     "gettid ioprio_get ioprio_set pause pidfd_open prctl restart_syscall rseq rseq_slice_yield "
     "sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam "
     "sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam "
     "sched_setscheduler sched_yield set_robust_list set_thread_area set_tid_address setpgid "
     "setpriority setrlimit setsid vfork wait4 waitid"},
    {Answer::kAllowed, "signals to oneself",
     "rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait "
     "sigaltstack"},
    {Answer::kExcept, "SIGUSR1, which opens node's debugger, is the supervisor's to pass",
     "kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal"},
    {Answer::kAllowed, "ids: no capability is left, and one id is mapped",
     "capget capset getegid geteuid getgid getgroups getresgid getresuid getuid setfsgid setfsuid "
     "setgid setgroups setregid setresgid setresuid setreuid setuid"},
    {Answer::kAllowed, "a sandbox inside the sandbox narrows further",
     "seccomp landlock_add_rule landlock_create_ruleset landlock_restrict_self"},
    {Answer::kAllowed, "the kernel's own trampolines make it where an administrator traces",
     "uretprobe uprobe"},
    {Answer::kAllowed, "reads clocks, sets timers of its own",
     "alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer "
     "time timer_create timer_delete timer_getoverrun timer_gettime timer_settime times"},
    {Answer::kOnly,
     "unix, TCP and UDP, netlink for routes; vsock, packet and raw ones are noted, never made",
     "socket"},
    {Answer::kOnly, "unix", "socketpair"},
    {Answer::kNotified, "where to, and whose it is", "connect sendmsg sendmmsg"},
    {Answer::kExcept, "the supervisor looks first if it names an address", "sendto"},
    {Answer::kAllowed, "sockets: in a network namespace with loopback alone",
     "accept accept4 bind getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg "
     "setsockopt shutdown"},
    {Answer::kAllowed, "System V and POSIX IPC: in a namespace of their own",
     "mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv "
     "msgsnd semctl semget semop semtimedop shmat shmctl shmdt shmget"},
    {Answer::kAllowed, "facts of the system", "getrandom sysinfo uname"},

    {Answer::kRefused, "other processes' memory and descriptors",
     "ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd"},
    {Answer::kRefused, "mounts and roots",
     "mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree "
     "open_tree_attr mount_setattr"},
    {Answer::kRefused, "namespaces", "unshare setns"},
    {Answer::kRefused, "files by handle, past every path (\"shocker\")",
     "open_by_handle_at name_to_handle_at"},
    {Answer::kRefused, "programs in the kernel, its counters and faults: most of its holes",
     "bpf perf_event_open userfaultfd"},
    {Answer::kRefused, "all accesses of a file system", "fanotify_init"},
    {Answer::kRefused, "memory that not even the kernel reads", "memfd_secret"},
    {Answer::kRefused, "the machine as a whole",
     "lookup_dcookie syslog acct quotactl quotactl_fd swapon swapoff reboot kexec_load "
     "kexec_file_load init_module finit_module delete_module iopl ioperm vhangup settimeofday "
     "clock_settime clock_adjtime adjtimex sethostname setdomainname"},
    {Answer::kRefused, "segments of 16-bit programs", "modify_ldt"},
    {Answer::kRefused, "keys are in no namespace", "add_key request_key keyctl"},

    {Answer::kAbsent, "its flags are in memory, out of a filter's sight: libc takes clone",
     "clone3"},
    {Answer::kAbsent, "does what is filtered here without a call of its own",
     "io_uring_setup io_uring_enter io_uring_register"},
    {Answer::kAbsent, "where memory lies: no install needs it, and it had holes",
     "get_mempolicy set_mempolicy set_mempolicy_home_node mbind migrate_pages move_pages"},
    {Answer::kAbsent, "another process' memory, by advice", "process_madvise"},
    {Answer::kAbsent, "lends pages to a pipe, by which a child reads on in its parent's memory",
     "vmsplice"},
    {Answer::kAbsent, "flags of inodes, which no review would show", "file_getattr file_setattr"},
    {Answer::kAbsent, "the older calls do the same",
     "setxattrat getxattrat listxattrat removexattrat"},
    {Answer::kAbsent, "of other mounts and namespaces; /proc/self/mountinfo has one's own",
     "statmount listmount listns"},
    {Answer::kAbsent, "labels of security modules, which nothing inside sets",
     "lsm_get_self_attr lsm_set_self_attr lsm_list_modules"},
    {Answer::kAbsent, "nothing without fanotify_init", "fanotify_mark"},
    {Answer::kAbsent, "obsolete, or never there",
     "uselib ustat sysfs _sysctl create_module get_kernel_syms query_module nfsservctl getpmsg "
     "putpmsg afs_syscall tuxcall security vserver epoll_ctl_old epoll_wait_old"},
};

inline std::vector<std::string> names_of(const Calls& calls) {
  std::istringstream stream(calls.names);
  std::vector<std::string> names;
  for (std::string name; stream >> name;) names.push_back(name);
  return names;
}

/// Numbers that the libseccomp of a build may not know: without them the filter would depend on
/// where it was made. From 424 on they are the same on every architecture.
struct NumberedCall {
  const char* name;
  int number;
};
inline constexpr NumberedCall kNewCalls[] = {
#if defined(__x86_64__)
    {"uretprobe", 335},         {"uprobe", 336},
#endif
    {"memfd_secret", 447},      {"process_mrelease", 448},
    {"futex_waitv", 449},       {"set_mempolicy_home_node", 450},
    {"cachestat", 451},         {"fchmodat2", 452},
    {"map_shadow_stack", 453},  {"futex_wake", 454},
    {"futex_wait", 455},        {"futex_requeue", 456},
    {"statmount", 457},         {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460},
    {"lsm_list_modules", 461},  {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},
    {"listxattrat", 465},       {"removexattrat", 466},
    {"open_tree_attr", 467},    {"file_getattr", 468},
    {"file_setattr", 469},      {"listns", 470},
    {"rseq_slice_yield", 471},
};

/// Answered with success and not done, where the caller is root: as root, tar(1) and npm give files
/// the owners that an archive names, and fail if they may not. Here everything stays root's.
inline constexpr const char* kOwnerCalls[] = {"chown", "fchown", "lchown", "fchownat"};

}  // namespace sandbox_run::sandbox
