// Must:     open a prefix unasked only where it is the user's own: what lies there is on his PATH.
// Must not: decide by what a project says: npm takes no prefix from its .npmrc either.

#include "plan/global_install.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "plan/global_links.h"
#include "plan/small_files.h"
#include "plan/work_places.h"
#include "policy/program_shim.h"

namespace sandbox_run::plan {
namespace {

using base::is_beneath;
using base::join_path;
using policy::GlobalInstall;

using policy::GlobalEntry;
using policy::GlobalLayout;
using policy::PackageManager;

constexpr std::size_t kMaxGlobalManifest = 4U << 20U;
constexpr std::size_t kMaxProgram = 1U << 20U;

template <std::size_t kSize>
bool is_one_of(const std::array<const char*, kSize>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

constexpr std::array kUpdating{"update", "up", "upgrade", "udpate", "upgrade-interactive"};
constexpr std::array kChanging{"install", "i",       "in", "add",       "a",
                               "isntall", "remove",  "rm", "uninstall", "un",
                               "unlink",  "rebuild", "rb", "ci",        "r"};

constexpr std::array kYarnChanging{"add", "remove", "upgrade", "upgrade-interactive"};

bool is_changing(const std::string& word) {
  return is_one_of(kUpdating, word) || is_linking(word) || is_one_of(kChanging, word);
}

/// Of the command, from its sub-command on; empty: it changes no global packages.
std::vector<std::string> global_words(PackageManager manager,
                                      const std::vector<std::string>& arguments) {
  std::vector<std::string> words = plain_words(arguments);
  if (words.empty()) return {};
  if (manager == PackageManager::yarn) {
    if (words.front() != "global" || words.size() == 1) return {};
    words.erase(words.begin());
    return is_one_of(kYarnChanging, words.front()) ? words : std::vector<std::string>{};
  }
  if (manager != PackageManager::npm && manager != PackageManager::pnpm &&
      manager != PackageManager::bun) {
    return {};
  }
  // `npm link` alone makes a global package of the project's.
  const bool links_itself = words.size() == 1 && is_linking(words.front());
  const bool changes = links_itself || (is_global(arguments) && is_changing(words.front()));
  return changes ? words : std::vector<std::string>{};
}

std::optional<base::json::value> manifest_in(const std::string& directory) {
  try {
    const auto text =
        base::read_file_if_readable(join_path(directory, "package.json"), kMaxGlobalManifest);
    auto manifest = text ? base::parse_json(*text) : std::nullopt;
    return manifest && manifest->is_object() ? manifest : std::nullopt;
  } catch (const base::SysError&) {
    return std::nullopt;
  }
}

std::string name_of_package_in(const std::string& directory) {
  const auto manifest = manifest_in(directory);
  const base::json::value* name = manifest ? base::find_member(*manifest, "name") : nullptr;
  return name != nullptr && name->is_string() ? std::string(name->get_string()) : "";
}

/// What a project depends on.
std::vector<std::string> dependencies_in(const std::string& directory) {
  const auto manifest = manifest_in(directory);
  const base::json::value* list = manifest ? base::find_member(*manifest, "dependencies") : nullptr;
  std::vector<std::string> names;
  if (list == nullptr || !list->is_object()) return names;
  for (const auto& [name, version] : list->get_object()) names.emplace_back(name);
  return names;
}

std::vector<std::string> packages_in(const std::string& directory) {
  std::vector<std::string> packages;
  for (const std::string& name : names_in(directory)) {
    if (!name.starts_with('@')) {
      packages.push_back(name);
      continue;
    }
    for (const std::string& inner : names_in(join_path(directory, name))) {
      packages.push_back(join_path(name, inner));
    }
  }
  return packages;
}

/// "TARGET" of a link; "" if it is none.
std::string link_text(const std::string& path) {
  struct stat status {};
  const bool is_link = ::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
  return is_link ? base::read_link(AT_FDCWD, path) : "";
}

std::vector<GlobalEntry> packages_below(const std::string& directory, const std::string& inner) {
  std::vector<GlobalEntry> entries;
  for (const std::string& package : packages_in(join_path(directory, inner))) {
    entries.push_back({inner.empty() ? package : join_path(inner, package), {package}});
  }
  return entries;
}

/// Of one project for all, yarn's or pnpm's.
std::vector<GlobalEntry> entries_of_project(const std::string& directory) {
  constexpr const char* kModules = "node_modules";
  constexpr const char* kPrograms = "node_modules/.bin";
  constexpr const char* kStore = ".pnpm";
  std::vector<GlobalEntry> entries;
  for (GlobalEntry& entry : packages_below(directory, kModules)) {
    // .bin, and the manager's notes of what it did.
    if (!base::file_name(entry.path).starts_with('.')) entries.push_back(std::move(entry));
  }
  for (const std::string& name : names_in(join_path(directory, kPrograms))) {
    const std::string path = join_path(kPrograms, name);
    const auto package = policy::package_in(base::absolute_path(
        link_text(join_path(directory, path)), join_path(directory, kPrograms)));
    entries.push_back({path, package ? std::vector{package->name} : std::vector<std::string>{}});
  }
  for (const std::string& name : names_in(join_path(directory, kStore))) {
    if (name == "lock.yaml") continue;
    if (name != kModules) {
      const std::string package = policy::package_of_store_entry(name);
      entries.push_back({join_path(kStore, name), {}});
      if (!package.empty()) entries.back().packages = {package};
      continue;
    }
    // What is found from everywhere.
    const std::string hoisted = join_path(kStore, name);
    for (GlobalEntry& entry : packages_below(directory, hoisted)) {
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

/// Of a project for each command: "CHANCE", and the link to it.
std::vector<GlobalEntry> entries_of_projects(const std::string& directory) {
  std::vector<GlobalEntry> entries;
  for (const std::string& name : names_in(directory)) {
    entries.push_back({name, dependencies_in(join_path(directory, name))});
  }
  return entries;
}

std::vector<GlobalEntry> entries_of(const GlobalInstall& install) {
  switch (install.layout) {
    case GlobalLayout::npm:
      return packages_below(install.packages, "");
    case GlobalLayout::project:
      return entries_of_project(install.packages);
    case GlobalLayout::projects:
      break;
  }
  return entries_of_projects(install.packages);
}

/// All packages that the user has installed there.
std::vector<std::string> installed_packages(const GlobalInstall& install) {
  switch (install.layout) {
    case GlobalLayout::npm:
      return packages_in(install.packages);
    case GlobalLayout::project:
      return dependencies_in(install.packages);
    case GlobalLayout::projects:
      break;
  }
  std::vector<std::string> names;
  for (const GlobalEntry& entry : entries_of_projects(install.packages)) {
    names.insert(names.end(), entry.packages.begin(), entry.packages.end());
  }
  return names;
}

/// Whose program an entry among the programs is, as it was before the command.
std::string package_of(const GlobalInstall& install, const std::string& program) {
  const std::string path = join_path(install.programs, program);
  const std::string link = link_text(path);
  if (!link.empty() && install.layout == GlobalLayout::npm) {
    return policy::package_of_program(install, link);
  }
  if (!link.empty()) {
    const auto real = base::real_path(path);
    const auto package =
        real && is_beneath(*real, install.packages) ? policy::package_in(*real) : std::nullopt;
    return package ? package->name : "";
  }
  if (install.layout == GlobalLayout::npm || base::is_directory(path)) return "";
  try {
    const auto text = base::read_file_if_readable(path, kMaxProgram);
    return policy::package_named_in(text.value_or(""));
  } catch (const base::SysError&) {
    return "";  // a large program
  }
}

/// Of a place that does not exist yet: as it will be.
std::string real_place(const std::string& path) {
  std::string existing = path;
  while (existing != "/" && !base::exists(existing)) existing = base::parent_path(existing);
  const std::string real = base::real_path(existing).value_or(existing);
  return existing == path ? real : join_path(real, base::relative_to(path, existing));
}

bool is_named_by_user(const policy::Policy& policy, const GlobalInstall& install) {
  const auto& named = policy.files.read_write;
  const auto has = [&](const std::string& path) {
    return std::any_of(named.begin(), named.end(), [&](const std::string& other) {
      return is_beneath(path, real_place(other));
    });
  };
  return has(install.packages) && has(install.programs);
}

/// A directory of the user's: in his home, or, for who is not root, his own wherever it is.
bool is_own(const HostFacts& facts, const std::string& path) {
  if (is_beneath(path, facts.home_real)) return true;
  struct stat status {};
  std::string existing = path;
  while (existing != "/" && !base::exists(existing)) existing = base::parent_path(existing);
  return facts.uid != 0 && ::stat(existing.c_str(), &status) == 0 && status.st_uid == facts.uid;
}

bool is_own(const policy::Policy& policy, const HostFacts& facts, const GlobalInstall& install) {
  if (facts.global_prefix == HostFacts::GlobalPrefix::closed) return false;
  for (const std::string& path : {install.packages, install.programs}) {
    const auto& system = policy.files.system;
    const bool is_of_system =
        std::any_of(system.begin(), system.end(),
                    [&](const std::string& root) { return is_beneath(path, root); });
    if (is_of_system || !is_own(facts, path)) return false;
  }
  return true;
}

}  // namespace

bool changes_global_packages(PackageManager manager, const std::vector<std::string>& arguments) {
  return !global_words(manager, arguments).empty();
}

std::vector<std::string> plain_words(const std::vector<std::string>& arguments) {
  constexpr std::array kWithValue{
      "--prefix",     "-C",          "--location",       "--registry",      "--cache",
      "--loglevel",   "--tag",       "--omit",           "--include",       "--userconfig",
      "--global-dir", "--store-dir", "--global-bin-dir", "--global-folder", "--cache-folder",
      "--dir",        "--reporter",  "--network-timeout"};
  std::vector<std::string> words;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (std::find(kWithValue.begin(), kWithValue.end(), arguments[i]) != kWithValue.end()) {
      ++i;
    } else if (!arguments[i].starts_with('-')) {
      words.push_back(arguments[i]);
    }
  }
  return words;
}

std::string global_prefix_of(const HostFacts& facts) {
  const std::vector<std::string>& words = facts.command.arguments;
  for (std::size_t i = 1; i < words.size() && words[i] != "--"; ++i) {
    std::string value;
    if ((words[i] == "--prefix" || words[i] == "-C") && i + 1 < words.size()) value = words[i + 1];
    if (words[i].starts_with("--prefix=")) value = words[i].substr(words[i].find('=') + 1);
    if (!value.empty()) return base::absolute_path(value, facts.working_directory);
  }
  return facts.package_manager.prefix.value_or("");
}

std::optional<GlobalInstall> global_directories(PackageManager manager, const HostFacts& facts) {
  GlobalInstall install;
  if (manager == PackageManager::npm) {
    const std::string prefix = global_prefix_of(facts);
    if (prefix.empty() || prefix == "/") return std::nullopt;
    install.packages = real_place(join_path(prefix, "lib/node_modules"));
    install.programs = real_place(join_path(prefix, "bin"));
    return install;
  }
  if (!facts.package_manager.global) return std::nullopt;
  install.packages = real_place(facts.package_manager.global->first);
  install.programs = real_place(facts.package_manager.global->second);
  if (install.packages == "/" || install.programs == "/") return std::nullopt;
  // PNPM_HOME/global/5, and PNPM_HOME/global/v11
  const bool has_projects =
      manager == PackageManager::pnpm && base::file_name(install.packages).starts_with('v');
  install.layout = has_projects ? GlobalLayout::projects : GlobalLayout::project;
  return install;
}

std::optional<GlobalInstall> find_global_install(const policy::Policy& policy,
                                                 const HostFacts& facts) {
  auto install = global_directories(policy.package_manager, facts);
  if (!install) return std::nullopt;
  std::vector<std::string> words = global_words(policy.package_manager, facts.command.arguments);
  const std::vector<std::string> linked =
      linked_words(policy.package_manager, facts.command.arguments);
  if (words.empty() && linked.empty()) return std::nullopt;
  if (!is_named_by_user(policy, *install) && !is_own(policy, facts, *install)) return std::nullopt;
  const std::string command = words.empty() ? "link" : words.front();
  if (words.empty()) {
    words = words_to_install_first(policy.package_manager, *install, linked);
    if (words.empty()) return install;  // npm sets the mode of what it links, as it is
  } else {
    words.erase(words.begin());
  }
  const bool of_all =
      words.empty() && !is_linking(command) &&
      (is_one_of(kUpdating, command) || policy.package_manager != PackageManager::npm);
  if (words.empty() && !of_all) words.emplace_back(".");
  for (const std::string& word : words) {
    const std::string directory = base::absolute_path(word, facts.working_directory);
    policy::add_named_packages({word}, name_of_package_in(directory), *install);
  }
  if (of_all) install->names = installed_packages(*install);
  return install;
}

std::vector<std::string> global_places_to_show(const policy::Policy& policy,
                                               const HostFacts& facts) {
  const auto install = policy.package_manager == PackageManager::npm
                           ? global_directories(policy.package_manager, facts)
                           : std::nullopt;
  std::vector<std::string> places;
  if (!install || !is_own(policy, facts, *install)) return places;
  for (const std::string& path : {install->packages, install->programs}) {
    if (base::is_directory(path)) places.push_back(path);
  }
  return places;
}

std::vector<policy::TargetRules> rules_for_global(const GlobalInstall& install) {
  std::vector<policy::GlobalProgram> programs;
  for (const std::string& name : names_in(install.programs)) {
    programs.push_back({name, package_of(install, name)});
  }
  return policy::global_rules(install, entries_of(install), programs);
}

}  // namespace sandbox_run::plan
