#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "policy/global_install.h"

// Where `npm install -g` writes, and whether it may unasked.

namespace sandbox_run::plan {

/// npm: does the command change global packages (install -g, update -g, link …)? Pure.
bool changes_global_packages(const std::vector<std::string>& arguments);

/// The prefix that the command works in: its own --prefix, or the configuration's; "" if neither is
/// known. Pure.
std::string global_prefix_of(const HostFacts& facts);

/// Looks at the host. nullopt: the command is none, or the prefix is neither the user's own (in the
/// home, or of his making where he is not root), nor named whole by --rw.
std::optional<policy::GlobalInstall> find_global_install(const policy::Policy& policy,
                                                         const HostFacts& facts);

/// What is there already, and so what the rules for both directories are.
std::vector<policy::TargetRules> rules_for_global(const policy::GlobalInstall& install);

}  // namespace sandbox_run::plan
