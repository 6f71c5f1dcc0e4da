#pragma once

#include <optional>

#include "policy/npmrc.h"
#include "policy/registries.h"

// npm's configuration, read as npm reads it: to ask npm takes half a second, at the first run in a
// fresh place. Pure.

namespace sandbox_run::policy {

/// nullopt: not certain (a file in a form that is not known here, another npm): ask npm itself.
std::optional<PackageManagerFacts> read_npm_config(const ManagerPlace& place,
                                                   const TextReader& read);

}  // namespace sandbox_run::policy
