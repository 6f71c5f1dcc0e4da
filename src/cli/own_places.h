#pragma once

#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "policy/policy.h"
#include "workspace/workspace.h"

// What is sandbox-run's own must not be a package's to change: the next run goes by it.

namespace sandbox_run::cli {

/// Throws UserError, with what to type, if the user configuration or the state directory lies in a
/// target, or a target in them, by whatever links they are reached.
///
/// The attack: in a project ~/.config, a script writes sandbox-run/config.toml, and is let out from
/// then on.
void refuse_own_places(const plan::HostFacts& facts, const std::vector<workspace::Target>& targets);

/// A profile of the user's own that `--profile FILE` names, and the program itself: where they lie
/// in a target they are protected places.
void protect_own_files(const std::string& profile, const plan::HostFacts& facts,
                       const std::vector<workspace::Target>& targets,
                       policy::FilesystemPolicy& files);

}  // namespace sandbox_run::cli
