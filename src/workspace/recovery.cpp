// Commits whose process died in the middle: finished if that can be done, else undone.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "workspace/held_list.h"
#include "workspace/notices.h"
#include "workspace/open_runs.h"
#include "workspace/record.h"
#include "workspace/run_places.h"
#include "workspace/transaction.h"
#include "workspace/undo.h"

namespace sandbox_run::workspace {
namespace {

constexpr const char* kRuns = "runs";
constexpr const char* kInterrupted = "the commit was interrupted";

/// "finished" or "undone". Throws SysError if neither can be done: a half-committed project must
/// not be built upon.
std::string settle_journal(int run_fd, const StepHook& hook) {
  const Journal journal = read_journal(run_fd);
  RunPlaces(run_fd, load_layers(run_fd)).check(journal);
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

/// As settle_journal(), of an undo: "finished" if the commit is whole again.
std::string settle_undo(int run_fd, const StepHook& hook) {
  try {
    finish_undo(run_fd, hook);
  } catch (const std::exception&) {
    if (is_undoing(run_fd)) throw;
    return "finished";
  }
  return "undone";
}

bool concerns(const std::vector<LayerRecord>& layers, const std::vector<Target>& targets) {
  return std::any_of(layers.begin(), layers.end(), [&](const LayerRecord& layer) {
    return std::any_of(targets.begin(), targets.end(), [&](const Target& target) {
      return target.path == layer.directory.target.path;
    });
  });
}

/// Its process lives (RunInUse in cli/state.h), perhaps one of another version.
bool is_in_use(int run_fd) { return ::flock(run_fd, LOCK_EX | LOCK_NB) != 0; }

/// A run that died before its commit began. The lock of a target that both have would say so, but
/// commands that change nothing (`npm ls`) take none.
bool is_abandoned(int run_fd, const std::vector<Target>& targets) {
  if (!has_layers(run_fd) || has_held(run_fd) || is_in_use(run_fd)) return false;
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

/// One run among all. Throws UnreadableRecord.
void recover_if_concerned(const std::string& run_directory, int run_fd,
                          const std::vector<Target>& targets, events::EventSink& sink) {
  if (!is_unfinished(run_fd)) {
    if (is_abandoned(run_fd, targets)) remove_abandoned(run_fd);
    return;
  }
  // A cleaning that was interrupted after its records were gone concerns nobody.
  if (has_layers(run_fd) && !concerns(load_layers(run_fd), targets)) return;
  recover_run(run_directory, sink, [](const char*) {});
}

/// Whose run it is can't be told: it must not keep other projects from being worked in.
std::string words_of_skipped(const std::string& run_directory, int run_fd) {
  std::string words = "run " + base::printable(run_name(run_directory)) +
                      " was left as it is: its records are damaged, or of another version of "
                      "sandbox-run";
  if (has_journal(run_fd)) words += "; its commit was interrupted, check that its project is whole";
  return words + ". When nothing of it is needed, remove " + base::printable(run_directory);
}

std::vector<std::string> names_in(int directory_fd) {
  std::vector<std::string> names;
  for (base::DirectoryEntry& entry : base::list_directory(directory_fd)) {
    names.push_back(std::move(entry.name));
  }
  return names;
}

bool is_over(int run_fd) {
  return !is_unfinished(run_fd) && (!has_layers(run_fd) || has_held(run_fd));
}

bool needs_clean_up_only(int run_fd) {
  return UnfinishedMark::is_present(run_fd) && !has_journal(run_fd) && !is_undoing(run_fd) &&
         has_held(run_fd);
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
  targets.reserve(layers.size());
  for (const LayerRecord& layer : layers) targets.push_back(layer.directory.target.path);
  std::string outcome = "cleaned";
  if (has_journal(run.fd.get()) || is_undoing(run.fd.get())) {
    try {
      outcome = is_undoing(run.fd.get()) ? settle_undo(run.fd.get(), hook)
                                         : settle_journal(run.fd.get(), hook);
    } catch (const std::exception& error) {
      throw base::UserError(
          "an interrupted commit to " + base::printable(base::join(targets, ", ")) +
          " can be neither finished nor undone (" + base::printable(error.what()) +
          "); when that is fixed, or " + base::printable(run.path) + " is removed, try again");
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

std::vector<std::string> recover_interrupted(const std::string& state_directory,
                                             const std::vector<Target>& targets,
                                             events::EventSink& sink) {
  std::vector<std::string> skipped;
  const base::UniqueFd state(::open(state_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!state) return skipped;  // nothing has ever been run
  const base::UniqueFd runs(try_open_directory(state.get(), kRuns));
  if (!runs) return skipped;
  const auto noted = open_runs(runs.get());
  for (const std::string& name : noted ? *noted : names_in(runs.get())) {
    const base::UniqueFd run(try_open_directory(runs.get(), name));
    if (!run) {
      if (noted && errno == ENOENT) forget_open(runs.get(), name);
      continue;
    }
    const std::string directory = base::join_path(base::join_path(state_directory, kRuns), name);
    try {
      recover_if_concerned(directory, run.get(), targets, sink);
      if (noted && is_over(run.get())) forget_open(runs.get(), name);
    } catch (const UnreadableRecord&) {
      if (is_in_use(run.get())) continue;
      skipped.push_back(words_of_skipped(directory, run.get()));
      record_recovered(name, "skipped", {}, sink);
    }
  }
  return skipped;
}

}  // namespace sandbox_run::workspace
