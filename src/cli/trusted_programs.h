#pragma once

#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "policy/policy.h"

namespace sandbox_run::cli {

/// What may run without the run being a package's: the package manager's own programs, or without
/// one the program of the system that the user typed, if the profile says that it runs no code but
/// its own. See watch::TrustedPrograms. Pure.
///
/// Not what lies in the project: `npm` in node_modules/.bin is a dependency's.
std::vector<std::string> trusted_programs(const policy::Policy& policy,
                                          const plan::HostFacts& facts);

}  // namespace sandbox_run::cli
