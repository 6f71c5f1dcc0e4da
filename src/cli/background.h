#pragma once

#include <string>
#include <vector>

#include "policy/resource_limits.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {

/// Removes what the run's commit replaced, in a process that outlives this one if that takes longer
/// than a person notices; then without the terminal, in a session of its own. If it is killed the
/// next run in the same project comes back to it (workspace::recover_interrupted()).
/// Of what is kept for `undo` no more than its limit stays. Does nothing where there is nothing to
/// do.
void clean_up_in_background(const std::string& run_directory,
                            const workspace::CommitSummary& commit, const policy::Limits& limits);

/// Removes what these runs keep to be undone, when the run in `run_directory` is over: until then
/// it would only compete with it.
void forget_in_background(const std::vector<std::string>& runs, const std::string& run_directory);

}  // namespace sandbox_run::cli
