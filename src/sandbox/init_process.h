#pragma once

#include "plan/plan.h"
#include "sandbox/child_context.h"

namespace sandbox_run::sandbox {

/// PID 1 of the sandbox, from the first instruction after clone3 to its end. Never returns.
[[noreturn]] void run_init(const plan::Plan& plan, ChildContext& context);

}  // namespace sandbox_run::sandbox
