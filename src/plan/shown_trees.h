#pragma once

#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "policy/policy.h"

// Which trees of the host a command leads to. Pure, but that links are followed.

namespace sandbox_run::plan {

/// PATH or the command leads into it.
bool is_used(const ToolchainFact& toolchain, const HostFacts& facts);

/// "/", $HOME, and what holds it or the project: showing that would show everything.
bool holds_home(const HostFacts& facts, const std::string& path);

/// Directories between the home and `project`, none of them hidden: nothing but the project is
/// shown in them.
std::vector<std::string> ways_to(const std::string& project, const std::string& home);

/// What is shown of the host for a program that lies where nothing else is shown: its own
/// directory; of PREFIX/bin or PREFIX/lib/… the whole prefix; of one that lies in $HOME itself it
/// alone.
std::string tree_of_program(const HostFacts& facts, const std::string& path);

/// All that is shown beside the distribution's own files, and may hold what others may not read:
/// real paths, none beneath another.
std::vector<std::string> trees_to_look_through(const policy::Policy& policy,
                                               const HostFacts& facts);

}  // namespace sandbox_run::plan
