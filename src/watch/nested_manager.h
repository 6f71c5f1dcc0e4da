#pragma once

#include <string>
#include <vector>

#include "events/actor.h"
#include "policy/policy.h"

namespace sandbox_run::watch {

/// A package manager that the user's own command, or a script of the project's own, started.
struct NestedManager {
  std::string directory;
  std::vector<std::string> arguments;
};

// Its actor is the package manager's, with the script that started it. What it runs that is neither
// itself nor a helper (a program that npx fetched) is not the manager: it is as what started it.

/// Is it such a one's actor? `manager`: the command's own; there is none in most commands.
bool is_nested_manager(policy::PackageManager manager, const events::Actor& actor);
events::Actor manager_started_by(const events::Actor& starter);
events::Actor starter_of(const events::Actor& nested);

}  // namespace sandbox_run::watch
