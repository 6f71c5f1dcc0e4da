// What was held: committed or discarded later, when a person has looked.

#include <algorithm>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "workspace/held_list.h"
#include "workspace/notices.h"
#include "workspace/transaction.h"
#include "workspace/undo.h"

namespace sandbox_run::workspace {
namespace {

/// Which of the target's paths is meant; nullopt: none.
std::optional<std::string> within(const std::string& target, const HeldPath& wanted) {
  if (!wanted.path.starts_with('/')) return wanted.path;
  if (base::is_beneath(target, wanted.path)) return ".";
  if (base::is_beneath(wanted.path, target)) return base::relative_to(wanted.path, target);
  return std::nullopt;
}

/// "a//b/./c/" → "a/b/c"; a path that climbs above its beginning stays at it.
HeldPath parse_path(const std::string& text) {
  HeldPath wanted{base::absolute_path(text, "/")};
  if (text.ends_with("/.")) wanted.reach = HeldPath::Reach::entry;
  if (!text.starts_with('/')) wanted.path.erase(0, 1);
  if (wanted.path.empty()) wanted.path = ".";
  return wanted;
}

bool concerns(const HeldPath& wanted, const HeldChange& held) {
  const auto path = within(held.target, wanted);
  if (!path) return false;
  if (wanted.reach == HeldPath::Reach::entry) return held.change.path == *path;
  return is_at_or_beneath(held.change.path, *path) ||
         (covers_subtree(held.change) && is_at_or_beneath(*path, held.change.path));
}

void check_paths(const std::string& run_directory, const std::vector<HeldChange>& held,
                 const std::vector<HeldPath>& paths) {
  if (held.empty()) {
    throw base::UserError("nothing is held of run " + base::printable(run_name(run_directory)));
  }
  for (const HeldPath& path : paths) {
    const bool is_known = std::any_of(
        held.begin(), held.end(), [&](const HeldChange& entry) { return concerns(path, entry); });
    if (!is_known) {
      throw base::UserError("no change of " + base::printable(path.path) + " is held");
    }
  }
}

/// The layers of which something is chosen; what the others hold stays held.
void choose(Transaction& transaction, const std::vector<HeldChange>& held,
            const std::vector<HeldPath>& wanted, Choice::Act act) {
  for (const LayerRecord& layer : load_layers(transaction.run_fd)) {
    const std::string& target = layer.directory.target.path;
    Choice choice;
    choice.act = act;
    for (const HeldPath& path : wanted) {
      if (auto inside = within(target, path)) choice.paths.push_back({*inside, path.reach});
    }
    std::copy_if(held.begin(), held.end(), std::back_inserter(choice.held),
                 [&](const HeldChange& entry) { return entry.target == target; });
    if (choice.held.empty()) continue;
    if (!wanted.empty() && choice.paths.empty()) {
      transaction.held_besides.insert(transaction.held_besides.end(), choice.held.begin(),
                                      choice.held.end());
      continue;
    }
    transaction.layers.push_back({layer, judge_by_choice(std::move(choice))});
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
  std::vector<HeldPath> wanted;
  std::transform(paths.begin(), paths.end(), std::back_inserter(wanted), parse_path);
  try {
    check_paths(run.path, held, wanted);
  } catch (...) {
    mark.remove();
    throw;
  }
  // In the layers, old entries of an earlier commit stand where its new ones were.
  drop_undo(run.fd.get());
  Transaction transaction;
  transaction.run_directory = run.path;
  transaction.run_fd = run.fd.get();
  transaction.purpose = Purpose::review;
  choose(transaction, held, wanted, act);
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
