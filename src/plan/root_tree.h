#pragma once

#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "plan/plan.h"
#include "plan/plan_builder.h"

namespace sandbox_run::plan {

/// The mount steps of the new root, in order. Pure.
std::vector<MountStep> plan_root(const policy::Policy& policy, const HostFacts& facts,
                                 const std::vector<Layer>& layers, Purpose purpose);

}  // namespace sandbox_run::plan
