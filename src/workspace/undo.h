#pragma once

#include <string>

#include "workspace/journal.h"
#include "workspace/workspace.h"

// A commit that can be taken back as long as what it replaced is still there: its journal is kept
// beside the old entries, as `undo`, and done backwards. Nothing is copied, neither then nor now.
//
//   `undo` → `undoing` → renames, backwards → `held` → `undoing` removed → `unfinished` removed
//
// Killed in between, recovery goes on backwards: `undoing` says so.

namespace sandbox_run::workspace {

/// Instead of remove_journal(): what was committed can be taken back.
void keep_journal(int run_fd);
bool has_undo(int run_fd);
/// The run's old entries are needed no more: they are removed, and the commit is for good.
void drop_undo(int run_fd);

/// Was an undo interrupted? finish_undo(): goes on with it; throws as Executor::undo() does.
bool is_undoing(int run_fd);
void finish_undo(int run_fd, const StepHook& hook);

/// undo_commit(), stopped at each step by a test.
void undo_commit_in_steps(const std::string& run_directory, const StepHook& hook);

}  // namespace sandbox_run::workspace
