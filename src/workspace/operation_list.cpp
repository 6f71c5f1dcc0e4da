#include "workspace/operation_list.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace sandbox_run::workspace {
namespace {

Operation mode_operation(const Place& place, std::uint64_t inode, std::uint32_t before,
                         std::uint32_t after) {
  Operation operation;
  operation.kind = OperationKind::set_mode;
  operation.to = place;
  operation.inode = inode;
  operation.old_mode = before;
  operation.new_mode = after;
  return operation;
}

bool is_shut(std::uint32_t mode) { return (mode & S_IRWXU) != S_IRWXU && ::geteuid() != 0; }

bool is_before(const Operation& a, const Operation& b) {
  return std::pair(a.to.root, a.to.path) < std::pair(b.to.root, b.to.path);
}

}  // namespace

void OperationList::make_directory(Place to, std::uint32_t mode) {
  Operation operation;
  operation.kind = OperationKind::make_directory;
  operation.to = std::move(to);
  operation.new_mode = mode;
  making_.push_back(std::move(operation));
}

void OperationList::move(Place from, Place to, std::uint64_t inode, std::int64_t host_mtime) {
  Operation operation;
  operation.kind = OperationKind::move;
  operation.from = std::move(from);
  operation.to = std::move(to);
  operation.inode = inode;
  operation.other_mtime = host_mtime;
  moving_.push_back(std::move(operation));
}

void OperationList::exchange(Place from, Place to, std::uint64_t inode, std::uint64_t host_inode,
                             std::int64_t host_mtime) {
  Operation operation;
  operation.kind = OperationKind::exchange;
  operation.from = std::move(from);
  operation.to = std::move(to);
  operation.inode = inode;
  operation.other_inode = host_inode;
  operation.other_mtime = host_mtime;
  moving_.push_back(std::move(operation));
}

void OperationList::clear_marks(Place to, std::uint64_t inode, bool was_opaque) {
  Operation operation;
  operation.kind = OperationKind::clear_marks;
  operation.to = std::move(to);
  operation.inode = inode;
  operation.was_opaque = was_opaque;
  unmarking_.push_back(std::move(operation));
}

void OperationList::open_for_change(const Place& now, const Place& then, std::uint64_t inode,
                                    std::uint32_t mode) {
  if (!is_shut(mode)) return;
  opening_.push_back(mode_operation(now, inode, mode, mode | S_IRWXU));
  if (now.root != then.root || now.path != then.path) {
    closing_.push_back(mode_operation(then, inode, mode | S_IRWXU, mode));
    return;
  }
  // It stays where it is, and somebody may have a word on its mode besides.
  Mode& known = modes_[{now.root, now.path}];
  if (known.is_opened) {
    opening_.pop_back();
    return;
  }
  known.is_opened = true;
  known.inode = inode;
  known.before = mode;
  if (!known.is_set) known.after = mode;
}

void OperationList::open_for_removal(const Place& now, std::uint64_t inode, std::uint32_t mode) {
  if (is_shut(mode)) opening_.push_back(mode_operation(now, inode, mode, mode | S_IRWXU));
}

void OperationList::set_mode(const Place& place, std::uint64_t inode, std::uint32_t before,
                             std::uint32_t after) {
  Mode& known = modes_[{place.root, place.path}];
  known.inode = inode;
  known.before = before;
  known.after = after;
  known.is_set = true;
}

void OperationList::append_to(Journal& journal) const {
  std::vector<Operation> opening = opening_;
  std::vector<Operation> closing = closing_;
  for (const auto& [key, mode] : modes_) {
    const std::uint32_t before = mode.is_opened ? mode.before | S_IRWXU : mode.before;
    closing.push_back(mode_operation({key.first, key.second}, mode.inode, before, mode.after));
  }
  std::stable_sort(opening.begin(), opening.end(), is_before);
  std::stable_sort(closing.begin(), closing.end(),
                   [](const Operation& a, const Operation& b) { return is_before(b, a); });
  for (const std::vector<Operation>* part :
       {&std::as_const(opening), &making_, &moving_, &unmarking_, &std::as_const(closing)}) {
    journal.operations.insert(journal.operations.end(), part->begin(), part->end());
  }
}

}  // namespace sandbox_run::workspace
