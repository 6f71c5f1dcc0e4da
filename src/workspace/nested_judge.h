#pragma once

#include "workspace/judge.h"

namespace sandbox_run::workspace {

/// What `judge` would hold or protect in the directory of a package manager that the command itself
/// started (CommitRequest::nested) is judged by that one's rules and words as well: `npm ci` whose
/// postinstall runs `npm install` in client/ changes client/package-lock.json. A place that is
/// protected is so by those rules, too. What `judge` would commit there and they would not is held
/// if a package's script was running when it was last changed.
Judge judge_nested_too(Judge judge, const CommitRequest& request, const std::string& target);

}  // namespace sandbox_run::workspace
