#pragma once

#include "cli/prepare.h"
#include "policy/profile.h"
#include "watch/nested_manager.h"

namespace sandbox_run::cli {

/// Package managers that the command may start by itself, in a shell, a Makefile or a script of the
/// project's: those that PATH has, and that the project has a manifest or lockfile for, or that the
/// command's text names. What their profiles show, cache and reach is added to the policy; who of
/// the processes is one is decided when it starts (watch/own_code.h).
void add_companions(const policy::ProfileSet& profiles, Preparation& prepared);

/// What those did that were started, for the judge.
std::vector<workspace::NestedCommand> judged_commands(
    const policy::ProfileSet& profiles, const std::vector<watch::NestedManager>& nested);

/// Registries → rules for the package manager alone, and for whom the policy says besides.
void add_registry_rules(Preparation& prepared, const std::vector<std::string>& urls);

}  // namespace sandbox_run::cli
