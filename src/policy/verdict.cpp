#include "policy/verdict.h"

#include <algorithm>

#include "policy/glob.h"

// Must: be pure, first match wins. Must not: look at any file.

namespace sandbox_run::policy {
namespace {

bool has_any(const std::vector<std::string>& arguments, const std::vector<std::string>& wanted) {
  if (arguments.empty()) return false;
  return std::any_of(arguments.begin() + 1, arguments.end(), [&](const std::string& argument) {
    return std::find(wanted.begin(), wanted.end(), argument) != wanted.end();
  });
}

bool holds(const VerdictRule& rule, const std::vector<std::string>& arguments) {
  if (!rule.when_argument.empty() && !has_any(arguments, rule.when_argument)) return false;
  return !has_any(arguments, rule.unless_argument);
}

template <typename Predicate>
bool any_path(const VerdictRule& rule, Predicate predicate) {
  return std::any_of(rule.paths.begin(), rule.paths.end(), predicate);
}

Judgement unmatched(const TargetRules& rules) {
  if (rules.kind == TargetKind::cache) return {Verdict::drop, "not a part of the cache to keep"};
  return {Verdict::hold, "not an expected change"};
}

}  // namespace

Judgement judge(const TargetRules& rules, std::string_view path,
                const std::vector<std::string>& arguments) {
  for (const VerdictRule& rule : rules.rules) {
    if (!holds(rule, arguments)) continue;
    if (any_path(rule, [&](const std::string& glob) { return glob_matches(glob, path); })) {
      return {rule.verdict, rule.reason};
    }
  }
  return unmatched(rules);
}

std::optional<Judgement> judge_subtree(const TargetRules& rules, std::string_view path,
                                       const std::vector<std::string>& arguments) {
  for (const VerdictRule& rule : rules.rules) {
    if (!holds(rule, arguments)) continue;
    if (any_path(rule, [&](const std::string& glob) { return glob_covers(glob, path); })) {
      return Judgement{rule.verdict, rule.reason};
    }
    if (any_path(rule, [&](const std::string& glob) { return glob_reaches_into(glob, path); })) {
      return std::nullopt;
    }
  }
  return unmatched(rules);
}

}  // namespace sandbox_run::policy
