#pragma once

#include <string>
#include <vector>

#include "cli/prepare.h"
#include "plan/plan.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {

/// The run's layers as the plan names them. `empty`: the lower directory of a target that the host
/// does not have.
std::vector<plan::Layer> plan_layers(const std::vector<workspace::LayerDirectory>& directories,
                                     const std::string& empty);

/// The plan with "RUN" for the run's own directory, and the egress rules: the same text for the
/// same run, whenever it is made.
std::string describe_plan(const Preparation& prepared);

}  // namespace sandbox_run::cli
