#pragma once

#include <string>
#include <vector>

namespace sandbox_run::cli {

/// Removes what the run's commit replaced, in a process that outlives this one if that takes longer
/// than a person notices; then without the terminal, in a session of its own. If it is killed the
/// next run in the same project comes back to it (workspace::recover_interrupted()).
void clean_up_in_background(const std::string& run_directory);

/// Removes what these runs keep to be undone, when the run in `run_directory` is over: until then
/// it would only compete with it.
void forget_in_background(const std::vector<std::string>& runs, const std::string& run_directory);

}  // namespace sandbox_run::cli
