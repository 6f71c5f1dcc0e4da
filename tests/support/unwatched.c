// LD_PRELOAD: seccomp filters let go on at once what they would notify, so that the same run
// without its watch can be timed beside it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

#define MAX_LENGTH 4096  // BPF_MAXINSNS

static struct sock_filter changed[MAX_LENGTH];

long syscall(long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; ++i) a[i] = va_arg(list, long);
  va_end(list);
  long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  if (number != SYS_seccomp || a[0] != SECCOMP_SET_MODE_FILTER) {
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
  const struct sock_fprog* given = (const struct sock_fprog*)a[2];
  struct sock_fprog program = {given->len, changed};
  memcpy(changed, given->filter, given->len * sizeof *changed);
  for (int i = 0; i < program.len; ++i) {
    if (changed[i].code == (BPF_RET | BPF_K) && changed[i].k == SECCOMP_RET_USER_NOTIF) {
      changed[i].k = SECCOMP_RET_ALLOW;
    }
  }
  return real(number, a[0], a[1], &program);
}
