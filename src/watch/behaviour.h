#pragma once

#include <cstddef>

#include "events/event.h"
#include "policy/behaviour_lock.h"

namespace sandbox_run::watch {

/// Passes every event on, and keeps what the scripts and builds among their actors did: the
/// material of the behaviour lock. Events say it in one place for all parts, so that nothing can be
/// in the lock that is not in the log.
class BehaviourRecorder : public events::EventSink {
 public:
  /// A package decides how many programs it runs and names it asks for: more than this of one
  /// package are not kept one by one, and count as one act "(more than N)".
  static constexpr std::size_t kMaxActs = 256;
  static constexpr std::size_t kMaxDoers = 20'000;

  explicit BehaviourRecorder(events::EventSink& next) : next_(next) {}

  void record(const events::Event& event) override;
  const policy::BehaviourLock& seen() const { return seen_; }

 private:
  void note(const policy::Doer& doer, policy::Act act);

  events::EventSink& next_;
  policy::BehaviourLock seen_;
};

/// Records an alert "behaviour.new" for each deviation of `seen` from `lock`.
void report_deviations(const policy::BehaviourLock& lock, const policy::BehaviourLock& seen,
                       events::EventSink& sink);

}  // namespace sandbox_run::watch
