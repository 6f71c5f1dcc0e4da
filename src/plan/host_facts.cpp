#include "plan/host_facts.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <set>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "plan/configuration_files.h"
#include "plan/editable_places.h"
#include "plan/neighbours.h"
#include "plan/private_places.h"
#include "plan/repositories.h"
#include "plan/small_files.h"
#include "plan/work_places.h"
#include "policy/command_words.h"
#include "policy/environment.h"
#include "policy/release.h"

extern char** environ;

namespace sandbox_run::plan {
namespace {

using base::join_path;

constexpr std::size_t kMaxInterpreters = 5;  // the kernel's own limit for #! chains

std::vector<std::pair<std::string, std::string>> read_environment() {
  std::vector<std::pair<std::string, std::string>> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    entries.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return entries;
}

std::string variable(const HostFacts& facts, std::string_view name) {
  for (const auto& [key, value] : facts.environment) {
    if (key == name) return value;
  }
  return "";
}

std::string home_directory(const HostFacts& facts) {
  const std::string home = variable(facts, "HOME");
  if (!home.empty() && home.front() == '/') return base::absolute_path(home, "/");
  const passwd* entry = ::getpwuid(facts.uid);  // as npm and pip do without HOME
  if (entry != nullptr && entry->pw_dir != nullptr && *entry->pw_dir == '/') return entry->pw_dir;
  throw base::UserError(
      "finding your home directory: HOME is not set and the password database has none; set HOME");
}

std::string xdg(const HostFacts& facts, const char* name, const char* fallback) {
  const std::string value = variable(facts, name);
  return !value.empty() && value.front() == '/' ? base::absolute_path(value, "/")
                                                : join_path(facts.home, fallback);
}

std::vector<HostPath> look_at_path(const HostFacts& facts, HostLook& look) {
  std::vector<HostPath> entries;
  std::set<std::string> seen;
  for (const std::string& part : base::split(variable(facts, "PATH"), ':')) {
    if (part.empty() || part.front() != '/') continue;
    const std::string path = base::absolute_path(part, "/");
    if (!seen.insert(path).second) continue;
    if (auto entry = look.at(path); entry && entry->directory) entries.push_back(std::move(*entry));
  }
  return entries;
}

std::vector<HostPath> libraries_beside(const std::vector<HostPath>& entries,
                                       const std::string& home, HostLook& look) {
  std::vector<HostPath> libraries;
  for (const HostPath& entry : entries) {
    const std::string prefix = base::parent_path(entry.real);
    // ~/lib may be anything.
    if (base::file_name(entry.real) != "bin" || prefix == "/" || prefix == home) continue;
    // Without it an environment's Python is the system's.
    auto environment = look.at(join_path(prefix, "pyvenv.cfg"));
    if (environment) libraries.push_back(std::move(*environment));
    auto library = look.at(join_path(prefix, "lib"));
    if (library && library->directory) libraries.push_back(std::move(*library));
  }
  return libraries;
}

enum class Executable { yes, no, missing };

Executable executable(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || S_ISDIR(status.st_mode)) return Executable::missing;
  return ::access(path.c_str(), X_OK) == 0 ? Executable::yes : Executable::no;
}

/// As execvp(3) searches. Second: false if something was found that may not be executed.
std::pair<std::string, bool> find_command(const std::string& name, const HostFacts& facts) {
  if (name.find('/') != std::string::npos) {
    const std::string path = base::absolute_path(name, facts.working_directory);
    const Executable state = executable(path);
    return {state == Executable::missing ? "" : path, state != Executable::no};
  }
  std::string refused;
  std::string search = variable(facts, "PATH");
  if (search.empty()) search = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& directory : base::split(search, ':')) {
    const std::string path = base::absolute_path(
        join_path(directory.empty() ? "." : directory, name), facts.working_directory);
    const Executable state = executable(path);
    if (state == Executable::yes) return {path, true};
    if (state == Executable::no && refused.empty()) refused = path;
  }
  return {refused, refused.empty()};
}

/// The interpreter that `#!` names, resolved through env(1): "node" for "#!/usr/bin/env node".
std::vector<std::string> interpreters_of(const std::string& path, const HostFacts& facts) {
  std::string head;
  try {
    const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd) return {};
    head.resize(256);
    const ssize_t size = ::read(fd.get(), head.data(), head.size());
    head.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  } catch (const base::SysError&) {
    return {};
  }
  if (head.substr(0, 2) != "#!") return {};
  std::vector<std::string> words;
  for (const std::string& word : base::split(head.substr(2, head.find('\n') - 2), ' ')) {
    if (!base::trim(word).empty()) words.emplace_back(base::trim(word));
  }
  if (words.empty()) return {};
  std::vector<std::string> found{words.front()};
  if (base::file_name(words.front()) == "env") {
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (words[i].front() == '-' || words[i].find('=') != std::string::npos) continue;
      const std::string program = find_command(words[i], facts).first;
      if (!program.empty()) found.push_back(program);
      break;
    }
  }
  return found;
}

int landlock_abi() {
  constexpr unsigned kVersion = 1;  // LANDLOCK_CREATE_RULESET_VERSION
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersion);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

bool may_map_all_ids() {
  if (::geteuid() != 0) return false;
  const auto status = base::read_file_if_readable("/proc/self/status");
  if (!status) return false;
  const std::size_t at = status->find("CapEff:");
  if (at == std::string::npos) return false;
  const unsigned long long caps = std::strtoull(status->c_str() + at + 7, nullptr, 16);
  constexpr unsigned long long kSetGid = 1ULL << 6U;
  constexpr unsigned long long kSetUid = 1ULL << 7U;
  return (caps & kSetGid) != 0 && (caps & kSetUid) != 0;
}

/// Unix sockets of the host by path: a read-only mount does not stop a connect(2) to one.
std::vector<std::string> listening_unix_sockets() {
  std::vector<std::string> paths;
  const auto table = base::read_file_if_readable("/proc/net/unix", 64U << 20);
  if (!table) return paths;
  for (const std::string& line : base::split(*table, '\n')) {
    const std::size_t slash = line.find(" /");
    if (slash == std::string::npos) continue;
    const std::string path = base::absolute_path(line.substr(slash + 1), "/");
    const auto status = base::stat_no_follow(path);
    if (status && S_ISSOCK(status->st_mode)) paths.push_back(path);
  }
  return paths;
}

std::vector<ToolchainFact> look_at_toolchains(const policy::Policy& policy, const HostFacts& facts,
                                              HostLook& look) {
  std::vector<ToolchainFact> found;
  for (const policy::Toolchain& row : policy.files.toolchains) {
    std::string root = row.root_variable.empty() ? "" : variable(facts, row.root_variable);
    root = root.empty() || root.front() != '/' ? expand(row.root, facts)
                                               : base::absolute_path(root, "/");
    auto there = look.at(root);
    if (!there || !there->directory) continue;
    ToolchainFact fact;
    fact.name = row.name;
    fact.prefixes = row.prefixes;
    fact.roots.push_back(std::move(*there));
    for (const std::string& also : row.also) {
      if (auto path = look.at(expand(also, facts))) fact.roots.push_back(std::move(*path));
    }
    for (const std::string& hide : row.hide) {
      if (auto path = look.at(join_path(root, hide))) fact.hidden.push_back(std::move(*path));
    }
    found.push_back(std::move(fact));
  }
  return found;
}

}  // namespace

bool makes_release(const policy::Policy& policy, const HostFacts& facts) {
  const std::string& directory =
      facts.manager_directory.empty() ? facts.working_directory : facts.manager_directory;
  return policy::is_release(policy.files, facts.command.arguments,
                            read_text(join_path(directory, "package.json")).value_or(""));
}

CommandFact look_at_command(const std::vector<std::string>& arguments, const HostFacts& facts) {
  CommandFact command;
  command.arguments = arguments;
  std::tie(command.path, command.executable) = find_command(arguments.front(), facts);
  std::vector<std::string> todo;
  if (!command.path.empty()) todo.push_back(command.path);
  for (std::size_t i = 0; i < todo.size() && i < 2 * kMaxInterpreters; ++i) {
    const auto real = base::real_path(todo[i]);
    if (!real) continue;
    command.chain.push_back(*real);
    for (std::string& interpreter : interpreters_of(*real, facts)) {
      if (i == 0) command.interpreter = interpreter;
      todo.push_back(std::move(interpreter));
    }
  }
  return command;
}

/// Where pnpm keeps its store: as it was told, else in its own home, else among the user's data.
static std::string pnpm_store(const HostFacts& facts) {
  std::string told = facts.package_manager.cache.value_or("");
  if (!told.empty()) return told;
  const std::string home = variable(facts, "PNPM_HOME");
  return home.starts_with('/') ? join_path(home, "store")
                               : join_path(facts.data_home, "pnpm/store");
}

std::string expand(const std::string& path, const HostFacts& facts) {
  if (path.empty() || path.front() != '{') return path;
  const std::size_t close = path.find('}');
  const std::string name = path.substr(1, close - 1);
  const std::string rest = close == std::string::npos ? "" : path.substr(close + 1);
  std::string value;
  if (name == "home") value = facts.home;
  if (name == "cache_home") value = facts.cache_home;
  if (name == "config_home") value = facts.config_home;
  if (name == "data_home") value = facts.data_home;
  if (name == "state_home") value = facts.state_home;
  if (name == "pnpm_store") value = pnpm_store(facts);
  if (name == "package_manager_cache") value = facts.package_manager.cache.value_or("");
  return value.empty() ? "" : value + rest;
}

HostFacts look_at_caller(const std::vector<std::string>& arguments) {
  HostFacts facts;
  facts.uid = ::geteuid();
  facts.gid = ::getegid();
  facts.privileged = may_map_all_ids();
  facts.environment = read_environment();
  facts.home = home_directory(facts);
  facts.home_real = base::real_path(facts.home).value_or(facts.home);
  facts.cache_home = xdg(facts, "XDG_CACHE_HOME", ".cache");
  facts.config_home = xdg(facts, "XDG_CONFIG_HOME", ".config");
  facts.data_home = xdg(facts, "XDG_DATA_HOME", ".local/share");
  facts.state_home = xdg(facts, "XDG_STATE_HOME", ".local/state");
  const std::unique_ptr<char, decltype(&std::free)> cwd(::getcwd(nullptr, 0), &std::free);
  if (!cwd || *cwd != '/') {
    throw base::UserError("finding the working directory: it is gone; change into another one");
  }
  facts.working_directory = cwd.get();
  facts.command = look_at_command(arguments, facts);
  return facts;
}

HostFacts gather_facts(const policy::Policy& policy, HostFacts facts) {
  const std::vector<std::string>& arguments = facts.command.arguments;
  facts.landlock_abi = landlock_abi();
  WorkPlaces places =
      find_work_places(policy.package_manager, arguments, facts.working_directory, facts.home_real);
  if (places.refusal.empty()) {
    facts.linked = find_dependencies(policy.package_manager, arguments, facts.working_directory,
                                     facts.home_real, places, policy.files.hard_links);
    const bool runs_python = policy.package_manager == policy::PackageManager::pip ||
                             policy.package_manager == policy::PackageManager::none;
    if (runs_python) show_editables(places, facts);
    find_repositories(policy, places, facts);
    std::vector<std::string> named = arguments;
    named.push_back(variable(facts, "GIT_WORK_TREE"));
    for (std::string& path : find_typed_paths(named, facts.working_directory, facts.home_real,
                                              places, facts.not_shown)) {
      if (policy.package_manager ==
          policy::PackageManager::none) {  // `grep -r x ../lib`: all of it
        std::erase_if(facts.linked.neighbours,
                      [&](const std::string& other) { return base::is_beneath(other, path); });
      }
      facts.linked.shown.push_back(std::move(path));
    }
    facts.new_places = find_new_places(
        policy, arguments,
        command_directory(policy.package_manager, arguments, facts.working_directory),
        facts.home_real, places);
  }
  facts.manager_directory = places.manager;
  facts.project = places.project;
  facts.more_projects = places.more;
  facts.project_refusal = places.refusal;
  facts.working_directory_is_lost = places.working_directory_is_lost;
  HostLook look;
  look.list(facts.home);
  facts.path_entries = look_at_path(facts, look);
  std::vector<HostPath> programs = facts.path_entries;
  if (auto own = look.at(base::parent_path(facts.command.path))) {  // ~/venv/bin/python, typed
    programs.push_back(std::move(*own));
  }
  facts.path_libraries = libraries_beside(programs, facts.home_real, look);
  facts.system = look.at_all(policy.files.system);
  std::vector<std::string> etc;
  for (const std::string& entry : policy.files.etc) etc.push_back(join_path("/etc", entry));
  look.list("/etc");
  facts.etc = look.at_all(etc);
  facts.toolchains = look_at_toolchains(policy, facts, look);
  facts.configuration = find_configuration(policy, facts);
  for (const policy::HomeFile& file : policy.files.home_files) {
    const std::string path = expand(policy::home_file_path(file, facts.environment), facts);
    if (path.empty()) continue;
    if (auto text = base::read_file_if_readable(path, 1U << 20)) {
      add_home_configuration(file, path, *text, facts);
      facts.home_files[path] = std::move(*text);
    }
  }
  std::vector<std::string> files;
  for (const std::string& name : policy.environment.file_variables) {
    const std::string path = variable(facts, name);
    if (!path.empty() && path.front() == '/') files.push_back(base::absolute_path(path, "/"));
  }
  facts.file_variables = look.at_all(files);
  facts.read_only = look.at_all(policy.files.read_only);
  facts.devices = look.at_all(
      {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"});
  facts.kernel_secrets = look.at_all({"/proc/kcore", "/proc/keys", "/proc/kpageflags",
                                      "/proc/kpagecount", "/proc/kpagecgroup", "/proc/vmallocinfo",
                                      "/proc/slabinfo", "/proc/timer_list", "/proc/sched_debug"});
  facts.unix_sockets = listening_unix_sockets();
  return facts;
}

void add_private_places(const policy::Policy& policy, HostFacts& facts) {
  PrivatePlaces found = find_private_places(policy, facts);
  facts.private_places = std::move(found.places);
  facts.unseen = std::move(found.unseen);
  for (auto& [path, tree] : found.large_trees) {
    LargeTree& known = facts.large_trees.emplace(path, tree).first->second;
    if (known != tree) known = tree;
  }
  NeighbourSecrets secrets = find_neighbour_secrets(policy, facts);
  std::move(secrets.configuration.begin(), secrets.configuration.end(),
            std::back_inserter(facts.configuration));
  std::move(secrets.places.begin(), secrets.places.end(), std::back_inserter(facts.private_places));
  std::move(secrets.unseen.begin(), secrets.unseen.end(), std::back_inserter(facts.unseen));
}

}  // namespace sandbox_run::plan
