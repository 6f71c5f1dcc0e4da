#include <algorithm>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "policy/embedded_profiles.h"
#include "policy/glob.h"
#include "policy/profile.h"
#include "policy/toml_table.h"

// Which profile a command gets, and what common.toml adds to it.

namespace sandbox_run::policy {
namespace {

constexpr std::string_view kCommon = "common";
constexpr std::string_view kGeneric = "generic";

bool matches_any(const std::vector<std::string>& globs, const std::string& name) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return glob_matches(glob, name); });
}

bool is_python(const std::string& name) {
  return matches_any({"python", "python[23]", "python[23].[0-9]", "python[23].[0-9][0-9]", "pypy",
                      "pypy3", "pypy3.*"},
                     name);
}

/// The MODULE of `python [OPTIONS] -m MODULE`, "" if Python is told to run something else. Options
/// as python(1): short ones may be joined ("-Im pip", "-mpip"); -W and -X take a word.
std::string python_module(const std::vector<std::string>& arguments) {
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    const std::string next = i + 1 < arguments.size() ? arguments[i + 1] : "";
    if (word == "--check-hash-based-pycs") {
      ++i;
      continue;
    }
    if (word.starts_with("--") || word.size() < 2 || word[0] != '-') return "";
    const std::size_t taker = word.find_first_of("cmWXQ", 1);
    if (taker == std::string::npos) continue;
    const std::string joined = word.substr(taker + 1);
    if (word[taker] == 'm') return joined.empty() ? next : joined;
    if (word[taker] == 'c') return "";
    if (joined.empty()) ++i;
  }
  return "";
}

template <typename Value>
void prepend(std::vector<Value>& list, const std::vector<Value>& before) {
  list.insert(list.begin(), before.begin(), before.end());
}

VerdictRule protected_rule(const Profile& common, Profile::ProtectedUse::Depth depth) {
  VerdictRule rule = *common.protected_rule;
  if (depth == Profile::ProtectedUse::Depth::anywhere) {
    for (std::string& path : rule.paths) path.insert(0, "**/");
  }
  rule.paths.insert(rule.paths.end(), common.protected_at_root.begin(),
                    common.protected_at_root.end());
  return rule;
}

void take_rules_of_kind(const std::vector<ConfigurationKind>& kinds, HomeFile& file) {
  if (file.kind.empty()) return;
  const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const ConfigurationKind& kind) {
    return kind.name == file.kind;
  });
  if (found == kinds.end()) {
    throw base::UserError("there is no [[configuration]] of the kind '" +
                          base::printable(file.kind) + "'");
  }
  file.format = found->rules.format;
  file.drop_keys = found->rules.drop_keys;
  file.keep_keys = found->rules.keep_keys;
}

/// Each of the parts says something else; the newer one's word is added to the others'.
void add_part(Profile& common, Profile part) {
  if (part.name == kCommon) std::swap(common, part);
  prepend(common.policy.files.configuration, part.policy.files.configuration);
  prepend(common.policy.files.prefixes, part.policy.files.prefixes);
  if (!common.protected_rule) {
    common.protected_rule = std::move(part.protected_rule);
    common.protected_at_root = std::move(part.protected_at_root);
  }
}

Policy with_common(const Profile& profile, const Profile& common) {
  Policy policy = profile.policy;
  policy.never_shadowed = common.policy.never_shadowed;
  FilesystemPolicy& files = policy.files;
  prepend(files.system, common.policy.files.system);
  prepend(files.etc, common.policy.files.etc);
  prepend(files.disposable, common.policy.files.disposable);
  prepend(files.release_tools, common.policy.files.release_tools);
  prepend(files.toolchains, common.policy.files.toolchains);
  prepend(files.home_files, common.policy.files.home_files);
  prepend(files.configuration, common.policy.files.configuration);
  prepend(files.prefixes, common.policy.files.prefixes);
  prepend(files.looked_through, common.policy.files.looked_through);
  for (HomeFile& file : files.home_files) take_rules_of_kind(files.configuration, file);
  prepend(files.caches, common.policy.files.caches);
  prepend(policy.environment.allow, common.policy.environment.allow);
  prepend(policy.environment.withhold, common.policy.environment.withhold);
  prepend(policy.environment.file_variables, common.policy.environment.file_variables);
  policy.environment.readers.insert(common.policy.environment.readers.begin(),
                                    common.policy.environment.readers.end());
  policy.environment.set.insert(common.policy.environment.set.begin(),
                                common.policy.environment.set.end());
  if (!common.protected_rule && !profile.protected_uses.empty()) {
    throw base::UserError("profile '" + profile.name + "' uses [protected], which is not defined");
  }
  // From the last to the first, so that earlier positions stay true.
  for (auto use = profile.protected_uses.rbegin(); use != profile.protected_uses.rend(); ++use) {
    std::vector<VerdictRule>& rules = files.targets[use->target].rules;
    rules.insert(rules.begin() + static_cast<std::ptrdiff_t>(use->rule),
                 protected_rule(common, use->depth));
  }
  return policy;
}

}  // namespace

namespace {

Profile read_embedded(const EmbeddedProfile& embedded) {
  const std::string origin = "profiles/" + std::string(embedded.name) + ".toml";
  return read_profile(TomlTable(embedded.toml, embedded.toml.nodes.front(), origin),
                      std::string(embedded.name));
}

}  // namespace

ProfileSet ProfileSet::built_in() {
  ProfileSet set;
  for (const EmbeddedProfile& embedded : embedded_profiles()) {
    if (is_shared_part(embedded.name)) {
      set.add(read_embedded(embedded));
      continue;
    }
    const std::string origin(embedded.name);
    const TomlTable root(embedded.toml, embedded.toml.nodes.front(), origin);
    set.add_entry({origin, root.texts("commands"), root.texts("python_modules"), {}, &embedded});
  }
  return set;
}

void ProfileSet::add(Profile profile) {
  if (is_shared_part(profile.name)) {
    add_part(common_, std::move(profile));
    return;
  }
  Entry entry{profile.name, profile.commands, profile.python_modules};
  entry.profile = std::move(profile);
  add_entry(std::move(entry));
}

void ProfileSet::add_entry(Entry entry) {
  const auto same = std::find_if(profiles_.begin(), profiles_.end(),
                                 [&](const Entry& other) { return other.name == entry.name; });
  if (same == profiles_.end()) {
    profiles_.push_back(std::move(entry));
  } else {
    *same = std::move(entry);
  }
}

std::string ProfileSet::name_for(const CommandName& command) const {
  const std::string typed = base::file_name(command.arguments.front());
  const std::string resolved = base::file_name(command.resolved_path);
  for (const std::string& name : {typed, resolved}) {
    for (const Entry& profile : profiles_) {
      if (!name.empty() && matches_any(profile.commands, name)) return profile.name;
    }
  }
  if (is_python(typed) || is_python(resolved)) {
    const std::string module = python_module(command.arguments);
    for (const Entry& profile : profiles_) {
      if (!module.empty() && matches_any(profile.python_modules, module)) return profile.name;
    }
  }
  return std::string(kGeneric);
}

Policy ProfileSet::select(const std::string& name) const {
  if (name.find('/') != std::string::npos || name.ends_with(".toml")) {
    return with_common(parse_profile(base::read_file(name), name), common_);
  }
  for (const Entry& entry : profiles_) {
    if (entry.name != name) continue;
    return with_common(entry.profile ? *entry.profile : read_embedded(*entry.embedded), common_);
  }
  const std::string nearest = base::nearest(name, names());
  throw base::UserError("there is no profile '" + base::printable(name) + "'" +
                        (nearest.empty() ? "; there are: " + base::join(names(), ", ")
                                         : "; did you mean '" + nearest + "'?"));
}

std::vector<std::string> ProfileSet::names() const {
  std::vector<std::string> result;
  for (const Entry& profile : profiles_) result.push_back(profile.name);
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace sandbox_run::policy
