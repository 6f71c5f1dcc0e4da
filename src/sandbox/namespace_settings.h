#pragma once

#include <string_view>

#include "plan/plan.h"
#include "sandbox/child_context.h"

// What a namespace may be set to by a file below /proc/sys, as long as the sandbox's own /proc is
// still ours to write.

namespace sandbox_run::sandbox {

/// A descriptor of the sandbox's /proc, which is not attached yet; borrowed.
int detached_proc(const plan::Plan& plan, const ChildContext& context);

/// Throws SysError.
void write_setting(int proc, const char* path, std::string_view value);

/// System V message queues and semaphores are kernel memory that is no process's, gigabytes by
/// default (sysvipc(7)): as many as no build needs, a few MiB. As root alone, whose these settings
/// are (tried: Linux 6.1, 6.18); for others the supervisor sees what is left of the machine's
/// memory, and no more. Where root may not either, the context says so.
void limit_kernel_objects(const plan::Plan& plan, ChildContext& context);

}  // namespace sandbox_run::sandbox
