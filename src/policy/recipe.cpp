#include "policy/recipe.h"

#include <algorithm>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "policy/embedded_profiles.h"
#include "policy/rule_reader.h"
#include "policy/toml_table.h"

namespace sandbox_run::policy {
namespace {

std::vector<std::string> names_of(const std::vector<Recipe>& recipes) {
  std::vector<std::string> names;
  names.reserve(recipes.size());
  for (const Recipe& recipe : recipes) names.push_back(recipe.name);
  return names;
}

bool would_help(const NetworkPolicy& network, std::string_view host, const Requester& requester,
                bool is_registry) {
  return std::any_of(network.allow.begin(), network.allow.end(),
                     [&](const EgressRule& rule) {
                       return rule.host.matches(host) && covers(rule.audience, requester);
                     }) ||
         (is_registry &&
          std::any_of(network.registries_for.begin(), network.registries_for.end(),
                      [&](const Audience& audience) { return covers(audience, requester); }));
}

void require_bound(const TomlTable& root, const Audience& audience) {
  // Who wants a host for everything inside can say so: --allow-host.
  if (audience.kind == Audience::Kind::any) {
    root.fail("egress", "a recipe's rules are for package-manager, scripts or package:NAME");
  }
}

}  // namespace

static Recipe read_recipe(const TomlTable& root, const std::string& origin) {
  root.allow_only({"description", "egress", "cache"});
  Recipe recipe;
  recipe.name = base::file_name(origin);
  if (recipe.name.ends_with(".toml")) recipe.name.erase(recipe.name.size() - 5);
  recipe.description = root.required_text("description");
  recipe.network = read_egress(root);
  if (recipe.network == NetworkPolicy{}) root.fail("egress", "a recipe needs [[egress]]");
  for (const EgressRule& rule : recipe.network.allow) require_bound(root, rule.audience);
  for (const Audience& audience : recipe.network.registries_for) require_bound(root, audience);
  for (const TomlTable& table : root.tables("cache")) {
    table.allow_only({"path", "packages"});
    CacheDirectory cache{table.required_text("path"), table.texts("packages")};
    if (cache.packages.empty()) table.fail("packages", "the packages that download into it");
    recipe.caches.push_back(std::move(cache));
  }
  return recipe;
}

Recipe parse_recipe(std::string_view toml, const std::string& origin) {
  const TomlDocument document(toml, origin);
  return read_recipe(document.root(), origin);
}

const std::vector<Recipe>& built_in_recipes() {
  static const std::vector<Recipe> recipes = [] {
    std::vector<Recipe> parsed;
    for (const EmbeddedProfile& recipe : embedded_recipes()) {
      const std::string origin = "profiles/recipes/" + std::string(recipe.name) + ".toml";
      parsed.push_back(
          read_recipe(TomlTable(recipe.toml, recipe.toml.nodes.front(), origin), origin));
    }
    std::sort(parsed.begin(), parsed.end(),
              [](const Recipe& one, const Recipe& other) { return one.name < other.name; });
    return parsed;
  }();
  return recipes;
}

const Recipe& recipe_named(std::string_view name) {
  for (const Recipe& recipe : built_in_recipes()) {
    if (recipe.name == name) return recipe;
  }
  const std::vector<std::string> names = names_of(built_in_recipes());
  const std::string nearest = base::nearest(name, names);
  throw base::UserError("there is no recipe '" + base::printable(name) + "'" +
                        (nearest.empty() ? "; there are: " + base::join(names, ", ")
                                         : "; did you mean '" + nearest + "'?"));
}

std::string recipe_for(std::string_view host, const Requester& requester, bool is_registry) {
  for (const Recipe& recipe : built_in_recipes()) {
    if (would_help(recipe.network, host, requester, is_registry)) return recipe.name;
  }
  return "";
}

}  // namespace sandbox_run::policy
