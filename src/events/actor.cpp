#include "events/actor.h"

#include "base/text.h"

namespace sandbox_run::events {

std::string_view name_of(Actor::Kind kind) {
  switch (kind) {
    case Actor::Kind::package_manager:
      return "package-manager";
    case Actor::Kind::script:
      return "script";
    case Actor::Kind::build:
      return "build";
    case Actor::Kind::project_script:
      return "project-script";
    case Actor::Kind::unknown:
      return "unknown";
  }
  return "unknown";
}

Actor::Kind kind_named(std::string_view name) {
  using Kind = Actor::Kind;
  for (const Kind kind : {Kind::package_manager, Kind::script, Kind::build, Kind::project_script}) {
    if (name == name_of(kind)) return kind;
  }
  return Kind::unknown;
}

std::string to_words(const Actor& actor) {
  const std::string version = actor.version.empty() ? "" : "@" + actor.version;
  const std::string event = actor.script_event.empty() ? "" : " " + actor.script_event;
  switch (actor.kind) {
    case Actor::Kind::package_manager:
      return "package manager";
    case Actor::Kind::script:
      return base::printable((actor.package.empty() ? "a package" : actor.package) + version +
                             event);
    case Actor::Kind::build:
      return base::printable("build of " +
                             (actor.package.empty() ? "a distribution" : actor.package) + version);
    case Actor::Kind::project_script:
      if (actor.script_event == "npx" && !actor.package.empty()) {
        return base::printable(actor.package + " (npx)");
      }
      return base::printable("the project's own" +
                             (event.empty() ? " command" : event + " script"));
    case Actor::Kind::unknown:
      return "unknown process";
  }
  return "unknown process";
}

}  // namespace sandbox_run::events
