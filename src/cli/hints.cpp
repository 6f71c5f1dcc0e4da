// The failures that people really meet, and their cures: (step, errno) → text.

#include "cli/hints.h"

#include <cerrno>

#include "base/text.h"

namespace sandbox_run::cli {

using sandbox::SetupStep;

std::string hint_for(SetupStep step, int error_number, const std::string& text) {
  switch (step) {
    case SetupStep::create_namespaces:
      if (error_number == ENOSPC) {
        return "user namespaces are switched off or used up: sudo sysctl "
               "user.max_user_namespaces=15000";
      }
      if (error_number == EPERM) {
        return "this host does not let ordinary users make user namespaces: sudo sysctl "
               "kernel.unprivileged_userns_clone=1 (Debian); in a container: --security-opt "
               "seccomp=unconfined";
      }
      return "";
    case SetupStep::write_id_maps:
    case SetupStep::private_mounts:
    case SetupStep::raise_loopback:
      if (error_number == EPERM || error_number == EACCES) {
        return "AppArmor restricts user namespaces here (Ubuntu 24.04): sudo sysctl "
               "kernel.apparmor_restrict_unprivileged_userns=0, or load an AppArmor profile with "
               "'userns,' for this binary (packaging/apparmor.in)";
      }
      return "";
    case SetupStep::collect_mounts:
      if (text.find("proc") != std::string::npos && error_number == EPERM) {
        return "parts of /proc are hidden by a container: run it with --security-opt "
               "systempaths=unconfined";
      }
      if (text.find("overlay") != std::string::npos) {
        if (error_number == ENODEV) return "this kernel has no overlayfs: sudo modprobe overlay";
        if (error_number == EPERM) {
          return "this kernel does not let ordinary users mount overlayfs: Linux 5.11 or later is "
                 "needed";
        }
        if (error_number == EINVAL || error_number == EOPNOTSUPP) {
          return "the file system of the state directory can't hold an overlay's changes: set "
                 "XDG_STATE_HOME to a directory on a local file system (ext4, xfs, btrfs)";
        }
        if (error_number == ELOOP) {
          return "the state directory lies in the project: set XDG_STATE_HOME to a directory "
                 "outside it";
        }
      }
      return "";
    case SetupStep::seccomp:
      return "this kernel's seccomp has no user notification: Linux 5.5 or later is needed";
    default:
      return "";
  }
}

std::string explain(const sandbox::SetupFailure& failure) {
  const std::string text = base::printable(failure.text.data());
  if (failure.step == SetupStep::execute && failure.error_number == ENOENT) {
    return text +
           "; the program is there, so the interpreter in its first line (#!) is not, or is not "
           "shown in the sandbox: --ro PATH shows it";
  }
  const std::string hint = hint_for(failure.step, failure.error_number, text);
  return hint.empty() ? text : text + "; " + hint;
}

}  // namespace sandbox_run::cli
