#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "policy/global_install.h"

// Where `npm install -g`, `pnpm add -g`, `yarn global add` and `bun add -g` write, and whether they
// may unasked.

namespace sandbox_run::plan {

/// Does the command change global packages (npm install -g, update -g, link …; pnpm add -g; yarn
/// global add; bun add -g)? Pure.
bool changes_global_packages(policy::PackageManager manager,
                             const std::vector<std::string>& arguments);

/// The words of the command without options and their values, the sub-command first. Pure.
std::vector<std::string> plain_words(const std::vector<std::string>& arguments);

/// The prefix that the command works in: its own --prefix, or the configuration's; "" if neither is
/// known. Pure.
std::string global_prefix_of(const HostFacts& facts);

/// The directories of the packages and of the programs, whoever owns them; nullopt: not known.
std::optional<policy::GlobalInstall> global_directories(policy::PackageManager manager,
                                                        const HostFacts& facts);

/// Looks at the host. What `npm link` names and is not there npm installs globally first. nullopt:
/// the command is none, or the prefix is neither the user's own (in the
/// home, or of his making where he is not root), nor named whole by --rw.
std::optional<policy::GlobalInstall> find_global_install(const policy::Policy& policy,
                                                         const HostFacts& facts);

/// What is there of npm's global directories, for `npm ls -g`: read-only.
std::vector<std::string> global_places_to_show(const policy::Policy& policy,
                                               const HostFacts& facts);

/// What is there already, and so what the rules for both directories are.
std::vector<policy::TargetRules> rules_for_global(const policy::GlobalInstall& install);

}  // namespace sandbox_run::plan
