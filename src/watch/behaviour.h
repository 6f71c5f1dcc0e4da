#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "events/event_sink.h"
#include "policy/behaviour_lock.h"

namespace sandbox_run::watch {

/// Passes every event on, and keeps what the scripts and builds among their actors did: the
/// material of the behaviour lock. Events say it in one place for all parts, so that nothing can be
/// in the lock that is not in the log. Behind an event that shows what the lock does not know, it
/// adds an alert "behaviour.new".
class BehaviourRecorder : public events::EventSink {
 public:
  /// A package decides how many programs it runs and names it asks for: more than this of one
  /// package are not kept one by one, and count as one act "(more than N)".
  static constexpr std::size_t kMaxActs = 256;
  static constexpr std::size_t kMaxDoers = 20'000;

  /// Both outlive it. `lock` nullptr: nothing is compared. `home`: its paths are kept as "~/…".
  BehaviourRecorder(events::EventSink& next, const policy::BehaviourLock* lock, std::string home)
      : next_(next), lock_(lock), home_(std::move(home)) {}

  void record(const events::Event& event) override;
  const policy::BehaviourLock& seen() const { return seen_; }

 private:
  std::optional<policy::Act> act_of(const events::Event& event) const;
  void tell(policy::Deviation deviation, const policy::Act& act, const events::Event& event);

  events::EventSink& next_;
  const policy::BehaviourLock* lock_;
  std::string home_;
  policy::BehaviourLock seen_;
};

}  // namespace sandbox_run::watch
