#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/egress.h"
#include "policy/policy.h"

// What well-known packages download in their install scripts: profiles/recipes/NAME.toml, embedded
// in the binary. Off until somebody turns one on by its name.

namespace sandbox_run::policy {

struct Recipe {
  std::string name;
  std::string description;
  NetworkPolicy network;  // nothing for anybody: each rule is bound to who needs it
  std::vector<CacheDirectory> caches = {};  // where these packages keep what they download
};

/// Parses one recipe; mistakes are UserErrors as in parse_profile(). `origin` is the file's name.
Recipe parse_recipe(std::string_view toml, const std::string& origin);

/// Sorted by name; parsed at the first call.
const std::vector<Recipe>& built_in_recipes();
/// Throws UserError, with the nearest name, if there is none.
const Recipe& recipe_named(std::string_view name);

/// The name of the first recipe by which `requester` could reach `host`; "" if there is none.
/// `is_registry`: `host` is one that the package manager is configured for.
std::string recipe_for(std::string_view host, const Requester& requester, bool is_registry);

}  // namespace sandbox_run::policy
