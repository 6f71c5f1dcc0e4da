#pragma once

#include <string>
#include <vector>

#include "workspace/journal.h"
#include "workspace/layer_planner.h"

// A commit from its plan to its last trace, each stage such that a process killed anywhere in it
// leaves what the next one needs:
//
//   `unfinished` made and locked → layers judged, staged → `journal` → renames → `held` →
//   `journal` removed → old entries and committed layers removed → `unfinished` removed
//
// What is promised after a power loss: every path has its old or its new entry; single files
// (lockfiles, manifests; the first 64) have their content. The content of whole new directories is
// written back by the kernel in its own time, as after the bare command.

namespace sandbox_run::workspace {

/// The mark of a commit under way, locked (flock(2)) by the process that is at it.
class UnfinishedMark {
 public:
  enum class IfBusy { refuse, wait };
  /// refuse: throws UserError if another process is at it.
  explicit UnfinishedMark(int run_fd, IfBusy if_busy = IfBusy::refuse);
  static bool is_present(int run_fd);
  /// Nothing is left to do. While there is a journal it stays: the commit is not over.
  void remove();

 private:
  int run_fd_;
  base::UniqueFd file_;
};

struct JudgedLayer {
  LayerRecord layer;
  Judge judge;
  bool whole = false;  // if any change of it is held, all are
};

struct Transaction {
  std::string run_directory;
  int run_fd = -1;
  std::vector<JudgedLayer> layers;
  Purpose purpose = Purpose::first_commit;
  std::vector<HeldChange> held_besides;  // of other layers
  std::string name;                      // tells the run's transactions apart
  bool keeps_replaced = false;           // it can be undone (undo.h)
};

/// All or nothing. On return `held` is written and the journal is gone. On an exception nothing has
/// changed, and all is held; or, if even that failed, the journal is still there.
CommitPlan run_transaction(const Transaction& transaction, const StepHook& hook);

/// Writes every change of the layers (but caches') into `held`.
void hold_everything(int run_fd, const std::vector<LayerRecord>& layers, const std::string& reason);

/// Removes what no one needs any more: stores, and of the layers all that is not in `held`.
void clean_up_run(int run_fd, const StepHook& hook);
/// Is there so little of it that nobody would notice? (No directory in the trash or in a layer.)
bool is_quick_to_clean(int run_fd);

/// commit_changes(), stopped at each step by a test.
CommitSummary commit_changes_in_steps(const CommitRequest& request, events::EventSink& sink,
                                      const StepHook& hook);
/// Is a commit under way, or was it interrupted?
bool is_unfinished(int run_fd);
/// Finishes or undoes one run's commit. False if another process is at it.
bool recover_run(const std::string& run_directory, events::EventSink& sink, const StepHook& hook);

}  // namespace sandbox_run::workspace
