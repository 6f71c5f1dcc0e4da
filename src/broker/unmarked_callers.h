#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "broker/limits.h"
#include "broker/recorder.h"
#include "events/caller_table.h"

namespace sandbox_run::broker {

/// Who sent a datagram that has no mark: its socket was never connected, so that nobody was asked
/// whose it is (musl's resolver, for one). The sender is looked for while it waits for its answer,
/// kCallersLookedFor times in a run. So it is known whom an event names, and for whom a name is
/// looked up; a connection is decided by its mark alone.
class UnmarkedCallers {
 public:
  /// `recorder` outlives it.
  UnmarkedCallers(FindCaller find, Recorder& recorder)
      : find_(std::move(find)), recorder_(recorder) {}

  /// `marked`, unless that is kUnknown.
  events::CallerTable::Number known_or_found(events::CallerTable::Number marked,
                                             std::uint16_t port) {
    if (marked != events::CallerTable::kUnknown || !find_) return marked;
    if (looks_left_ == 0) {
      recorder_.limit_reached("searches for who sent a datagram", kCallersLookedFor);
      return marked;
    }
    --looks_left_;
    return find_(port);
  }

  /// Everybody inside is dead: nobody is looked for any more, and what `find` needs may go.
  void stop() { find_ = nullptr; }

 private:
  FindCaller find_;
  Recorder& recorder_;
  int looks_left_ = kCallersLookedFor;
};

}  // namespace sandbox_run::broker
