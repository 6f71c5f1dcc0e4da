#pragma once

#include <string_view>

namespace sandbox_run::policy {

/// Do two files .git/index (gitformat-index(5), versions 2 to 4, SHA-1) hold the same entries:
/// path, mode, object, stage and flags? What was stat'ed of the files may differ, and so may the
/// caches of trees and of the file's own layout: `git status` writes these anew. Pure. False also
/// for what can't be read.
bool same_index_entries(std::string_view before, std::string_view after);

}  // namespace sandbox_run::policy
