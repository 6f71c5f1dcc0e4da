#include "plan/repositories.h"

#include <algorithm>

#include "base/path.h"
#include "plan/git_places.h"
#include "plan/git_remotes.h"
#include "policy/command_words.h"

namespace sandbox_run::plan {

using base::join_path;

void find_repositories(const policy::Policy& policy, const WorkPlaces& places, HostFacts& facts) {
  std::vector<std::string> found = find_git_directories(places.project, facts.working_directory);
  facts.not_shown = find_alternates(places.project);
  const auto& variables = facts.environment;
  const auto told = std::find_if(variables.begin(), variables.end(),
                                 [](const auto& variable) { return variable.first == "GIT_DIR"; });
  const auto named =
      named_git_directory(told == variables.end() ? "" : told->second, facts.working_directory);
  if (named && !base::is_beneath(*named, places.project)) {
    // ~/.dotfiles.git has all that was ever in it.
    (is_hidden_at_home(*named, facts.home_real) ? facts.not_shown : found).push_back(*named);
  }
  // An install only asks git; as a target, two work trees could not be installed in at once. But
  // `npm version` commits.
  const auto& targets = policy.files.targets;
  const bool commits =
      std::any_of(targets.begin(), targets.end(),
                  [&](const auto& rules) {
                    return rules.whole && policy::holds_for(*rules.whole, facts.command.arguments);
                  }) ||
      makes_release(policy, facts);
  const bool writes = policy.package_manager == policy::PackageManager::none || commits;
  if (writes) {
    std::vector<std::string> repositories = found;
    repositories.push_back(join_path(places.project, ".git"));
    for (const std::string& git : repositories) {
      for (std::string& file : find_work_trees(git, places.project)) {
        if (is_hidden_at_home(file, facts.home_real)) continue;
        facts.linked.shown.push_back(std::move(file));
      }
    }
  }
  auto& git_places = writes ? facts.linked.repositories : facts.linked.shown;
  for (std::string& git : found) git_places.push_back(std::move(git));
  if (policy.package_manager != policy::PackageManager::none) return;
  LocalRemotes remotes =
      find_local_remotes(facts.command.arguments, places.project, facts.working_directory,
                         facts.home_real, facts.linked.repositories);
  facts.linked.shown.insert(facts.linked.shown.end(), remotes.shown.begin(), remotes.shown.end());
  facts.linked.links.insert(facts.linked.links.end(), remotes.links.begin(), remotes.links.end());
  facts.linked.wanted = std::move(remotes.wanted);
}

}  // namespace sandbox_run::plan
