#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "events/event.h"

namespace sandbox_run::events {

/// Lets events of severity info wait for a moment, so that no connection or exec waits for the
/// writing of the one before it. A notice or an alert passes on at once, after all that waited: the
/// order stays.
///
/// Must: pass on everything, its destructor the last of it.
class DeferredSink : public EventSink {
 public:
  static constexpr std::size_t kMostWaiting = 64;

  /// `next` outlives it.
  explicit DeferredSink(EventSink& next) : next_(next) {}
  DeferredSink(const DeferredSink&) = delete;
  DeferredSink& operator=(const DeferredSink&) = delete;
  ~DeferredSink() override;

  /// `ask_for_flush` is called when a first event begins to wait: somebody has to call flush()
  /// within a few milliseconds. While it is empty, nothing waits.
  void defer(std::function<void()> ask_for_flush);
  void record(const Event& event) override;
  void flush();

 private:
  EventSink& next_;
  std::function<void()> ask_for_flush_;
  std::vector<Event> waiting_;
};

}  // namespace sandbox_run::events
