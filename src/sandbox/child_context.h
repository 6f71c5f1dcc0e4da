#pragma once

#include <sys/types.h>

#include <vector>

#include "base/unique_fd.h"
#include "plan/plan.h"
#include "sandbox/launch.h"

namespace sandbox_run::sandbox {

/// What the steps of init share, and those of keeper and sandboxee. Lives in the child only.
struct ChildContext {
  int control = -1;   // socket pair to the supervisor, of each its own
  int status = -1;    // close-on-exec pipe: end of file says that the command was started
  int terminal = -1;  // the caller's controlling terminal, -1 if there is none
  mode_t caller_umask = 022;
  StandardStreams streams;
  std::vector<base::UniqueFd> namespaces;  // the sandbox's, in the order to enter them
  base::UniqueFd root;                     // the new root
  std::vector<base::UniqueFd> decoys;      // one per DecoyFile step, read-only
  bool kernel_objects_unlimited = false;
  std::vector<base::UniqueFd> mounts;  // one per Plan::mounts step, detached; -1: nothing to attach
};

}  // namespace sandbox_run::sandbox
