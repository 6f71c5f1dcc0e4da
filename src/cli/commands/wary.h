#pragma once

#include <string>
#include <vector>

namespace sandbox_run::cli {

/// What `commit` takes if no path is named.
struct Unnamed {
  bool all = true;                 // nothing is left
  std::vector<std::string> paths;  // else: full, as workspace::commit_held() takes them
  std::vector<std::string> left;   // how each of the others is named on the command line
};

/// Leaves what a person shall have looked at: changes in protected places, and those of which
/// somebody is suspected who raised an alert, with the package itself. Throws SysError.
Unnamed choose_unnamed(const std::string& run_directory);

}  // namespace sandbox_run::cli
