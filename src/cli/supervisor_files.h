#pragma once

#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "plan/plan.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {

/// What a run needs of the host when its sandbox is there: its own state, the targets, and what
/// libc reads to look up a name; of the home directory nothing else, whatever bytes from inside
/// may do to the supervisor. Of the state it has its own
/// run's directory, and may read the seals that its records are held to (workspace/seal.h): by all
/// else there it is decided what later commands do. `layers` and `made` (MadeTargets): empty for a
/// plan that is only printed, whose `run_directory` is that of all runs.
plan::SupervisorFiles supervisor_files(const plan::HostFacts& facts, const std::string& state,
                                       const std::string& run_directory,
                                       const std::vector<workspace::Target>& targets,
                                       const std::vector<workspace::LayerDirectory>& layers,
                                       const std::vector<std::string>& made);

}  // namespace sandbox_run::cli
