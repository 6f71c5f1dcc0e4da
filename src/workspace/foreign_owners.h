#pragma once

#include <set>
#include <string>
#include <vector>

#include "workspace/workspace.h"

namespace sandbox_run::workspace {

/// What in a target belongs to others: docker's root, another member of a group.
struct ForeignOwners {
  /// Something that the caller may change and the command may not: in an overlay its copy would
  /// have an owner or a group that is not mapped, and the kernel answers EOVERFLOW
  /// (ovl_copy_up_one()); or the caller is root, who has no special rights in the sandbox.
  bool stop_overlays = false;
  /// What the caller may not change either: examples, those nearest to the top, relative to the
  /// target.
  std::vector<std::string> closed;
  /// Of Target::hidden: those that hold a directory which the caller could not remove afterwards.
  std::set<std::string> not_to_hide;
};

/// Looks at all of the target, for a single directory of another group would end a command in the
/// middle: 37,000 entries in 37 ms by two threads. Of a cache only at the upper levels. `maps_all`:
/// the caller is root, whose sandbox knows every id. What cannot be looked at, and other mounts,
/// which no overlay has, count for nothing.
ForeignOwners look_for_foreign_owners(const Target& target, bool maps_all);

}  // namespace sandbox_run::workspace
