#include "events/deferred_sink.h"

#include <exception>

namespace sandbox_run::events {

DeferredSink::~DeferredSink() {
  try {
    flush();
  } catch (const std::exception&) {
    // Out of memory at the end of a run: what waited is lost.
  }
}

void DeferredSink::defer(std::function<void()> ask_for_flush) {
  flush();
  ask_for_flush_ = std::move(ask_for_flush);
}

void DeferredSink::record(const Event& event) {
  if (event.severity != Severity::info || !ask_for_flush_) {
    flush();
    return next_.record(event);
  }
  waiting_.push_back(event);
  if (waiting_.size() == kMostWaiting) return flush();
  if (waiting_.size() == 1) ask_for_flush_();
}

void DeferredSink::flush() {
  const std::vector<Event> events = std::exchange(waiting_, {});
  for (const Event& event : events) next_.record(event);
}

}  // namespace sandbox_run::events
