#pragma once

#include <string_view>

namespace sandbox_run::policy {

/// Is the file at `path` what a package manager calls its lockfile?
constexpr bool is_lockfile(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (const std::string_view known : {"package-lock.json", "npm-shrinkwrap.json", "yarn.lock",
                                       "pnpm-lock.yaml", "bun.lock", "bun.lockb", "deno.lock"}) {
    if (name == known) return true;
  }
  return false;
}

}  // namespace sandbox_run::policy
