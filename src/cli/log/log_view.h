#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "cli/log/log_reader.h"
#include "cli/review/style.h"
#include "events/event.h"

namespace sandbox_run::cli {

/// A log (man/sandbox-run-events.5) for a person: alerts first, then a tree: the run, who acted in
/// it (the package manager, each package, its scripts), and what each did, in order, indented where
/// one of its processes started another. The log may be damaged or forged: lines that are no events
/// are counted, lengths and numbers are bounded, and no byte of it reaches the terminal as a
/// control character.
class LogView {
 public:
  explicit LogView(Style style) : style_(style) {}

  void add(const LogLine& line, const EventFilter& filter);
  void print(std::ostream& out) const;

 private:
  struct Act {
    std::string time;
    std::string number;
    std::string words;
    std::size_t depth = 0;
    events::Severity severity = events::Severity::info;
    std::uint64_t times = 1;
    std::string list;  // "env.withheld": its words are a list that goes on
  };
  struct Actor {
    std::string name;
    std::vector<Act> acts;
    std::map<std::uint64_t, std::size_t> depths;  // by pid
  };

  void add_event(const base::json::object& event);
  Actor& actor_named(const std::string& name);
  static std::size_t depth_of(Actor& actor, const base::json::object& event);
  void add_act(Actor& actor, const base::json::object& event);
  std::string act_line(const Act& act) const;
  void print_actor(std::ostream& out, const Actor& actor, bool last) const;

  Style style_;
  std::string title_;
  std::vector<std::string> alerts_;
  std::string first_alert_;
  std::vector<Actor> actors_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::uint64_t events_ = 0;
  std::uint64_t unreadable_ = 0;
  std::uint64_t left_out_ = 0;
};

/// One event on a line of its own, as --follow prints it.
std::string follow_line(const base::json::object& event, const Style& style);

}  // namespace sandbox_run::cli
