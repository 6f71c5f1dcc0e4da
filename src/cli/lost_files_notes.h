#pragma once

#include <string>
#include <vector>

#include "cli/lost_files.h"
#include "events/event_sink.h"

namespace sandbox_run::cli {

/// Records what is lost with the false home (home.discarded), with who made it as far as the run's
/// log tells (review/suspects.h), and says it in words: what would be missed, where it was, by
/// whom, and what keeps it. A large directory of caches, or anything elsewhere; three lines at
/// most.
std::vector<std::string> record_lost_files(const std::vector<LostFiles>& lost,
                                           const plan::Plan& plan, const std::string& run_directory,
                                           events::EventSink& sink);

}  // namespace sandbox_run::cli
