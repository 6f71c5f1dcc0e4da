// What was held: committed or discarded later, when a person has looked.

#include <algorithm>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "workspace/held_list.h"
#include "workspace/notices.h"
#include "workspace/transaction.h"

namespace sandbox_run::workspace {
namespace {

void check_paths(const std::string& run_directory, const std::vector<HeldChange>& held,
                 const std::vector<std::string>& paths) {
  if (held.empty()) {
    throw base::UserError("nothing is held of run " + base::printable(run_name(run_directory)));
  }
  for (const std::string& path : paths) {
    const bool is_known = std::any_of(held.begin(), held.end(), [&](const HeldChange& entry) {
      return is_at_or_beneath(entry.change.path, path) ||
             (covers_subtree(entry.change) && is_at_or_beneath(path, entry.change.path));
    });
    if (!is_known) throw base::UserError("no change of " + base::printable(path) + " is held");
  }
}

CommitSummary settle(const std::string& run_directory, const std::vector<std::string>& paths,
                     Choice::Act act, events::EventSink& sink) {
  const RunDirectory run = open_run(run_directory);
  const StepHook no_hook = [](const char*) {};
  // What is held is known only when an earlier commit is over, finished or undone.
  if (is_unfinished(run.fd.get())) recover_run(run.path, sink, no_hook);
  // Of an earlier commit the old entries may still be on their way out.
  UnfinishedMark mark(run.fd.get(), UnfinishedMark::IfBusy::wait);
  if (has_journal(run.fd.get())) throw base::SysError(EBUSY, "recovering a commit");
  const std::vector<HeldChange> held = load_held(run.fd.get());
  std::vector<std::string> wanted;
  for (const std::string& path : paths) {
    std::string clean = base::absolute_path(path, "/").substr(1);
    wanted.push_back(std::move(clean));
  }
  try {
    check_paths(run.path, held, wanted);
  } catch (...) {
    mark.remove();
    throw;
  }
  Transaction transaction;
  transaction.run_directory = run.path;
  transaction.run_fd = run.fd.get();
  transaction.purpose = Purpose::review;
  for (const LayerRecord& layer : load_layers(run.fd.get())) {
    Choice choice;
    choice.paths = wanted;
    choice.act = act;
    std::copy_if(
        held.begin(), held.end(), std::back_inserter(choice.held),
        [&](const HeldChange& entry) { return entry.target == layer.directory.target.path; });
    if (choice.held.empty()) continue;
    transaction.layers.push_back({layer, judge_by_choice(std::move(choice))});
  }
  CommitPlan plan;
  try {
    plan = run_transaction(transaction, no_hook);
  } catch (...) {
    // Undone: what was held is held still. Else the journal is there, and the mark with it.
    if (!has_journal(run.fd.get())) {
      remove_stores(run.fd.get());
      mark.remove();
    }
    throw;
  }
  record_stripped(plan, sink);
  plan.summary.held = load_held(run.fd.get());
  clean_up_run(run.fd.get(), no_hook);
  mark.remove();
  return plan.summary;
}

}  // namespace

std::vector<HeldChange> read_held(const std::string& run_directory) {
  return load_held(open_run(run_directory).fd.get());
}

CommitSummary commit_held(const std::string& run_directory, const std::vector<std::string>& paths,
                          events::EventSink& sink) {
  return settle(run_directory, paths, Choice::Act::commit, sink);
}

void discard_held(const std::string& run_directory, const std::vector<std::string>& paths,
                  events::EventSink& sink) {
  settle(run_directory, paths, Choice::Act::discard, sink);
}

}  // namespace sandbox_run::workspace
