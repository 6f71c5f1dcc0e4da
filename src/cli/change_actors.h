#pragma once

#include <optional>
#include <string>
#include <utility>

#include "cli/review/suspects.h"
#include "events/event_sink.h"
#include "workspace/held_view.h"

namespace sandbox_run::cli {

/// A sink on the way to another, for the events of a commit: says of each change that was held or
/// stripped who made it: who was seen writing there, or, as "inferred", the one whom the times in
/// the run's log leave (cli/review/suspects.h); else who may have, as "suspects", which is no
/// proof.
class ChangeActors : public events::EventSink {
 public:
  /// `next` outlives it. What it needs of the run's directory is read at the first such event.
  ChangeActors(events::EventSink& next, std::string run_directory)
      : next_(next), run_directory_(std::move(run_directory)) {}

  void record(const events::Event& event) override;

 private:
  void name(events::Event& event);

  events::EventSink& next_;
  std::string run_directory_;
  std::optional<Suspects> suspects_;
  std::optional<workspace::HeldView> view_;
};

}  // namespace sandbox_run::cli
