#pragma once

#include <cstdint>
#include <functional>

#include "events/event.h"

namespace sandbox_run::cli {

/// A sink on the way to another: counts the alerts that pass, and calls `on_alert` behind each.
class AlertSink : public events::EventSink {
 public:
  explicit AlertSink(events::EventSink& next) : next_(next) {}

  void record(const events::Event& event) override {
    next_.record(event);
    if (event.severity != events::Severity::alert) return;
    ++alerts_;
    if (on_alert) on_alert();
  }

  std::uint64_t alerts() const { return alerts_; }

  std::function<void()> on_alert;

 private:
  events::EventSink& next_;
  std::uint64_t alerts_ = 0;
};

}  // namespace sandbox_run::cli
