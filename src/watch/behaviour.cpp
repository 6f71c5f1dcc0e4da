#include "watch/behaviour.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/path.h"
#include "base/text.h"
#include "events/event.h"

namespace sandbox_run::watch {
namespace {

using policy::Doer;

std::optional<Doer> doer_of(const events::Event& event) {
  if (!event.actor || event.actor->package.empty()) return std::nullopt;
  const events::Actor& actor = *event.actor;
  std::string name = base::printable(actor.package);
  // The attack: a git dependency's prepare script calls itself by the name of a package that the
  // lock lets do more. No package's name has a blank.
  if (actor.claims_name) name += " (by its own word)";
  const std::string version = base::printable(actor.version);
  if (actor.kind == events::Actor::Kind::script) return Doer{Doer::Kind::script, name, version};
  if (actor.kind == events::Actor::Kind::build) return Doer{Doer::Kind::build, name, version};
  return std::nullopt;
}

std::string member(const events::Event& event, std::string_view key) {
  return base::printable(base::string_member(event.details, key).value_or(""));
}

/// Compilers and build tools run programs under names that are new each time.
std::string program_name(const events::Event& event) {
  if (event.details.contains("by_descriptor")) return "(a program given by a descriptor)";
  const std::string& exe = event.process->exe;
  for (const char* temporary : {"/tmp", "/var/tmp", "/dev/shm"}) {
    if (base::is_beneath(exe, temporary)) return std::string("(a program in ") + temporary + ")";
  }
  return base::printable(base::file_name(exe));
}

/// "HOST:PORT", "HOST" if only its name was asked for. The host that was meant, not the one that
/// was looked up as a pretext.
std::string host_of(const events::Event& event) {
  std::string host;
  for (const char* key : {"claimed", "host", "name", "destination"}) {
    if (host.empty()) host = member(event, key);
  }
  const base::json::value* port = event.details.if_contains("port");
  if (port != nullptr && port->is_number()) host += ":" + base::to_json(*port);
  return host;
}

std::string_view reason_words(policy::Deviation deviation) {
  switch (deviation) {
    case policy::Deviation::unknown_package:
      return "a package with scripts that sandbox-run.lock does not know";
    case policy::Deviation::new_version:
      return "a version that sandbox-run.lock does not know, and no version that it knows did this";
    case policy::Deviation::new_act:
      return "not in sandbox-run.lock";
  }
  return "";
}

}  // namespace

std::optional<policy::Act> BehaviourRecorder::act_of(const events::Event& event) const {
  const std::string& type = event.type;
  if (type == "script.started")
    return policy::Act{policy::Act::Kind::script, member(event, "event")};
  if (type == "process.exec" && event.process)
    return policy::Act{policy::Act::Kind::exec, program_name(event)};
  if (type == "file.written") return policy::Act{policy::Act::Kind::file, member(event, "place")};
  // Inferred from who else was running: another time that may be somebody else.
  if (type == "decoy.opened" && !event.details.contains("inferred")) {
    const std::string path = member(event, "path");
    const bool at_home = !home_.empty() && base::is_beneath(path, home_);
    return policy::Act{policy::Act::Kind::decoy,
                       at_home ? "~/" + base::relative_to(path, home_) : path};
  }
  // Info: what resolvers and libraries do by themselves, and differs with the machine. A name that
  // may be asked for shows again as the connection that follows.
  const bool denied =
      event.severity != events::Severity::info && (type == "name.lookup" || type == "flow.denied");
  if (denied || type == "flow.opened" || type == "flow.failed" || type == "flow.unused") {
    return policy::Act{policy::Act::Kind::host, host_of(event)};
  }
  return std::nullopt;
}

void BehaviourRecorder::record(const events::Event& event) {
  next_.record(event);
  const auto doer = doer_of(event);
  if (!doer || (seen_.packages.size() >= kMaxDoers && !seen_.contains(*doer))) return;
  auto act = act_of(event);
  if (!act || act->what.empty()) return;
  std::set<policy::Act>& acts = seen_.acts_of(*doer);
  if (acts.size() >= kMaxActs && !acts.contains(*act)) {
    act->what = "(more than " + std::to_string(kMaxActs) + ")";
  }
  const bool first = acts.empty();
  if (!acts.insert(*act).second || lock_ == nullptr) return;
  const auto deviation = policy::deviation(*lock_, *doer, *act);
  // Of a package that nobody looked at, everything is new: to say so once is enough. What is an
  // alert by itself needs no second one.
  const bool told = deviation == policy::Deviation::unknown_package && !first;
  if (deviation && !told && event.severity != events::Severity::alert)
    tell(*deviation, *act, event);
}

void BehaviourRecorder::tell(policy::Deviation deviation, const policy::Act& act,
                             const events::Event& event) {
  events::Event fresh;
  fresh.type = "behaviour.new";
  fresh.severity = events::Severity::alert;
  fresh.actor = event.actor;
  fresh.process = event.process;
  fresh.time = event.time;
  fresh.details = {{"act", policy::to_words(act)}, {"reason", reason_words(deviation)}};
  next_.record(fresh);
}

}  // namespace sandbox_run::watch
