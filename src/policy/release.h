#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace sandbox_run::policy {

/// Does the command make a release, all of which is wanted or nothing: run a tool of
/// `files.release_tools` by name (`npx changeset version`), or a script of the project's that does
/// (`npm run release`), by the text of package.json as it was before? A hint, no proof: what comes
/// of it is said where it is used. Pure.
bool is_release(const FilesystemPolicy& files, const std::vector<std::string>& arguments,
                std::string_view manifest);

}  // namespace sandbox_run::policy
