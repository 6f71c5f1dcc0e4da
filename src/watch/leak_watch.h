#pragma once

#include <set>
#include <string>

#include "events/event_sink.h"
#include "policy/leak_finder.h"

namespace sandbox_run::watch {

/// A sink on the way to another: looks for decoy values in what the events tell (arguments of an
/// exec, names that are looked up, hosts, names of changed files) and adds a decoy.leaked, an
/// alert, with the same actor and process, behind the event that it was found in.
class LeakWatch : public events::EventSink {
 public:
  /// Both outlive the watch.
  LeakWatch(const policy::LeakFinder& finder, events::EventSink& next)
      : finder_(finder), next_(next) {}

  void record(const events::Event& event) override;

 private:
  void check(std::string_view text, std::string_view channel, const events::Event& event);

  const policy::LeakFinder& finder_;
  events::EventSink& next_;
  std::set<std::string> told_;  // each value, channel and actor once
};

}  // namespace sandbox_run::watch
