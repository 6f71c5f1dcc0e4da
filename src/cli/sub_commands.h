#pragma once

#include "cli/options.h"

namespace sandbox_run::cli {

/// review, commit, discard, log. Throws UserError.
int run_sub_command(const Options& options);

}  // namespace sandbox_run::cli
