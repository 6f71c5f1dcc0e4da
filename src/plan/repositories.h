#pragma once

#include "plan/host_facts.h"

namespace sandbox_run::plan {

/// What git would look at beyond the project: to facts.linked, facts.not_shown.
void find_repositories(const policy::Policy& policy, const WorkPlaces& places, HostFacts& facts);

}  // namespace sandbox_run::plan
