#include "cli/global_places.h"

#include <unistd.h>

#include <utility>
#include <vector>

#include "base/path.h"
#include "cli/ask.h"
#include "plan/global_install.h"
#include "plan/global_links.h"
#include "plan/work_places.h"

namespace sandbox_run::cli {
namespace {

using base::join_path;

/// yarn 1 takes the directory that its node lies in where it may write there, which it tries: not
/// inside.
void prefer_programs_beside_node(plan::HostFacts& facts) {
  auto& global = facts.package_manager.global;
  const std::string node = base::real_path(facts.command.interpreter).value_or("");
  if (!global || global->second != join_path(facts.home, ".yarn/bin") || node.empty()) return;
  if (may_write(base::parent_path(node))) global->second = base::parent_path(node);
}

/// What `npm link NAME` puts into the project, now or in an earlier command.
void add_linked_packages(const policy::GlobalInstall& places,
                         std::vector<plan::NamedPackage> linked_before, Preparation& prepared) {
  plan::HostFacts& facts = prepared.facts;
  const policy::PackageManager manager = prepared.policy.package_manager;
  const std::vector<plan::NamedPackage> named =
      plan::named_global_packages(places, plan::linked_words(manager, facts.command.arguments));
  linked_before = plan::linked_by_user(std::move(linked_before), places);
  if (named.empty() && linked_before.empty()) return;
  plan::WorkPlaces work;
  work.manager = facts.manager_directory;
  work.project = facts.project;
  work.more = facts.more_projects;
  plan::add_named_packages(manager, named, facts.home_real, work, facts.linked);
  plan::show_named_packages(linked_before, facts.home_real, facts.linked);
  facts.project = work.project;
  if (facts.global) {
    // There they are, in its layer.
    const auto holds = [&](const std::string& path) {
      return base::is_beneath(path, facts.global->packages);
    };
    std::erase_if(facts.linked.links, [&](const auto& link) { return holds(link.first); });
    std::erase_if(facts.linked.shown, holds);
  }
  plan::add_private_places(prepared.policy, facts);  // not what is shown by now
}

}  // namespace

bool may_write(const std::string& directory) {
  std::string existing = directory;
  while (!base::exists(existing)) existing = base::parent_path(existing);
  return ::access(existing.c_str(), W_OK) == 0;
}

void add_global_places(Preparation& prepared) {
  plan::HostFacts& facts = prepared.facts;
  const policy::PackageManager manager = prepared.policy.package_manager;
  const bool changes = plan::changes_global_packages(manager, facts.command.arguments);
  if (!changes && plan::is_global(facts.command.arguments)) {
    for (std::string& place : plan::global_places_to_show(prepared.policy, facts)) {
      facts.linked.shown.push_back(std::move(place));
    }
  }
  const bool links = !plan::linked_words(manager, facts.command.arguments).empty();
  std::vector<plan::NamedPackage> linked_before = plan::packages_linked_out(facts);
  if (!changes && !links && linked_before.empty()) return;
  facts.package_manager.global = ask_for_global_places(prepared.policy, facts);
  if (manager == policy::PackageManager::yarn) prefer_programs_beside_node(facts);
  const auto places = plan::global_directories(manager, facts);
  if (!places) return;
  const bool open = may_write(places->packages) && may_write(places->programs);
  using GlobalPrefix = plan::HostFacts::GlobalPrefix;
  facts.global_prefix = open ? GlobalPrefix::open : GlobalPrefix::closed;
  facts.global = plan::find_global_install(prepared.policy, facts);
  add_linked_packages(*places, std::move(linked_before), prepared);
  if (!facts.global) return;
  for (policy::TargetRules& rules : plan::rules_for_global(*facts.global)) {
    prepared.policy.files.targets.push_back(std::move(rules));
  }
}

}  // namespace sandbox_run::cli
