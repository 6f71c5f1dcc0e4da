#pragma once

#include "plan/plan.h"
#include "sandbox/child_context.h"

namespace sandbox_run::sandbox {

/// A second lock on the same door (landlock(7)): everything in the new root may be read and
/// executed, only the plan's writable trees changed; abstract unix sockets and signals stay inside;
/// and nothing that is not in the new root can be opened at all, also not through /proc/self/fd:
/// a log that the caller redirected our output to can't be read back or truncated. Does nothing if
/// the plan says that the kernel has no Landlock.
void restrict_by_landlock(const plan::Plan& plan, ChildContext& context);

}  // namespace sandbox_run::sandbox
