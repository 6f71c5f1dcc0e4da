// The commit right after a run.

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "workspace/hard_links.h"
#include "workspace/held_list.h"
#include "workspace/nested_judge.h"
#include "workspace/notices.h"
#include "workspace/store.h"
#include "workspace/transaction.h"
#include "workspace/tree_walk.h"

namespace sandbox_run::workspace {
namespace {

std::vector<LayerRecord> records_of(const CommitRequest& request, int run_fd) {
  std::vector<LayerRecord> records;
  for (LayerRecord& record : load_layers(run_fd)) {
    const auto wanted = std::find_if(
        request.layers.begin(), request.layers.end(),
        [&](const LayerDirectory& layer) { return layer.upper == record.directory.upper; });
    if (wanted == request.layers.end()) continue;
    // What no later process asks for is not written down.
    record.directory.target.packages = wanted->target.packages;
    record.directory.target.telling = wanted->target.telling;
    record.directory.target.known_as = wanted->target.known_as;
    record.directory.target.is_neighbour = wanted->target.is_neighbour;
    records.push_back(std::move(record));
  }
  if (records.size() != request.layers.size()) {
    throw base::SysError(EINVAL, "finding the run's layers");
  }
  return records;
}

/// Nothing was changed, not even its root's mode: most commands that are no install.
bool is_untouched(const LayerRecord& layer) {
  const LayerDirectory& directory = layer.directory;
  if (!directory.target.hidden.empty()) return false;  // what was hidden is to go
  struct stat own {};
  struct stat host {};
  const base::UniqueFd upper(
      ::open(directory.upper.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  return upper && ::fstat(upper.get(), &own) == 0 &&
         ::lstat(directory.target.path.c_str(), &host) == 0 && own.st_mode == host.st_mode &&
         base::list_directory(upper.get()).empty();
}

std::uint64_t count_entries(const LayerRecord& layer) {
  const base::UniqueFd upper = open_real_directory(layer.directory.upper);
  PassableScope passable(upper.get());
  std::uint64_t count = 0;
  TreeVisitor visitor;
  visitor.entry = [&](int, const std::string&, const char*, unsigned char) {
    ++count;
    return Next::descend;
  };
  try {
    walk_tree("", passable, visitor);
  } catch (const TooDeep&) {
    return count;  // it is thrown away, however deep it is
  }
  return count;
}

enum class Which { targets, caches, downloads };

Which kind_of(const LayerRecord& record) {
  if (!record.is_cache()) return Which::targets;
  return record.directory.target.packages.empty() ? Which::caches : Which::downloads;
}

/// Those of `paths` that lie in `target`, relative to it.
std::vector<std::string> beneath(const std::string& target, const std::vector<std::string>& paths) {
  std::vector<std::string> found;
  for (const std::string& path : paths) {
    if (base::is_beneath(path, target)) found.push_back(base::relative_to(path, target));
  }
  return found;
}

Transaction make_transaction(const CommitRequest& request, const RunDirectory& run,
                             const std::vector<LayerRecord>& records, Which which) {
  Transaction transaction;
  transaction.run_directory = run.path;
  transaction.run_fd = run.fd.get();
  const bool is_target = which == Which::targets;
  transaction.name = is_target ? "" : which == Which::caches ? "cache-" : "download-";
  transaction.keeps_replaced = is_target && request.old_entries == OldEntries::keep;
  for (const LayerRecord& record : records) {
    if (kind_of(record) != which || (is_target && !request.commit)) continue;
    const Target& target = record.directory.target;
    const Whose whose = target.is_neighbour ? Whose::another : Whose::own;
    Judge judge = which == Which::downloads ? judge_downloads(request, target.packages)
                                            : judge_by_policy(request, target.kind, whose);
    if (is_target) judge = judge_nested_too(std::move(judge), request, target.path);
    if (target.is_neighbour) judge = judge_neighbour(std::move(judge), request, target.path);
    if (!target.known_as.empty()) judge = judge_known_as(std::move(judge), target.known_as);
    judge.new_places = beneath(target.path, judge.new_places);
    transaction.layers.push_back({record, std::move(judge), is_whole(request, target.kind)});
  }
  return transaction;
}

/// Caches come after the project and can't harm it: if they fail, they stay as they were.
void commit_caches(Transaction transaction, const std::vector<HeldChange>& held,
                   CommitSummary& summary, events::EventSink& sink, const StepHook& hook) {
  if (transaction.layers.empty()) return;
  transaction.held_besides = held;
  try {
    summary.dropped += run_transaction(transaction, hook).summary.dropped;
  } catch (const std::exception& error) {
    if (has_journal(transaction.run_fd)) throw;
    record_cache_failure(error.what(), sink);
  }
}

/// As caches; and what is not kept is told, for it would be missed.
void commit_downloads(const Transaction& transaction, const std::vector<HeldChange>& held,
                      CommitSummary& summary, events::EventSink& sink, const StepHook& hook) {
  const std::uint64_t before = summary.dropped;
  commit_caches(transaction, held, summary, sink, hook);
  if (summary.dropped == before) return;
  std::vector<std::string> places;
  for (const JudgedLayer& judged : transaction.layers) {
    places.push_back(judged.layer.directory.target.path);
  }
  record_cache_failure("not all in " + base::join(places, ", ") +
                           " is new and made by the package's own script alone",
                       sink);
}

/// The commit failed and is undone: everything is held, so that nothing is lost.
void keep_all(int run_fd, const std::vector<LayerRecord>& records, UnfinishedMark& mark,
              const std::string& why, const StepHook& hook) {
  if (has_journal(run_fd)) return;  // not undone either: left to recovery
  try {
    if (!has_held(run_fd)) hold_everything(run_fd, records, "the commit was undone: " + why);
    clean_up_run(run_fd, hook);
    mark.remove();
  } catch (const std::exception&) {
    // The disk is full for this, too. The mark stays: the next start comes back to it.
  }
}

/// What the project's commit leaves. Nothing of it changes what the person has any more: where it
/// fails, the mark stays, and whoever comes next goes on with it.
void clean_up_after(const CommitRequest& request, int run_fd, UnfinishedMark& mark,
                    CommitSummary& summary, const StepHook& hook) {
  try {
    if (request.old_entries != OldEntries::remove && !is_quick_to_clean(run_fd)) {
      remove_staging(run_fd);
      summary.left_to_clean_up = true;
      return;
    }
    clean_up_run(run_fd, hook);
    mark.remove();
  } catch (const std::exception&) {
    summary.left_to_clean_up = true;
  }
}

}  // namespace

bool is_commit_open(const std::string& run_directory) {
  try {
    return has_journal(open_run(run_directory).fd.get());
  } catch (const base::SysError&) {
    return true;  // it can't be told
  }
}

CommitSummary commit_changes_in_steps(const CommitRequest& request, events::EventSink& sink,
                                      const StepHook& hook) {
  const RunDirectory run = open_run(request.run_directory);
  const std::vector<LayerRecord> records = records_of(request, run.fd.get());
  UnfinishedMark mark(run.fd.get());
  CommitPlan plan;
  try {
    hook("marked");
    if (!request.commit) {
      for (const LayerRecord& record : records) {
        if (record.is_cache()) continue;
        record_discarded(record.directory.target.path, count_entries(record), sink);
      }
    }
    if (request.commit) make_executable_at_home(request.layers, request.linked_programs);
    if (std::all_of(records.begin(), records.end(), is_untouched)) {
      CommitSummary summary;
      clean_up_after(request, run.fd.get(), mark, summary, hook);
      return summary;
    }
    plan = run_transaction(make_transaction(request, run, records, Which::targets), hook);
  } catch (const std::exception& error) {
    keep_all(run.fd.get(), records, mark, error.what(), hook);
    throw;
  }
  CommitSummary summary = std::move(plan.summary);
  summary.held = std::move(plan.journal.held_when_done);
  record_held(summary.held, sink);
  record_asked_for(summary, sink);
  record_stripped(plan, sink);
  commit_caches(make_transaction(request, run, records, Which::caches), summary.held, summary, sink,
                hook);
  commit_downloads(make_transaction(request, run, records, Which::downloads), summary.held, summary,
                   sink, hook);
  clean_up_after(request, run.fd.get(), mark, summary, hook);
  hook("mark removed");
  return summary;
}

CommitSummary commit_changes(const CommitRequest& request, events::EventSink& sink) {
  return commit_changes_in_steps(request, sink, [](const char*) {});
}

std::vector<Change> read_changes(const LayerDirectory& layer) {
  LayerRecord record;
  record.directory = layer;
  const base::UniqueFd upper = open_real_directory(layer.upper);
  base::UniqueFd host;
  try {
    host = open_real_directory(layer.target.path);
  } catch (const base::SysError& error) {
    if (error.error_number() != ENOENT) throw;
  }
  Judge each;
  each.entry = [](const std::string&) { return policy::Judgement{policy::Verdict::commit, ""}; };
  each.subtree = [](const std::string&) { return std::optional<policy::Judgement>(); };
  PassableScope passable(upper.get());
  const ChangeTree tree =
      read_change_tree(record, host ? host.get() : -1, passable, each, Purpose::list);
  std::vector<Change> changes;
  for (const Node& node : tree.nodes) {
    if (node.is_change) changes.push_back(node.change);
  }
  return changes;
}

}  // namespace sandbox_run::workspace
