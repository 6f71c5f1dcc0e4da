#pragma once

#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "policy/policy.h"

namespace sandbox_run::plan {

/// Configuration that may hold credentials (policy.files.configuration) in all prefixes that
/// `facts` know of, shown or not. Looks at names in the table and nowhere else: no tree is walked.
///
/// The attack: a script reads the token that `npm config set --location=global` wrote into the
/// toolchain's etc/npmrc, or a company's into /etc/pip.conf.
std::vector<ConfigurationFile> find_configuration(const policy::Policy& policy,
                                                  const HostFacts& facts);

/// The same in `directories`, of projects beside the command's own: what such a project keeps to
/// itself, too (neighbours.h).
std::vector<ConfigurationFile> find_configuration_of_neighbours(
    const policy::Policy& policy, const HostFacts& facts,
    const std::vector<std::string>& directories);

/// Of a file that the home has a copy of, where it is really: it may be shown there, too.
void add_home_configuration(const policy::HomeFile& file, const std::string& path,
                            const std::string& text, HostFacts& facts);

}  // namespace sandbox_run::plan
