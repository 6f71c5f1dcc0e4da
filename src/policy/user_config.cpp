#include <algorithm>

#include "base/sys_error.h"
#include "base/text.h"
#include "policy/profile.h"
#include "policy/recipe.h"
#include "policy/rule_reader.h"
#include "policy/toml_table.h"

// config.toml → UserConfig, and the merge of profile, configuration and command line.
// Must: only add. Must not: take away what a profile protects, but where the user wrote a rule.

namespace sandbox_run::policy {
namespace {

const std::vector<std::string> kKeys = {
    "allow_hosts", "allow_environment", "read_only", "read_write", "commit_on_failure", "rule",
    "egress",      "allow_recipes",     "decoys",    "on_alert",   "git_hooks"};

EgressRule rule_for_host(const HostAndPort& host) {
  if (host.port != 0) return {host.host, {host.port}, EgressRule::Origin::user};
  return {host.host, {kHttpPort, kHttpsPort}, EgressRule::Origin::user};
}

std::string host_problem(const std::string& text) {
  try {
    parse_host_and_port(text);
    return "";
  } catch (const base::UserError& error) {
    return error.what();
  }
}

std::string recipe_problem(const std::string& name) {
  try {
    (void)recipe_named(name);
    return "";
  } catch (const base::UserError& error) {
    return error.what();
  }
}

std::string variable_name_problem(const std::string& name) {
  if (name.empty() || name.find('=') != std::string::npos) {
    return "write a variable's name, without '=' and value";
  }
  if (name.find_first_of("*?[") != std::string::npos) {
    return "write each variable's name in full; patterns would let in secrets unseen";
  }
  return "";
}

TargetRules& rules_of_kind(std::vector<TargetRules>& targets, TargetKind kind) {
  const auto found = std::find_if(targets.begin(), targets.end(),
                                  [&](const TargetRules& rules) { return rules.kind == kind; });
  if (found != targets.end()) return *found;
  return targets.emplace_back(TargetRules{kind, {}});
}

template <typename Value>
void add_missing(std::vector<Value>& list, const std::vector<Value>& more) {
  for (const Value& value : more) {
    if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
  }
}

void add_network(const NetworkPolicy& more, NetworkPolicy& network) {
  add_missing(network.allow, more.allow);
  add_missing(network.registries_for, more.registries_for);
}

UserConfig::Addition read_addition(const TomlTable& table, const std::string& profile) {
  UserConfig::Addition addition;
  addition.profile = profile;
  Policy& policy = addition.policy;
  for (const std::string& host : table.texts("allow_hosts", host_problem)) {
    policy.network.allow.push_back(rule_for_host(parse_host_and_port(host)));
  }
  add_network(read_egress(table), policy.network);
  addition.recipes = table.texts("allow_recipes", recipe_problem);
  policy.environment.always = table.texts("allow_environment", variable_name_problem);
  policy.files.read_only = table.texts("read_only", absolute_path_problem);
  policy.files.read_write = table.texts("read_write", absolute_path_problem);
  addition.commit_on_failure = table.flag("commit_on_failure");
  if (table.has("decoys")) {
    addition.decoys = table.choice("decoys", kDecoyModes, DecoyMode::files);
  }
  if (table.has("on_alert")) {
    addition.on_alert = table.choice("on_alert", kAlertAnswers, OnAlert::hold);
  }
  if (table.has("git_hooks")) {
    addition.takes_git_hooks =
        table.choice<bool>("git_hooks", {{"hold", false}, {"commit", true}}, false);
  }
  for (const TomlTable& rule : table.tables("rule")) {
    rule.allow_only(
        {"kind", "verdict", "paths", "reason", "when_argument", "unless_argument", "keys"});
    const TargetKind kind = read_kind(rule, TargetKind::project);
    rules_of_kind(policy.files.targets, kind).rules.push_back(read_rule(rule, kind));
  }
  return addition;
}

Limits read_limits(const TomlTable& table) {
  table.allow_only({"processes", "open_files", "memory_mb", "free_memory_mb", "free_disk_mb",
                    "free_files", "file_mb", "changes_mb", "changed_files", "time_s", "cpu_weight",
                    "io_weight", "undo_mb"});
  Limits limits;
  const auto read = [&](const char* key, std::uint64_t& value, std::int64_t least = 1) {
    constexpr std::int64_t kMost = std::int64_t{1} << 40;  // so that bytes can be counted
    const auto number = table.number(key);
    if (!number) return;
    if (*number < least) {
      table.fail(key, least > 0 ? "a limit is a number above 0" : "a limit is not negative");
    }
    if (*number > kMost) table.fail(key, "too large a number");
    value = static_cast<std::uint64_t>(*number);
  };
  read("processes", limits.processes);
  read("open_files", limits.open_files);
  read("memory_mb", limits.memory_mb);
  read("free_memory_mb", limits.free_memory_mb);
  read("free_disk_mb", limits.free_disk_mb);
  read("free_files", limits.free_files);
  read("file_mb", limits.file_mb);
  read("changes_mb", limits.changes_mb);
  read("changed_files", limits.changed_files);
  read("time_s", limits.time_s);
  constexpr std::uint64_t kMostSeconds = 365U * 24 * 3600;
  if (limits.time_s > kMostSeconds) table.fail("time_s", "more than a year");
  const auto read_weight = [&](const char* key, std::uint64_t& value) {
    constexpr std::uint64_t kMaxWeight = 10000;  // cgroups(7)
    read(key, value);
    if (value > kMaxWeight) table.fail(key, "a weight is a number from 1 to 10000");
  };
  read_weight("cpu_weight", limits.cpu_weight);
  read_weight("io_weight", limits.io_weight);
  read("undo_mb", limits.undo_mb, 0);
  return limits;
}

void add_recipe(const std::string& name, Policy& policy) {
  const Recipe& recipe = recipe_named(name);
  add_network(recipe.network, policy.network);
  add_missing(policy.files.caches, recipe.caches);
}

void apply(const UserConfig::Addition& addition, Policy& policy) {
  add_network(addition.policy.network, policy.network);
  for (const std::string& recipe : addition.recipes) add_recipe(recipe, policy);
  add_missing(policy.environment.always, addition.policy.environment.always);
  add_missing(policy.files.read_only, addition.policy.files.read_only);
  add_missing(policy.files.read_write, addition.policy.files.read_write);
  for (const TargetRules& added : addition.policy.files.targets) {
    std::vector<VerdictRule>& rules = rules_of_kind(policy.files.targets, added.kind).rules;
    rules.insert(rules.begin(), added.rules.begin(), added.rules.end());
  }
  if (addition.commit_on_failure) policy.commit_on_failure = *addition.commit_on_failure;
  if (addition.decoys) policy.decoys = *addition.decoys;
  if (addition.on_alert) policy.on_alert = addition.on_alert;
  if (addition.takes_git_hooks) {
    for (TargetRules& target : policy.files.targets) {
      target.takes_git_hooks = *addition.takes_git_hooks;
    }
  }
}

}  // namespace

UserConfig parse_user_config(std::string_view toml, const std::string& origin) {
  const TomlDocument document(toml, origin);
  const TomlTable root = document.root();
  std::vector<std::string> known = kKeys;
  known.insert(known.end(), {"profile", "events", "limits"});
  root.allow_only(known);
  UserConfig config;
  config.additions.push_back(read_addition(root, ""));
  if (const auto events = root.table("events")) {
    events->allow_only({"sinks"});
    config.event_sinks = events->texts("sinks");
  }
  if (const auto limits = root.table("limits")) config.limits = read_limits(*limits);
  if (const auto profiles = root.table("profile")) {
    for (const std::string& name : profiles->keys()) {
      const TomlTable table = *profiles->table(name);
      table.allow_only(kKeys);
      config.additions.push_back(read_addition(table, name));
    }
  }
  return config;
}

Policy merge_policy(Policy profile, const UserConfig& config, const CommandLineRules& rules) {
  Policy policy = std::move(profile);
  for (const UserConfig::Addition& addition : config.additions) {
    if (addition.profile.empty() || addition.profile == policy.profile) apply(addition, policy);
  }
  policy.limits = config.limits;
  for (const HostAndPort& host : rules.allow_hosts) {
    add_missing(policy.network.allow, {rule_for_host(host)});
  }
  for (const std::string& recipe : rules.allow_recipes) add_recipe(recipe, policy);
  add_missing(policy.environment.always, rules.allow_environment);
  add_missing(policy.files.read_only, rules.read_only);
  add_missing(policy.files.read_write, rules.read_write);
  if (rules.commit_on_failure) policy.commit_on_failure = *rules.commit_on_failure;
  if (rules.time_limit)
    policy.limits.time_s = static_cast<std::uint64_t>(rules.time_limit->count());
  if (policy.limits.time_s > 0) policy.time_limit = std::chrono::seconds(policy.limits.time_s);
  if (rules.decoys) policy.decoys = *rules.decoys;
  if (rules.on_alert) policy.on_alert = rules.on_alert;
  return policy;
}

}  // namespace sandbox_run::policy
