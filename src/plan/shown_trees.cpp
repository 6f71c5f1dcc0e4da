#include "plan/shown_trees.h"

#include <algorithm>

#include "base/path.h"

namespace sandbox_run::plan {

using base::is_beneath;
using base::parent_path;

bool is_used(const ToolchainFact& toolchain, const HostFacts& facts) {
  return std::any_of(toolchain.roots.begin(), toolchain.roots.end(), [&](const HostPath& root) {
    const auto inside = [&](const std::string& path) {
      return is_beneath(path, root.real) || is_beneath(path, root.path);
    };
    return std::any_of(
               facts.path_entries.begin(), facts.path_entries.end(),
               [&](const HostPath& entry) { return inside(entry.real) || inside(entry.path); }) ||
           std::any_of(facts.command.chain.begin(), facts.command.chain.end(), inside);
  });
}

bool holds_home(const HostFacts& facts, const std::string& path) {
  return path == "/" || is_beneath(facts.home_real, path) || is_beneath(facts.home, path) ||
         is_beneath(facts.project, path);
}

std::vector<std::string> ways_to(const std::string& project, const std::string& home) {
  std::vector<std::string> ways;
  if (!base::is_beneath(project, home) || is_hidden_at_home(project, home)) return ways;
  for (std::string way = base::parent_path(project); way != home && base::is_beneath(way, home);
       way = base::parent_path(way)) {
    ways.push_back(way);
  }
  return ways;
}

std::string tree_of_program(const HostFacts& facts, const std::string& path) {
  std::string directory = parent_path(path);
  const std::size_t lib = path.find("/lib/");
  if (base::file_name(directory) == "bin") {
    if (!holds_home(facts, parent_path(directory))) directory = parent_path(directory);
  } else if (lib != std::string::npos && lib > 0 && !holds_home(facts, path.substr(0, lib))) {
    directory = path.substr(0, lib);
  }
  return holds_home(facts, directory) ? path : directory;
}

std::vector<std::string> trees_to_look_through(const policy::Policy& policy,
                                               const HostFacts& facts) {
  std::vector<std::string> trees;
  const auto add = [&](const std::string& tree) {
    const bool known =
        tree.empty() || std::any_of(trees.begin(), trees.end(), [&](const std::string& other) {
          return is_beneath(tree, other);
        });
    if (!known) trees.push_back(tree);
  };
  const auto is_system = [&](const std::string& path) {
    return std::any_of(facts.system.begin(), facts.system.end(), [&](const HostPath& system) {
      return system.link.empty() && is_beneath(path, system.path);
    });
  };
  for (const std::string& tree : policy.files.looked_through) {
    if (is_system(tree)) add(base::real_path(tree).value_or(""));
  }
  for (const HostPath& entry : facts.etc) {
    if (entry.directory && entry.public_read && !is_system(entry.real)) add(entry.real);
  }
  const auto add_shown = [&](const std::string& tree) {
    if (!is_system(tree) && !holds_home(facts, tree)) add(tree);
  };
  for (const ToolchainFact& toolchain : facts.toolchains) {
    if (!is_used(toolchain, facts)) continue;
    for (const HostPath& root : toolchain.roots) add_shown(root.real);
  }
  for (const std::string& path : facts.command.chain) add_shown(tree_of_program(facts, path));
  for (const HostPath& entry : facts.path_entries) add_shown(entry.real);
  for (const HostPath& library : facts.path_libraries) add_shown(library.real);
  return trees;
}

}  // namespace sandbox_run::plan
