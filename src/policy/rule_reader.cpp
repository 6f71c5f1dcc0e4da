#include "policy/rule_reader.h"

#include <algorithm>

namespace sandbox_run::policy {
namespace {

const std::vector<std::pair<std::string, Verdict>> kTargetVerdicts = {
    {"commit", Verdict::commit},
    {"hold", Verdict::hold},
    {"protect", Verdict::protect},
    {"path-file", Verdict::path_file},
    {"manifest", Verdict::manifest}};

const std::vector<std::pair<std::string, Verdict>> kCacheVerdicts = {{"commit", Verdict::commit},
                                                                     {"verify", Verdict::verify},
                                                                     {"trusted", Verdict::trusted},
                                                                     {"drop", Verdict::drop}};

const std::vector<std::pair<std::string, TargetKind>> kKinds = {
    {"project", TargetKind::project},
    {"environment", TargetKind::environment},
    {"cache", TargetKind::cache},
    {"extra", TargetKind::extra}};

bool has_dot_dot(const std::string& path) {
  const std::vector<std::string> components = base::split(path, '/');
  return std::find(components.begin(), components.end(), "..") != components.end();
}

}  // namespace

std::string relative_glob_problem(const std::string& glob) {
  if (glob.empty()) return "an empty path matches nothing";
  if (glob[0] == '/') return "write paths relative to the target's root, without a leading '/'";
  if (has_dot_dot(glob)) return "'..' cannot match: paths are relative to the target's root";
  return "";
}

std::string absolute_path_problem(const std::string& path) {
  if (!path.starts_with('/')) return "the path must be absolute";
  if (has_dot_dot(path)) return "the path must not hold '..'";
  return "";
}

TargetKind read_kind(const TomlTable& table, TargetKind fallback) {
  return table.choice("kind", kKinds, fallback);
}

VerdictRule read_rule(const TomlTable& table, TargetKind kind) {
  table.required_text("verdict");
  const auto& verdicts = kind == TargetKind::cache ? kCacheVerdicts : kTargetVerdicts;
  VerdictRule rule;
  rule.verdict = table.choice("verdict", verdicts, Verdict::hold);
  rule.paths = table.texts("paths", relative_glob_problem);
  if (rule.paths.empty()) table.fail("paths", "a rule needs 'paths'");
  rule.reason = table.text("reason");
  const bool shown = rule.verdict == Verdict::hold || rule.verdict == Verdict::protect ||
                     rule.verdict == Verdict::path_file || rule.verdict == Verdict::manifest;
  if (shown && rule.reason.empty()) {
    table.fail("reason", "a rule that holds changes back needs a 'reason' to show");
  }
  rule.when_argument = table.texts("when_argument");
  rule.unless_argument = table.texts("unless_argument");
  rule.keys = table.texts("keys");
  if ((rule.verdict == Verdict::manifest) == rule.keys.empty()) {
    table.fail("keys", "the members of package.json that a 'manifest' rule lets change");
  }
  return rule;
}

}  // namespace sandbox_run::policy
