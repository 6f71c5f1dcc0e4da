#include "watch/nested_manager.h"

namespace sandbox_run::watch {

using events::Actor;

bool is_nested_manager(policy::PackageManager manager, const Actor& actor) {
  return actor.kind == Actor::Kind::package_manager &&
         (manager == policy::PackageManager::none || !actor.script_event.empty());
}

Actor manager_started_by(const Actor& starter) {
  Actor actor = starter;
  actor.kind = Actor::Kind::package_manager;
  return actor;
}

Actor starter_of(const Actor& nested) {
  Actor actor = nested;
  actor.kind = Actor::Kind::project_script;
  return actor;
}

}  // namespace sandbox_run::watch
