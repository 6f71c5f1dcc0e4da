#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"
#include "policy/behaviour_lock.h"

// The behaviour lock's file, sandbox-run.lock at the project's top, and the commands about it.

namespace sandbox_run::cli {

/// What one run has to do with its project's lock.
class RunLock {
 public:
  /// Reads it, as it is before anything runs: nothing that runs can change what it is compared
  /// with. Throws UserError on one that can't be read, or is none, for it must not pass for a
  /// missing one; and on a missing one if `use` is frozen.
  RunLock(std::string project, LockUse use);

  /// What the run is compared with; nullptr: nothing.
  const policy::BehaviourLock* compared() const;

  enum class RunEnd { well, alert, failed };
  struct Learned {
    bool failed = false;             // it should have been written, and could not be
    std::vector<std::string> notes;  // what to tell, in words
  };
  /// When nothing in the sandbox lives any more: if it is used, keeps `seen`, what packages'
  /// scripts did, in the run's directory, for `lock diff` and `lock update`; and, if it is to learn
  /// and the run went well, adds it to the project's lock, in one step: whoever reads that finds
  /// the old or the new.
  Learned end(const std::string& run_directory, const policy::BehaviourLock& seen,
              RunEnd how) const;

 private:
  /// Is there anything to compare with, or to learn?
  bool is_used() const { return lock_ || use_ == LockUse::learn; }

  std::string project_;
  LockUse use_;
  std::optional<policy::BehaviourLock> lock_;
};

/// `lock diff [RUN]`, what the run would change in the lock: exit code 0 if nothing, else 1.
/// `lock update [RUN]` changes it. Without RUN: the newest run in the project that `here` lies in.
int lock_command(const Options& options, const std::string& state, const std::string& here);

}  // namespace sandbox_run::cli
