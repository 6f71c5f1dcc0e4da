#pragma once

#include <optional>
#include <string>
#include <vector>

// Runs to which somebody may have to come back: whose commit is under way or was interrupted, or
// that died before it. An empty file each, <state>/runs/.open/ID, so that a start need not look
// into all.

namespace sandbox_run::workspace {

/// `run_fd`: <state>/runs/ID. Throws SysError.
void note_open(int run_fd);
/// Before a commit begins: after a power loss it must be found. Throws SysError.
void sync_open_runs(int run_fd);
/// Nothing is left to do. Where it can't be noted (in a run's own confinement), the next start
/// looks at the run once more.
void note_over(int run_fd) noexcept;

/// Their names; nullopt: they were not noted yet (an older version's), so that all may be.
std::optional<std::vector<std::string>> open_runs(int runs_fd);
/// The note of a run that is gone.
void forget_open(int runs_fd, const std::string& name) noexcept;

}  // namespace sandbox_run::workspace
