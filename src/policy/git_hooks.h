#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sandbox_run::policy {

/// The tool that writes git hooks of which each line is one of its own ("husky", "lefthook", …);
/// "" if there is none. Blank lines and comments count for nothing. `own_commands`: what the
/// project's own package.json says is to be run in a hook (simple-git-hooks writes that down).
/// Pure.
///
/// It tells a familiar hook from a strange one, and is no proof of harmlessness: what is recognised
/// is held all the same, and only no alert.
std::string hook_tool(std::string_view text, const std::vector<std::string>& own_commands);

/// The commands of the member "simple-git-hooks" of a package.json.
std::vector<std::string> hook_commands(std::string_view manifest);

/// A name at which git, or such a tool, has its hooks: "pre-commit", "h", "husky.sh".
bool is_hook_name(std::string_view name);

}  // namespace sandbox_run::policy
