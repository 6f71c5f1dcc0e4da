#include "watch/leak_watch.h"

#include "base/text.h"
#include "events/event.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxTold = 1000;

/// In words, for the log; "" for events whose text no package has chosen.
std::string_view channel_of(std::string_view type) {
  if (type == "process.exec") return "a program's arguments";
  if (type == "name.lookup") return "a name that was looked up";
  if (type.starts_with("flow.") || type.starts_with("http.")) return "a connection";
  if (type.starts_with("change.")) return "the name of a file";
  return "";
}

}  // namespace

void LeakWatch::record(const events::Event& event) {
  next_.record(event);
  const std::string_view channel = channel_of(event.type);
  if (channel.empty()) return;
  if (event.type == "process.exec") {
    if (!event.process) return;
    for (const std::string& argument : event.process->arguments) check(argument, channel, event);
    return;
  }
  for (const auto& [key, value] : event.details) {
    const base::json::string* text = value.if_string();
    if (text == nullptr) continue;
    const std::string_view whole(text->data(), text->size());
    check(whole, channel, event);
    // "4142.4344.attacker.example.com": what is too long for one label goes over several.
    if (key == "name") check(base::replace_all(std::string(whole), ".", ""), channel, event);
  }
}

void LeakWatch::check(std::string_view text, std::string_view channel, const events::Event& event) {
  const auto leak = finder_.find(text);
  if (!leak) return;
  const std::string who = event.actor ? events::to_words(*event.actor) : "";
  const std::string key = leak->source + '\n' + std::string(channel) + '\n' + who;
  if (told_.size() >= kMaxTold || !told_.insert(key).second) return;
  events::Event leaked;
  leaked.type = "decoy.leaked";
  leaked.severity = events::Severity::alert;
  leaked.actor = event.actor;
  leaked.process = event.process;
  leaked.time = event.time;
  leaked.details = {{"decoy", leak->source},
                    {"channel", channel},
                    {"encoding", leak->encoding},
                    {"found_in", event.type},
                    {"reason", "exfiltration attempt: a decoy's value in " + std::string(channel)}};
  for (const char* name : {"name", "host", "destination", "port", "path"}) {
    const auto at = event.details.find(name);
    if (at != event.details.end()) leaked.details[name] = at->value();
  }
  next_.record(leaked);
}

}  // namespace sandbox_run::watch
