#include "watch/behaviour.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace sandbox_run::watch {
namespace {

using policy::Act;

struct Kept : events::EventSink {
  void record(const events::Event& event) override { all.push_back(event); }
  std::vector<events::Event> all;
};

events::Event event_of(const std::string& type, base::json::object details = {}) {
  events::Event event;
  event.type = type;
  event.severity = events::Severity::notice;
  event.actor = events::Actor{events::Actor::Kind::script, "qr", "1.0.0", "postinstall"};
  event.details = std::move(details);
  return event;
}

events::Event exec_of(const std::string& exe) {
  events::Event event = event_of("process.exec");
  event.process = events::Process{1, exe, {exe}, "/"};
  return event;
}

std::set<Act> acts_after(const std::vector<events::Event>& events) {
  Kept kept;
  BehaviourRecorder recorder(kept);
  for (const events::Event& event : events) recorder.record(event);
  CHECK(kept.all.size() == events.size());
  return recorder.seen().packages.empty() ? std::set<Act>{} : recorder.seen().packages[0].acts;
}

TEST_CASE("what a script ran, reached, changed and opened is kept, without the machine's paths") {
  const auto acts = acts_after(
      {event_of("script.started", {{"event", "postinstall"}}), exec_of("/usr/bin/node"),
       exec_of("/tmp/cc12xY/conftest"),
       event_of("flow.opened", {{"host", "mirror.example.com"}, {"port", 443}, {"address", "a"}}),
       event_of("flow.denied", {{"destination", "203.0.113.7"}, {"port", 80}, {"reason", "r"}}),
       event_of("name.lookup", {{"name", "evil.example"}, {"verdict", "denied"}}),
       event_of("name.lookup", {{"name", "mirror.example.com"}, {"verdict", "allowed"}}),
       event_of("change.protected", {{"path", ".vscode/tasks.json"}}),
       event_of("decoy.opened", {{"path", "~/.aws/credentials"}})});
  CHECK(acts == std::set<Act>{{Act::Kind::script, "postinstall"},
                              {Act::Kind::exec, "node"},
                              {Act::Kind::exec, "(a program in /tmp)"},
                              {Act::Kind::host, "mirror.example.com:443"},
                              {Act::Kind::host, "203.0.113.7:80"},
                              {Act::Kind::host, "evil.example"},
                              {Act::Kind::file, ".vscode/tasks.json"},
                              {Act::Kind::decoy, "~/.aws/credentials"}});
}

TEST_CASE("what the package manager or nobody known did is not kept") {
  events::Event own = exec_of("/usr/bin/git");
  own.actor = events::Actor{events::Actor::Kind::package_manager, "", "", ""};
  events::Event nobody = exec_of("/usr/bin/git");
  nobody.actor.reset();
  CHECK(acts_after({own, nobody}).empty());
}

TEST_CASE("a package that runs endless programs does not fill the memory") {
  std::vector<events::Event> events;
  for (int i = 0; i < 2000; ++i) events.push_back(exec_of("/usr/bin/p" + std::to_string(i)));
  CHECK(acts_after(events).size() == BehaviourRecorder::kMaxActs + 1);
}

TEST_CASE("a deviation is an alert that names the package and what it did") {
  Kept kept;
  policy::BehaviourLock seen;
  seen.acts_of({policy::Doer::Kind::script, "qr", "1.0.1"}) = {{Act::Kind::exec, "curl"}};
  report_deviations({}, seen, kept);
  REQUIRE(kept.all.size() == 1);
  CHECK(kept.all[0].severity == events::Severity::alert);
  CHECK(events::to_words(*kept.all[0].actor).find("qr@1.0.1") != std::string::npos);
  CHECK(base::to_json(kept.all[0].details).find("runs the program curl") != std::string::npos);
}

}  // namespace
}  // namespace sandbox_run::watch
