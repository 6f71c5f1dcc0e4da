#pragma once

#include <functional>
#include <string>

#include "workspace/tree.h"

// All of a tree, each directory and each entry once.
//
// Must: follow no link; need no more descriptors and no more stack for a deep tree than for a flat
//       one; let no thread outlive the walk, for the caller may fork afterwards.

namespace sandbox_run::workspace {

enum class Next { skip, descend };

struct TreeVisitor {
  /// Once for each directory, parents before what they hold. `path` is relative to the root.
  std::function<void(int dir_fd, const std::string& path)> directory = {};
  /// Once for each entry; `descend` counts for directories only.
  std::function<Next(int dir_fd, const std::string& dir_path, const char* name, unsigned char type)>
      entry;
};

/// Walks directory `start` beneath the scope's root. Throws SysError, TooDeep.
void walk_tree(const std::string& start, PassableScope& passable, const TreeVisitor& visitor);

/// As walk_tree, but a large tree is walked by a second thread, too, if one can be had: each
/// directory and its entries are one thread's, the calling one's for `visitor` and the second's for
/// `helper`. What either of them throws ends the walk.
void walk_tree_with_helper(const std::string& start, PassableScope& passable,
                           const TreeVisitor& visitor, const TreeVisitor& helper);

}  // namespace sandbox_run::workspace
