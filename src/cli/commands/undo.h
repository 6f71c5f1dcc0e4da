#pragma once

#include <string>
#include <vector>

#include "workspace/workspace.h"

namespace sandbox_run::cli {

/// `sandbox-run undo`: gives back the tree from before the run's commit. Returns what is said.
/// Throws UserError, SysError.
std::string undo_run(const std::string& state, const std::string& run_directory);

/// The runs of which something is kept to be undone, and need not be any longer: those that changed
/// what `targets` name, as a new run there may change it again, and all that are older than a day.
std::vector<std::string> no_longer_undoable(const std::string& state,
                                            const std::vector<workspace::Target>& targets);

}  // namespace sandbox_run::cli
