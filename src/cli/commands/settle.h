#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workspace/workspace.h"

namespace sandbox_run::cli {

enum class Settlement { commit, discard };

/// What came of it. `refused`: chosen to be committed, but held still, with the reason.
struct Settled {
  std::uint64_t entries = 0;  // committed: files, links and directories
  std::size_t settled = 0;    // held changes that are gone; part of a directory counts as none
  std::size_t left = 0;
  std::vector<std::string> refused;  // "notes.txt (changed on the host meanwhile)"; printable
  /// Not chosen, as nobody named them: as the command line names them.
  std::vector<std::string> unnamed;
  std::vector<std::string> notes;  // of the log: events.head could not be written, say
};

/// Commits or discards held changes, with the targets locked, interrupted commits dealt with, and
/// an event in the run's log. `paths`: see workspace::commit_held(); empty: all. Throws.
Settled settle(const std::string& state, const std::string& run_directory, Settlement settlement,
               const std::vector<std::string>& paths);

/// All that the run could change: an interrupted commit concerns also what holds nothing.
std::vector<workspace::Target> targets_to_lock(const std::string& run_directory);

/// "sandbox-run: 2 changes committed, 1 change is still held\n", and a line for each that was
/// refused. `run`: to name it on the command line.
std::string settled_text(const Settled& settled, Settlement settlement, const std::string& run);

}  // namespace sandbox_run::cli
