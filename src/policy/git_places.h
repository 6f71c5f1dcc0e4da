#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/git_config.h"

namespace sandbox_run::policy {

/// A file or directory of a project that git runs, or reads as configuration, because a git
/// configuration says so.
struct GitPlace {
  enum class Kind { file, directory };
  std::string path;  // relative to the project
  Kind kind = Kind::file;
  friend bool operator==(const GitPlace&, const GitPlace&) = default;
};

/// What `config` names in `project` (absolute): core.hooksPath and init.templateDir; files of
/// attributes, certificates and allowed signers; scripts in the commands of filters, drivers,
/// editors, helpers and aliases. A word of a command counts if it is a path, or if `is_file` says
/// that the project has such a file. Not what lies in node_modules, which is installed. Pure.
///
/// The attack: with core.hooksPath = scripts/hooks, a package's program writes
/// scripts/hooks/pre-commit, which is no place of git's by its name.
std::vector<GitPlace> places_named_by_git(const GitConfig& config, std::string_view project,
                                          const std::function<bool(const std::string&)>& is_file);

/// `path`, as a git configuration writes it, relative to `project`; "" if it leads outside, or into
/// node_modules.
std::string path_in_project(std::string_view path, std::string_view project);

}  // namespace sandbox_run::policy
