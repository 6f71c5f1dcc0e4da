// What a run may change. Pure.

#include <algorithm>
#include <set>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "plan/global_install.h"
#include "plan/plan_builder.h"
#include "plan/work_places.h"

namespace sandbox_run::plan {
namespace {

using base::is_beneath;
using base::join_path;

bool has_argument(const std::vector<std::string>& arguments,
                  std::initializer_list<const char*> words) {
  return std::any_of(arguments.begin() + 1, arguments.end(), [&](const std::string& argument) {
    return std::find(words.begin(), words.end(), argument) != words.end();
  });
}

/// The value of `--name VALUE`, `--name=VALUE`, `-n VALUE` or `-nVALUE`; "" if it is not there.
std::string option_value(const std::vector<std::string>& arguments, const std::string& long_name,
                         const std::string& short_name = "") {
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == long_name || (!short_name.empty() && argument == short_name)) {
      return i + 1 < arguments.size() ? arguments[i + 1] : "";
    }
    if (argument.rfind(long_name + "=", 0) == 0) return argument.substr(long_name.size() + 1);
    if (!short_name.empty() && argument.rfind(short_name, 0) == 0 && argument.rfind("--", 0) != 0) {
      return argument.substr(short_name.size());
    }
  }
  return "";
}

bool changes_global(const policy::Policy& policy, const HostFacts& facts) {
  const std::vector<std::string>& arguments = facts.command.arguments;
  using policy::PackageManager;
  switch (policy.package_manager) {
    case PackageManager::npm:
    case PackageManager::pnpm:
    case PackageManager::bun:
      return is_global(arguments) && changes_global_packages(policy.package_manager, arguments);
    case PackageManager::yarn:  // later ones have no such command, and say so
      return facts.package_manager.global &&
             changes_global_packages(policy.package_manager, arguments);
    case PackageManager::deno:
      return is_global(arguments) &&
             has_argument(arguments, {"install", "i", "add", "update", "up", "upgrade", "remove",
                                      "rm", "uninstall", "un", "link", "ln", "ci"});
    default:
      return false;
  }
}

/// How a place of one's own is made, once for all.
const char* own_place(policy::PackageManager manager) {
  if (manager == policy::PackageManager::pnpm) return "pnpm setup makes a place of your own";
  if (manager == policy::PackageManager::bun) {
    return "BUN_INSTALL, set to a directory of your own, makes it the place";
  }
  return "yarn config set prefix ~/.yarn makes a directory of your own the place for programs";
}

/// A prefix that is not the user's own holds npm itself, and what others run: never by default.
void refuse_global_install(const policy::Policy& policy, const HostFacts& facts) {
  const std::vector<std::string>& arguments = facts.command.arguments;
  const auto with = [&](std::vector<std::string> words, const std::vector<std::string>& more) {
    words.insert(words.begin(), "sandbox-run");
    words.insert(words.end(), arguments.begin(), arguments.end());
    words.insert(words.end(), more.begin(), more.end());
    return base::shell_words(words);
  };
  const bool is_closed = facts.global_prefix == HostFacts::GlobalPrefix::closed;
  const std::string prefix = global_prefix_of(facts);
  // An option that this user's rights make idle is no cure, and no reason to change owners.
  if (!prefix.empty() && is_closed) {
    throw base::UserError("a global install would change " + prefix +
                          ", which you can't write; npm config set prefix ~/.npm-global makes it "
                          "a directory of your own for good (put its bin on your PATH), and for "
                          "this once: " +
                          with({}, {"--prefix", join_path(facts.home, ".npm-global")}));
  }
  const std::string text =
      "a global install changes directories that are on your PATH, so it is refused unless you "
      "name them";
  const auto places = global_directories(policy.package_manager, facts);
  if (!places) throw base::UserError(text + " with --rw DIRECTORY");
  if (is_closed) {
    throw base::UserError("a global install would change " + base::printable(places->packages) +
                          " and " + base::printable(places->programs) +
                          ", which you can't write; " + own_place(policy.package_manager));
  }
  throw base::UserError(text + ": " +
                        with({"--rw", places->packages, "--rw", places->programs}, {}));
}

/// Where pip installs to: the environment it runs in, or what its options name.
std::vector<std::string> python_targets(const HostFacts& facts) {
  const auto& python = facts.package_manager.python;
  if (!python) return {};
  const std::vector<std::string>& arguments = facts.command.arguments;
  if (!has_argument(arguments, {"install", "uninstall", "sync"})) return {};
  for (const auto& [long_name, short_name] :
       {std::pair{"--target", "-t"}, std::pair{"--prefix", ""}, std::pair{"--root", ""}}) {
    const std::string value = option_value(arguments, long_name, short_name);
    if (!value.empty()) return {base::absolute_path(value, facts.working_directory)};
  }
  const auto user_site = [&] {
    // ~/.local/share holds keyrings, desktop files and services that are started at the next login:
    // of it only what Python packages are known to bring.
    return std::vector<std::string>{
        base::parent_path(python->user_site), join_path(python->user_base, "bin"),
        join_path(python->user_base, "share/man"), join_path(python->user_base, "share/jupyter")};
  };
  if (has_argument(arguments, {"--user"})) return user_site();
  if (python->prefix != python->base_prefix) return {python->prefix};  // a virtual environment
  if (!facts.package_manager_may_write) return user_site();            // as pip itself decides
  return {python->data};
}

/// What the manifest names and is not shown unasked: the command would do without, or fail in the
/// middle.
void refuse_hidden_dependencies(const policy::Policy& policy, const HostFacts& facts) {
  for (const std::string& path : facts.linked.refused) {
    const auto is_named = [&](const std::vector<std::string>& list) {
      return std::any_of(list.begin(), list.end(),
                         [&](const std::string& named) { return is_beneath(path, named); });
    };
    if (is_named(policy.files.read_only) || is_named(policy.files.read_write)) continue;
    std::vector<std::string> words{"sandbox-run", "--ro", path};
    words.insert(words.end(), facts.command.arguments.begin(), facts.command.arguments.end());
    throw base::UserError("the project depends on " + base::printable(path) +
                          ", which is not shown unless you name it: " + base::shell_words(words));
  }
}

bool is_in_any(const std::string& path, const std::vector<TargetChoice>& targets) {
  return std::any_of(targets.begin(), targets.end(),
                     [&](const TargetChoice& target) { return is_beneath(path, target.path); });
}

/// What would be made there is thrown away, and what `mv` took from the project is gone with it.
void refuse_lost_places(const std::vector<TargetChoice>& targets, const HostFacts& facts) {
  for (const std::string& path : facts.new_places.lost) {
    if (is_in_any(path, targets)) continue;
    const bool holds_project = is_beneath(facts.working_directory, path);
    const std::string directory = holds_project ? path : base::parent_path(path);
    const std::string text = base::printable(path) +
                             " is outside the project, where nothing that a command changes is "
                             "kept; ";
    const bool is_wide = is_beneath(facts.home_real, directory) || directory == "/tmp" ||
                         directory == "/var/tmp" || is_hidden_at_home(directory, facts.home_real);
    if (is_wide) {
      throw base::UserError(text + "name a directory of its own with --rw DIRECTORY");
    }
    std::vector<std::string> words{"sandbox-run", "--rw", directory};
    words.insert(words.end(), facts.command.arguments.begin(), facts.command.arguments.end());
    throw base::UserError(text + "to keep it: " + base::shell_words(words));
  }
}

}  // namespace

std::vector<TargetChoice> choose_targets(const policy::Policy& policy, const HostFacts& facts) {
  if (!facts.project_refusal.empty()) throw base::UserError(facts.project_refusal);
  if (!facts.global && changes_global(policy, facts)) refuse_global_install(policy, facts);
  std::vector<TargetChoice> targets{{facts.project, policy::TargetKind::project}};
  std::set<std::string> seen{facts.project};
  const auto add = [&](const std::string& path, policy::TargetKind kind) {
    if (!path.empty() && seen.insert(path).second) targets.push_back({path, kind});
  };
  refuse_hidden_dependencies(policy, facts);
  for (const std::string& path : facts.more_projects) add(path, policy::TargetKind::project);
  for (const std::string& path : facts.linked.written) {
    const auto& named = policy.files.read_write;
    // What the user names has the rules of what he names.
    const bool is_named = std::any_of(named.begin(), named.end(), [&](const std::string& other) {
      return is_beneath(path, other);
    });
    if (is_named) continue;
    add(path, policy::TargetKind::project);
    const auto& neighbours = facts.linked.neighbours;
    const bool is_neighbour =
        std::find(neighbours.begin(), neighbours.end(), path) != neighbours.end();
    if (targets.back().path == path) targets.back().is_neighbour = is_neighbour;
  }
  for (const std::string& path : facts.linked.repositories) {
    add(path, policy::TargetKind::project);
    if (targets.back().path == path) targets.back().known_as = ".git";
  }
  if (policy.package_manager == policy::PackageManager::pip) {
    for (const std::string& path : python_targets(facts))
      add(path, policy::TargetKind::environment);
  }
  if (policy.package_manager == policy::PackageManager::pip) {
    // pyenv writes a shim for each new command after an install. What lies on PATH is not changed
    // unasked: it goes the way of caches, and `pyenv rehash` outside makes the shims.
    const std::string shims = base::parent_path(facts.command.path);
    if (base::file_name(shims) == "shims") add(shims, policy::TargetKind::cache);
  }
  for (const policy::CacheDirectory& cache : policy.files.caches) {
    const std::string path = expand(cache.path, facts);
    // A cache below the project is part of the project.
    if (!path.empty() && !is_beneath(path, facts.project) && !is_beneath(facts.project, path)) {
      add(path, policy::TargetKind::cache);
      if (targets.back().path == path) targets.back().packages = cache.packages;
    }
  }
  if (facts.global) {
    add(facts.global->packages, policy::TargetKind::global_packages);
    add(facts.global->programs, policy::TargetKind::global_programs);
  }
  for (const std::string& path : policy.files.read_write) add(path, policy::TargetKind::extra);
  for (const std::string& path : facts.new_places.made) {
    if (is_in_any(path, targets)) continue;
    add(path, policy::TargetKind::project);
    targets.back().is_new = true;
  }
  refuse_lost_places(targets, facts);
  return targets;
}

}  // namespace sandbox_run::plan
