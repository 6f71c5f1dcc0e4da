#include "watch/behaviour.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/path.h"
#include "base/text.h"

namespace sandbox_run::watch {
namespace {

using policy::Act;
using policy::Doer;

std::optional<Doer> doer_of(const events::Event& event) {
  if (!event.actor || event.actor->package.empty()) return std::nullopt;
  const events::Actor& actor = *event.actor;
  const std::string name = base::printable(actor.package);
  const std::string version = base::printable(actor.version);
  if (actor.kind == events::Actor::Kind::script) return Doer{Doer::Kind::script, name, version};
  if (actor.kind == events::Actor::Kind::build) return Doer{Doer::Kind::build, name, version};
  return std::nullopt;
}

std::string member(const events::Event& event, std::string_view key) {
  return base::printable(base::string_member(event.details, key).value_or(""));
}

/// Compilers and build tools run programs under names that are new each time.
std::string program_name(const std::string& exe) {
  for (const char* temporary : {"/tmp", "/var/tmp", "/dev/shm"}) {
    if (base::is_beneath(exe, temporary)) return std::string("(a program in ") + temporary + ")";
  }
  return base::printable(base::file_name(exe));
}

std::string host_of(const events::Event& event) {
  std::string host = member(event, "host");
  if (host.empty()) host = member(event, "name");
  if (host.empty()) host = member(event, "destination");
  const base::json::value* port = event.details.if_contains("port");
  if (port != nullptr && port->is_number()) host += ":" + base::to_json(*port);
  return host;
}

std::optional<Act> act_of(const events::Event& event) {
  const std::string& type = event.type;
  if (type == "script.started") return Act{Act::Kind::script, member(event, "event")};
  if (type == "process.exec" && event.process) {
    return Act{Act::Kind::exec, program_name(event.process->exe)};
  }
  if (type == "decoy.opened") return Act{Act::Kind::decoy, member(event, "path")};
  if (type == "change.held" || type == "change.protected") {
    return Act{Act::Kind::file, member(event, "path")};
  }
  // A name that may be asked for shows again as the connection that follows.
  if (type == "name.lookup" && member(event, "verdict") == "denied") {
    return Act{Act::Kind::host, host_of(event)};
  }
  if (type == "flow.opened" || type == "flow.failed" ||
      (type == "flow.denied" && event.severity != events::Severity::info)) {
    return Act{Act::Kind::host, host_of(event)};
  }
  return std::nullopt;
}

std::string reason_words(policy::Deviation::Kind kind) {
  switch (kind) {
    case policy::Deviation::Kind::unknown_package:
      return "a package with scripts that sandbox-run.lock does not know";
    case policy::Deviation::Kind::new_version:
      return "a version that sandbox-run.lock does not know, and that does something new";
    case policy::Deviation::Kind::new_act:
      return "not in sandbox-run.lock";
  }
  return "";
}

}  // namespace

void BehaviourRecorder::record(const events::Event& event) {
  const auto doer = doer_of(event);
  if (doer) {
    if (auto act = act_of(event); act && !act->what.empty()) note(*doer, std::move(*act));
  }
  next_.record(event);
}

void BehaviourRecorder::note(const Doer& doer, Act act) {
  if (seen_.packages.size() >= kMaxDoers) return;
  std::set<Act>& acts = seen_.acts_of(doer);
  if (acts.size() >= kMaxActs) {
    act = Act{act.kind, "(more than " + std::to_string(kMaxActs) + ")"};
  }
  acts.insert(std::move(act));
}

void report_deviations(const policy::BehaviourLock& lock, const policy::BehaviourLock& seen,
                       events::EventSink& sink) {
  for (const policy::Deviation& deviation : policy::deviations(lock, seen)) {
    events::Event event;
    event.type = "behaviour.new";
    event.severity = events::Severity::alert;
    event.actor =
        events::Actor{deviation.doer.kind == Doer::Kind::build ? events::Actor::Kind::build
                                                               : events::Actor::Kind::script,
                      deviation.doer.name, deviation.doer.version, ""};
    base::json::array acts;
    for (const Act& act : deviation.acts) acts.emplace_back(policy::to_words(act));
    event.details = {{"reason", reason_words(deviation.kind)}, {"acts", std::move(acts)}};
    sink.record(event);
  }
}

}  // namespace sandbox_run::watch
