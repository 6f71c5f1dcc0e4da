#include "workspace/undo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <vector>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "workspace/held_list.h"
#include "workspace/run_places.h"
#include "workspace/transaction.h"
#include "workspace/tree_walk.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;

constexpr const char* kUndo = "undo";
constexpr const char* kUndoing = "undoing";
constexpr std::size_t kMaxNamed = 5;
constexpr std::uint32_t kModeBits = 07777;

void rename_in(int run_fd, const char* from, const char* to) {
  const std::string doing = std::string("renaming ") + from;
  check_sys(::renameat(run_fd, from, run_fd, to), doing);
  check_sys(::fsync(run_fd), doing);
}

void remove_if_there(int run_fd, const char* name) {
  const std::string doing = std::string("removing ") + name;
  if (::unlinkat(run_fd, name, 0) != 0 && errno != ENOENT) throw base::SysError(doing);
  check_sys(::fsync(run_fd), doing);
}

std::int64_t change_time_of(int run_fd, const char* name) {
  struct stat status {};
  if (!stat_entry(run_fd, name, status)) throw base::SysError(ENOENT, "opening the kept journal");
  return to_nanoseconds(status.st_ctim);
}

/// What of the committed entries is not as the commit has left it. A change time can't be set, so
/// nothing that was written after the journal was kept escapes it; the journal's own is of the same
/// clock.
class Changed {
 public:
  Changed(const Journal& journal, std::int64_t committed_at)
      : journal_(journal), committed_at_(committed_at) {}

  std::vector<std::string> find() {
    for (const Operation& operation : journal_.operations) {
      if (is_last_word(operation)) look_at(operation);
    }
    std::set<std::string> seen;
    for (auto at = journal_.operations.rbegin(); at != journal_.operations.rend(); ++at) {
      if (at->kind != OperationKind::set_mode || !is_host_place(at->to)) continue;
      const std::string path = full_path(at->to);
      struct stat status {};
      const bool is_last = seen.insert(path).second;
      if (is_last && is_there(path, status) && (status.st_mode & kModeBits) != at->new_mode)
        add(path);
    }
    return std::move(paths_);
  }

 private:
  /// What moves out of the layer and then has its mode set is looked at once, as what it is now.
  static bool is_last_word(const Operation& operation) {
    return operation.kind == OperationKind::move || operation.kind == OperationKind::exchange;
  }

  std::string full_path(const Place& place) const {
    return base::join_path(journal_.roots.at(place.root).path, place.path);
  }

  void add(const std::string& path) {
    if (std::find(paths_.begin(), paths_.end(), path) == paths_.end()) paths_.push_back(path);
  }

  void look_at(const Operation& operation) {
    const std::string to = full_path(operation.to);
    struct stat status {};
    if (is_there(to, status) && status.st_ino == operation.inode) {
      // Old entries went to the trash, where nobody changes them; new ones are the host's.
      if (is_host_place(operation.to)) look_below(to, status);
    } else if (is_host_place(operation.to)) {
      add(to);
    } else {
      throw base::UserError("what the commit replaced is gone: " + base::printable(to));
    }
    if (operation.kind != OperationKind::move || !is_host_place(operation.from)) return;
    const std::string from = full_path(operation.from);
    // Another operation of the commit may have put something else there.
    if (is_there(from, status) && !is_filled_by_us(operation.from)) add(from);
  }

  static bool is_there(const std::string& path, struct stat& status) {
    return ::lstat(path.c_str(), &status) == 0;
  }

  bool is_host_place(const Place& place) const {
    const std::string path = full_path(place);
    return std::any_of(journal_.targets.begin(), journal_.targets.end(),
                       [&](const std::string& target) { return base::is_beneath(path, target); });
  }

  bool is_filled_by_us(const Place& place) const {
    return std::any_of(
        journal_.operations.begin(), journal_.operations.end(), [&](const Operation& other) {
          return is_last_word(other) && other.to.root == place.root && other.to.path == place.path;
        });
  }

  void look_below(const std::string& path, const struct stat& status) {
    if (to_nanoseconds(status.st_ctim) > committed_at_) return add(path);
    if (!S_ISDIR(status.st_mode)) return;
    const base::UniqueFd root = open_real_directory(path);
    PassableScope scope(root.get(), Access::as_it_is);
    TreeVisitor visitor;
    visitor.entry = [&](int fd, const std::string& dir_path, const char* name, unsigned char) {
      struct stat inner {};
      if (paths_.size() > kMaxNamed) return Next::skip;
      if (!stat_entry(fd, name, inner)) return Next::skip;
      if (to_nanoseconds(inner.st_ctim) > committed_at_) {
        add(base::join_path(path, child_path(dir_path, name)));
        return Next::skip;
      }
      const bool closed = S_ISDIR(inner.st_mode) && ::faccessat(fd, name, R_OK | X_OK, 0) != 0;
      return closed ? Next::skip : Next::descend;
    };
    walk_tree("", scope, visitor);
  }

  const Journal& journal_;
  std::int64_t committed_at_;
  std::vector<std::string> paths_;
};

[[noreturn]] void refuse(const std::vector<std::string>& changed) {
  std::vector<std::string> named;
  for (const std::string& path : changed) {
    if (named.size() == kMaxNamed) break;
    named.push_back(base::printable(path));
  }
  throw base::UserError("changed since the commit, so nothing is undone: " +
                        base::join(named, ", ") + (changed.size() > kMaxNamed ? " and more" : ""));
}

}  // namespace

void keep_journal(int run_fd) {
  check_sys(::renameat(run_fd, kJournal, run_fd, kUndo), "keeping the journal");
  (void)::fsync(run_fd);  // as remove_journal()
}

bool has_undo(int run_fd) {
  struct stat status {};
  return stat_entry(run_fd, kUndo, status);
}

void drop_undo(int run_fd) {
  if (!has_undo(run_fd)) return;
  remove_if_there(run_fd, kUndo);
  clean_up_run(run_fd, [](const char*) {});
}

bool is_undoing(int run_fd) {
  struct stat status {};
  return stat_entry(run_fd, kUndoing, status);
}

void finish_undo(int run_fd, const StepHook& hook) {
  const Journal journal = read_journal(run_fd, kUndoing);
  RunPlaces(run_fd, load_layers(run_fd)).check(journal);
  Executor executor(journal, hook);
  try {
    add_touched(run_fd, executor.undo());
    executor.sync();
  } catch (...) {
    // Somebody is in the way: the commit stays, whole.
    Executor(journal, hook).finish();
    rename_in(run_fd, kUndoing, kUndo);
    throw;
  }
  hook("undone");
  write_held(run_fd, journal.held_when_undone);
  hook("held written");
  remove_if_there(run_fd, kUndoing);
  hook("undo journal removed");
}

void undo_commit_in_steps(const std::string& run_directory, const StepHook& hook) {
  const RunDirectory run = open_run(run_directory);
  // A process of our own may still be removing what the run left; commits are kept out by the
  // locks.
  UnfinishedMark mark(run.fd.get(), UnfinishedMark::IfBusy::wait);
  try {
    if (!has_undo(run.fd.get())) {
      const std::string what = "what run " + base::printable(run_name(run_directory)) + " replaced";
      const auto too_large = too_large_to_undo(run_directory);
      throw base::UserError(what + (too_large ? " was not kept: " + words_of(*too_large)
                                              : " is not kept, so it can't be undone"));
    }
    const Journal journal = read_journal(run.fd.get(), kUndo);
    RunPlaces(run.fd.get(), load_layers(run.fd.get())).check(journal);
    const std::vector<std::string> changed =
        Changed(journal, change_time_of(run.fd.get(), kUndo)).find();
    if (!changed.empty()) refuse(changed);
    hook("looked at");
  } catch (...) {
    mark.remove();
    throw;
  }
  rename_in(run.fd.get(), kUndo, kUndoing);
  hook("undo begun");
  try {
    finish_undo(run.fd.get(), hook);
  } catch (...) {
    mark.remove();  // stays, if neither way could be gone to its end
    throw;
  }
  clean_up_run(run.fd.get(), hook);
  mark.remove();
}

bool can_be_undone(const std::string& run_directory) {
  return has_undo(open_run(run_directory).fd.get());
}

void undo_commit(const std::string& run_directory) {
  undo_commit_in_steps(run_directory, [](const char*) {});
}

void forget_replaced(const std::string& run_directory) {
  const RunDirectory run = open_run(run_directory);
  if (!has_undo(run.fd.get())) return;
  try {
    UnfinishedMark mark(run.fd.get());
    drop_undo(run.fd.get());
    mark.remove();
  } catch (const base::UserError&) {
    return;  // another process is at it
  }
}

}  // namespace sandbox_run::workspace
