#pragma once

#include <string>
#include <vector>

namespace sandbox_run::cli {

/// Is there a person at a terminal who can be asked: standard input, and standard output or error?
bool can_ask();

/// Goes through what a run holds, change by change: commit, discard, skip, show. Nothing is done
/// before the last question is answered with yes. `paths` (full; empty: all) restricts it. Returns
/// an exit code. Throws.
int review_interactively(const std::string& state, const std::string& run_directory,
                         const std::vector<std::string>& paths);

}  // namespace sandbox_run::cli
