#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "policy/policy.h"

namespace sandbox_run::plan {

/// A file by its read bit for others, a directory by that and the search bit.
bool others_may_read(const struct stat& status);

struct PrivatePlaces {
  std::vector<PrivatePlace> places;
  /// Directories among them of which nothing is known but that there was too much to look at.
  std::vector<std::string> unseen;
  /// Among them what is only too large: those of facts.large_trees that still are, and further
  /// ones.
  LargeTrees large_trees;
};

/// What the caller may read and others may not, in all that is shown beside the distribution's own
/// files: other's read bit is missing on it, or other's search bit on a directory above it. As
/// root, who is nobody special inside, that is what root keeps for itself.
///
/// The attack: a script reads /opt/runner/.credentials, mode 0600, which the caller owns: in the
/// sandbox it has his uid.
///
/// Of a version manager's tree (nvm, pyenv …) its upper levels are looked at; all of everything
/// else.
///
/// The project, targets, and what is shown by name stay as they are. A toolchain that PATH leads
/// into and that is closed as a whole (its directory or its bin is the caller's alone) is shown as
/// it is: it was made with a umask, and its modes tell nothing apart.
PrivatePlaces find_private_places(const policy::Policy& policy, const HostFacts& facts);

}  // namespace sandbox_run::plan
