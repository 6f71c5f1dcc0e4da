#include "sandbox/supervisor_confinement.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "base/sys_error.h"
#include "sandbox/capabilities.h"
#include "sandbox/seccomp_filter_data.h"

namespace sandbox_run::sandbox {
namespace {

using base::check_sys;
using base::SysError;

/// Of root: what a commit does in a project that is another's. (Over the sandbox's namespaces their
/// owner has all capabilities without holding one: user_namespaces(7).)
constexpr std::array<cap_value_t, 5> kKept = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
                                              CAP_FOWNER, CAP_FSETID};

void drop_most_capabilities() {
  const CapState before(::cap_get_proc());
  const CapState wanted(::cap_init());
  if (!before || !wanted) throw SysError("reading the supervisor's capabilities");
  for (const cap_value_t cap : kKept) {
    cap_flag_value_t held = CAP_CLEAR;
    check_sys(::cap_get_flag(before.get(), cap, CAP_PERMITTED, &held), "reading a capability");
    for (const cap_flag_t set : {CAP_PERMITTED, CAP_EFFECTIVE}) {
      check_sys(::cap_set_flag(wanted.get(), set, 1, &cap, held), "choosing a capability");
    }
  }
  check_sys(::cap_set_proc(wanted.get()), "dropping the supervisor's capabilities");
  const CapState now(::cap_get_proc());
  if (!now || ::cap_compare(now.get(), wanted.get()) != 0) {
    throw SysError(EPERM, "checking the supervisor's capabilities");
  }
}

void load_filter() {
  const sock_fprog program{static_cast<unsigned short>(std::size(kSupervisorFilter)),
                           const_cast<sock_filter*>(kSupervisorFilter)};
  check_sys(static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                       SECCOMP_FILTER_FLAG_TSYNC, &program)),
            "loading the supervisor's system call filter");
}

}  // namespace

void confine_supervisor() {
  drop_most_capabilities();
  check_sys(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "setting no_new_privs");
  load_filter();
  // What surely fails without the filter in another way.
  if (::syscall(SYS_execve, nullptr, nullptr, nullptr) == 0 || errno != EPERM) {
    throw SysError(EPERM, "checking the supervisor's system call filter");
  }
}

}  // namespace sandbox_run::sandbox
