#include "watch/behaviour.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "events/event.h"

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
  BehaviourRecorder recorder(kept, nullptr, "/home/u");
  for (const events::Event& event : events) recorder.record(event);
  CHECK(kept.all.size() == events.size());
  return recorder.seen().packages.empty() ? std::set<Act>{} : recorder.seen().packages[0].acts;
}

TEST_CASE("what a script ran, reached and opened is kept, without the machine's paths") {
  events::Event memory = exec_of("/memfd:x (deleted)");
  memory.details["by_descriptor"] = true;
  const auto acts = acts_after(
      {event_of("script.started", {{"event", "postinstall"}}), exec_of("/usr/bin/node"),
       exec_of("/tmp/cc12xY/conftest"), memory,
       event_of("flow.opened", {{"host", "mirror.example.com"}, {"port", 443}, {"address", "a"}}),
       event_of("flow.denied", {{"destination", "203.0.113.7"}, {"port", 80}, {"reason", "r"}}),
       event_of("flow.denied", {{"destination", "198.18.0.1"},
                                {"port", 443},
                                {"name", "mirror.example.com"},
                                {"claimed", "hidden.example"}}),
       event_of("name.lookup", {{"name", "evil.example"}, {"verdict", "denied"}}),
       event_of("file.written", {{"path", "/home/u/app/x"}, {"place", "node_modules/qr"}}),
       event_of("decoy.opened", {{"path", "/home/u/.aws/credentials"}})});
  CHECK(acts == std::set<Act>{{Act::Kind::script, "postinstall"},
                              {Act::Kind::exec, "node"},
                              {Act::Kind::exec, "(a program in /tmp)"},
                              {Act::Kind::exec, "(a program given by a descriptor)"},
                              {Act::Kind::host, "mirror.example.com:443"},
                              {Act::Kind::host, "203.0.113.7:80"},
                              {Act::Kind::host, "hidden.example:443"},
                              {Act::Kind::host, "evil.example"},
                              {Act::Kind::decoy, "~/.aws/credentials"},
                              {Act::Kind::file, "node_modules/qr"}});
}

TEST_CASE("what differs from machine to machine, or is not sure, is not kept") {
  events::Event allowed =
      event_of("name.lookup", {{"name", "mirror.example.com"}, {"verdict", "allowed"}});
  events::Event search_domain =
      event_of("name.lookup", {{"name", "x.corp.example"}, {"verdict", "denied"}});
  events::Event loopback = event_of("flow.denied", {{"destination", "127.0.0.1"}, {"port", 9}});
  for (events::Event* event : {&allowed, &search_domain, &loopback}) {
    event->severity = events::Severity::info;
  }
  const events::Event inferred =
      event_of("decoy.opened", {{"path", "/home/u/.aws/credentials"}, {"inferred", true}});
  CHECK(acts_after({allowed, search_domain, loopback, inferred}).empty());
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

/// The alerts behind `events`.
std::vector<events::Event> alerts_after(const policy::BehaviourLock& lock,
                                        const std::vector<events::Event>& events) {
  Kept kept;
  BehaviourRecorder recorder(kept, &lock, "/home/u");
  for (const events::Event& event : events) recorder.record(event);
  std::erase_if(kept.all, [](const events::Event& e) { return e.type != "behaviour.new"; });
  return kept.all;
}

const policy::Doer kQr{policy::Doer::Kind::script, "qr", "1.0.0"};

TEST_CASE("what the lock does not know of a package is an alert at once, each thing once") {
  policy::BehaviourLock lock;
  lock.acts_of(kQr) = {{Act::Kind::exec, "node"}};
  const auto alerts = alerts_after(
      lock, {exec_of("/usr/bin/node"), exec_of("/usr/bin/curl"), exec_of("/bin/curl")});
  REQUIRE(alerts.size() == 1);
  CHECK(alerts[0].severity == events::Severity::alert);
  CHECK(alerts[0].actor->package == "qr");
  CHECK(alerts[0].process->exe == "/usr/bin/curl");
  CHECK(base::string_member(alerts[0].details, "act") == "runs the program curl");
}

TEST_CASE("by its own word alone nobody is a package that the lock knows") {
  policy::BehaviourLock lock;
  lock.acts_of(kQr) = {{Act::Kind::exec, "curl"}};
  events::Event known = exec_of("/usr/bin/curl");
  CHECK(alerts_after(lock, {known}).empty());
  known.actor->claims_name = true;
  CHECK(alerts_after(lock, {known}).size() == 1);
}

TEST_CASE("a package that the lock does not know is one alert, whatever it does") {
  const auto alerts = alerts_after({}, {event_of("script.started", {{"event", "postinstall"}}),
                                        exec_of("/bin/sh"), exec_of("/usr/bin/node")});
  REQUIRE(alerts.size() == 1);
  CHECK(base::string_member(alerts[0].details, "act") == "runs the script postinstall");
}

TEST_CASE("an alert needs no second one beside it") {
  events::Event decoy = event_of("decoy.opened", {{"path", "/home/u/.aws/credentials"}});
  decoy.severity = events::Severity::alert;
  policy::BehaviourLock lock;
  lock.acts_of(kQr);
  CHECK(alerts_after(lock, {decoy}).empty());
}

}  // namespace
}  // namespace sandbox_run::watch
