// Must:     find what lies where the table says, by whatever link it is reached.
// Must not: walk a tree: a start looks at some hundred names, whatever the toolchains hold.

#include "plan/configuration_files.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "plan/small_files.h"
#include "policy/git_config.h"
#include "policy/glob.h"

namespace sandbox_run::plan {
namespace {

using base::is_beneath;
using base::join_path;
using base::parent_path;

constexpr std::size_t kMaxConfiguration = 1U << 20;
constexpr int kMaxIncludes = 5;  // one including the next

/// What `glob` (of several components, '*' within one) can mean below `base`; the last component is
/// not looked for unless it is a pattern.
std::vector<std::string> expand_glob(const std::string& base, const std::string& glob) {
  std::vector<std::string> found{base};
  for (const std::string& component : base::split(glob, '/')) {
    if (component.empty()) continue;
    std::vector<std::string> next;
    for (const std::string& directory : found) {
      if (component.find_first_of("*?[") == std::string::npos) {
        next.push_back(join_path(directory, component));
        continue;
      }
      for (const std::string& name : names_in(directory)) {
        if (policy::glob_matches(component, name)) next.push_back(join_path(directory, name));
      }
    }
    found = std::move(next);
  }
  return found;
}

class ConfigurationSearch {
 public:
  ConfigurationSearch(const policy::Policy& policy, const HostFacts& facts)
      : policy_(policy), facts_(facts) {}

  std::vector<ConfigurationFile> run() {
    if (policy_.files.configuration.empty()) return {};
    for (const std::string& glob : policy_.files.prefixes) {
      for (const std::string& prefix : expand_glob("/", glob)) look_in(prefix, "");
    }
    look_in_prefixes_of_path();
    for (const ToolchainFact& toolchain : facts_.toolchains) look_in(toolchain);
    for (const std::string& path : facts_.linked.shown) {
      if (is_neighbour(path)) continue;
      look_in(path, "");
      // The git directory of a linked work tree.
      if (base::exists(join_path(path, "HEAD"))) look_at(join_path(path, "config"), git_rules());
    }
    return std::move(found_);
  }

  std::vector<ConfigurationFile> run_in(const std::vector<std::string>& neighbours) {
    of_neighbours_ = true;
    for (const std::string& directory : neighbours) look_in(directory, "");
    return std::move(found_);
  }

 private:
  bool is_neighbour(const std::string& path) const {
    const auto& neighbours = facts_.linked.neighbours;
    return std::find(neighbours.begin(), neighbours.end(), path) != neighbours.end();
  }

  void look_in_prefixes_of_path() {
    for (const HostPath& entry : facts_.path_entries) {
      look_in(parent_path(entry.path), "");
      look_in(parent_path(entry.real), "");
    }
    std::vector<std::string> programs = facts_.command.chain;
    programs.push_back(facts_.command.path);
    programs.push_back(facts_.command.interpreter);
    for (const std::string& program : programs) {
      if (!program.starts_with('/')) continue;
      look_in(parent_path(parent_path(program)), "");
      const std::size_t lib = program.find("/lib/");
      if (lib != std::string::npos && lib > 0) look_in(program.substr(0, lib), "");
    }
  }

  void look_in(const ToolchainFact& toolchain) {
    for (const HostPath& root : toolchain.roots) {
      look_in(root.real, toolchain.name);
      for (const std::string& glob : toolchain.prefixes) {
        for (const std::string& prefix : expand_glob(root.real, glob)) look_in(prefix, "");
      }
    }
  }

  /// The project's own files stay readable as they are; not so an environment that lies in it.
  bool is_own_tree(const std::string& prefix) const {
    const auto holds = [&](const std::string& project) { return is_beneath(prefix, project); };
    const bool of_project =
        holds(facts_.project) ||
        std::any_of(facts_.more_projects.begin(), facts_.more_projects.end(), holds) ||
        std::any_of(facts_.linked.written.begin(), facts_.linked.written.end(), holds);
    return of_project && !base::exists(join_path(prefix, "pyvenv.cfg")) &&
           !base::exists(join_path(prefix, "conda-meta"));
  }

  /// `toolchain` not "": its root, where its own kinds lie, too.
  void look_in(const std::string& prefix, const std::string& toolchain) {
    const bool is_own = !of_neighbours_ && is_own_tree(prefix);
    if (prefix.empty() || is_own || !seen_.insert(prefix + "\n" + toolchain).second) return;
    const std::vector<std::string> names = names_in(prefix);
    if (names.empty()) return;
    const std::set<std::string> there(names.begin(), names.end());
    for (const policy::ConfigurationKind& kind : policy_.files.configuration) {
      if (kind.of_neighbours && !of_neighbours_) continue;
      if (!kind.toolchain.empty() && kind.toolchain != toolchain) continue;
      for (const std::string& glob : kind.paths) {
        if (!may_be_there(there, glob.substr(0, glob.find('/')))) continue;
        if (is_missing_in_etc(prefix, glob)) continue;
        for (const std::string& path : expand_glob(prefix, glob)) {
          if (!matches_any(kind.except, base::file_name(path))) look_at(path, kind.rules);
        }
      }
    }
  }

  /// Most names are in `etc`, and few of them there: one look at it instead of one for each.
  bool is_missing_in_etc(const std::string& prefix, const std::string& glob) {
    constexpr std::string_view kEtc = "etc/";
    if (!glob.starts_with(kEtc)) return false;
    auto known = etc_.find(prefix);
    if (known == etc_.end()) {
      const std::vector<std::string> names = names_in(join_path(prefix, "etc"));
      known = etc_.emplace(prefix, std::set<std::string>(names.begin(), names.end())).first;
    }
    const std::string rest = glob.substr(kEtc.size());
    // One that can't be listed may hold what can be opened.
    if (known->second.empty()) return !base::exists(join_path(prefix, "etc"));
    return !may_be_there(known->second, rest.substr(0, rest.find('/')));
  }

  static bool matches_any(const std::vector<std::string>& globs, const std::string& name) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const std::string& glob) { return policy::glob_matches(glob, name); });
  }

  static bool may_be_there(const std::set<std::string>& names, const std::string& glob) {
    if (glob.find_first_of("*?[") == std::string::npos) return names.contains(glob);
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) { return policy::glob_matches(glob, name); });
  }

  void look_at(const std::string& path, const policy::HomeFile& rules) {
    if (!base::exists(path)) return;  // one call, where realpath(3) makes one a component
    const auto real = base::real_path(path);
    if (!real || !files_.insert(*real).second) return;
    const auto& shown = facts_.linked.shown;  // `cat ../lib/.env`
    if (of_neighbours_ && std::find(shown.begin(), shown.end(), *real) != shown.end()) return;
    ConfigurationFile file{*real, base::is_directory(*real), {}, rules};
    if (!file.directory) {
      try {
        file.text = base::read_file_if_readable(*real, kMaxConfiguration);
        if (!file.text) return;  // nor can anybody inside
      } catch (const base::SysError&) {
        file.text.reset();  // too large for a configuration: not shown
      }
      if (file.text && rules.format == policy::HomeFile::Format::gitconfig) {
        look_at_included(*file.text, parent_path(path), rules);
      }
    } else if (rules.format != policy::HomeFile::Format::hidden) {
      return;
    }
    found_.push_back(std::move(file));
  }

  /// What a git configuration includes is configuration, too.
  // NOLINTNEXTLINE(misc-no-recursion): bounded by depth_
  void look_at_included(const std::string& text, const std::string& directory,
                        const policy::HomeFile& rules) {
    const auto config = policy::parse_git_config(text);
    if (!config || depth_ == kMaxIncludes) return;
    ++depth_;
    for (const std::string& path : policy::included_files(*config)) {
      const std::string included = path.starts_with("~/") ? join_path(facts_.home, path.substr(2))
                                                          : base::absolute_path(path, directory);
      look_at(included, rules);
    }
    --depth_;
  }

  const policy::HomeFile& git_rules() const {
    const auto& kinds = policy_.files.configuration;
    const auto found = std::find_if(kinds.begin(), kinds.end(), [](const auto& kind) {
      return kind.rules.format == policy::HomeFile::Format::gitconfig;
    });
    static const policy::HomeFile hidden{"", policy::HomeFile::Format::hidden, {}, {}, {}, {}};
    return found == kinds.end() ? hidden : found->rules;
  }

  const policy::Policy& policy_;
  const HostFacts& facts_;
  std::set<std::string> seen_;                        // prefixes
  std::map<std::string, std::set<std::string>> etc_;  // by prefix: what is in its etc
  std::set<std::string> files_;                       // real paths
  std::vector<ConfigurationFile> found_;
  int depth_ = 0;
  bool of_neighbours_ = false;
};

}  // namespace

std::vector<ConfigurationFile> find_configuration(const policy::Policy& policy,
                                                  const HostFacts& facts) {
  return ConfigurationSearch(policy, facts).run();
}

std::vector<ConfigurationFile> find_configuration_of_neighbours(
    const policy::Policy& policy, const HostFacts& facts,
    const std::vector<std::string>& directories) {
  return ConfigurationSearch(policy, facts).run_in(directories);
}

void add_home_configuration(const policy::HomeFile& file, const std::string& path,
                            const std::string& text, HostFacts& facts) {
  const auto real = base::real_path(path);
  if (!real || is_beneath(*real, facts.project)) return;
  const bool known =
      std::any_of(facts.configuration.begin(), facts.configuration.end(),
                  [&](const ConfigurationFile& other) { return other.real == *real; });
  if (!known) facts.configuration.push_back({*real, false, text, file});
}

}  // namespace sandbox_run::plan
