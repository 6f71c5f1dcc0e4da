#pragma once

#include "plan/plan.h"
#include "sandbox/child_context.h"

namespace sandbox_run::sandbox {

/// The sandboxee's parent, from the first instruction after clone3 to its end. Never returns.
[[noreturn]] void run_keeper(const plan::Plan& plan, ChildContext& context);

}  // namespace sandbox_run::sandbox
