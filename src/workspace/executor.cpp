// Whether an operation is done is told by inode numbers, never by a counter kept elsewhere: the
// tree itself is the only record that cannot lag behind the tree.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "base/sys_error.h"
#include "workspace/journal.h"
#include "workspace/overlay_marks.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;

/// Beyond so many directories one syncfs(2) is cheaper than an fsync(2) of each.
constexpr std::size_t kMaxSynced = 64;

/// The inode at `name`, 0 if there is none.
std::uint64_t inode_at(int dir_fd, const std::string& name) {
  struct stat status {};
  return stat_entry(dir_fd, name.c_str(), status) ? status.st_ino : 0;
}

/// rename without replacing; where the file system lacks the flag (NFS), `to` is known to be free.
void rename_to_free_name(int from_dir, const std::string& from, int to_dir, const std::string& to) {
  if (::renameat2(from_dir, from.c_str(), to_dir, to.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno == EEXIST) throw HostChanged(to);
  if (errno != EINVAL) throw base::SysError("moving " + to);
  check_sys(::renameat(from_dir, from.c_str(), to_dir, to.c_str()), "moving " + to);
}

}  // namespace

Executor::Executor(const Journal& journal, const StepHook& hook)
    : journal_(journal), hook_(hook), roots_(journal.roots.size()) {}

int Executor::root(std::uint32_t index) {
  base::UniqueFd& fd = roots_.at(index);
  if (fd) return fd.get();
  const Root& wanted = journal_.roots.at(index);
  base::UniqueFd opened = open_real_directory(wanted.path);
  struct stat status {};
  check_sys(::fstat(opened.get(), &status), "looking at " + wanted.path);
  if (wanted.inode != 0 && status.st_ino != wanted.inode) throw HostChanged(wanted.path);
  fd = std::move(opened);
  return fd.get();
}

Executor::Opened& Executor::open(Opened& slot, const Place& place) {
  const std::size_t slash = place.path.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : place.path.substr(0, slash);
  if (!slot.directory || slot.root != place.root || slot.parent != parent) {
    slot.directory = open_directory(root(place.root), parent);
    slot.root = place.root;
    slot.parent = parent;
  }
  slot.name = slash == std::string::npos ? place.path : place.path.substr(slash + 1);
  if (slot.name.empty()) slot.name = ".";
  return slot;
}

void Executor::change_mode(const Operation& operation, std::uint32_t mode) {
  const Opened& to = open(to_, operation.to);
  const std::uint64_t inode = inode_at(to.directory.get(), to.name);
  // Not there: it has been moved on, with the mode that the next step gives it.
  if (inode == 0 || (operation.inode != 0 && inode != operation.inode)) return;
  set_entry_mode(to.directory.get(), to.name, mode);
}

void Executor::move(const Operation& operation) {
  const Opened& to = open(to_, operation.to);
  const Opened& from = open(from_, operation.from);
  const std::uint64_t there = inode_at(to.directory.get(), to.name);
  if (there == operation.inode) return;
  if (there != 0) throw HostChanged(operation.to.path);
  struct stat status {};
  if (!stat_entry(from.directory.get(), from.name.c_str(), status) ||
      status.st_ino != operation.inode ||
      (operation.other_mtime != 0 && to_nanoseconds(status.st_mtim) != operation.other_mtime)) {
    throw HostChanged(operation.from.path);
  }
  rename_to_free_name(from.directory.get(), from.name, to.directory.get(), to.name);
}

void Executor::exchange(const Operation& operation) {
  const Opened& to = open(to_, operation.to);
  const Opened& from = open(from_, operation.from);
  struct stat status {};
  if (!stat_entry(to.directory.get(), to.name.c_str(), status)) {
    throw HostChanged(operation.to.path);
  }
  if (status.st_ino == operation.inode) return;
  if (status.st_ino != operation.other_inode ||
      to_nanoseconds(status.st_mtim) != operation.other_mtime) {
    throw HostChanged(operation.to.path);
  }
  check_sys(::renameat2(from.directory.get(), from.name.c_str(), to.directory.get(),
                        to.name.c_str(), RENAME_EXCHANGE),
            "exchanging " + operation.to.path);
  // An editor that saves by rename may have put a third file in place between look and exchange.
  if (inode_at(from.directory.get(), from.name) == operation.other_inode) return;
  check_sys(::renameat2(from.directory.get(), from.name.c_str(), to.directory.get(),
                        to.name.c_str(), RENAME_EXCHANGE),
            "exchanging " + operation.to.path);
  throw HostChanged(operation.to.path);
}

void Executor::forward(const Operation& operation) {
  switch (operation.kind) {
    case OperationKind::make_directory: {
      const Opened& to = open(to_, operation.to);
      if (::mkdirat(to.directory.get(), to.name.c_str(), operation.new_mode) == 0) return;
      struct stat status {};
      if (errno != EEXIST || !stat_entry(to.directory.get(), to.name.c_str(), status)) {
        throw base::SysError("making directory " + operation.to.path);
      }
      if (!S_ISDIR(status.st_mode)) throw HostChanged(operation.to.path);
      return;
    }
    case OperationKind::move:
      return move(operation);
    case OperationKind::exchange:
      return exchange(operation);
    case OperationKind::set_mode:
      return change_mode(operation, operation.new_mode);
    case OperationKind::clear_marks:
      clean_attributes(open_directory(root(operation.to.root), operation.to.path).get(),
                       OverlayMarks::remove, OpenLists::keep);
      return;
  }
}

void Executor::backward(const Operation& operation) {
  switch (operation.kind) {
    case OperationKind::make_directory: {
      const Opened& to = open(to_, operation.to);
      // Not empty: somebody on the host uses it already; it stays.
      if (::unlinkat(to.directory.get(), to.name.c_str(), AT_REMOVEDIR) == 0) return;
      if (errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST) return;
      throw base::SysError("removing directory " + operation.to.path);
    }
    case OperationKind::move: {
      const Opened& from = open(from_, operation.from);
      const Opened& to = open(to_, operation.to);
      if (inode_at(to.directory.get(), to.name) != operation.inode) return;  // not done
      rename_to_free_name(to.directory.get(), to.name, from.directory.get(), from.name);
      return note_touched(from, operation);
    }
    case OperationKind::exchange: {
      const Opened& from = open(from_, operation.from);
      const Opened& to = open(to_, operation.to);
      if (inode_at(to.directory.get(), to.name) != operation.inode) return;  // not done
      check_sys(::renameat2(from.directory.get(), from.name.c_str(), to.directory.get(),
                            to.name.c_str(), RENAME_EXCHANGE),
                "exchanging " + operation.to.path);
      return note_touched(to, operation);
    }
    case OperationKind::set_mode:
      return change_mode(operation, operation.old_mode);
    case OperationKind::clear_marks: {
      if (!operation.was_opaque) return;
      const base::UniqueFd directory(
          try_open_directory(root(operation.to.root), operation.to.path));
      struct stat status {};
      if (directory && ::fstat(directory.get(), &status) == 0 && status.st_ino == operation.inode) {
        set_opaque(directory.get());
      }
      return;
    }
  }
}

void Executor::finish() {
  for (const Operation& operation : journal_.operations) {
    hook_("operation");
    forward(operation);
  }
  hook_("operations done");
}

Touched Executor::undo() {
  from_ = {};
  to_ = {};
  for (auto at = journal_.operations.rbegin(); at != journal_.operations.rend(); ++at) {
    hook_("undo");
    try {
      backward(*at);
    } catch (const base::SysError& error) {
      // Its directory was never made (ENOENT) or opened (EACCES), which come before it in the
      // journal and after it on the way back: it was not done.
      if (error.error_number() != ENOENT && error.error_number() != EACCES) throw;
    }
  }
  return std::move(touched_);
}

/// The rename there and back has left a new ctime on the host's entry. An entry that somebody has
/// written meanwhile is not noted: it counts as changed.
void Executor::note_touched(const Opened& host, const Operation& operation) {
  struct stat status {};
  if (operation.other_mtime == 0 || !stat_entry(host.directory.get(), host.name.c_str(), status) ||
      to_nanoseconds(status.st_mtim) != operation.other_mtime) {
    return;
  }
  touched_[status.st_ino] = to_nanoseconds(status.st_ctim);
}

void Executor::sync() {
  std::set<std::pair<std::uint32_t, std::string>> seen;
  bool is_too_much = false;
  const auto sync_parent = [&](const Place& place) {
    if (is_too_much) return;
    try {
      const Opened& opened = open(to_, place);
      if (!seen.insert({opened.root, opened.parent}).second) return;
      check_sys(::fsync(opened.directory.get()), "syncing " + place.path);
      is_too_much = seen.size() > kMaxSynced;
    } catch (const base::SysError& error) {
      if (error.error_number() != EACCES) throw;
      is_too_much = true;  // its owner has shut himself out: it can't be opened to be synced
    }
  };
  for (const Operation& operation : journal_.operations) {
    sync_parent(operation.to);
    if (operation.kind == OperationKind::move || operation.kind == OperationKind::exchange) {
      sync_parent(operation.from);
    }
  }
  if (!is_too_much) return;
  for (const base::UniqueFd& opened : roots_) {
    if (opened) check_sys(::syncfs(opened.get()), "syncing a file system");
  }
}

}  // namespace sandbox_run::workspace
