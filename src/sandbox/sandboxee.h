#pragma once

#include "plan/plan.h"
#include "sandbox/child_context.h"

namespace sandbox_run::sandbox {

/// The forked child that becomes the command. Never returns.
[[noreturn]] void run_sandboxee(const plan::Plan& plan, ChildContext& context);

}  // namespace sandbox_run::sandbox
