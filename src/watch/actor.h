#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/actor.h"
#include "policy/policy.h"

namespace sandbox_run::watch {

/// Name and version of a Python distribution that is being built.
struct Distribution {
  std::string name;
  std::string version;
  friend bool operator==(const Distribution&, const Distribution&) = default;
};

/// What one exec says of itself.
struct ExecFacts {
  std::string path;                    // absolute, as the sandboxee sees it
  std::vector<std::string> arguments;  // bounded
  std::vector<std::pair<std::string, std::string>> environment;  // is_telling_variable() only
  std::string working_directory;
  Distribution distribution;  // of the working directory; filled if python_build_step() says so
  std::string install_event;  // its package.json's, filled if is_script_of_deno() says so
  std::vector<std::string> loader_environment;  // NAME=VALUE, is_loader_variable() only, sorted
};

/// The environment variables that tell actors apart; all others are not even kept.
bool is_telling_variable(std::string_view name);

/// Pure: the actor that this exec starts, given its parent's. Once a script, always a script: a
/// parent that is a script or build is returned unchanged. nullopt: nothing new, inherit.
/// npm, pnpm and yarn set npm_lifecycle_event, npm_package_name and npm_package_version for a
/// lifecycle script; pip runs `python … setup.py …` or `…/pyproject_hooks/_in_process/…` in a build
/// directory. `project` is the project's root: a script of a package in it, outside any
/// node_modules, is the project's own.
std::optional<events::Actor> actor_for(policy::PackageManager manager, const ExecFacts& exec,
                                       const events::Actor& parent, std::string_view project);

/// Does it say that it is a command of a lifecycle script, which deno's own shell starts?
bool is_script_of_deno(const ExecFacts& exec);
/// Whose script's command this is that a deno at work as package manager has forked: it says
/// neither the package nor the script, only that it is one. By the directory, which a script can
/// leave: unknown, then.
events::Actor actor_of_deno_script(const ExecFacts& exec);

/// The directory of the package whose lifecycle script this exec starts; "" if it starts none.
std::string package_directory(const ExecFacts& exec);

/// "build_wheel", "setup.py egg_info", … if pip (or another front end) starts a build with this
/// exec; "" if not.
std::string python_build_step(const ExecFacts& exec);

/// True if both say the same of the lifecycle script that they belong to: what a process has
/// inherited from outside the sandbox (`npm run` that started sandbox-run) says nothing of it.
bool same_lifecycle(const ExecFacts& one, const ExecFacts& other);

}  // namespace sandbox_run::watch
