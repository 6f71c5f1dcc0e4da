#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "cli/supervise.h"
#include "plan/plan.h"
#include "sandbox/launch.h"
#include "watch/decoy_watch.h"
#include "watch/exec_watch.h"

// What the broker and the watches are given of a sandbox and its plan.

namespace sandbox_run::cli {

std::vector<broker::ListeningSocket> listening_sockets(std::vector<sandbox::InnerSocket> inner);

std::vector<watch::OverlayPlace> overlay_places(const plan::Plan& plan);

/// The directories where changes land.
std::vector<std::string> layers_of(const plan::Plan& plan);

/// nullptr: the plan has no decoys, or the kernel no leases.
std::unique_ptr<watch::DecoyWatch> watch_decoys(const SuperviseRequest& request,
                                                sandbox::RunningSandbox& sandbox,
                                                watch::ExecWatch& watch);

}  // namespace sandbox_run::cli
