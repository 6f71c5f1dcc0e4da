#pragma once

#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "policy/policy.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {

/// What the configurations of git name in the project, as they were before the run, are protected
/// places like .git/hooks: policy/git_places.h.
///
/// The attack: a package's program writes .githooks/pre-commit into a project with core.hooksPath,
/// while a build whose output is committed runs.
void protect_places_of_git(const plan::HostFacts& facts, policy::FilesystemPolicy& files);

/// How to take over the git hooks among what is held, once or for good; "" if there are none.
std::string git_hooks_hint(const std::vector<workspace::HeldChange>& held);

}  // namespace sandbox_run::cli
