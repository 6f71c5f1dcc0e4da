#pragma once

#include <vector>

#include "plan/host_facts.h"
#include "plan/plan.h"

namespace sandbox_run::plan {

/// What the kernel and every program expect, and nothing of the host but a few devices: /proc,
/// /dev, empty /tmp, /var/tmp and /run.
std::vector<MountStep> kernel_trees(const HostFacts& facts);

}  // namespace sandbox_run::plan
