#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace sandbox_run::cli {

/// `<state home>/sandbox-run`: runs/ID/{events.jsonl,layers/…,held}, locks/, seals/ID.
std::string state_directory(const std::string& state_home);

/// "20261121T204512.123-4711": sorts by time, unique on this host.
std::string new_run_id();

/// Makes `<state>/runs/ID`, mode 0700: a log names what was done, a layer holds what was written.
/// Throws UserError with the cure if the state directory can't be used.
std::string make_run_directory(const std::string& state, const std::string& run_id);

/// Newest first: the names in `<state>/runs` that new_run_id() could have made; nothing else is a
/// run, and nothing else is ever removed.
std::vector<std::string> run_ids(const std::string& state);
/// When the run of that id began; nullopt: no id.
std::optional<std::chrono::system_clock::time_point> start_of(const std::string& run_id);

/// Somebody works in a run's directory: the run itself, a review, a commit. Held by flock(2) on the
/// directory, so it ends with the process.
class RunInUse {
 public:
  /// Throws SysError.
  explicit RunInUse(const std::string& run_directory);
  /// Nobody else does, and nobody can begin to while this exists; nullopt otherwise.
  static std::optional<RunInUse> alone(const std::string& run_directory);
  /// Returns when nobody does any longer. Throws SysError.
  static void wait(const std::string& run_directory);

 private:
  explicit RunInUse(base::UniqueFd directory) : directory_(std::move(directory)) {}
  base::UniqueFd directory_;
};

/// A commit is under way, or was interrupted, or has left old entries to be removed.
bool is_unfinished(const std::string& run_directory);

/// Holds changes back, or has a commit to finish.
bool holds_changes(const std::string& run_directory);

/// What its commit replaced is kept, so that it can be undone (workspace/undo.h).
bool keeps_replaced(const std::string& run_directory);

/// What the run could change, as long as it holds something; else, or if it can't be read, nothing.
std::vector<std::string> targets_of(const std::string& run_directory);

/// The run's directory that `name` means: an id, "last" for the newest one. "": the newest one; of
/// those that hold changes, or can be undone, the newest whose targets `here` lies in, for two
/// projects' changes are not to be mixed up. Throws UserError if there is none, naming those
/// elsewhere.
enum class RunKind { any, with_held_changes, undoable };
std::string find_run(const std::string& state, const std::string& name, RunKind kind,
                     const std::string& here);

/// Removes the oldest runs beyond kKeptRuns that hold nothing back and that nobody works in, some
/// at once.
void remove_old_runs(const std::string& state);
inline constexpr std::size_t kKeptRuns = 100;

}  // namespace sandbox_run::cli
