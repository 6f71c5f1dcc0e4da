#include "cli/commands/undo.h"

#include <algorithm>
#include <chrono>

#include "base/path.h"
#include "cli/commands/settle.h"
#include "cli/paragraph.h"
#include "cli/run_log.h"
#include "cli/state.h"
#include "events/event_log.h"

namespace sandbox_run::cli {
namespace {

constexpr std::chrono::hours kKept{24};

}  // namespace

std::string undo_run(const std::string& state, const std::string& run_directory) {
  const RunInUse in_use(run_directory);
  const std::vector<workspace::Target> targets = targets_to_lock(run_directory);
  const workspace::TargetLocks locks(state, targets);
  const std::unique_ptr<events::EventLog> log = open_run_log(run_directory, {});
  std::vector<std::string> notes = workspace::recover_interrupted(state, targets, *log);
  workspace::undo_commit(run_directory);
  const std::size_t held = workspace::read_held(run_directory).size();
  events::Event undone{"run.undone"};
  base::json::array list;
  for (const workspace::Target& target : targets) list.emplace_back(target.path);
  undone.details = {{"targets", std::move(list)}, {"held", held}};
  log->record(undone);
  end_run_log(*log, run_directory, notes);
  const std::string run = base::file_name(run_directory);
  const Layout layout = Layout::for_standard_error();
  std::string text = headline("sandbox-run: ",
                              {"undone", Paragraph::Tone::plain,
                               "all is as it was before run " + run + "; its changes are held"},
                              layout);
  text += laid_out(
      {"", Paragraph::Tone::plain, "to be rid of them", {"sandbox-run", "discard", run}}, layout);
  for (const std::string& note : notes) text += laid_out(note_paragraph(note), layout);
  return text;
}

std::vector<std::string> no_longer_undoable(const std::string& state,
                                            const std::vector<workspace::Target>& targets) {
  std::vector<std::string> runs;
  const auto limit = std::chrono::system_clock::now() - kKept;
  for (const std::string& id : run_ids(state)) {
    const std::string directory = base::join_path(base::join_path(state, "runs"), id);
    if (!keeps_replaced(directory)) continue;
    const std::vector<std::string> changed = targets_of(directory);
    const bool is_same = std::any_of(targets.begin(), targets.end(), [&](const auto& target) {
      return std::find(changed.begin(), changed.end(), target.path) != changed.end();
    });
    if (is_same || start_of(id).value_or(limit) <= limit) runs.push_back(directory);
  }
  return runs;
}

}  // namespace sandbox_run::cli
