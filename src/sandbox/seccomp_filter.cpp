#include "sandbox/seccomp_filter.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <span>

#include "base/sys_error.h"
#include "sandbox/seccomp_filter_data.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

namespace sandbox_run::sandbox {
namespace {

using base::SysError;

long load(std::span<const sock_filter> filter, unsigned long flags) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()),
                           const_cast<sock_filter*>(filter.data())};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

}  // namespace

void load_filters(const plan::Plan& plan, ChildContext& context) {
  // WAIT_KILLABLE_RECV (Linux 5.19): a signal that arrives while the supervisor looks at an execve
  // does not make it start over for ever. Older kernels do without.
  long listener = load(kArgumentFilter,
                       SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
  if (listener < 0 && errno == EINVAL) {
    listener = load(kArgumentFilter, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  }
  if (listener < 0) throw SysError("loading the system call filter");
  // Left open: until the execve, which waits for the supervisor, who has it by then.
  const int fd = static_cast<int>(listener);
  if (plan.ids.uid == 0 && load(kOwnerFilter, 0) != 0) {
    throw SysError("loading the filter for root");
  }
  if (load(kAllowFilter, 0) != 0) throw SysError("loading the system call filter");
  // By its number alone: sendmsg(2), which could pass it, would wait for the supervisor already.
  if (::write(context.control, &fd, sizeof fd) != sizeof fd) throw SysError("naming the listener");
}

void load_init_filter(const plan::Plan&, ChildContext&) {
  if (load(kInitFilter, 0) != 0 || load(kAllowFilter, 0) != 0) {
    throw SysError("loading init's system call filter");
  }
}

}  // namespace sandbox_run::sandbox
