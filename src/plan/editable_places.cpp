#include "plan/editable_places.h"

#include <algorithm>
#include <set>

#include "base/io.h"
#include "base/path.h"
#include "plan/small_files.h"
#include "policy/editable.h"

namespace sandbox_run::plan {
namespace {

using base::is_beneath;
using base::join_path;
using base::parent_path;

constexpr std::size_t kMaxEnvironments = 16;
constexpr std::size_t kMaxDirectories = 256;

bool is_shown(const std::string& real, const WorkPlaces& places, const HostFacts& facts) {
  const auto holds = [&](const std::string& project) { return is_beneath(real, project); };
  const bool is_own =
      holds(places.project) || std::any_of(places.more.begin(), places.more.end(), holds);
  return !is_own && !is_hidden_at_home(real, facts.home_real) &&
         !is_beneath(facts.home_real, real) && !is_beneath(places.project, real) &&
         (is_file(join_path(real, "pyproject.toml")) || is_file(join_path(real, "setup.py")));
}

void show_of(const std::string& environment, const WorkPlaces& places, HostFacts& facts) {
  const std::string lib = join_path(environment, "lib");
  for (const std::string& python : names_in(lib)) {
    const std::string packages = join_path(join_path(lib, python), "site-packages");
    for (const std::string& name : names_in(packages)) {
      if (!name.ends_with(".dist-info")) continue;
      const std::string note = join_path(join_path(packages, name), "direct_url.json");
      const auto real = base::real_path(policy::editable_directory(read_text(note).value_or("")));
      if (!real || !is_shown(*real, places, facts)) continue;
      auto& linked = facts.linked;
      const auto has = [&](const std::vector<std::string>& list) {
        return list.size() >= kMaxDirectories ||
               std::find(list.begin(), list.end(), *real) != list.end();
      };
      if (has(linked.shown) || has(linked.written)) continue;
      linked.shown.push_back(*real);
      linked.neighbours.push_back(*real);
    }
  }
}

}  // namespace

void show_editables(const WorkPlaces& places, HostFacts& facts) {
  const auto manager =
      facts.command.path.empty() ? "" : parent_path(parent_path(facts.command.path));
  std::vector<std::string> candidates{manager};
  for (const auto& [name, value] : facts.environment) {
    if (name == "VIRTUAL_ENV") candidates.push_back(value);
  }
  for (const char* name : {".venv", "venv"}) {
    candidates.push_back(join_path(places.project, name));
    candidates.push_back(join_path(facts.working_directory, name));
  }
  std::set<std::string> seen;
  for (const std::string& candidate : candidates) {
    const bool is_one = candidate.starts_with('/') && is_file(join_path(candidate, "pyvenv.cfg"));
    const auto real = is_one ? base::real_path(candidate) : std::nullopt;
    if (!real || seen.size() >= kMaxEnvironments || !seen.insert(*real).second) continue;
    show_of(*real, places, facts);
  }
}

}  // namespace sandbox_run::plan
