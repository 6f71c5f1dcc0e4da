#pragma once

#include <optional>
#include <string>

#include "policy/verdict.h"
#include "workspace/workspace.h"

// A new entry in the directory of a global prefix's programs.

namespace sandbox_run::workspace {

/// What becomes of it, if it is not what the package manager itself makes there: a link to a
/// program, or a script that starts one (policy/program_shim.h), that the package's own
/// package.json names so, and that stands before no other program on the PATH. `type` as in Change;
/// `text`: a link's or a file's.
std::optional<policy::Judgement> program_objection(const GlobalPlaces& places,
                                                   const KnownPlaces& known,
                                                   const std::string& name, char type,
                                                   const std::string& text);

}  // namespace sandbox_run::workspace
