#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// A git configuration (git-config(1), "CONFIGURATION FILE"), judged by its keys. Pure.
//
// The attack: a script writes core.fsmonitor, core.sshCommand, core.pager, an alias, a filter or
// include.path into .git/config, and the next `git status` outside runs it.

namespace sandbox_run::policy {

/// "core.hookspath" → its values in order; section and name in small letters, a subsection as it
/// is. nullopt: not understood, so nothing is known of it.
using GitConfig = std::map<std::string, std::vector<std::string>>;
std::optional<GitConfig> parse_git_config(std::string_view text);

/// What a change of a git configuration can do.
struct GitConfigChange {
  enum class Kind {
    settings,  // only keys that start nothing, read no other file and name no host
    hooks,     // core.hooksPath leads to a directory of the project; besides, such settings at most
    starters   // anything else, or it can't be read
  };
  Kind kind = Kind::starters;
  std::vector<std::string> keys;  // that changed, in alphabetical order
};
/// `project`: its absolute path.
GitConfigChange compare_git_config(std::string_view before, std::string_view after,
                                   std::string_view project);

/// The values of include.path and includeIf.*.path.
std::vector<std::string> included_files(const GitConfig& config);

/// The project's own directory (relative) that core.hooksPath names; "" if it names none, or one
/// outside, or one of installed packages.
std::string hook_directory(const GitConfig& config, std::string_view project);

}  // namespace sandbox_run::policy
