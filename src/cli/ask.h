#pragma once

#include <optional>
#include <string>
#include <utility>

#include "plan/host_facts.h"
#include "policy/policy.h"
#include "policy/registries.h"

namespace sandbox_run::cli {

/// What the package manager is configured to use (policy/registries.h): read from its configuration
/// where that is certain (policy/npm_config.h, policy/read_answers.h), else it is asked, in a
/// sandbox without network and without the right to change anything; remembered in
/// `<state>/answers` for as long as the program, the configuration files and the variables that it
/// reads are the same. Throws UserError if it does not answer, sandbox::SetupError.
policy::PackageManagerFacts ask_package_manager(const policy::Policy& policy,
                                                const plan::HostFacts& facts);

/// Where pnpm or yarn 1 would install globally what the command names: the packages' directory, the
/// programs'. Asked likewise; nullopt: it has no such place, or does not say.
std::optional<std::pair<std::string, std::string>> ask_for_global_places(
    const policy::Policy& policy, const plan::HostFacts& facts);

}  // namespace sandbox_run::cli
