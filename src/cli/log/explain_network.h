#pragma once

#include "base/json.h"
#include "cli/log/explain.h"

// Of events about names, connections and packets.

namespace sandbox_run::cli {

Explanation explain_lookup(const base::json::object& event, const ExplainedRun& run);
Explanation explain_denied_flow(const base::json::object& event, const ExplainedRun& run);
Explanation explain_denied_packet(const base::json::object& event, const ExplainedRun& run);
Explanation explain_failed_flow(const base::json::object& event, const ExplainedRun& run);

}  // namespace sandbox_run::cli
