#pragma once

#include "plan/host_facts.h"
#include "policy/policy.h"
#include "policy/registries.h"

namespace sandbox_run::cli {

/// Asks the package manager what it is configured to use (policy/registries.h), in a sandbox
/// without network and without the right to change anything; remembered in `<cache
/// home>/sandbox-run/answers` for as long as the program, the configuration files and the variables
/// that it reads are the same. Throws UserError if it does not answer, sandbox::SetupError.
policy::PackageManagerFacts ask_package_manager(const policy::Policy& policy,
                                                const plan::HostFacts& facts);

}  // namespace sandbox_run::cli
