#include "policy/hide.h"

#include <algorithm>

#include "policy/glob.h"

namespace sandbox_run::policy {
namespace {

bool holds(const HideRule& rule, const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) return false;
  const auto& known = rule.sub_commands;
  if (std::find(known.begin(), known.end(), arguments[1]) == known.end()) return false;
  return std::all_of(arguments.begin() + 2, arguments.end(), [&](const std::string& argument) {
    return std::any_of(rule.other_arguments.begin(), rule.other_arguments.end(),
                       [&](const std::string& glob) { return name_matches(glob, argument); });
  });
}

}  // namespace

std::vector<std::string> hidden_directories(const Policy& policy, TargetKind kind,
                                            const std::vector<std::string>& arguments) {
  std::vector<std::string> hidden;
  if (policy.commit_on_failure) return hidden;
  for (const TargetRules& rules : policy.files.targets) {
    if (rules.kind != kind) continue;
    for (const HideRule& rule : rules.hide) {
      if (!holds(rule, arguments)) continue;
      hidden.insert(hidden.end(), rule.directories.begin(), rule.directories.end());
    }
  }
  return hidden;
}

bool only_reads(const Policy& policy, const std::vector<std::string>& arguments) {
  const auto& known = policy.reading_commands;
  // `npx ls` runs a package of that name.
  if (arguments.front().find("npx") != std::string::npos || arguments.front().ends_with("pnx")) {
    return false;
  }
  return arguments.size() > 1 && std::find(known.begin(), known.end(), arguments[1]) != known.end();
}

}  // namespace sandbox_run::policy
