// Calls by which a process gets more of the kernel than an install needs: namespaces, mounts, other
// processes' memory, kernel objects.

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

static int unshare_user(void) { return judge(unshare(CLONE_NEWUSER)); }
static int unshare_mount(void) { return judge(unshare(CLONE_NEWNS)); }
static int unshare_net(void) { return judge(unshare(CLONE_NEWNET)); }

static int clone_user(void) {
  const long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(0);
  return judge(pid);
}

static int clone3_user(void) {
  struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  const long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) _exit(0);
  return judge(pid);
}

// To this process' own namespace of the same kind: harmless, and it needs the privilege all the
// same.
static int set_namespace(void) {
  const int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return could_not_try("opening the namespace");
  return judge(setns(fd, CLONE_NEWUTS));
}

static int mount_tmpfs(void) { return judge(mount("none", ".", "tmpfs", 0, "")); }
static int remount_writable(void) {
  return judge(mount("none", "/", NULL, MS_REMOUNT | MS_BIND, NULL));
}
// Of what is no mount: only who may unmount or move is told so.
static int unmount(void) { return judge_reached(umount2(".", 0), EINVAL); }
static int move_a_mount(void) {
  return judge_reached(mount(".", "..", NULL, MS_MOVE, NULL), EINVAL);
}
static int open_tree_clone(void) {
  return judge(
      syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */ | 0x8000 /* AT_RECURSIVE */));
}
static int fs_open(void) { return judge(syscall(SYS_fsopen, "tmpfs", 0)); }
static int change_root(void) { return judge(chroot(".")); }
static int pivot(void) { return judge_reached(syscall(SYS_pivot_root, ".", "."), EINVAL); }

static int io_uring(void) {
  struct io_uring_params parameters = {0};
  return judge(syscall(SYS_io_uring_setup, 4, &parameters));
}

static int load_bpf(void) {
  const struct bpf_insn program[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT}};
  union bpf_attr attributes = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
                               .insn_cnt = 2,
                               .insns = (uint64_t)(uintptr_t)program,
                               .license = (uint64_t)(uintptr_t) "GPL"};
  return judge(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes));
}

static int perf_event(void) {
  struct perf_event_attr attributes = {
      .type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_CPU_CLOCK};
  return judge(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

static int userfault(void) {
  return judge(syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */));
}

static int add_a_key(void) {
  return judge(syscall(SYS_add_key, "user", "attack", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}
static int session_keyring(void) {
  return judge(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1));
}

/// A child that waits to be attacked; it dies with us.
static pid_t victim(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  return pid;
}

static const char kText[] = "the victim's memory";

static int trace_child(void) {
  const pid_t pid = victim();
  const int code = judge(ptrace(PTRACE_SEIZE, pid, 0, 0));
  kill(pid, SIGKILL);
  return code;
}

static int read_memory(void) {
  const pid_t pid = victim();
  char copy[sizeof kText];
  struct iovec here = {copy, sizeof copy};
  struct iovec there = {(void*)kText, sizeof kText};
  const int code = judge(process_vm_readv(pid, &here, 1, &there, 1, 0));
  kill(pid, SIGKILL);
  return code;
}

static int take_descriptor(void) {
  const pid_t pid = victim();
  const long pidfd = syscall(SYS_pidfd_open, pid, 0);
  const int code = judge(pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, 0, 0));
  kill(pid, SIGKILL);
  return code;
}

// Of another process one can't be sure that it may be advised (CAP_SYS_NICE): of oneself, with
// advice that there is none.
static int advise_process(void) {
  const long pidfd = syscall(SYS_pidfd_open, getpid(), 0);
  if (pidfd < 0) return could_not_try("pidfd_open");
  struct iovec memory = {(void*)kText, sizeof kText};
  return judge_reached(syscall(SYS_process_madvise, pidfd, &memory, 1UL, 9999, 0U), EINVAL);
}

// The pages of a parent, lent to a pipe, could be read after the parent had written to them
// (CVE-2020-29374).
static int lend_pages(void) {
  int ends[2];
  if (pipe(ends) < 0) return could_not_try("pipe");
  struct iovec memory = {(void*)kText, sizeof kText};
  return judge(vmsplice(ends[1], &memory, 1, 0));
}

static int compare_processes(void) {
  return judge(syscall(SYS_kcmp, getpid(), getpid(), 1 /* KCMP_VM */, 0UL, 0UL));
}
static int persona(void) {
  return judge(syscall(SYS_personality, 0x0400000UL /* READ_IMPLIES_EXEC */));
}
static int descriptor_table(void) {
#ifdef SYS_modify_ldt
  char entries[64];
  return judge(syscall(SYS_modify_ldt, 0 /* read */, entries, sizeof entries));
#else
  errno = ENOSYS;
  return judge(-1);
#endif
}

static int memory_policy(void) {
  return judge(syscall(SYS_get_mempolicy, NULL, NULL, 0UL, NULL, 0UL));
}
static int place_memory(void) {
  return judge(syscall(SYS_set_mempolicy, 0 /* MPOL_DEFAULT */, NULL, 0UL));
}

static int open_by_handle(void) {
  struct {
    struct file_handle head;
    unsigned char bytes[128];
  } handle = {.head = {.handle_bytes = 128}};
  int mount_id = 0;
  if (name_to_handle_at(AT_FDCWD, "/", &handle.head, &mount_id, 0) < 0) return judge(-1);
  return judge(open_by_handle_at(AT_FDCWD, &handle.head, O_RDONLY | O_CLOEXEC));
}

static int load_module(void) { return judge_reached(syscall(SYS_finit_module, -1, "", 0), EBADF); }
static int kexec(void) {
  return judge_reached(syscall(SYS_kexec_load, 0UL, 99UL, NULL, 0xFFUL), EINVAL);
}
static int reboot_call(void) { return judge_reached(syscall(SYS_reboot, 1, 2, 3, NULL), EINVAL); }
static int read_kernel_log(void) { return judge(syscall(SYS_syslog, 10, NULL, 0)); }
static int swap(void) { return judge_reached(syscall(SYS_swapon, "/no/such", 0), ENOENT); }
static int device_node(void) { return judge(mknod("device", S_IFCHR | 0600, makedev(1, 3))); }
static int host_name(void) {
  char name[256];
  if (gethostname(name, sizeof name) < 0) return could_not_try("gethostname");
  return judge(sethostname(name, strlen(name)));
}
static int write_sysctl(void) { return judge(open("/proc/sys/kernel/core_pattern", O_WRONLY)); }
static int sysrq(void) { return judge(open("/proc/sysrq-trigger", O_WRONLY)); }

#ifdef __x86_64__
// The 32-bit entry has numbers of its own, which a filter for 64-bit calls misreads.
static int thirty_two_bit_call(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    long result = 20;  // getpid
    __asm__ volatile("int $0x80" : "+a"(result)::"memory", "cc", "r8", "r9", "r10", "r11");
    _exit(result > 0 ? 1 : 0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFSIGNALED(status)) {
    printf("blocked: signal %d\n", WTERMSIG(status));
    return kBlocked;
  }
  errno = ENOSYS;
  return judge(WEXITSTATUS(status) == 1 ? 0 : -1);
}
#endif

int main(int argc, char** argv) {
  const struct Attack attacks[] = {
      {"unshare_user", unshare_user},
      {"unshare_mount", unshare_mount},
      {"unshare_net", unshare_net},
      {"clone_user", clone_user},
      {"clone3_user", clone3_user},
      {"set_namespace", set_namespace},
      {"mount_tmpfs", mount_tmpfs},
      {"remount_writable", remount_writable},
      {"unmount", unmount},
      {"move_a_mount", move_a_mount},
      {"open_tree_clone", open_tree_clone},
      {"fs_open", fs_open},
      {"change_root", change_root},
      {"pivot", pivot},
      {"io_uring", io_uring},
      {"load_bpf", load_bpf},
      {"perf_event", perf_event},
      {"userfault", userfault},
      {"add_a_key", add_a_key},
      {"session_keyring", session_keyring},
      {"trace_child", trace_child},
      {"read_memory", read_memory},
      {"take_descriptor", take_descriptor},
      {"advise_process", advise_process},
      {"lend_pages", lend_pages},
      {"compare_processes", compare_processes},
      {"persona", persona},
      {"descriptor_table", descriptor_table},
      {"memory_policy", memory_policy},
      {"place_memory", place_memory},
      {"open_by_handle", open_by_handle},
      {"load_module", load_module},
      {"kexec", kexec},
      {"reboot_call", reboot_call},
      {"read_kernel_log", read_kernel_log},
      {"swap", swap},
      {"device_node", device_node},
      {"host_name", host_name},
      {"write_sysctl", write_sysctl},
      {"sysrq", sysrq},
#ifdef __x86_64__
      {"thirty_two_bit_call", thirty_two_bit_call},
#endif
  };
  return run_attack(attacks, sizeof attacks / sizeof attacks[0], argc, argv);
}
