#include "cli/trusted_programs.h"

#include <algorithm>

#include "base/path.h"

namespace sandbox_run::cli {
namespace {

/// Yarn berry, checked in: what `yarnPath` of the project's .yarnrc.yml leads to.
constexpr const char* kYarnReleases = ".yarn/releases";

bool is_of_system(const policy::Policy& policy, const std::string& program) {
  const auto& names = policy.system_programs;
  const auto& directories = policy.files.system;
  return std::find(names.begin(), names.end(), base::file_name(program)) != names.end() &&
         std::any_of(directories.begin(), directories.end(), [&](const std::string& directory) {
           return base::is_beneath(program, directory);
         });
}

}  // namespace

std::vector<std::string> trusted_programs(const policy::Policy& policy,
                                          const plan::HostFacts& facts) {
  std::vector<std::string> chain = facts.command.chain;
  if (chain.empty()) return {};
  if (policy.package_manager == policy::PackageManager::none) {
    if (!is_of_system(policy, chain.front())) chain.clear();
    return chain;
  }
  const std::string releases = base::join_path(facts.project, kYarnReleases);
  const bool of_project = base::is_beneath(chain.front(), facts.project);
  if (of_project && !base::is_beneath(chain.front(), releases)) return {};
  if (policy.package_manager == policy::PackageManager::yarn) chain.push_back(releases + "/");
  return chain;
}

}  // namespace sandbox_run::cli
