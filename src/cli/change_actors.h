#pragma once

#include <memory>
#include <string>
#include <utility>

#include "events/event.h"

namespace sandbox_run::cli {

/// A sink on the way to another, for the events of a commit: says of each held change who made it,
/// if the run's log leaves no choice (cli/review/suspects.h), as "inferred"; else who may have, as
/// "suspects". Both are the log's word about times, and no proof.
class ChangeActors : public events::EventSink {
 public:
  /// `next` outlives it. What it needs of the run's directory is read at the first such event.
  ChangeActors(events::EventSink& next, std::string run_directory);
  ~ChangeActors() override;
  ChangeActors(const ChangeActors&) = delete;
  ChangeActors& operator=(const ChangeActors&) = delete;

  void record(const events::Event& event) override;

 private:
  struct Run;
  void name(events::Event& event);

  events::EventSink& next_;
  std::string run_directory_;
  std::unique_ptr<Run> run_;
};

}  // namespace sandbox_run::cli
