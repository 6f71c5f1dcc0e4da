#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/work_places.h"
#include "policy/policy.h"

// What the command line names, and the command is to make or to change.

namespace sandbox_run::plan {

struct NewPlaces {
  /// Directories that the command is known to make (`pnpm deploy OUT`, `python3 -m venv ../venv`):
  /// absolute, their parent's path real; in the project or outside it.
  std::vector<std::string> made;
  /// Outside, where nothing is kept, and the command changes it, or makes it (`mv a ../b`).
  std::vector<std::string> lost;
};

/// Where a command is given a directory for what it leaves to the user
/// (policy::TargetRules::temporary), before a name by chance.
inline constexpr std::string_view kKeptTemporary = "/tmp/sandbox-run-";

/// Looks at the words of `arguments`; those that name what can't be made anyway (no such directory
/// above it, or not writable) are passed over: the command itself says so.
NewPlaces find_new_places(const policy::Policy& policy, const std::vector<std::string>& arguments,
                          const std::string& working_directory, const std::string& home,
                          const WorkPlaces& places);

}  // namespace sandbox_run::plan
