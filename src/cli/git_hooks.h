#pragma once

#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "policy/policy.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {

/// Where the project's own configuration of git has its hooks, as it was before the run, is a
/// protected place like .git/hooks.
///
/// The attack: a package's program writes .githooks/pre-commit into a project with core.hooksPath,
/// while a build whose output is committed runs.
void protect_hook_directory(const plan::HostFacts& facts, policy::FilesystemPolicy& files);

/// How to take over the git hooks among what is held, once or for good; "" if there are none.
std::string git_hooks_hint(const std::vector<workspace::HeldChange>& held);

}  // namespace sandbox_run::cli
