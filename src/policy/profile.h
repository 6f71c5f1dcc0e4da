#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/policy.h"

// Profiles and user configuration: TOML → values. toml++ is seen only behind toml_table.h.
// The format is described in man/sandbox-run.toml.5.

namespace sandbox_run::policy {

/// One profiles/NAME.toml. `policy` holds what this file says alone (common.toml is merged in by
/// ProfileSet::select).
struct Profile {
  std::string name;
  std::string description;
  std::vector<std::string> commands;        // globs on base names that select it: "npm", "pip3.*"
  std::vector<std::string> python_modules;  // "pip": selected by `python -m pip`
  Policy policy;

  /// protected.toml's [protected]: paths as seen from the project's root.
  std::optional<VerdictRule> protected_rule;
  std::vector<std::string> protected_at_root;  // paths of the rule that are never meant deeper down
  /// `use = "protected"`: where select() puts protected_rule in, before
  /// targets[target].rules[rule].
  struct ProtectedUse {
    enum class Depth { root, anywhere };
    std::size_t target = 0;
    std::size_t rule = 0;
    Depth depth = Depth::anywhere;
  };
  std::vector<ProtectedUse> protected_uses;  // in the order of the rules
};

/// common.toml, configuration.toml and protected.toml are no profiles, but parts that all share.
bool is_shared_part(std::string_view name);

/// Parses one profile. `origin` is the file's name for messages. Unknown keys and wrong types are
/// UserErrors: "profiles/npm.toml:12:3: unknown key 'alow'; did you mean 'allow'?".
Profile parse_profile(std::string_view toml, const std::string& origin);

class TomlTable;
struct EmbeddedProfile;
/// The same, of what has been parsed before; `name`: the profile's.
Profile read_profile(const TomlTable& root, const std::string& name);

/// What config.toml may add, to every profile or to one: see man/sandbox-run.toml.5.
struct UserConfig {
  struct Addition {
    std::string profile;  // empty: all
    Policy policy;        // only lists that are added are set; target rules go before the profile's
    std::vector<std::string> recipes;  // names: see recipe.h
    std::optional<bool> commit_on_failure;
    std::optional<DecoyMode> decoys;
    std::optional<OnAlert> on_alert;
    std::optional<bool> takes_git_hooks;
  };
  std::vector<Addition> additions;
  Limits limits = {};                    // [limits]
  std::vector<std::string> event_sinks;  // [events] sinks: as after --events
};
UserConfig parse_user_config(std::string_view toml, const std::string& origin);

/// The command as typed, and what is known of it.
struct CommandName {
  std::vector<std::string> arguments;  // argv of the command; never empty
  std::string resolved_path;           // realpath of argv[0] found in PATH; "" if not found
};

/// Which profile fits: by argv[0]'s base name, else the resolved path's base name (profiles list
/// npm-cli.js, yarn.js, pnpm.cjs … too), else `python[3[.N]] -m MODULE`; else "generic".
class ProfileSet {
 public:
  /// The profiles embedded in the binary at build time.
  static ProfileSet built_in();
  void add(Profile profile);  // replaces one of the same name
  std::string name_for(const CommandName& command) const;
  /// `name` is a profile's name, or a path (holds a '/' or ends in .toml) of a file to read.
  /// Returns the profile with common.toml's lists merged in. Unknown name: UserError with the
  /// nearest. A file that cannot be read: SysError.
  Policy select(const std::string& name) const;
  std::vector<std::string> names() const;

 private:
  /// By what it is selected; the rest is read when it is.
  struct Entry {
    std::string name;
    std::vector<std::string> commands;
    std::vector<std::string> python_modules;
    std::optional<Profile> profile = {};
    const EmbeddedProfile* embedded = nullptr;  // if there is no `profile`
  };
  void add_entry(Entry entry);

  Profile common_;
  std::vector<Entry> profiles_;
};

/// What the command line adds.
struct CommandLineRules {
  std::vector<HostAndPort> allow_hosts;
  std::vector<std::string> allow_recipes;  // names: see recipe.h
  std::vector<std::string> allow_environment;
  std::vector<std::string> read_only;   // absolute
  std::vector<std::string> read_write;  // absolute
  std::optional<bool> commit_on_failure;
  std::optional<std::chrono::seconds> time_limit;
  std::optional<DecoyMode> decoys;
  std::optional<OnAlert> on_alert;
};

/// The words of profiles, configuration and command line: "files", "files+env", "off"; "log",
/// "hold", "fail", "kill".
inline const std::vector<std::pair<std::string, DecoyMode>> kDecoyModes = {
    {"files", DecoyMode::files},
    {"files+env", DecoyMode::files_and_environment},
    {"off", DecoyMode::off}};
inline const std::vector<std::pair<std::string, OnAlert>> kAlertAnswers = {{"log", OnAlert::log},
                                                                           {"hold", OnAlert::hold},
                                                                           {"fail", OnAlert::fail},
                                                                           {"kill", OnAlert::kill}};

/// profile ← user configuration ← command line. Adds only; nothing built in is taken away.
/// A host without a port means ports 80 and 443.
Policy merge_policy(Policy profile, const UserConfig& config, const CommandLineRules& rules);

}  // namespace sandbox_run::policy
