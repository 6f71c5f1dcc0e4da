#include "policy/release.h"

#include <doctest/doctest.h>

#include "built_in_profiles.h"

using namespace sandbox_run::policy;

namespace {

bool makes_release(const std::vector<std::string>& arguments, const std::string& scripts = "{}") {
  return is_release(profiles().select("npm").files, arguments, R"({"scripts": )" + scripts + "}");
}

}  // namespace

TEST_CASE("a release tool is known by its words, behind a runner, too") {
  CHECK(makes_release({"npx", "changeset", "version"}));
  CHECK(makes_release({"npm", "exec", "--", "lerna", "version"}));
  CHECK(makes_release({"npx", "-p", "commit-and-tag-version", "commit-and-tag-version"}));
  CHECK_FALSE(makes_release({"npx", "changeset", "status"}));
  CHECK_FALSE(makes_release({"npm", "install"}));
}

TEST_CASE("and in the scripts that the command leads to") {
  CHECK(makes_release({"npm", "run", "release"}, R"({"release": "npm test && release-it"})"));
  CHECK(makes_release({"npm", "run", "r"}, R"({"r": "npm run s", "s": "CI=1 git commit -m 'x'"})"));
  CHECK(makes_release({"npm", "run", "r"}, R"js({"r": "true", "postr": "(git tag v1)"})js"));
  CHECK_FALSE(makes_release({"npm", "run", "r"}, R"({"r": "npm run r; echo git; commit"})"));
  CHECK_FALSE(makes_release({"npm", "run", "build"}, R"({"release": "release-it"})"));
  CHECK_FALSE(makes_release({"npm", "run", "release"}, "[]"));
}
