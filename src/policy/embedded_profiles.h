#pragma once

#include <span>
#include <string_view>

#include "policy/toml_node.h"

namespace sandbox_run::policy {

/// profiles/NAME.toml as it was at build time, parsed, so that a copied binary works alone. The
/// definition is written by scripts/embed-profiles.
struct EmbeddedProfile {
  std::string_view name;
  TomlTree toml;
};
std::span<const EmbeddedProfile> embedded_profiles();
/// profiles/recipes/NAME.toml, likewise.
std::span<const EmbeddedProfile> embedded_recipes();

}  // namespace sandbox_run::policy
