#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/json.h"
#include "events/actor.h"
#include "events/event_sink.h"

namespace sandbox_run::events {

/// One thing that happened. Strings may hold any bytes: they are made printable when written.
struct Event {
  std::string type;  // "run.started", "name.lookup", …: man/sandbox-run-events.5
  Severity severity = Severity::info;
  std::optional<Actor> actor = {};
  std::optional<Process> process = {};
  base::json::object details = {};
  /// When the act was noticed; the record says how long after it was written.
  std::chrono::system_clock::time_point time = std::chrono::system_clock::now();
};

}  // namespace sandbox_run::events
