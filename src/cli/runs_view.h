#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/run_facts.h"

namespace sandbox_run::cli {

/// "1 min" (or less), "3 min", "2 h", "5 days".
std::string age_words(std::chrono::system_clock::duration age);

/// The run's command line as it can be typed again, cut if it is long. Safe for a terminal.
std::string command_words(const RunLog& log);

/// `sandbox-run runs`: one line each, in the order given. Pure.
std::string runs_text(const std::vector<RunFacts>& runs, std::chrono::system_clock::time_point now);

/// {"runs": […]} on one line. Pure.
std::string runs_json(const std::vector<RunFacts>& runs);
base::json::object run_json(const RunFacts& run);

}  // namespace sandbox_run::cli
