#include "sandbox/capabilities.h"

#include <linux/securebits.h>
#include <sys/prctl.h>

#include <cerrno>

#include "base/sys_error.h"

namespace sandbox_run::sandbox {
namespace {

using base::check_sys;
using base::SysError;

/// One call for each that the kernel knows: EINVAL says that there are no more.
void empty_bounding_set() {
  constexpr cap_value_t kLastOfOldest = CAP_CHECKPOINT_RESTORE;  // of Linux 5.9
  for (cap_value_t cap = 0;; ++cap) {
    const int done = ::prctl(PR_CAPBSET_DROP, static_cast<unsigned long>(cap), 0, 0, 0);
    if (done != 0 && errno == EINVAL && cap > kLastOfOldest) return;
    check_sys(done, "emptying the bounding set");
  }
}

}  // namespace

void drop_capabilities(const plan::Plan&, ChildContext&) {
  empty_bounding_set();
  check_sys(::prctl(PR_SET_SECUREBITS,
                    SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                        SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                        SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
                    0, 0, 0),
            "locking the securebits");
  check_sys(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0),
            "clearing ambient capabilities");
  const CapState none(::cap_init());
  if (!none || ::cap_set_proc(none.get()) != 0) throw SysError("dropping capabilities");

  const CapState now(::cap_get_proc());
  if (!now || ::cap_compare(now.get(), none.get()) != 0) {
    throw SysError(EPERM, "checking that no capability is left");
  }
}

void set_no_new_privileges(const plan::Plan&, ChildContext&) {
  check_sys(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "setting no_new_privs");
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
    throw SysError(EPERM, "checking no_new_privs");
  }
}

}  // namespace sandbox_run::sandbox
