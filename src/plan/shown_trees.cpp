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

}  // namespace sandbox_run::plan
