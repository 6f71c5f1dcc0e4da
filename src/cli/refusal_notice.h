#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "events/event_sink.h"

namespace sandbox_run::cli {

/// A sink on the way to another, which says a refusal while the command still runs. Most programs
/// try again after a refusal, npm for a minute, and whatever the refusal is (src/README.md): who
/// waits at the terminal should know what for. A few lines a run; the summary has them all.
class RefusalNotice : public events::EventSink {
 public:
  explicit RefusalNotice(events::EventSink& next) : next_(next) {}

  void record(const events::Event& event) override;
  /// What is still to be said; call it a moment after on_refusal, so that a command that ends at
  /// once has its summary only.
  std::vector<std::string> take_lines();

  std::function<void()> on_refusal;

 private:
  events::EventSink& next_;
  std::set<std::string> said_;
  std::vector<std::string> lines_;
};

}  // namespace sandbox_run::cli
