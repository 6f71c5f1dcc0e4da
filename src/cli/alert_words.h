#pragma once

#include <string>
#include <vector>

#include "cli/paragraph.h"
#include "events/event_sink.h"

namespace sandbox_run::cli {

/// Why a command that went well ends with exit code 122, and what a person who reads the log of a
/// CI job does about it: `review` is of no use there. Pure.
/// `by_ci`: no option or configuration asked for it, the variable CI is set.
std::vector<Paragraph> alert_exit_acts(const std::vector<events::Event>& alerts,
                                       const std::string& profile, bool by_ci);

}  // namespace sandbox_run::cli
