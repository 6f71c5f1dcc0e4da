#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What the readers of package managers' configuration have in common. Pure.

namespace sandbox_run::policy {

/// What of a package manager's world its reader needs. All paths absolute.
struct ManagerPlace {
  std::string home;
  std::string config_home;         // $XDG_CONFIG_HOME
  std::string directory;           // where the manager works: its own configuration lies there
  std::vector<std::string> above;  // directories from the command's own up to that one, without it
  std::string program;  // npm's own directory: …/node_modules/npm; of the others the script
  std::string node;     // the real path of the node that it runs on
  std::vector<std::pair<std::string, std::string>> environment;  // as the manager sees it
  std::vector<std::string> arguments;
};

/// A file's text; nullopt if there is none.
using TextReader = std::function<std::optional<std::string>(const std::string& path)>;

using NpmrcSettings = std::map<std::string, std::string>;

std::optional<std::string> variable_of(const ManagerPlace& place, std::string_view name);

/// One npmrc, its variables replaced, added to `settings`; false: something in it is not
/// understood.
bool read_npmrc(const ManagerPlace& place, const std::optional<std::string>& text,
                NpmrcSettings& settings);

/// "registry" or "@SCOPE:registry".
bool is_registry_key(std::string_view key);

bool is_web_url(std::string_view text);

}  // namespace sandbox_run::policy
