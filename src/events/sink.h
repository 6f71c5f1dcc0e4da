#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "events/event.h"

namespace sandbox_run::events {

/// One event as the sinks get it: every string in it is safe UTF-8 of bounded length.
struct Record {
  const base::json::object& event;  // the members of man/sandbox-run-events.5
  std::string_view line;            // the same as the log has it; ends in '\n'
  Severity severity;
};

/// A place that events go to.
///
/// Must not: throw, or hold up the run: what can't be written now and in a bounded time is lost
/// here (never in the run's own log, which is a sink of its own), and counted.
class Sink {
 public:
  /// `least`: events of a lower severity are not for this sink.
  explicit Sink(Severity least = Severity::info) : least_(least) {}
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  bool wants(Severity severity) const { return severity >= least_; }
  virtual void write(const Record& record) = 0;
  /// There are no more events. All sinks are closed before the first is waited for.
  virtual void close() {}
  /// After close(): waits for what is under way, for a bounded time.
  virtual void finish() {}
  /// What went wrong, for people; nullopt: everything was written.
  virtual std::optional<std::string> failure() const = 0;

 private:
  Severity least_;
};

}  // namespace sandbox_run::events
