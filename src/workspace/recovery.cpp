// Commits whose process died in the middle: finished if that can be done, else undone.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "workspace/held_list.h"
#include "workspace/notices.h"
#include "workspace/transaction.h"

namespace sandbox_run::workspace {
namespace {

constexpr const char* kRuns = "runs";
constexpr const char* kInterrupted = "the commit was interrupted";

/// "finished" or "undone". Throws SysError if neither can be done: a half-committed project must
/// not be built upon.
std::string settle_journal(int run_fd, const StepHook& hook) {
  const Journal journal = read_journal(run_fd);
  std::string outcome = "finished";
  try {
    Executor executor(journal, hook);
    executor.finish();
    executor.sync();
  } catch (const std::exception&) {
    Executor executor(journal, hook);
    add_touched(run_fd, executor.undo());
    outcome = "undone";
  }
  write_held(run_fd, outcome == "finished" ? journal.held_when_done : journal.held_when_undone);
  hook("held written");
  remove_journal(run_fd);
  hook("journal removed");
  return outcome;
}

bool concerns(const std::vector<LayerRecord>& layers, const std::vector<Target>& targets) {
  return std::any_of(layers.begin(), layers.end(), [&](const LayerRecord& layer) {
    return std::any_of(targets.begin(), targets.end(), [&](const Target& target) {
      return target.path == layer.directory.target.path;
    });
  });
}

/// A run that died before its commit began: whoever holds the lock of one of its targets knows that
/// it is over. (A cache's lock is shared, so it tells nothing.)
bool is_abandoned(int run_fd, const std::vector<Target>& targets) {
  if (!has_layers(run_fd) || has_held(run_fd)) return false;
  std::vector<LayerRecord> layers = load_layers(run_fd);
  std::erase_if(layers, [](const LayerRecord& layer) {
    return layer.directory.target.kind == policy::TargetKind::cache;
  });
  return concerns(layers, targets);
}

void remove_abandoned(int run_fd) {
  try {
    UnfinishedMark mark(run_fd);
    clean_up_run(run_fd, [](const char*) {});
    mark.remove();
  } catch (const base::UserError&) {
    return;  // another process is at it
  }
}

bool needs_clean_up_only(int run_fd) {
  return UnfinishedMark::is_present(run_fd) && !has_journal(run_fd) && has_held(run_fd);
}

}  // namespace

bool is_unfinished(int run_fd) { return UnfinishedMark::is_present(run_fd) || has_journal(run_fd); }

bool recover_run(const std::string& run_directory, events::EventSink& sink, const StepHook& hook) {
  const RunDirectory run = open_run(run_directory);
  std::optional<UnfinishedMark> mark;
  try {
    mark.emplace(run.fd.get());
  } catch (const base::UserError&) {
    return false;  // its process lives
  }
  std::vector<LayerRecord> layers;
  if (has_layers(run.fd.get())) layers = load_layers(run.fd.get());
  std::vector<std::string> targets;
  for (const LayerRecord& layer : layers) targets.push_back(layer.directory.target.path);
  std::string outcome = "cleaned";
  if (has_journal(run.fd.get())) {
    try {
      outcome = settle_journal(run.fd.get(), hook);
    } catch (const std::exception& error) {
      throw base::UserError(
          "an interrupted commit to " + base::printable(base::join(targets, ", ")) +
          " can be neither finished nor undone (" + base::printable(error.what()) +
          "); when that is mended, or " + base::printable(run.path) + " is removed, try again");
    }
  } else if (!has_held(run.fd.get()) && !layers.empty()) {
    hold_everything(run.fd.get(), layers, kInterrupted);
    outcome = "undone";
  }
  clean_up_run(run.fd.get(), hook);
  mark->remove();
  record_recovered(run_name(run_directory), outcome, targets, sink);
  return true;
}

void clean_up(const std::string& run_directory) {
  const RunDirectory run = open_run(run_directory);
  if (!needs_clean_up_only(run.fd.get())) return;  // done, or recovery's
  try {
    UnfinishedMark mark(run.fd.get());
    clean_up_run(run.fd.get(), [](const char*) {});
    mark.remove();
  } catch (const base::UserError&) {
    return;  // another process is at it
  }
}

bool needs_clean_up_only(const std::string& run_directory) {
  return needs_clean_up_only(open_run(run_directory).fd.get());
}

void recover_interrupted(const std::string& state_directory, const std::vector<Target>& targets,
                         events::EventSink& sink) {
  const base::UniqueFd state(::open(state_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!state) return;  // nothing has ever been run
  const base::UniqueFd runs(try_open_directory(state.get(), kRuns));
  if (!runs) return;
  for (const base::DirectoryEntry& entry : base::list_directory(runs.get())) {
    const base::UniqueFd run(try_open_directory(runs.get(), entry.name));
    if (!run) continue;
    if (!is_unfinished(run.get())) {
      if (is_abandoned(run.get(), targets)) remove_abandoned(run.get());
      continue;
    }
    // A cleaning that was interrupted after its records were gone concerns nobody.
    if (has_layers(run.get()) && !concerns(load_layers(run.get()), targets)) continue;
    recover_run(base::join_path(base::join_path(state_directory, kRuns), entry.name), sink,
                [](const char*) {});
  }
}

}  // namespace sandbox_run::workspace
