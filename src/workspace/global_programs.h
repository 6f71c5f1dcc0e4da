#pragma once

#include <optional>
#include <string>

#include "policy/verdict.h"
#include "workspace/workspace.h"

// A new entry in the directory of a global prefix's programs.

namespace sandbox_run::workspace {

/// What becomes of it, if it is not what npm itself makes there: a link to a program that the
/// package's own package.json names so, and that stands before no other program on the PATH.
/// `type` as in Change; `link`: a link's text.
std::optional<policy::Judgement> program_objection(const GlobalPlaces& places,
                                                   const KnownPlaces& known,
                                                   const std::string& name, char type,
                                                   const std::string& link);

}  // namespace sandbox_run::workspace
