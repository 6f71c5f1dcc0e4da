#include "policy/profile.h"

#include <algorithm>
#include <array>

#include "base/path.h"
#include "base/text.h"
#include "policy/rule_reader.h"
#include "policy/toml_table.h"

// profiles/NAME.toml → Profile. Must: refuse each key it does not know, for a misspelt rule would
// protect nothing. Must not: look at the host.

namespace sandbox_run::policy {
namespace {

constexpr std::array<std::string_view, 7> kPlaceholders = {
    "{home}",      "{cache_home}", "{config_home}",
    "{data_home}", "{state_home}", "{package_manager_cache}",
    "{pnpm_store}"};

std::string placed_path_problem(const std::string& path) {
  if (path.starts_with('/')) return absolute_path_problem(path);
  const std::string_view head = std::string_view(path).substr(0, path.find('/'));
  if (std::find(kPlaceholders.begin(), kPlaceholders.end(), head) != kPlaceholders.end()) {
    return absolute_path_problem("/" + path);
  }
  return "the path must be absolute or start with one of: " +
         base::join({kPlaceholders.begin(), kPlaceholders.end()}, " ");
}

std::string etc_entry_problem(const std::string& entry) {
  if (entry.find_first_of("*?[") != std::string::npos) return "name each entry of /etc in full";
  return relative_glob_problem(entry);
}

/// A value of [environment.set]: any text, but no placeholder that nobody fills in.
std::string set_value_problem(const std::string& value) {
  return value.starts_with('{') ? placed_path_problem(value) : "";
}

/// How a copy without credentials is made: format and keys.
HomeFile read_copy_rules(const TomlTable& table) {
  using Format = HomeFile::Format;
  table.required_text("format");
  HomeFile rules;
  rules.format = table.choice<Format>("format",
                                      {{"npmrc", Format::npmrc},
                                       {"ini", Format::ini},
                                       {"yaml", Format::yaml},
                                       {"yarnrc", Format::yarnrc},
                                       {"gitconfig", Format::gitconfig},
                                       {"toml", Format::toml},
                                       {"xml", Format::xml},
                                       {"text", Format::text},
                                       {"hidden", Format::hidden}},
                                      Format::ini);
  rules.drop_keys = table.texts("drop_keys");
  rules.keep_keys = table.texts("keep_keys");
  return rules;
}

void read_files(const TomlTable& root, FilesystemPolicy& files) {
  if (const auto table = root.table("files")) {
    table->allow_only(
        {"system", "etc", "disposable", "prefixes", "looked_through", "release_tools"});
    files.system = table->texts("system", absolute_path_problem);
    files.prefixes = table->texts("prefixes", absolute_path_problem);
    files.looked_through = table->texts("looked_through", absolute_path_problem);
    files.etc = table->texts("etc", etc_entry_problem);
    files.release_tools = table->texts("release_tools");
    files.disposable = table->texts("disposable", relative_glob_problem);
  }
  for (const TomlTable& table : root.tables("toolchain")) {
    table.allow_only({"name", "root", "root_variable", "hide", "also", "prefixes"});
    files.toolchains.push_back(
        {table.required_text("name"), table.required_text("root", placed_path_problem),
         table.text("root_variable"), table.texts("hide", relative_glob_problem),
         table.texts("also", placed_path_problem), table.texts("prefixes", relative_glob_problem)});
  }
  for (const TomlTable& table : root.tables("home_file")) {
    table.allow_only({"path", "path_variables", "kind", "format", "drop_keys", "keep_keys"});
    HomeFile file;
    if (!table.has("kind")) {
      file = read_copy_rules(table);
    } else if (table.has("format") || table.has("drop_keys") || table.has("keep_keys")) {
      table.fail("kind", "'kind' stands for format, drop_keys and keep_keys");
    }
    file.kind = table.text("kind");
    file.path = table.required_text("path", placed_path_problem);
    file.path_variables = table.texts("path_variables");
    files.home_files.push_back(std::move(file));
  }
  for (const TomlTable& table : root.tables("configuration")) {
    table.allow_only({"name", "toolchain", "paths", "format", "drop_keys", "keep_keys",
                      "of_neighbours", "except"});
    files.configuration.push_back({table.required_text("name"), table.text("toolchain"),
                                   table.texts("paths", relative_glob_problem),
                                   read_copy_rules(table),
                                   table.flag("of_neighbours").value_or(false),
                                   table.texts("except", relative_glob_problem)});
  }
  for (const TomlTable& table : root.tables("cache")) {
    table.allow_only({"path"});
    files.caches.push_back({table.required_text("path", placed_path_problem)});
  }
}

void read_environment(const TomlTable& root, EnvironmentPolicy& environment) {
  const auto table = root.table("environment");
  if (!table) return;
  table->allow_only({"allow", "withhold", "readers", "set", "set_below_project", "set_for_global",
                     "file_variables"});
  environment.allow = table->texts("allow");
  environment.withhold = table->texts("withhold");
  environment.file_variables = table->texts("file_variables");
  if (const auto readers = table->table("readers")) {
    for (const std::string& package : readers->keys()) {
      environment.readers[package] = readers->texts(package);
    }
  }
  const auto read_set = [&](const char* key, std::map<std::string, std::string>& variables) {
    const auto set = table->table(key);
    if (!set) return;
    for (const std::string& name : set->keys()) {
      variables[name] = set->required_text(name, set_value_problem);
    }
  };
  read_set("set", environment.set);
  read_set("set_below_project", environment.set_below_project);
  read_set("set_for_global", environment.set_for_global);
}

void read_target_rule(const TomlTable& table, std::size_t target, TargetRules& rules,
                      Profile& profile) {
  using Depth = Profile::ProtectedUse::Depth;
  table.allow_only(
      {"verdict", "paths", "reason", "when_argument", "unless_argument", "keys", "use"});
  if (!table.has("use")) {
    rules.rules.push_back(read_rule(table, rules.kind));
    return;
  }
  if (table.keys().size() != 1) table.fail("use", "'use' stands alone in its rule");
  const auto depth = table.choice<Depth>(
      "use", {{"protected", Depth::anywhere}, {"protected-at-root", Depth::root}}, Depth::anywhere);
  profile.protected_uses.push_back({target, rules.rules.size(), depth});
}

std::string root_name_problem(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    return "the name of a directory at the target's root";
  }
  return "";
}

HideRule read_hide_rule(const TomlTable& table) {
  table.allow_only({"directories", "sub_commands", "other_arguments"});
  HideRule rule{table.texts("directories", root_name_problem), table.texts("sub_commands"),
                table.texts("other_arguments")};
  if (rule.directories.empty()) table.fail("directories", "which directories are hidden?");
  if (rule.sub_commands.empty()) table.fail("sub_commands", "which sub-commands empty them?");
  return rule;
}

std::optional<AskedRule> read_asked(const TomlTable& target) {
  const auto table = target.table("asked");
  if (!table) return std::nullopt;
  table->allow_only({"paths", "unless"});
  return AskedRule{table->texts("paths", relative_glob_problem),
                   table->texts("unless", relative_glob_problem)};
}

std::optional<CommandRule> read_command_rule(const TomlTable& above, const char* key) {
  const auto table = above.table(key);
  if (!table) return std::nullopt;
  table->allow_only({"commands", "unless"});
  CommandRule rule{table->texts("commands"), table->texts("unless")};
  if (rule.commands.empty()) table->fail("commands", "for which commands?");
  return rule;
}

void read_targets(const TomlTable& root, Profile& profile) {
  std::vector<TargetRules>& targets = profile.policy.files.targets;
  for (const TomlTable& table : root.tables("target")) {
    table.allow_only(
        {"kind", "rule", "hide", "asked", "whole", "output", "creates", "makes", "temporary"});
    table.required_text("kind");
    TargetRules rules;
    rules.kind = read_kind(table, TargetKind::project);
    const bool twice = std::any_of(targets.begin(), targets.end(), [&](const TargetRules& other) {
      return other.kind == rules.kind;
    });
    if (twice) table.fail("kind", "there is another [[target]] of this kind above");
    for (const TomlTable& rule : table.tables("rule")) {
      read_target_rule(rule, targets.size(), rules, profile);
    }
    for (const TomlTable& rule : table.tables("hide")) rules.hide.push_back(read_hide_rule(rule));
    rules.asked = read_asked(table);
    rules.whole = read_command_rule(table, "whole");
    rules.output = read_command_rule(table, "output");
    rules.creates = read_command_rule(table, "creates");
    rules.makes = read_command_rule(table, "makes");
    rules.temporary = read_command_rule(table, "temporary");
    targets.push_back(std::move(rules));
  }
}

std::optional<HardLinks> read_hard_links(const TomlTable& root) {
  const auto table = root.table("hard_links");
  if (!table) return std::nullopt;
  table->allow_only({"unless_scripts", "unless_files"});
  return HardLinks{table->texts("unless_scripts"), table->texts("unless_files")};
}

void read_protected(const TomlTable& root, Profile& profile) {
  const auto table = root.table("protected");
  if (!table) return;
  table->allow_only({"paths", "at_root", "reason"});
  profile.protected_at_root = table->texts("at_root", relative_glob_problem);
  profile.protected_rule = VerdictRule{Verdict::protect,
                                       table->texts("paths", relative_glob_problem),
                                       table->required_text("reason"),
                                       {},
                                       {},
                                       {}};
}

std::string stem(const std::string& origin) {
  std::string name = base::file_name(origin);
  if (name.ends_with(".toml")) name.erase(name.size() - 5);
  return name;
}

}  // namespace

bool is_shared_part(std::string_view name) {
  constexpr std::array<std::string_view, 3> kParts = {"common", "configuration", "protected"};
  return std::find(kParts.begin(), kParts.end(), name) != kParts.end();
}

Profile parse_profile(std::string_view toml, const std::string& origin) {
  const TomlDocument document(toml, origin);
  return read_profile(document.root(), stem(origin));
}

Profile read_profile(const TomlTable& root, const std::string& name) {
  Profile profile;
  profile.name = name;
  std::vector<std::string> known = {"description",
                                    "commands",
                                    "python_modules",
                                    "package_manager",
                                    "commit_on_failure",
                                    "files",
                                    "toolchain",
                                    "home_file",
                                    "cache",
                                    "environment",
                                    "target",
                                    "egress",
                                    "decoys",
                                    "system_programs",
                                    "reading_commands",
                                    "manages",
                                    "hard_links",
                                    "done_when_written",
                                    "outside"};
  if (is_shared_part(profile.name)) {
    known.insert(known.end(), {"protected", "configuration", "never_shadowed"});
  }
  root.allow_only(known);

  profile.description = root.text("description");
  profile.commands = root.texts("commands");
  profile.python_modules = root.texts("python_modules");
  Policy& policy = profile.policy;
  policy.profile = profile.name;
  policy.package_manager = root.choice<PackageManager>("package_manager",
                                                       {{"none", PackageManager::none},
                                                        {"npm", PackageManager::npm},
                                                        {"pnpm", PackageManager::pnpm},
                                                        {"yarn", PackageManager::yarn},
                                                        {"pip", PackageManager::pip},
                                                        {"bun", PackageManager::bun},
                                                        {"deno", PackageManager::deno}},
                                                       PackageManager::none);
  policy.system_programs = root.texts("system_programs");
  policy.never_shadowed = root.texts("never_shadowed");
  policy.commit_on_failure = root.flag("commit_on_failure").value_or(false);
  policy.done_when_written = root.texts("done_when_written");
  policy.reading_commands = root.texts("reading_commands");
  policy.manages = read_command_rule(root, "manages");
  if (const auto outside = root.table("outside")) {
    outside->allow_only({"unless", "change", "into"});
    policy.outside =
        OutsideRule{outside->texts("unless"), outside->texts("change"), outside->texts("into")};
  }
  policy.decoys = root.choice("decoys", kDecoyModes, DecoyMode::files);
  read_files(root, policy.files);
  policy.files.hard_links = read_hard_links(root);
  read_environment(root, policy.environment);
  policy.network = read_egress(root);
  read_targets(root, profile);
  read_protected(root, profile);
  return profile;
}

}  // namespace sandbox_run::policy
