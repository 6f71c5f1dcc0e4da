#pragma once

#include <span>

#include "plan/plan.h"
#include "sandbox/child_context.h"

namespace sandbox_run::sandbox {

/// A second lock on the same door (landlock(7)): everything in the new root may be read and
/// executed, only the plan's writable trees changed; abstract unix sockets and signals stay inside;
/// and nothing that is not in the new root can be opened at all, also not through /proc/self/fd:
/// a log that the caller redirected our output to can't be read back or truncated. Does nothing if
/// the plan says that the kernel has no Landlock.
void restrict_by_landlock(const plan::Plan& plan, ChildContext& context);

/// The supervisor's own domain, this process' and its children's from now on: it may read and
/// change what `files` says, and nothing else on the host; all that is beneath `sandbox_roots`,
/// too, for the sandboxee descends from it (its own domain is narrower). What does not exist is
/// passed over. Abstract unix sockets outside are out of reach (ABI 6); those that have a path, and
/// signals, are not governed by it. Needs no_new_privs, and
/// ABI 2: before that, no file could be moved to another directory. The terminals that `streams`
/// are count as changeable.
void restrict_supervisor_by_landlock(const plan::SupervisorFiles& files,
                                     std::span<const int> sandbox_roots,
                                     const StandardStreams& streams, int abi);

}  // namespace sandbox_run::sandbox
