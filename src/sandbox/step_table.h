#pragma once

#include <array>
#include <exception>

#include "plan/plan.h"
#include "sandbox/child_context.h"
#include "sandbox/setup_step.h"

namespace sandbox_run::sandbox {

/// One act of the set-up: obeys the plan, throws on failure, checks its own result.
struct Step {
  SetupStep name;
  void (*act)(const plan::Plan&, ChildContext&);
};

/// Runs the steps in order; `current` says where it was when one throws.
template <std::size_t Count>
void run_steps(const std::array<Step, Count>& steps, const plan::Plan& plan, ChildContext& context,
               SetupStep& current) {
  for (const Step& step : steps) {
    current = step.name;
    step.act(plan, context);
  }
}

/// Down the status pipe: one atomic write, which the package's own output cannot forge.
void report_failure(int status_fd, SetupStep step, const std::exception& error) noexcept;

}  // namespace sandbox_run::sandbox
