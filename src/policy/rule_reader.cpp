#include "policy/rule_reader.h"

#include <algorithm>

#include "base/sys_error.h"
#include "base/text.h"

namespace sandbox_run::policy {
namespace {

const std::vector<std::pair<std::string, Verdict>> kTargetVerdicts = {
    {"commit", Verdict::commit},
    {"hold", Verdict::hold},
    {"protect", Verdict::protect},
    {"drop", Verdict::drop},
    {"strip", Verdict::strip},
    {"path-file", Verdict::path_file},
    {"recorded", Verdict::recorded},
    {"manifest", Verdict::manifest},
    {"own", Verdict::own}};

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

constexpr std::string_view kPackagePrefix = "package:";

Audience read_audience(const TomlTable& table) {
  // Not left to a default: which of them a rule is for is the point of it.
  const std::string word = table.required_text("for");
  if (word == "any") return {Audience::Kind::any, {}};
  if (word == "package-manager") return {Audience::Kind::package_manager, {}};
  if (word == "scripts") return {Audience::Kind::scripts, {}};
  if (word.starts_with(kPackagePrefix) && word.size() > kPackagePrefix.size()) {
    return {Audience::Kind::package, word.substr(kPackagePrefix.size())};
  }
  table.fail("for", "'" + base::printable(word) +
                        "' is none of: package-manager, scripts, package:NAME, any");
}

EgressRule read_egress_rule(const TomlTable& table) {
  table.allow_only({"host", "ports", "for", "protocol", "private", "registries"});
  HostPattern host;
  try {
    host = HostPattern::parse(table.required_text("host"));
  } catch (const base::UserError& error) {
    table.fail("host", error.what());
  }
  EgressRule rule{host, table.ports("ports")};
  if (rule.ports.empty()) rule.ports = {kHttpsPort};
  using Protocol = EgressRule::Protocol;
  rule.protocol = table.choice<Protocol>(
      "protocol", {{"tls-or-http", Protocol::tls_or_http}, {"any", Protocol::any}},
      Protocol::tls_or_http);
  rule.audience = read_audience(table);
  if (table.flag("private").value_or(false)) rule.addresses = EgressRule::Addresses::private_too;
  return rule;
}

}  // namespace

NetworkPolicy read_egress(const TomlTable& root) {
  NetworkPolicy network;
  for (const TomlTable& table : root.tables("egress")) {
    if (table.flag("registries").value_or(false)) {
      table.allow_only({"registries", "for"});
      network.registries_for.push_back(read_audience(table));
    } else {
      network.allow.push_back(read_egress_rule(table));
    }
  }
  return network;
}

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
                     rule.verdict == Verdict::path_file || rule.verdict == Verdict::recorded ||
                     rule.verdict == Verdict::manifest || rule.verdict == Verdict::own;
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
