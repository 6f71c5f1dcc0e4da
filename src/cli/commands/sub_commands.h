#pragma once

#include "cli/options.h"

namespace sandbox_run::cli {

/// review, commit, discard, runs, prune, log, explain, lock → exit code. Throws UserError,
/// SysError.
int run_sub_command(const Options& options);

}  // namespace sandbox_run::cli
