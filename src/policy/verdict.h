#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"

namespace sandbox_run::policy {

struct Judgement {
  Verdict verdict = Verdict::hold;
  std::string reason;  // the rule's own words; "not an expected change" if none matched
};

/// Pure. `path` relative to the target's root; `arguments` the command's argv.
Judgement judge(const TargetRules& rules, std::string_view path,
                const std::vector<std::string>& arguments);

/// The verdict that holds for *every* path beneath directory `path`, if the rules can tell without
/// looking at them: a rule "DIR/**" or "**/NAME/**" that covers `path` and comes before any rule
/// that could match something beneath. nullopt: judge each entry.
/// Lets a fresh node_modules be committed by one rename.
std::optional<Judgement> judge_subtree(const TargetRules& rules, std::string_view path,
                                       const std::vector<std::string>& arguments);

}  // namespace sandbox_run::policy
