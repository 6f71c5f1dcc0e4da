#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace sandbox_run::cli {

/// What an explanation needs to know of the run.
struct ExplainedRun {
  std::string id;
  std::string profile;               // "": unknown
  std::vector<std::string> command;  // as the log has it
  std::string config_file;           // the user's config.toml
};

/// Why something was refused, and how to allow it. Every string is safe to print.
struct Explanation {
  std::string rule;                 // which rule, or that none did
  std::string layer;                // what enforced it, and what that means for the package
  std::string once;                 // a command line that allows just this; "": there is none
  std::vector<std::string> config;  // lines for config.toml that do; empty: there are none
  std::string why_not;              // what allowing it costs, or why nothing can
};

/// Pure. The event may be forged: nothing is suggested of a name that is not one.
Explanation explain(const base::json::object& event, const ExplainedRun& run);

/// As printed.
std::string explanation_text(const base::json::object& event, const ExplainedRun& run);

}  // namespace sandbox_run::cli
