// Must:     open a prefix unasked only where it is the user's own: what lies there is on his PATH.
// Must not: decide by what a project says: npm takes no prefix from its .npmrc either.

#include "plan/global_install.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "plan/work_places.h"

namespace sandbox_run::plan {
namespace {

using base::is_beneath;
using base::join_path;
using policy::GlobalInstall;

constexpr std::size_t kMaxManifest = 4U << 20U;

/// The words of the command without options and their values, the sub-command first.
std::vector<std::string> plain_words(const std::vector<std::string>& arguments) {
  constexpr std::array kWithValue{"--prefix",  "-C",          "--location", "--registry",
                                  "--cache",   "--loglevel",  "--tag",      "--omit",
                                  "--include", "--userconfig"};
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

template <std::size_t kSize>
bool is_one_of(const std::array<const char*, kSize>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

constexpr std::array kUpdating{"update", "up", "upgrade", "udpate"};
constexpr std::array kLinking{"link", "ln"};
constexpr std::array kChanging{"install",   "i",  "in",     "add",     "isntall", "remove", "rm",
                               "uninstall", "un", "unlink", "rebuild", "rb",      "ci",     "r"};

bool is_changing(const std::string& word) {
  return is_one_of(kUpdating, word) || is_one_of(kLinking, word) || is_one_of(kChanging, word);
}

std::string name_of_package_in(const std::string& directory) {
  try {
    const auto text =
        base::read_file_if_readable(join_path(directory, "package.json"), kMaxManifest);
    const auto manifest = text ? base::parse_json(*text) : std::nullopt;
    if (!manifest || !manifest->is_object()) return "";
    const base::json::value* name = base::find_member(*manifest, "name");
    return name != nullptr && name->is_string() ? std::string(name->get_string()) : "";
  } catch (const base::SysError&) {
    return "";
  }
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const base::UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return names;
  for (const base::DirectoryEntry& entry : base::list_directory(fd.get())) {
    names.push_back(entry.name);
  }
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

bool changes_global_packages(const std::vector<std::string>& arguments) {
  const std::vector<std::string> words = plain_words(arguments);
  if (words.empty()) return false;
  // `npm link` alone makes a global package of the project's.
  if (is_one_of(kLinking, words.front()) && words.size() == 1) return true;
  return is_global(arguments) && is_changing(words.front());
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

std::optional<GlobalInstall> find_global_install(const policy::Policy& policy,
                                                 const HostFacts& facts) {
  if (policy.package_manager != policy::PackageManager::npm) return std::nullopt;
  if (!changes_global_packages(facts.command.arguments)) return std::nullopt;
  const std::string prefix = global_prefix_of(facts);
  if (prefix.empty() || prefix == "/") return std::nullopt;
  GlobalInstall install;
  install.packages = real_place(join_path(prefix, "lib/node_modules"));
  install.programs = real_place(join_path(prefix, "bin"));
  if (!is_named_by_user(policy, install) && !is_own(policy, facts, install)) return std::nullopt;
  std::vector<std::string> words = plain_words(facts.command.arguments);
  const std::string command = words.front();
  words.erase(words.begin());
  if (words.empty() && !is_one_of(kUpdating, command)) words.emplace_back(".");
  for (const std::string& word : words) {
    const std::string directory = base::absolute_path(word, facts.working_directory);
    policy::add_named_packages({word}, name_of_package_in(directory), install);
  }
  if (words.empty()) install.names = packages_in(install.packages);
  return install;
}

std::vector<policy::TargetRules> rules_for_global(const GlobalInstall& install) {
  std::vector<policy::GlobalProgram> programs;
  for (const std::string& name : names_in(install.programs)) {
    const std::string path = join_path(install.programs, name);
    struct stat status {};
    std::string package;
    if (::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode)) {
      package = policy::package_of_program(install, base::read_link(AT_FDCWD, path));
    }
    programs.push_back({name, package});
  }
  return policy::global_rules(install, packages_in(install.packages), programs);
}

}  // namespace sandbox_run::plan
