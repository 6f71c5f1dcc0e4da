#include "cli/commands/settle.h"

#include <algorithm>

#include "base/path.h"
#include "base/text.h"
#include "cli/paragraph.h"
#include "cli/review/source.h"
#include "cli/review/style.h"
#include "cli/run_log.h"
#include "cli/state.h"
#include "events/event_log.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {
namespace {

using workspace::HeldChange;

constexpr std::size_t kRefusedNamed = 20;
constexpr std::size_t kUnnamedShown = 5;

bool is_chosen(const HeldChange& change, const std::vector<std::string>& paths) {
  return paths.empty() || std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
           if (path.ends_with("/.")) return full_path(change) + "/." == path;
           return base::is_beneath(full_path(change), path);
         });
}

void record(events::EventLog& log, Settlement settlement, const std::vector<std::string>& paths,
            const Settled& settled) {
  events::Event event{settlement == Settlement::commit ? "held.committed" : "held.discarded"};
  base::json::array list;
  for (const std::string& path : paths) list.emplace_back(path);
  event.details = {{"changes", settled.settled},
                   {"left", settled.left},
                   {"refused", settled.refused.size()},
                   {"paths", std::move(list)}};
  log.record(event);
}

/// What a protected place, or whoever raised an alert, has to be named for.
std::string unnamed_text(const std::vector<std::string>& unnamed, const std::string& run) {
  std::vector<std::string> words{"sandbox-run", "commit", run};
  for (std::size_t i = 0; i < unnamed.size() && i < kUnnamedShown; ++i) {
    words.push_back(unnamed[i]);
  }
  if (unnamed.size() > kUnnamedShown) words.emplace_back("…");
  return laid_out({"not committed", Paragraph::Tone::warning,
                   "protected places, and changes of whoever raised an alert, must be named "
                   "(--yes commits them all)",
                   words},
                  Layout::for_standard_error());
}

}  // namespace

std::vector<workspace::Target> targets_to_lock(const std::string& run_directory) {
  std::vector<workspace::Target> targets;
  for (const std::string& path : targets_of(run_directory)) {
    targets.push_back({path, policy::TargetKind::project, false});
  }
  return targets;
}

Settled settle(const std::string& state, const std::string& run_directory, Settlement settlement,
               const std::vector<std::string>& paths) {
  const RunInUse in_use(run_directory);
  const std::vector<HeldChange> before = workspace::read_held(run_directory);
  const std::vector<workspace::Target> targets = targets_to_lock(run_directory);
  const workspace::TargetLocks locks(state, targets);
  const std::unique_ptr<events::EventLog> opened = open_run_log(run_directory, {});
  events::EventLog& log = *opened;
  Settled settled;
  settled.notes = workspace::recover_interrupted(state, targets, log);
  if (settlement == Settlement::commit) {
    settled.entries = workspace::commit_held(run_directory, paths, log).committed_entries;
  } else {
    workspace::discard_held(run_directory, paths, log);
  }
  const std::vector<HeldChange> after = workspace::read_held(run_directory);
  settled.left = after.size();
  settled.settled = before.size() > after.size() ? before.size() - after.size() : 0;
  for (const HeldChange& change : after) {
    if (settlement != Settlement::commit || !is_chosen(change, paths)) continue;
    settled.refused.push_back(base::printable(change.change.path) + " (" +
                              base::printable(change.reason) + ")");
  }
  record(log, settlement, paths, settled);
  end_run_log(log, run_directory, settled.notes);
  return settled;
}

std::string settled_text(const Settled& settled, Settlement settlement, const std::string& run) {
  std::string text = "sandbox-run: ";
  if (settlement == Settlement::commit) {
    text += counted(settled.entries, "change", "changes") + " committed, ";
  } else if (settled.settled == 0) {
    text += "discarded what was chosen, ";
  } else {
    text += counted(settled.settled, "held change", "held changes") + " discarded, ";
  }
  text += settled.left == 0 ? "nothing is held any more\n"
                            : counted(settled.left, "change is", "changes are") + " still held\n";
  if (!settled.unnamed.empty()) text += unnamed_text(settled.unnamed, run);
  for (std::size_t i = 0; i < settled.refused.size() && i < kRefusedNamed; ++i) {
    text += "sandbox-run: not committed: " + settled.refused[i] + "\n";
  }
  if (settled.refused.size() > kRefusedNamed) {
    text += "sandbox-run: … and " + std::to_string(settled.refused.size() - kRefusedNamed) +
            " more not committed: sandbox-run review\n";
  }
  for (const std::string& note : settled.notes) {
    text += "sandbox-run: note: " + base::printable(note) + "\n";
  }
  return text;
}

}  // namespace sandbox_run::cli
