#pragma once

#include <string>

#include "cli/alert_sink.h"
#include "events/deferred_sink.h"
#include "events/event.h"
#include "plan/plan.h"
#include "policy/decoys.h"
#include "policy/policy.h"
#include "watch/decoy_matcher.h"
#include "watch/dependency_notes.h"
#include "watch/leak_watch.h"

namespace sandbox_run::cli {

/// What the user asked for; else fail where the variable CI is set (a blocked theft must not leave
/// the job green), else hold.
policy::OnAlert answer_to_alerts(const policy::Policy& policy);

/// What the events of a running command pass on their way to the log: each is looked through for
/// decoys' values; it is noted why a package is here; and alerts are counted.
class EventChain {
 public:
  /// `project`: its directory on the host.
  EventChain(const policy::DecoySet& decoys, const plan::Plan& plan, const std::string& project,
             events::EventSink& log);

  events::EventSink& first() { return leaks_; }
  AlertSink& alerts() { return alerts_; }
  /// The last before the log.
  events::DeferredSink& deferred() { return deferred_; }

 private:
  events::DeferredSink deferred_;
  AlertSink alerts_;
  watch::DependencyNotes notes_;
  watch::DecoyMatcher matcher_;
  watch::LeakWatch leaks_;
};

}  // namespace sandbox_run::cli
