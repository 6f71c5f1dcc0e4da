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
/// default (sysvipc(7)): as many as no build needs, a few MiB. Only where the namespace's root may
/// set that (Linux 6.10); elsewhere the supervisor sees what is left of the machine's memory.
void limit_kernel_objects(const plan::Plan& plan, ChildContext& context);

}  // namespace sandbox_run::sandbox
