#include "workspace/transaction.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <utility>

#include "base/sys_error.h"
#include "base/text.h"
#include "workspace/held_list.h"
#include "workspace/open_runs.h"
#include "workspace/undo.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;

constexpr const char* kUnfinished = "unfinished";
constexpr int kMaxAttempts = 4;

constexpr const char* kWithTheRest = "it belongs to what is held";

CommitPlan plan_of(const Transaction& transaction, Source source) {
  CommitPlan plan;
  plan.name_prefix = transaction.name;
  plan.journal.held_when_done = transaction.held_besides;
  plan.journal.held_when_undone = transaction.held_besides;
  for (const JudgedLayer& judged : transaction.layers) {
    LayerRecord layer = judged.layer;
    layer.touched = load_touched(transaction.run_fd);  // an attempt before this may have added some
    LayerPlanner(transaction.run_directory, transaction.run_fd, layer, plan)
        .add(judged.judge, transaction.purpose, source);
  }
  plan.summary.committed_packages += plan.packages.size();
  return plan;
}

CommitPlan make_plan(const Transaction& transaction, Source source) {
  CommitPlan plan = plan_of(transaction, source);
  const bool holds = plan.journal.held_when_done.size() > transaction.held_besides.size();
  if (!holds || plan.journal.operations.empty()) return plan;
  Transaction held = transaction;
  bool any_whole = false;
  for (JudgedLayer& judged : held.layers) {
    if (!judged.whole) continue;
    any_whole = true;
    judged.judge = judge_without_commits(judged.judge, kWithTheRest);
  }
  return any_whole ? plan_of(held, source) : plan;
}

void undo(const Transaction& transaction, const CommitPlan& plan, Executor& executor) {
  add_touched(transaction.run_fd, executor.undo());
  write_held(transaction.run_fd, plan.journal.held_when_undone);
  remove_journal(transaction.run_fd);
}

CommitPlan attempt(const Transaction& transaction, Source source, const StepHook& hook) {
  CommitPlan plan = make_plan(transaction, source);
  hook("planned");
  if (plan.journal.operations.empty()) {
    write_held(transaction.run_fd, plan.journal.held_when_done);
    return plan;
  }
  sync_layers(transaction.run_fd);
  write_journal(transaction.run_fd, plan.journal);
  Executor executor(plan.journal, hook);
  try {
    hook("journal written");
    executor.finish();
    executor.sync();
  } catch (...) {
    undo(transaction, plan, executor);
    throw;
  }
  hook("synced");
  write_held(transaction.run_fd, plan.journal.held_when_done);
  hook("held written");
  // What was staged in a target's own file system would stand there for people to see.
  if (transaction.keeps_replaced && !plan.is_staged) {
    keep_journal(transaction.run_fd);
  } else {
    remove_journal(transaction.run_fd);
  }
  hook("journal removed");
  return plan;
}

}  // namespace

UnfinishedMark::UnfinishedMark(int run_fd, IfBusy if_busy) : run_fd_(run_fd) {
  const std::string doing = "marking a commit as begun";
  const int how = if_busy == IfBusy::wait ? LOCK_EX : LOCK_EX | LOCK_NB;
  struct stat locked {};
  struct stat named {};
  do {  // whoever had it may have removed it meanwhile
    file_.reset(check_sys(
        ::openat(run_fd, kUnfinished, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), doing));
    while (::flock(file_.get(), how) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) throw base::SysError(doing);
      throw base::UserError("another process is committing this run's changes; wait for it to end");
    }
    check_sys(::fstat(file_.get(), &locked), doing);
  } while (!stat_entry(run_fd, kUnfinished, named) || named.st_ino != locked.st_ino);
  note_open(run_fd);
}

bool UnfinishedMark::is_present(int run_fd) {
  struct stat status {};
  return stat_entry(run_fd, kUnfinished, status);
}

void UnfinishedMark::remove() {
  if (has_journal(run_fd_) || is_undoing(run_fd_)) return;
  check_sys(::unlinkat(run_fd_, kUnfinished, 0), "marking a commit as ended");
  note_over(run_fd_);
}

CommitPlan run_transaction(const Transaction& transaction, const StepHook& hook) {
  Source source = Source::direct_if_possible;
  for (int tries = 1;; ++tries) {
    try {
      return attempt(transaction, source, hook);
    } catch (const HostChanged& error) {
      // Looked at again, it is a conflict, and held.
      if (tries >= kMaxAttempts) throw base::UserError(base::printable(error.what()));
    } catch (const base::SysError& error) {
      // A quota or a mount in the way that the look beforehand could not see.
      if (error.error_number() != EXDEV || source == Source::staging) throw;
      source = Source::staging;
    }
    if (has_journal(transaction.run_fd)) throw base::SysError(EIO, "undoing a commit");
    remove_stores(transaction.run_fd);
  }
}

void hold_everything(int run_fd, const std::vector<LayerRecord>& layers,
                     const std::string& reason) {
  std::vector<HeldChange> held;
  for (const LayerRecord& layer : layers) {
    const Target& target = layer.directory.target;
    if (target.kind == policy::TargetKind::cache) continue;
    const base::UniqueFd upper = open_real_directory(layer.directory.upper);
    base::UniqueFd host;
    try {
      host = open_real_directory(target.path);
    } catch (const base::SysError& error) {
      if (error.error_number() != ENOENT) throw;
    }
    PassableScope passable(upper.get());
    const ChangeTree tree = read_change_tree(layer, host ? host.get() : -1, passable,
                                             judge_hold_all(reason), Purpose::list);
    const std::vector<bool> covered = covered_nodes(tree);
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
      const Node& node = tree.nodes[i];
      if (covered[i] || node.fate != Fate::hold) continue;
      held.push_back(make_held(target.path, node.change, policy::Verdict::hold, reason));
    }
  }
  write_held(run_fd, held);
}

}  // namespace sandbox_run::workspace
