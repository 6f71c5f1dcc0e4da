#include "events/words.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"

namespace sandbox_run::events {
namespace {

namespace json = base::json;

/// {key} is a member of the details, {key|one|many} a number with its noun; what stands in [] is
/// left out if one of its members is missing. {argv} is the process' command line.
constexpr std::pair<std::string_view, std::string_view> kPhrases[] = {
    {"run.started", "{command} started in {directory}[, profile {profile}]"},
    {"run.finished", "ended with exit code {exit_code}[, {alerts|alert|alerts}]"},
    {"env.withheld", "withheld the variable {name}"},
    {"protection.missing", "went without {protection}[: {reason}]"},
    {"process.exec", "ran {argv}"},
    {"script.started", "began: {command}"},
    {"script.finished",
     "ended[ with exit code {exit_code}][ by signal {signal}][ after {duration_ms} ms][, {cpu_ms} "
     "ms of CPU][, {peak_memory_kb} kB of memory]"},
    {"name.lookup", "looked up {name}[ ({qtype})]: {verdict}[, {reason}]"},
    {"flow.opened", "connected to {host}:{port}[ at {address}][ through {proxy}]"},
    {"flow.closed",
     "done with {host}:{port}[, {bytes_up} bytes up][, {bytes_down} down][, {duration_ms} ms][ "
     "({reason})]"},
    {"flow.denied",
     "kept from {destination}:{port}[ by {protocol}][, which is {name}][, for {claimed}]: "
     "{reason}"},
    {"packet.denied", "got no socket for {protocol} packets: {reason}"},
    {"flow.failed", "could not reach {host}:{port}: {reason}"},
    {"flow.unused", "connected to {host}:{port} and sent nothing"},
    {"decoy.opened", "opened the decoy {path}"},
    {"decoy.leaked",
     "tried to give away the decoy {decoy}: it was in {channel}[, {encoding}][, {name}][, to "
     "{host}]"},
    {"program.shadowed",
     "kept from running {path}, a program[ of the package {package}] in the place of the system's"},
    {"file.written", "wrote to {place}, outside its own directory[: {path}]"},
    {"behaviour.new", "did something new: {act}[ ({reason})]"},
    {"run.undone", "undone, {held|change|changes} held"},
    {"held.committed", "{changes|held change|held changes} committed, {left} still held"},
    {"held.discarded", "{changes|held change|held changes} discarded, {left} still held"},
    {"change.held", "[{change} {path}, held][{more|more change|more changes}, held][: {reason}]"},
    {"change.protected",
     "[{change} {path}, a protected place][{more|more change|more changes} of protected places][: "
     "{reason}]"},
    {"change.asked_for",
     "{changes|change|changes} of protected places committed, since nothing but the "
     "command itself ran"},
    {"change.stripped", "[left out of {path}: {what}][{more} more left out]"},
    {"change.discarded", "{entries|change|changes} of {target} discarded"},
    {"home.discarded",
     "left {files|file|files} of {bytes|byte|bytes} in {path}, discarded with the false home"},
    {"cache.kept_out", "the cache is as it was before the run[: {reason}]"},
    {"commit.recovered", "an interrupted commit of run {run} was {outcome}"},
    {"limit.reached",
     "{limit}[ of {type}][ ({severity})]: the bound of {value} is reached[, "
     "{left_out} left out]"},
};

constexpr std::pair<std::string_view, int> kGravities[] = {{"decoy.leaked", 4},
                                                           {"decoy.opened", 3},
                                                           {"program.shadowed", 3},
                                                           {"change.protected", 2},
                                                           {"behaviour.new", 1}};

/// Of one value; strings bare, lists as a command line.
std::string value_words(const json::value& value) {
  if (const json::string* text = value.if_string()) {
    return shown(std::string_view(text->data(), text->size()));
  }
  const json::array* list = value.if_array();
  if (list == nullptr) return shown(base::to_json(value));
  std::vector<std::string> words;
  for (const json::value& word : *list) {
    if (!word.is_string()) return shown(base::to_json(value));
    words.push_back(value_words(word));
  }
  return base::shell_words(words);
}

/// "path=a/b reason=…": all details.
std::string all_details(const json::object* details) {
  std::vector<std::string> words;
  if (details == nullptr) return "";
  for (const auto& [key, value] : *details) {
    words.push_back(shown(std::string_view(key.data(), key.size())) + "=" + value_words(value));
  }
  return base::join(words, " ");
}

std::string command_line(const json::object& event) {
  const json::object* process = object_member(event, "process");
  if (process == nullptr) return "";
  const json::value* arguments = process->if_contains("argv");
  const bool given =
      arguments != nullptr && arguments->is_array() && !arguments->get_array().empty();
  return given ? value_words(*arguments) : shown(text_member(*process, "exe"));
}

/// Fills a phrase in; nullopt if a member outside [] is missing.
class Phrase {
 public:
  Phrase(const json::object& event, std::string_view pattern)
      : event_(event), details_(object_member(event, "details")), rest_(pattern) {}

  std::optional<std::string> fill() {
    std::string text;
    while (!rest_.empty()) {
      const bool optional = rest_.front() == '[';
      const std::size_t end = optional ? rest_.find(']') : rest_.find('[');
      const std::string_view part = rest_.substr(optional ? 1 : 0, end - (optional ? 1 : 0));
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + (optional ? 1 : 0));
      const std::optional<std::string> filled = fill_part(part);
      if (!filled && !optional) return std::nullopt;
      text += filled.value_or("");
    }
    return text.empty() ? std::nullopt : std::optional(text);
  }

 private:
  std::optional<std::string> fill_part(std::string_view part) const {
    std::string text;
    while (!part.empty()) {
      const std::size_t open = part.find('{');
      text += part.substr(0, open);
      if (open == std::string_view::npos) break;
      const std::size_t close = part.find('}', open);
      const auto member = member_words(part.substr(open + 1, close - open - 1));
      if (!member) return std::nullopt;
      text += *member;
      part.remove_prefix(close + 1);
    }
    return text;
  }

  std::optional<std::string> member_words(std::string_view key) const {
    if (key == "argv") return command_line(event_);
    if (key.find('|') != std::string_view::npos) return counted_words(base::split(key, '|'));
    const json::value* value = details_ == nullptr ? nullptr : base::find_member(*details_, key);
    if (value == nullptr) return std::nullopt;
    std::string words = value_words(*value);
    return words.empty() ? std::nullopt : std::optional(words);
  }

  /// "1 alert", "2 alerts".
  std::optional<std::string> counted_words(const std::vector<std::string>& parts) const {
    const auto number = member_words(parts[0]);
    if (!number) return std::nullopt;
    return *number + " " + (*number == "1" ? parts[1] : parts[2]);
  }

  const json::object& event_;
  const json::object* details_;
  std::string_view rest_;
};

}  // namespace

std::string shown(std::string_view text) {
  return base::replace_all(base::printable(text), "\\\\", "\\");
}

std::string cut(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string text_member(const json::object& object, std::string_view key) {
  return base::string_member(object, key).value_or("");
}

const json::object* object_member(const json::object& object, std::string_view key) {
  const json::value* member = base::find_member(object, key);
  return member == nullptr ? nullptr : member->if_object();
}

std::string what_happened(const json::object& event) {
  const std::string type = text_member(event, "type");
  for (const auto& [name, pattern] : kPhrases) {
    if (name != type) continue;
    if (const auto words = Phrase(event, pattern).fill()) return *words;
  }
  const std::string details = all_details(object_member(event, "details"));
  return shown(type) + (details.empty() ? "" : ": " + details);
}

int gravity(std::string_view type) {
  for (const auto& [name, value] : kGravities) {
    if (name == type) return value;
  }
  return 0;
}

std::optional<Actor> actor_of(const json::object& event) {
  const json::object* actor = object_member(event, "actor");
  if (actor == nullptr) return std::nullopt;
  return Actor{kind_named(text_member(*actor, "kind")), text_member(*actor, "package"),
               text_member(*actor, "version"), text_member(*actor, "event")};
}

std::string who_did_it(const json::object& event) {
  const auto actor = actor_of(event);
  if (!actor) return "sandbox-run";
  // to_words() makes printable what the log made printable before.
  return base::replace_all(to_words(*actor), "\\\\", "\\");
}

}  // namespace sandbox_run::events
