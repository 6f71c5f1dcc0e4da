#pragma once

#include "cli/supervise.h"

namespace sandbox_run::cli {

/// The exit code that stands for a command's end; see exit_code.h.
int command_code(const Outcome& outcome);

}  // namespace sandbox_run::cli
