#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "plan/plan.h"
#include "policy/policy.h"

namespace sandbox_run::cli {

/// The configuration file that uses ${VARIABLE}: the project's .npmrc, .yarnrc.yml or .yarnrc, or
/// the user's own; nullopt: none does.
std::optional<std::string> asks_for(const plan::HostFacts& facts, const std::string& variable);

/// What a person is told, if the command failed, of the variables that were withheld: those that a
/// configuration uses, and those that the installer of one of `packages` (whose scripts ran) is
/// known to read. A line each, three at most.
std::vector<std::string> withheld_notes(const plan::HostFacts& facts,
                                        const policy::EnvironmentPolicy& policy,
                                        const plan::Plan& plan,
                                        const std::vector<std::string>& packages);

}  // namespace sandbox_run::cli
