#pragma once

#include <doctest/doctest.h>

#include <algorithm>

#include "policy/profile.h"

namespace sandbox_run::policy {

inline const ProfileSet& profiles() {
  static const ProfileSet set = ProfileSet::built_in();
  return set;
}

inline const TargetRules& rules_of(const Policy& policy, TargetKind kind) {
  const auto found = std::find_if(policy.files.targets.begin(), policy.files.targets.end(),
                                  [&](const TargetRules& rules) { return rules.kind == kind; });
  REQUIRE(found != policy.files.targets.end());
  return *found;
}

}  // namespace sandbox_run::policy
