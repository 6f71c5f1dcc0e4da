#pragma once

#include <string>
#include <utility>
#include <vector>

#include "plan/linked_places.h"

// Repositories on this machine that a repository takes from: `git fetch`, `git pull`.

namespace sandbox_run::plan {

struct LocalRemotes {
  /// remote.*.url of .git/config: the user's own word. No clone brings it along, and what a script
  /// would change of it is held. Git directories, real.
  std::vector<std::string> shown;
  std::vector<std::pair<std::string, std::string>> links;  // named through a link: name, real path
  /// The url of a submodule, which is a stranger's (`git submodule init` copies it to .git/config);
  /// what a push would write; what lies hidden in the home.
  std::vector<WantedPlace> wanted;
};

/// None, but for a git that fetches or pushes. Of the work tree that `directory` lies in, up to
/// `project`; `repositories`: git directories outside of it.
LocalRemotes find_local_remotes(const std::vector<std::string>& arguments,
                                const std::string& project, const std::string& directory,
                                const std::string& home,
                                const std::vector<std::string>& repositories);

}  // namespace sandbox_run::plan
