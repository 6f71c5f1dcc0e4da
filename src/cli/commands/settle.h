#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sandbox_run::cli {

enum class Settlement { commit, discard };

/// What came of it. `refused`: chosen to be committed, but held still, with the reason.
struct Settled {
  std::uint64_t entries = 0;  // committed: files, links and directories
  std::size_t settled = 0;    // held changes that are gone; part of a directory counts as none
  std::size_t left = 0;
  std::vector<std::string> refused;  // "notes.txt (changed on the host meanwhile)"; printable
  std::vector<std::string> notes;    // of the log: events.head could not be written, say
};

/// Commits or discards held changes, with the targets locked, interrupted commits dealt with, and
/// an event in the run's log. `paths`: see workspace::commit_held(); empty: all. Throws.
Settled settle(const std::string& state, const std::string& run_directory, Settlement settlement,
               const std::vector<std::string>& paths);

/// "sandbox-run: 2 entries committed, 1 change is held still\n", and a line for each that was
/// refused.
std::string settled_text(const Settled& settled, Settlement settlement);

}  // namespace sandbox_run::cli
