#pragma once

#include <string_view>

// Where events go, for those who hand a sink on: what an event is they need not know.

namespace sandbox_run::events {

enum class Severity { info, notice, alert };

/// As written in the log: "info", "notice", "alert".
std::string_view name_of(Severity severity);

struct Event;

/// The one interface that broker, watch and workspace know.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void record(const Event& event) = 0;
};

/// For what is done without a run, which has no log.
class NoEvents : public EventSink {
 public:
  void record(const Event&) override {}
};

}  // namespace sandbox_run::events
