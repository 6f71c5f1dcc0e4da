#pragma once

#include <string>

namespace sandbox_run::cli {

/// `<state home>/sandbox-run`: runs/ID/{events.jsonl,layers/…,held}, locks/.
std::string state_directory(const std::string& state_home);

/// "20261121T204512.123-4711": sorts by time, unique on this host.
std::string new_run_id();

/// Makes `<state>/runs/ID`, mode 0700: a log names what was done, a layer holds what was written.
/// Throws UserError with the cure if the state directory can't be used.
std::string make_run_directory(const std::string& state, const std::string& run_id);

/// The run that `name` means: an id, or "" or "last" for the newest one. `held_only`: the newest
/// with held changes. Throws UserError if there is none.
enum class RunKind { any, with_held_changes };
std::string find_run(const std::string& state, const std::string& name, RunKind kind);

/// Removes the oldest runs beyond kKeptRuns that hold nothing back.
void remove_old_runs(const std::string& state);
inline constexpr std::size_t kKeptRuns = 100;

}  // namespace sandbox_run::cli
