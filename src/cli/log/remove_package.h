#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "cli/log/explain.h"

namespace sandbox_run::cli {

/// What to do before all else about an alert that a package's code has raised: be rid of it.
struct RemovalAdvice {
  std::string words;                  // "": no alert, or not a package's
  std::vector<std::string> commands;  // to be typed as they stand
};

/// Pure. The event may be forged: a package that could not be named so is not put into a command.
RemovalAdvice removal_advice(const base::json::object& event, const ExplainedRun& run);

}  // namespace sandbox_run::cli
