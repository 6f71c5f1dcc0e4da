#pragma once

#include <sys/types.h>

#include <string>

#include "base/unique_fd.h"

// systemd's manager of the caller's session, asked over D-Bus (org.freedesktop.systemd1(5)).

namespace sandbox_run::sandbox {

/// Has it make a scope that is ours to divide up (systemd.io/CGROUP_DELEGATION), with this process
/// in it, as `systemd-run --user --scope -p Delegate=yes` does. The scope goes when nobody is left
/// in it. The answer takes some 20 ms, in which there is other work: it is waited for by enter().
class ScopeRequest {
 public:
  /// Does nothing where there is no such manager. Forks.
  explicit ScopeRequest(const std::string& name);
  ScopeRequest(const ScopeRequest&) = delete;
  ScopeRequest& operator=(const ScopeRequest&) = delete;
  ~ScopeRequest();

  /// Puts this process, and what it has started meanwhile, in a group beneath the scope, so that
  /// that can be divided up. Returns its directory; "": there is none.
  std::string enter();

 private:
  bool is_answered();
  std::string wait_for_move() const;

  std::string scope_;
  pid_t child_ = -1;
  base::UniqueFd ended_;
};

}  // namespace sandbox_run::sandbox
