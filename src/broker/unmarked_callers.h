#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "events/caller_table.h"

namespace sandbox_run::broker {

/// Whose a UDP socket inside is, by its local port; kUnknown if that cannot be told. It may take
/// milliseconds.
using FindCaller = std::function<events::CallerTable::Number(std::uint16_t port)>;

/// Who sent a datagram that has no mark: its socket was never connected, so that nobody was asked
/// whose it is (musl's resolver, for one). The sender is looked for, while it waits for its answer,
/// a bounded number of times in a run. That decides
/// who is named, and whether a name has an answer; a connection is decided by its mark alone.
class UnmarkedCallers {
 public:
  explicit UnmarkedCallers(FindCaller find) : find_(std::move(find)) {}

  /// `marked`, unless that is kUnknown.
  events::CallerTable::Number known_or_found(events::CallerTable::Number marked,
                                             std::uint16_t port) {
    if (marked != events::CallerTable::kUnknown || !find_ || looks_left_ == 0) return marked;
    --looks_left_;
    return find_(port);
  }

 private:
  FindCaller find_;
  int looks_left_ = 256;
};

}  // namespace sandbox_run::broker
