#pragma once

#include <optional>
#include <string>

#include "cli/options.h"
#include "policy/behaviour_lock.h"

// The behaviour lock's file, sandbox-run.lock at the project's top, and the commands about it.

namespace sandbox_run::cli {

/// The project's lock, as it is before anything runs: nothing that runs can change what it is
/// compared with. nullopt: there is none. Throws UserError on one that can't be read, or is none,
/// for it must not pass for a missing one; and on a missing one if `use` is frozen.
std::optional<policy::BehaviourLock> read_behaviour_lock(const std::string& project, LockUse use);

/// Adds what was seen to the project's lock, in one step: whoever reads it finds the old or the new
/// one. Must be called when nothing in the sandbox lives any more. Returns what to tell, in words.
/// Throws UserError, SysError.
std::string learn_behaviour(const std::string& project, const policy::BehaviourLock& lock,
                            const policy::BehaviourLock& seen);

/// Keeps what a run's packages did in its directory, for `lock diff` and `lock update`.
void keep_behaviour(const std::string& run_directory, const std::string& project,
                    const policy::BehaviourLock& seen);

/// `lock diff [RUN]`, what the run would change in the lock: exit code 0 if nothing, else 1.
/// `lock update [RUN]` changes it. Without RUN: the newest run in the project that `here` lies in.
int lock_command(const Options& options, const std::string& state, const std::string& here);

}  // namespace sandbox_run::cli
