#pragma once

#include <string>

#include "cli/prepare.h"

namespace sandbox_run::cli {

/// `npm install -g`, `pnpm add -g`, `yarn global add` to a place that it may change unasked, and
/// what is linked from there (`npm link NAME`). Asks the package manager where that is.
void add_global_places(Preparation& prepared);

/// May the caller write there, or make it? pip installs to its own site-packages if it can write
/// there, else to the user's.
bool may_write(const std::string& directory);

}  // namespace sandbox_run::cli
