#pragma once

#include "cli/alert_sink.h"
#include "events/deferred_sink.h"
#include "events/event_log.h"
#include "events/event_sink.h"
#include "plan/host_facts.h"
#include "plan/plan.h"
#include "policy/behaviour_lock.h"
#include "policy/policy.h"
#include "watch/behaviour.h"
#include "watch/decoy_matcher.h"
#include "watch/dependency_notes.h"
#include "watch/leak_watch.h"

namespace sandbox_run::cli {

/// What the user asked for; else fail where the variable CI is set (a blocked theft must not leave
/// the job green), else hold.
policy::OnAlert answer_to_alerts(const policy::Policy& policy);

/// What the events of a running command pass on their way to the log: each is looked through for
/// decoys' values; what a package's script did is kept, and compared with the behaviour lock; it is
/// noted why a package is here; and alerts are counted.
class EventChain {
 public:
  /// `lock` nullptr: nothing is compared.
  EventChain(const plan::HostFacts& facts, const plan::Plan& plan,
             const policy::BehaviourLock* lock, events::EventLog& log);

  events::EventSink& first() { return leaks_; }
  AlertSink& alerts() { return alerts_; }
  /// nullptr: there are no decoys.
  const policy::LeakFinder* leaks() const { return matcher_.empty() ? nullptr : &matcher_; }
  const policy::BehaviourLock& behaviour() const { return behaviour_.seen(); }
  /// The last before the log.
  events::DeferredSink& deferred() { return deferred_; }

 private:
  events::DeferredSink deferred_;
  AlertSink alerts_;
  watch::DependencyNotes notes_;
  watch::BehaviourRecorder behaviour_;
  watch::DecoyMatcher matcher_;
  watch::LeakWatch leaks_;
};

}  // namespace sandbox_run::cli
