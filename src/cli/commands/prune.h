#pragma once

#include <string>

#include "cli/options.h"

namespace sandbox_run::cli {

/// Removes runs that are older than the rule says: never one that somebody works in or whose commit
/// is unfinished, and one that holds changes only if the rule says so. Returns what to print.
std::string prune_runs(const std::string& state, const PruneRule& rule);

}  // namespace sandbox_run::cli
