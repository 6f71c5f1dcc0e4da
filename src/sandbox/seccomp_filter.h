#pragma once

#include "plan/plan.h"
#include "sandbox/child_context.h"

namespace sandbox_run::sandbox {

/// Loads the filters made at build time (seccomp(2)) and sends the exec listener to the
/// supervisor. Last of all steps: it forbids calls that the others need. From here on, this
/// process' own execve waits for the supervisor.
void load_filters(const plan::Plan& plan, ChildContext& context);

/// Init's own: the allowlist alone. It starts nothing, so nobody need watch its execve.
void load_init_filter(const plan::Plan& plan, ChildContext& context);

}  // namespace sandbox_run::sandbox
