#include "cli/log/log_reader.h"

#include "events/event.h"
#include "events/words.h"

namespace sandbox_run::cli {

bool read_log_line(std::istream& in, LogLine& line) {
  line = {};
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    if (c == '\n') return true;
    if (line.text.size() < kLongestLogLine) {
      line.text.push_back(static_cast<char>(c));
    } else {
      line.whole = false;
    }
  }
  if (line.text.empty()) return false;
  line.whole = false;
  return true;
}

std::optional<base::json::object> parse_log_event(const LogLine& line) {
  auto value = line.text.size() < kLongestLogLine ? base::parse_json(line.text) : std::nullopt;
  if (!value || !value->is_object()) return std::nullopt;
  if (events::text_member(value->get_object(), "type").empty()) return std::nullopt;
  return std::move(value->get_object());
}

bool EventFilter::accepts(const base::json::object& event) const {
  if (alerts_only && events::text_member(event, "severity") != name_of(events::Severity::alert)) {
    return false;
  }
  if (actor.empty()) return true;
  const auto who = events::actor_of(event);
  if (!who) return actor == events::who_did_it(event);
  return actor == who->package || actor == who->package + "@" + who->version ||
         actor == name_of(who->kind) || actor == events::who_did_it(event);
}

}  // namespace sandbox_run::cli
