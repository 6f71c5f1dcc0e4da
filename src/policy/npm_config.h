#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/registries.h"

// npm's configuration, read as npm reads it: to ask npm takes half a second, at the first run in a
// fresh place. Pure.

namespace sandbox_run::policy {

/// What of npm's world the reader needs. All paths absolute.
struct NpmPlace {
  std::string home;
  std::string directory;  // where npm works: its own .npmrc lies there
  std::string program;    // npm's own directory: …/node_modules/npm
  std::string node;       // the real path of the node that it runs on
  std::vector<std::pair<std::string, std::string>> environment;  // as npm sees it
  std::vector<std::string> arguments;
};

/// A file's text; nullopt if there is none.
using TextReader = std::function<std::optional<std::string>(const std::string& path)>;

/// nullopt: not certain (a file in a form that is not known here, another npm): ask npm itself.
std::optional<PackageManagerFacts> read_npm_config(const NpmPlace& place, const TextReader& read);

}  // namespace sandbox_run::policy
