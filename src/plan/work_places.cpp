// Must:     find what the package manager would find: a project of ours that is narrower than its
// own
//           makes it install in another place, with exit code 0.
// Must not: widen beyond the home directory or into the system: see refusal_of().

#include "plan/work_places.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "policy/glob.h"

namespace sandbox_run::plan {
namespace {

using base::exists;
using base::is_beneath;
using base::join_path;
using base::parent_path;
using policy::PackageManager;

constexpr std::size_t kMaxManifest = 4U << 20;
constexpr std::size_t kMaxMembers = 2000;

std::optional<base::json::value> read_manifest(const std::string& directory) {
  try {
    const auto text =
        base::read_file_if_readable(join_path(directory, "package.json"), kMaxManifest);
    return text ? base::parse_json(*text) : std::nullopt;
  } catch (const base::SysError&) {
    return std::nullopt;  // a package.json that is a directory, or huge
  }
}

/// "workspaces": [PATTERN, …], or {"packages": [PATTERN, …]}.
std::vector<std::string> workspace_patterns(const base::json::value& manifest) {
  if (!manifest.is_object()) return {};
  const base::json::value* workspaces = base::find_member(manifest, "workspaces");
  if (workspaces == nullptr) return {};
  if (workspaces->is_array()) return base::string_list(manifest.get_object(), "workspaces");
  return workspaces->is_object() ? base::string_list(workspaces->get_object(), "packages")
                                 : std::vector<std::string>{};
}

/// The list `packages:` of a pnpm-workspace.yaml, as everybody writes it.
std::vector<std::string> pnpm_patterns(const std::string& root) {
  std::vector<std::string> patterns;
  const auto text =
      base::read_file_if_readable(join_path(root, "pnpm-workspace.yaml"), kMaxManifest);
  bool in_packages = false;
  for (const std::string& line : base::split(text.value_or(""), '\n')) {
    const std::string_view word = base::trim(line);
    if (!line.starts_with(' ') && !line.starts_with('-')) in_packages = word == "packages:";
    if (!in_packages || !word.starts_with('-')) continue;
    std::string_view pattern = base::trim(word.substr(1));
    if (pattern.size() > 1 && (pattern.front() == '"' || pattern.front() == '\'') &&
        pattern.back() == pattern.front()) {
      pattern = pattern.substr(1, pattern.size() - 2);
    }
    patterns.emplace_back(pattern);
  }
  return patterns;
}

std::string plain_pattern(std::string_view pattern) {
  while (pattern.starts_with("./")) pattern.remove_prefix(2);
  while (pattern.ends_with('/')) pattern.remove_suffix(1);
  return std::string(pattern);
}

bool is_member(const std::vector<std::string>& patterns, const std::string& relative) {
  bool found = false;
  for (const std::string& pattern : patterns) {
    if (pattern.starts_with('!')) {
      if (policy::glob_matches(plain_pattern(pattern.substr(1)), relative)) found = false;
    } else if (policy::glob_matches(plain_pattern(pattern), relative)) {
      found = true;
    }
  }
  return found;
}

bool is_workspace_root(const std::string& directory) {
  if (exists(join_path(directory, ".git")) || exists(join_path(directory, "pnpm-workspace.yaml"))) {
    return true;
  }
  const auto manifest = read_manifest(directory);
  return manifest && manifest->is_object() && manifest->get_object().contains("workspaces");
}

/// As npm and yarn look for it: the nearest directory with a package.json (npm: or node_modules),
/// and if that is a member of a workspace above, the workspace's root.
std::string nearest_manifest(const std::string& start, bool modules_count) {
  std::string nearest;
  for (std::string here = start;; here = parent_path(here)) {
    const bool has_manifest = exists(join_path(here, "package.json"));
    if (nearest.empty()) {
      if (has_manifest || (modules_count && base::is_directory(join_path(here, "node_modules")))) {
        nearest = here;
      }
    } else if (has_manifest) {
      const auto manifest = read_manifest(here);
      if (manifest && is_member(workspace_patterns(*manifest), base::relative_to(nearest, here))) {
        return here;
      }
    }
    if (here == "/" || here.empty()) break;
  }
  return nearest.empty() ? start : nearest;
}

std::string nearest_with(const std::string& start, const char* name) {
  for (std::string here = start; here != "/" && !here.empty(); here = parent_path(here)) {
    if (exists(join_path(here, name))) return here;
  }
  return start;
}

/// deno.json and deno.jsonc, which may hold comments: it is enough that the word is there, for a
/// project that is too wide is refused or asked for by name.
bool is_deno_workspace(const std::string& directory) {
  for (const char* name : {"deno.json", "deno.jsonc"}) {
    const auto text = base::read_file_if_readable(join_path(directory, name), kMaxManifest);
    if (text && text->find("\"workspace\"") != std::string::npos) return true;
  }
  return false;
}

/// The nearest directory with a deno.json or a package.json, or a workspace's root above it.
std::string nearest_deno_root(const std::string& start) {
  std::string nearest;
  for (std::string here = start; here != "/" && !here.empty(); here = parent_path(here)) {
    const bool has_config =
        exists(join_path(here, "deno.json")) || exists(join_path(here, "deno.jsonc"));
    if (nearest.empty() && has_config) nearest = here;
    if (is_deno_workspace(here)) return here;
  }
  const std::string package = nearest_manifest(start, false);
  const bool is_nearer = is_beneath(package, nearest) && exists(join_path(package, "package.json"));
  return nearest.empty() || is_nearer ? package : nearest;
}

/// Why `project` can't be a target: too much of the host would lie in it.
std::string refusal_of(const std::string& project, const std::string& home) {
  const auto advice = [&](const std::string& what) {
    return "the project would be " + project + ", " + what +
           ": change into the project's own directory, or make one (mkdir app && cd app)";
  };
  if (project == "/") return advice("the whole file system");
  if (project == home) return advice("your home directory");
  if (is_beneath(home, project)) return advice("which holds your home directory");
  static const std::set<std::string> kTooWide{
      "/bin",  "/boot", "/dev", "/etc",  "/home", "/lib", "/lib64", "/media", "/mnt", "/opt",
      "/proc", "/root", "/run", "/sbin", "/srv",  "/sys", "/tmp",   "/usr",   "/var", "/var/tmp"};
  if (kTooWide.count(project) != 0) return advice("a directory of the system");
  for (const char* tree : {"/proc", "/sys", "/dev", "/boot"}) {
    if (is_beneath(project, tree)) return advice("below a directory of the system");
  }
  return "";
}

/// What follows belongs to another program: its options are none of the manager's.
bool ends_own_options(PackageManager manager, const std::string& word) {
  constexpr std::array kRunners{"exec", "dlx", "run",   "run-script", "x",      "node",
                                "test", "t",   "start", "create",     "rebuild"};
  if (word == "--") return true;
  return manager != PackageManager::npm &&
         std::find(kRunners.begin(), kRunners.end(), word) != kRunners.end();
}

/// The first word that is no option; options' values, if they stand apart, may be taken for it.
std::string sub_command(const std::vector<std::string>& arguments) {
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (!arguments[i].starts_with('-')) return arguments[i];
  }
  return "";
}

/// Does npm write to its own directory, wherever it was started?
bool installs(const std::vector<std::string>& arguments) {
  constexpr std::array kWords{"install", "i",       "add",    "ci",     "clean-install",
                              "update",  "up",      "rm",     "remove", "uninstall",
                              "un",      "upgrade", "dedupe", "link",   "ln",
                              "prune",   "rebuild"};
  const std::string word = sub_command(arguments);
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

std::string directory_of_manager(PackageManager manager, const std::vector<std::string>& arguments,
                                 const std::string& working_directory) {
  const std::string directory = command_directory(manager, arguments, working_directory);
  switch (manager) {
    case PackageManager::npm:
      return directory == working_directory ? nearest_manifest(directory, true) : directory;
    case PackageManager::yarn:
    case PackageManager::bun:
      return nearest_manifest(directory, false);
    case PackageManager::deno:
      return nearest_deno_root(directory);
    case PackageManager::pnpm:
      return nearest_with(directory, "pnpm-workspace.yaml");
    case PackageManager::pip:
    case PackageManager::none:
      break;
  }
  return working_directory;
}

}  // namespace

bool is_global(const std::vector<std::string>& arguments) {
  for (std::size_t i = 1; i < arguments.size() && arguments[i] != "--"; ++i) {
    const std::string& word = arguments[i];
    if (word == "-g" || word == "--global" || word == "--location=global") return true;
    if (word == "--location" && i + 1 < arguments.size() && arguments[i + 1] == "global") {
      return true;
    }
  }
  return false;
}

std::string command_directory(PackageManager manager, const std::vector<std::string>& arguments,
                              const std::string& working_directory) {
  std::vector<std::string> names;
  if (manager == PackageManager::npm) names = {"--prefix", "-C"};
  if (manager == PackageManager::pnpm) names = {"--dir", "-C", "--prefix"};
  if (manager == PackageManager::yarn || manager == PackageManager::bun) names = {"--cwd"};
  // npm's global prefix is another thing than where it works.
  if (manager == PackageManager::npm && is_global(arguments)) return working_directory;
  std::string directory = working_directory;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (ends_own_options(manager, word)) break;
    for (const std::string& name : names) {
      if (word == name && i + 1 < arguments.size()) {
        directory = base::absolute_path(arguments[i + 1], working_directory);
      } else if (name.starts_with("--") && word.starts_with(name + "=")) {
        directory = base::absolute_path(word.substr(name.size() + 1), working_directory);
      }
    }
  }
  return directory;
}

std::string find_project(const std::string& directory, const std::string& home) {
  std::string best = directory;
  for (std::string here = directory; here != "/"; here = parent_path(here)) {
    // A dotfiles repository in $HOME makes no project of all of $HOME.
    if (here == home || is_beneath(home, here)) break;
    if (is_workspace_root(here)) best = here;
  }
  return best;
}

WorkPlaces find_work_places(PackageManager manager, const std::vector<std::string>& arguments,
                            const std::string& working_directory, const std::string& home) {
  WorkPlaces places;
  places.manager = directory_of_manager(manager, arguments, working_directory);
  const std::string real = base::real_path(places.manager).value_or(places.manager);
  const std::string wide = refusal_of(real, home);
  if (wide.empty()) {
    places.manager = real;
    places.project = find_project(real, home);
    if (is_beneath(places.project, real)) places.project = real;
    places.refusal = refusal_of(places.project, home);
  } else if (manager != PackageManager::none && real != working_directory && installs(arguments)) {
    // A stray package.json or node_modules in the home directory: npm would install there.
    places.project = real;
    places.refusal = wide +
                     "; it is what the package manager finds above this directory: "
                     "npm init -y makes a project of this one";
    return places;
  } else {
    places.manager = working_directory;
    places.project = find_project(working_directory, home);
    places.refusal = refusal_of(places.project, home);
  }
  if (is_beneath(working_directory, places.project)) return places;
  const std::string own = find_project(working_directory, home);
  if (!refusal_of(own, home).empty()) {
    places.working_directory_is_lost = true;
  } else if (is_beneath(places.project, own)) {
    places.project = own;
  } else {
    places.more.push_back(own);
  }
  return places;
}

std::vector<std::string> workspace_members(const std::string& root) {
  std::vector<std::string> patterns = pnpm_patterns(root);
  if (const auto manifest = read_manifest(root)) {
    for (std::string& pattern : workspace_patterns(*manifest)) {
      patterns.push_back(std::move(pattern));
    }
  }
  std::vector<std::string> members;
  if (patterns.empty()) return members;
  std::vector<std::string> todo{""};
  while (!todo.empty() && members.size() < kMaxMembers) {
    const std::string relative = std::move(todo.back());
    todo.pop_back();
    const base::UniqueFd directory(
        ::open(join_path(root, relative).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!directory) continue;
    for (const base::DirectoryEntry& entry : base::list_directory(directory.get())) {
      if (entry.type != DT_DIR || entry.name == "node_modules" || entry.name.starts_with('.')) {
        continue;
      }
      std::string inner = relative.empty() ? entry.name : relative + "/" + entry.name;
      if (is_member(patterns, inner) && exists(join_path(join_path(root, inner), "package.json"))) {
        members.push_back(join_path(root, inner));
      }
      const bool leads_on =
          std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
            return policy::glob_reaches_into(plain_pattern(pattern), inner);
          });
      if (leads_on) todo.push_back(std::move(inner));
    }
  }
  return members;
}

std::set<std::string> own_packages(const std::string& root) {
  std::vector<std::string> directories = workspace_members(root);
  directories.push_back(root);
  std::set<std::string> names;
  for (const std::string& directory : directories) {
    const auto manifest = read_manifest(directory);
    const auto name = manifest ? base::string_member(*manifest, "name") : std::nullopt;
    if (name) names.insert(*name);
  }
  return names;
}

}  // namespace sandbox_run::plan
