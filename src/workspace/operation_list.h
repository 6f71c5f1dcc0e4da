#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "workspace/journal.h"

namespace sandbox_run::workspace {

/// Collects one layer's operations and puts them in an order in which each can be done in its turn
/// and undone backwards: directories that shut their owner out are opened first, outermost first;
/// then directories are made, entries moved, marks taken off; at last modes are set, innermost
/// first.
class OperationList {
 public:
  void make_directory(Place to, std::uint32_t mode);
  void move(Place from, Place to, std::uint64_t inode, std::int64_t host_mtime);
  void exchange(Place from, Place to, std::uint64_t inode, std::uint64_t host_inode,
                std::int64_t host_mtime);
  void clear_marks(Place to, std::uint64_t inode, bool was_opaque);

  /// A directory whose owner can't write it is opened where it is, and shut where it will be then.
  void open_for_change(const Place& now, const Place& then, std::uint64_t inode,
                       std::uint32_t mode);
  /// As open_for_change, for one that goes to the trash.
  void open_for_removal(const Place& now, std::uint64_t inode, std::uint32_t mode);
  /// The last word on a directory's mode; `inode` 0: of one made by make_directory().
  void set_mode(const Place& place, std::uint64_t inode, std::uint32_t before, std::uint32_t after);

  bool empty() const { return making_.empty() && moving_.empty() && modes_.empty(); }
  bool moves_anything() const { return !moving_.empty() || !making_.empty(); }
  void append_to(Journal& journal) const;

 private:
  struct Mode {
    std::uint64_t inode = 0;
    std::uint32_t before = 0;
    std::uint32_t after = 0;
    bool is_opened = false;
    bool is_set = false;
  };
  using Key = std::pair<std::uint32_t, std::string>;

  std::vector<Operation> opening_;
  std::vector<Operation> making_;
  std::vector<Operation> moving_;
  std::vector<Operation> unmarking_;
  std::vector<Operation> closing_;
  std::map<Key, Mode> modes_;
};

}  // namespace sandbox_run::workspace
