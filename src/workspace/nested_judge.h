#pragma once

#include "workspace/judge.h"

namespace sandbox_run::workspace {

/// What `judge` would hold or protect in the directory of a package manager that the command itself
/// started (CommitRequest::nested) is judged by that one's rules and words as well: `npm ci` whose
/// postinstall runs `npm install` in client/ changes client/package-lock.json. A place that is
/// protected is so by those rules, too.
Judge judge_nested_too(Judge judge, const CommitRequest& request, const std::string& target);

}  // namespace sandbox_run::workspace
