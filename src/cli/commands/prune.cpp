#include "cli/commands/prune.h"

#include <fcntl.h>

#include <chrono>

#include "base/format.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/review/style.h"
#include "cli/run_facts.h"
#include "cli/runs_view.h"
#include "cli/state.h"
#include "workspace/removal.h"
#include "workspace/seal.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {
namespace {

using base::join_path;

class Pruning {
 public:
  Pruning(std::string state, const PruneRule& rule)
      : state_(std::move(state)), runs_(join_path(state_, "runs")), rule_(rule) {}

  void consider(const std::string& id) {
    const std::string directory = join_path(runs_, id);
    // Taken before anything is looked at: a run or a commit can't begin in between.
    const auto alone = RunInUse::alone(directory);
    if (!alone) return keep(id, "in use");
    if (!is_over(directory)) {
      return keep(id, "its commit is unfinished: the next run there deals with it");
    }
    const RunFacts facts = gather_run(directory);
    if (holds_changes(directory) && rule_.held == PruneRule::Held::keep) {
      const std::string why = facts.held == 0
                                  ? "what it holds can't be read"
                                  : "it holds " + counted(facts.held, "change", "changes");
      return keep(id, why + "; with --held it would go");
    }
    if (rule_.act == PruneRule::Act::remove) remove(id);
    ++removed_;
    freed_ += facts.bytes;
    text_ += base::format(
        "{} {}  {}  {}{}\n", rule_.act == PruneRule::Act::remove ? "removed" : "would remove", id,
        size_words(facts.bytes), command_words(facts.log),
        facts.held == 0 ? "" : "  (it held " + counted(facts.held, "change", "changes") + ")");
  }

  void fail(const std::string& id, const std::string& why) { keep(id, why); }

  std::string text() const {
    return text_ + base::format("{} {}, {} {}\n", counted(removed_, "run", "runs"),
                                rule_.act == PruneRule::Act::remove ? "removed" : "would go",
                                size_words(freed_),
                                rule_.act == PruneRule::Act::remove ? "freed" : "would be free");
  }

 private:
  /// Old entries that an earlier commit has left are no reason to keep a run: they go first.
  bool is_over(const std::string& directory) const {
    if (rule_.act == PruneRule::Act::only_say) {
      return !is_unfinished(directory) || workspace::needs_clean_up_only(directory);
    }
    workspace::clean_up(directory);
    return !is_unfinished(directory);
  }

  void keep(const std::string& id, const std::string& why) {
    text_ += "kept " + id + ": " + why + "\n";
  }

  void remove(const std::string& id) const {
    const base::UniqueFd runs(base::check_sys(
        ::open(runs_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "opening " + runs_));
    workspace::remove_entry(runs.get(), id);
    workspace::remove_seal(state_, id);
  }

  std::string state_;
  std::string runs_;
  const PruneRule& rule_;
  std::string text_;
  std::uint64_t removed_ = 0;
  std::uint64_t freed_ = 0;
};

}  // namespace

std::string prune_runs(const std::string& state, const PruneRule& rule) {
  Pruning pruning(state, rule);
  const auto limit = std::chrono::system_clock::now() - rule.older_than;
  for (const std::string& id : run_ids(state)) {
    const auto start = start_of(id);
    if (!start || *start > limit) continue;
    try {
      pruning.consider(id);
    } catch (const std::exception& error) {
      pruning.fail(id, base::printable(error.what()));
    }
  }
  return pruning.text();
}

}  // namespace sandbox_run::cli
