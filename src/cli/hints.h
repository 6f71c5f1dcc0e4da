#pragma once

#include <string>

#include "sandbox/setup_step.h"

namespace sandbox_run::cli {

/// What to do about a set-up that failed: "" if nothing better than the error itself is known.
std::string hint_for(sandbox::SetupStep step, int error_number, const std::string& text);

/// Why the command was not started, and the cure.
std::string explain(const sandbox::SetupFailure& failure);

}  // namespace sandbox_run::cli
