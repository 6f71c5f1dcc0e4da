#include "cli/log/log_view.h"

#include <algorithm>
#include <string_view>

#include "base/format.h"
#include "events/event.h"
#include "events/words.h"

namespace sandbox_run::cli {
namespace {

namespace json = base::json;
using events::Severity;
using events::shown;
using events::text_member;

constexpr std::size_t kMaxShownBytes = 300;  // of what one event says
constexpr std::size_t kMaxEvents = 200'000;
constexpr std::size_t kMaxActors = 10'000;
constexpr std::size_t kDeepest = 8;
constexpr std::size_t kMaxAlerts = 1000;

Severity severity_of(const json::object& event) {
  const std::string name = text_member(event, "severity");
  for (const Severity severity : {Severity::alert, Severity::notice}) {
    if (name == name_of(severity)) return severity;
  }
  return Severity::info;
}

/// The time of day of an RFC 3339 time: "12:00:00.123".
std::string time_of_day(const json::object& event) {
  const std::string time = text_member(event, "time");
  return time.size() < 23 ? shown(time) : shown(std::string_view(time).substr(11, 12));
}

std::string number_of(const json::object& event) {
  const std::uint64_t number = base::number_member(event, "seq").value_or(0);
  return number == 0 ? "" : base::format("#{}", number);
}

std::string words_of(const json::object& event) {
  return events::cut(events::what_happened(event), kMaxShownBytes);
}

std::string in_colour(const Style& style, Severity severity, const std::string& words) {
  switch (severity) {
    case Severity::alert:
      return style.alert(words);
    case Severity::notice:
      return style.changed(words);
    case Severity::info:
      return words;
  }
  return words;
}

}  // namespace

void LogView::add(const LogLine& line, const EventFilter& filter) {
  if (line.text.empty()) return;
  const auto event = parse_log_event(line);
  if (!event) {
    ++unreadable_;
  } else if (!filter.accepts(*event)) {
    return;
  } else if (++events_ > kMaxEvents) {
    ++left_out_;
  } else {
    add_event(*event);
  }
}

void LogView::add_event(const json::object& event) {
  if (title_.empty() && text_member(event, "type") == "run.started") {
    title_ = base::format("run {}: {}", shown(text_member(event, "run")), words_of(event));
    return;
  }
  if (severity_of(event) == Severity::alert) {
    if (first_alert_.empty()) first_alert_ = number_of(event);
    if (alerts_.size() < kMaxAlerts) {
      alerts_.push_back(base::format("{:<5} {}  {}: {}", number_of(event), time_of_day(event),
                                     events::who_did_it(event), words_of(event)));
    }
  }
  add_act(actor_named(events::who_did_it(event)), event);
}

LogView::Actor& LogView::actor_named(const std::string& name) {
  const auto known = index_.find(name);
  if (known != index_.end()) return actors_[known->second];
  if (actors_.size() == kMaxActors) return actors_.back();
  index_.emplace(name, actors_.size());
  Actor actor;
  actor.name = actors_.size() + 1 == kMaxActors ? "all others" : name;
  actors_.push_back(std::move(actor));
  return actors_.back();
}

/// A process stands below the one that started it, if that one has the same actor.
std::size_t LogView::depth_of(Actor& actor, const json::object& event) {
  const json::object* process = events::object_member(event, "process");
  if (process == nullptr) return 0;
  const std::uint64_t pid = base::number_member(*process, "pid").value_or(0);
  const auto known = actor.depths.find(pid);
  const json::object* details = events::object_member(event, "details");
  if (text_member(event, "type") != "process.exec") {
    const bool below =
        known != actor.depths.end() && text_member(event, "type") != "script.started";
    return below ? std::min(kDeepest, known->second + 1) : 0;
  }
  const std::uint64_t parent =
      details == nullptr ? 0 : base::number_member(*details, "parent_pid").value_or(0);
  const auto above = actor.depths.find(parent);
  const std::size_t depth = above == actor.depths.end() ? 0 : std::min(kDeepest, above->second + 1);
  actor.depths[pid] = depth;
  return depth;
}

void LogView::add_act(Actor& actor, const json::object& event) {
  Act act;
  act.time = time_of_day(event);
  act.number = number_of(event);
  act.words = words_of(event);
  act.depth = depth_of(actor, event);
  act.severity = severity_of(event);
  if (text_member(event, "type") == "env.withheld") {
    const json::object* details = events::object_member(event, "details");
    act.list = details == nullptr ? "" : shown(text_member(*details, "name"));
  }
  if (!actor.acts.empty()) {
    Act& last = actor.acts.back();
    if (!act.list.empty() && !last.list.empty()) {
      last.list = act.list;
      if (last.words.size() < 4 * kMaxShownBytes) last.words += ", " + act.list;
      return;
    }
    if (last.words == act.words && last.severity == act.severity && last.depth == act.depth) {
      ++last.times;
      return;
    }
  }
  actor.acts.push_back(std::move(act));
}

std::string LogView::act_line(const Act& act) const {
  std::string line = style_.faint(base::format("{:<5} {}  ", act.number, act.time));
  line += std::string(2 * act.depth, ' ');
  line += in_colour(style_, act.severity, act.words);
  if (act.times > 1) line += style_.faint(base::format("  ({} times)", act.times));
  return line;
}

void LogView::print_actor(std::ostream& out, const Actor& actor, bool last) const {
  out << style_.faint(last ? "└─ " : "├─ ") << style_.strong(actor.name) << "\n";
  for (const Act& act : actor.acts) {
    out << style_.faint(last ? "   " : "│  ") << act_line(act) << "\n";
  }
}

void LogView::print(std::ostream& out) const {
  if (!alerts_.empty()) out << style_.alert("ALERTS") << "\n";
  for (const std::string& alert : alerts_) out << "  " << style_.alert(alert) << "\n";
  if (!first_alert_.empty()) {
    out << "  what it means: sandbox-run explain " << first_alert_.substr(1) << "\n\n";
  }
  if (!title_.empty()) out << style_.strong(title_) << "\n";
  // Those who acted, in the order in which they appeared; then what was not anybody's.
  const std::string nobody = events::who_did_it({});
  std::vector<const Actor*> order;
  for (const Actor& actor : actors_) order.push_back(&actor);
  std::stable_partition(order.begin(), order.end(),
                        [&](const Actor* actor) { return actor->name != nobody; });
  for (const Actor* actor : order) print_actor(out, *actor, actor == order.back());
  if (left_out_ > 0) out << base::format("… and {} more events in the file\n", left_out_);
  if (unreadable_ > 0) {
    out << counted(unreadable_, "line", "lines") << " of the log "
        << (unreadable_ == 1 ? "is no event\n" : "are no events\n");
  }
}

std::string follow_line(const json::object& event, const Style& style) {
  return style.faint(base::format("{:<5} {}  ", number_of(event), time_of_day(event))) +
         style.strong(events::who_did_it(event)) + ": " +
         in_colour(style, severity_of(event), words_of(event));
}

}  // namespace sandbox_run::cli
