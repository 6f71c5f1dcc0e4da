#include "cli/log_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "events/event.h"

namespace sandbox_run::cli {
namespace {

namespace json = base::json;

constexpr std::size_t kMaxLineBytes = 1U << 20;
constexpr std::size_t kMaxShownBytes = 300;  // of one event's line
constexpr std::size_t kMaxEvents = 200'000;
constexpr std::size_t kMaxGroups = 10'000;

/// Safe for a terminal. The log's strings were made printable when written: their backslashes are
/// not doubled again.
std::string shown(std::string_view text) {
  return base::replace_all(base::printable(text), "\\\\", "\\");
}

std::string cut(std::string text) {
  if (text.size() <= kMaxShownBytes) return text;
  std::size_t end = kMaxShownBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string member(const json::value& object, std::string_view key) {
  return base::string_member(object, key).value_or("");
}

const json::value* child(const json::object& object, std::string_view key) {
  return object.if_contains(json::string_view(key.data(), key.size()));
}

std::string actor_words(const json::value* actor) {
  if (actor == nullptr) return "the run";
  const events::Actor parsed{events::kind_named(member(*actor, "kind")), member(*actor, "package"),
                             member(*actor, "version"), member(*actor, "event")};
  return base::replace_all(events::to_words(parsed), "\\\\", "\\");
}

std::string value_words(const json::value& value) {
  if (const json::string* text = value.if_string()) {
    return shown(std::string_view(text->data(), text->size()));
  }
  return shown(base::to_json(value));
}

std::string process_words(const json::value& process) {
  std::vector<std::string> words;
  if (const json::object* object = process.if_object()) {
    const json::value* arguments = child(*object, "argv");
    if (arguments != nullptr && arguments->is_array()) {
      for (const json::value& word : arguments->get_array()) words.push_back(value_words(word));
    }
  }
  return words.empty() ? shown(member(process, "exe")) : base::shell_words(words);
}

/// "path=a/b reason=…": all details, strings bare.
std::string detail_words(const json::value* details) {
  std::vector<std::string> words;
  if (details == nullptr || !details->is_object()) return "";
  for (const auto& [key, value] : details->get_object()) {
    words.push_back(shown(std::string_view(key.data(), key.size())) + "=" + value_words(value));
  }
  return base::join(words, " ");
}

struct ShownEvent {
  bool alert = false;
  std::string actor;
  std::string line;
};

/// The time of day of an RFC 3339 time: "12:00:00.123".
std::string time_of_day(const std::string& time) {
  return time.size() < 23 ? shown(time) : shown(std::string_view(time).substr(11, 12));
}

std::optional<ShownEvent> shown_event(const std::string& line) {
  const auto value = base::parse_json(line);
  if (!value || !value->is_object()) return std::nullopt;
  const json::object& event = value->get_object();
  const std::string type = member(*value, "type");
  if (type.empty()) return std::nullopt;
  std::string what = detail_words(child(event, "details"));
  const json::value* process = child(event, "process");
  if (type == "process.exec" && process != nullptr) what = process_words(*process);
  const json::value* details = child(event, "details");
  if (type == "script.started" && details != nullptr) what = shown(member(*details, "command"));
  ShownEvent result;
  result.alert = member(*value, "severity") == "alert";
  result.actor = actor_words(child(event, "actor"));
  result.line =
      cut(fmt::format("{}  {:<16}  {}", time_of_day(member(*value, "time")), shown(type), what));
  return result;
}

/// One line without its newline, at most kMaxLineBytes of it. False at the end.
bool read_line(std::istream& in, std::string& line, bool& too_long) {
  line.clear();
  too_long = false;
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    if (c == '\n') return true;
    if (line.size() < kMaxLineBytes) {
      line.push_back(static_cast<char>(c));
    } else {
      too_long = true;
    }
  }
  return !line.empty();
}

class Groups {
 public:
  void add(const std::string& actor, std::string line) {
    auto at = index_.find(actor);
    if (at == index_.end()) {
      if (lines_.size() == kMaxGroups) return add_to(lines_.size() - 1, std::move(line));
      at = index_.emplace(actor, lines_.size()).first;
      names_.push_back(lines_.size() + 1 == kMaxGroups ? "all others" : actor);
      lines_.emplace_back();
    }
    add_to(at->second, std::move(line));
  }
  void print(std::ostream& out) const {
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      out << names_[i] << "\n";
      for (const std::string& line : lines_[i]) out << "  " << line << "\n";
    }
  }

 private:
  void add_to(std::size_t group, std::string line) { lines_[group].push_back(std::move(line)); }

  std::map<std::string, std::size_t> index_;
  std::vector<std::string> names_;
  std::vector<std::vector<std::string>> lines_;
};

}  // namespace

void show_log(std::istream& log, std::ostream& out) {
  Groups groups;
  std::vector<std::string> alerts;
  std::uint64_t unreadable = 0;
  std::uint64_t left_out = 0;
  std::uint64_t count = 0;
  bool too_long = false;
  for (std::string line; read_line(log, line, too_long);) {
    if (line.empty()) continue;
    const auto event = too_long ? std::nullopt : shown_event(line);
    if (!event) {
      ++unreadable;
    } else if (++count > kMaxEvents) {
      ++left_out;
    } else {
      if (event->alert) alerts.push_back(event->line + "  by " + event->actor);
      groups.add(event->actor, event->line);
    }
  }
  if (!alerts.empty()) out << "ALERTS\n";
  for (const std::string& alert : alerts) out << "  " << alert << "\n";
  groups.print(out);
  if (left_out > 0) out << fmt::format("… and {} more events in the file\n", left_out);
  if (unreadable > 0) out << fmt::format("({} lines of the log are no events)\n", unreadable);
}

bool print_log(const std::string& path, std::ostream& out) {
  std::ifstream log(path, std::ios::binary);
  if (!log) {
    out << "sandbox-run: cannot read " << base::printable(path) << ": "
        << std::generic_category().message(errno) << "\n";
    return false;
  }
  show_log(log, out);
  return true;
}

}  // namespace sandbox_run::cli
