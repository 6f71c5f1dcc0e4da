// Who an exec starts, from what its own arguments and environment say. Pure.
//
// What the package managers really set for a lifecycle script (npm 9 to 11, pnpm 9 and 10,
// yarn 1.22 and 4): all set npm_lifecycle_event, npm_package_name and npm_package_version; npm,
// pnpm 10 and yarn 4 npm_package_json; pnpm PNPM_SCRIPT_SRC_DIR. All start the script in the
// package's directory. yarn 4 has its own shell: there is no `sh`, each command of the script is an
// exec of its own.

#include "watch/actor.h"

#include <algorithm>
#include <array>

#include "base/path.h"
#include "base/text.h"

namespace sandbox_run::watch {
namespace {

using events::Actor;
using policy::PackageManager;

constexpr std::string_view kDenoScript = "DENO_INTERNAL_IS_LIFECYCLE_SCRIPT";

std::string_view value_of(const ExecFacts& exec, std::string_view name) {
  for (const auto& [key, value] : exec.environment) {
    if (key == name) return value;
  }
  return {};
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool is_of_project(std::string_view directory, std::string_view project) {
  if (project.empty() || !base::is_beneath(directory, project)) return false;
  const std::vector<std::string> parts = base::split(base::relative_to(directory, project), '/');
  return std::find(parts.begin(), parts.end(), "node_modules") == parts.end();
}

/// "@scope/name" of …/node_modules/@scope/name: what the package manager calls the package, which
/// may not be what its own package.json says. "" elsewhere.
std::string installed_name(std::string_view directory) {
  constexpr std::string_view kModules = "/node_modules/";
  const std::size_t at = directory.rfind(kModules);
  if (at == std::string_view::npos) return {};
  const std::string_view name = directory.substr(at + kModules.size());
  const auto slashes = std::count(name.begin(), name.end(), '/');
  return slashes == (name.starts_with('@') ? 1 : 0) ? std::string(name) : std::string();
}

/// What npx and bunx say in place of a script's name.
bool is_run_by_name(std::string_view event) { return event == "npx" || event == "bunx"; }

std::optional<Actor> lifecycle_actor(const ExecFacts& exec, const Actor& parent,
                                     std::string_view project) {
  const std::string directory = package_directory(exec);
  if (directory.empty()) return std::nullopt;
  Actor actor;
  actor.kind =
      is_of_project(directory, project) ? Actor::Kind::project_script : Actor::Kind::script;
  // A script of the project may run the package manager, whose dependencies' scripts have actors of
  // their own; but it stays itself when it runs another script of the project.
  if (parent.kind == Actor::Kind::project_script && actor.kind != Actor::Kind::script &&
      !parent.script_event.empty()) {
    return std::nullopt;
  }
  actor.package = installed_name(directory);
  if (actor.package.empty()) {
    actor.package = value_of(exec, "npm_package_name");
    actor.claims_name = actor.kind == Actor::Kind::script;
  }
  actor.version = value_of(exec, "npm_package_version");
  actor.script_event = value_of(exec, "npm_lifecycle_event");
  // Not the project is at work, but the program that the user named.
  if (actor.kind == Actor::Kind::project_script && is_run_by_name(actor.script_event)) {
    std::string_view script = value_of(exec, "npm_lifecycle_script");
    script = script.substr(0, script.find(' '));
    if (script.size() > 1 && script.front() == '\'' && script.back() == '\'') {
      script = script.substr(1, script.size() - 2);
    }
    actor.package = base::file_name(script);
    actor.version.clear();
  }
  return actor;
}

std::optional<Actor> build_actor(const ExecFacts& exec) {
  if (python_build_step(exec).empty()) return std::nullopt;
  Actor actor;
  actor.kind = Actor::Kind::build;
  actor.package = exec.distribution.name;
  actor.version = exec.distribution.version;
  return actor;
}

/// The first word after `from` that is not an option.
std::string_view command_word(const std::vector<std::string>& arguments, std::size_t from) {
  for (std::size_t i = from; i < arguments.size(); ++i) {
    if (!arguments[i].empty() && arguments[i][0] != '-') return arguments[i];
  }
  return {};
}

}  // namespace

bool is_telling_variable(std::string_view name) {
  constexpr std::array<std::string_view, 11> kNames = {kDenoScript,
                                                       "npm_package_name",
                                                       "npm_package_version",
                                                       "npm_package_json",
                                                       "npm_lifecycle_event",
                                                       "npm_lifecycle_script",
                                                       "npm_config_user_agent",
                                                       "PNPM_SCRIPT_SRC_DIR",
                                                       "INIT_CWD",
                                                       "PROJECT_CWD",
                                                       "npm_execpath"};
  constexpr std::array<std::string_view, 3> kPrefixes = {"PEP517_", "PIP_", "_PYPROJECT_HOOKS_"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view prefix) {
           return name.substr(0, prefix.size()) == prefix;
         });
}

bool is_script_of_deno(const ExecFacts& exec) { return !value_of(exec, kDenoScript).empty(); }

Actor actor_of_deno_script(const ExecFacts& exec) {
  // …/node_modules/.deno/@s+name@1.0.0_1/node_modules/@s/name
  constexpr std::string_view kStore = "/node_modules/.deno/";
  constexpr std::string_view kModules = "/node_modules/";
  const std::string& directory = exec.working_directory;
  const std::size_t store = directory.rfind(kStore);
  if (store == std::string::npos) return {};
  const std::string_view entry = std::string_view(directory).substr(store + kStore.size());
  const std::size_t modules = entry.find(kModules);
  const std::size_t at = entry.find('@', 1);
  if (modules == std::string_view::npos || at > modules) return {};
  const std::string_view version = entry.substr(at + 1, modules - at - 1);
  const std::string_view package = entry.substr(modules + kModules.size());
  std::size_t end = package.find('/');
  if (package.starts_with('@') && end != std::string_view::npos) end = package.find('/', end + 1);
  Actor actor;
  actor.kind = Actor::Kind::script;
  actor.package = package.substr(0, end);
  actor.version = version.substr(0, version.find('_'));
  actor.script_event = exec.install_event.empty() ? "install" : exec.install_event;
  return actor;
}

std::string package_directory(const ExecFacts& exec) {
  if (value_of(exec, "npm_lifecycle_event").empty()) return {};
  const std::string_view package_json = value_of(exec, "npm_package_json");
  if (!package_json.empty()) {
    return base::parent_path(base::absolute_path(package_json, exec.working_directory));
  }
  const std::string_view source = value_of(exec, "PNPM_SCRIPT_SRC_DIR");
  if (!source.empty()) return base::absolute_path(source, exec.working_directory);
  return exec.working_directory;
}

std::string python_build_step(const ExecFacts& exec) {
  constexpr std::size_t kInterpreterOptions = 8;
  const std::vector<std::string>& arguments = exec.arguments;
  const std::size_t end = std::min(arguments.size(), kInterpreterOptions);
  for (std::size_t i = 1; i < end; ++i) {
    const std::string& argument = arguments[i];
    if (argument == "-m") return {};  // a module of the user's choice: `python -m pip`, not a build
    if (argument == "-c") {
      if (i + 1 == arguments.size()) return {};
      const std::string& program = arguments[i + 1];
      if (!contains(program, "pip-setuptools-caller") &&
          !(contains(program, "setuptools") && contains(program, "setup.py"))) {
        return {};
      }
      return "setup.py " + std::string(command_word(arguments, i + 2));
    }
    if (argument.empty() || argument[0] == '-') continue;
    const std::string name = base::file_name(argument);
    if (name == "setup.py") return "setup.py " + std::string(command_word(arguments, i + 1));
    const bool hook_runner = name == "_in_process.py" || contains(argument, "/pep517/in_process/");
    return hook_runner ? std::string(command_word(arguments, i + 1)) : std::string();
  }
  return {};
}

bool same_lifecycle(const ExecFacts& one, const ExecFacts& other) {
  constexpr std::array<std::string_view, 6> kIdentity = {
      "npm_lifecycle_event", "npm_lifecycle_script", "npm_package_name",
      "npm_package_version", "npm_package_json",     "PNPM_SCRIPT_SRC_DIR"};
  return std::all_of(kIdentity.begin(), kIdentity.end(), [&](std::string_view name) {
    return value_of(one, name) == value_of(other, name);
  });
}

std::optional<Actor> actor_for(PackageManager manager, const ExecFacts& exec, const Actor& parent,
                               std::string_view project) {
  if (parent.kind == Actor::Kind::script || parent.kind == Actor::Kind::build) return parent;
  if (manager != PackageManager::pip) {
    if (auto actor = lifecycle_actor(exec, parent, project)) return actor;
  }
  const bool may_build = manager == PackageManager::pip || manager == PackageManager::none;
  return may_build ? build_actor(exec) : std::nullopt;
}

}  // namespace sandbox_run::watch
