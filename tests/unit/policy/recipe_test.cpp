#include "policy/recipe.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "expect_error.h"

using namespace sandbox_run::policy;

namespace {

std::string recipe_error(const std::string& toml) {
  return error_of([&] { parse_recipe(toml, "profiles/recipes/x.toml"); });
}

}  // namespace

TEST_CASE("each built-in recipe is bound to who needs it, by TLS, to global addresses") {
  CHECK(built_in_recipes().size() == 13);
  for (const Recipe& recipe : built_in_recipes()) {
    CAPTURE(recipe.name);
    CHECK_FALSE(recipe.description.empty());
    for (const EgressRule& rule : recipe.network.allow) {
      CHECK(rule.audience.kind != Audience::Kind::any);
      CHECK(rule.ports == std::vector<std::uint16_t>{443});
      CHECK(rule.protocol == EgressRule::Protocol::tls_or_http);
      CHECK(rule.addresses == EgressRule::Addresses::global);
      CHECK_FALSE(rule.host.is_wildcard());
      CHECK_FALSE(rule.host.is_address());
    }
  }
}

TEST_CASE("what recipes keep lies among the caches, and is bound to packages that they let out") {
  for (const Recipe& recipe : built_in_recipes()) {
    for (const CacheDirectory& cache : recipe.caches) {
      CAPTURE(cache.path);
      CHECK(cache.path.starts_with("{cache_home}/"));
      for (const std::string& package : cache.packages) {
        const bool is_let_out =
            std::any_of(recipe.network.allow.begin(), recipe.network.allow.end(),
                        [&](const EgressRule& rule) { return rule.audience.package == package; });
        CHECK(is_let_out);
      }
    }
  }
  CHECK(recipe_named("cypress").caches.size() == 1);
}

TEST_CASE("the recipe for a denial is the one bound to the package that was refused") {
  const Requester electron{Requester::Kind::script, "electron"};
  const Requester esbuild{Requester::Kind::script, "esbuild"};
  CHECK(recipe_for("github.com", electron, false) == "electron");
  CHECK(recipe_for("evil.example.com", electron, false).empty());
  CHECK(recipe_for("github.com", {Requester::Kind::script, "left-pad"}, false).empty());
  CHECK(recipe_for("github.com", {Requester::Kind::package_manager, {}}, false) == "git-forges");
  CHECK(recipe_for("github.com", {}, false).empty());
  CHECK(recipe_for("registry.example.com", esbuild, true) == "esbuild");
  CHECK(recipe_for("registry.example.com", esbuild, false).empty());
  CHECK(recipe_for("registry.example.com", electron, true).empty());
}

TEST_CASE("a recipe for everybody, for nothing, or with a misspelt key is refused") {
  CHECK(error_of([] { (void)recipe_named("puppetter"); }) ==
        "there is no recipe 'puppetter'; did you mean 'puppeteer'?");
  const std::string description = "description = 'x'\n";
  CHECK(recipe_error(description).ends_with("a recipe needs [[egress]]"));
  CHECK(recipe_error(description + "[[egress]]\nhost = 'a.example.com'\nfor = 'any'\n")
            .ends_with("a recipe's rules are for package-manager, scripts or package:NAME"));
  CHECK(recipe_error(description + "hosts = []\n").find("unknown key") != std::string::npos);
}
