#include "policy/manifest.h"

#include <doctest/doctest.h>

using namespace sandbox_run::policy;

namespace {

using Names = std::vector<std::string>;

std::optional<Names> changed(std::string_view before, std::string_view after) {
  return changed_members(before, after, {"dependencies"});
}

}  // namespace

TEST_CASE("a changed dependency is expected, in whatever layout") {
  CHECK(changed(R"({"name":"a","dependencies":{"x":"1"}})",
                "{\n  \"dependencies\": {\"y\": \"2\"},\n  \"name\": \"a\"\n}\n") == Names{});
  CHECK(changed("", R"({"dependencies":{"y":"2"}})") == Names{});
  CHECK(changed(R"({"name":"a"})", R"({"name":"a"})") == Names{});
}

TEST_CASE("a planted script is seen, wherever it is written") {
  CHECK(changed(R"({"name":"a"})", R"({"name":"a","scripts":{"postinstall":"evil"}})") ==
        Names{"scripts"});
  CHECK(changed(R"({"scripts":{"test":"a"}})", R"({"scripts":{"test":"b"}})") == Names{"scripts"});
  CHECK(changed(R"({"scripts":{"test":"a"},"bin":"x"})", "{}") == Names{"bin", "scripts"});
  CHECK(changed("{}", R"({"\u0073cripts":{"postinstall":"evil"}})") == Names{"scripts"});
  CHECK(changed("{}", "\xEF\xBB\xBF{\"main\":\"x\"}") == Names{"main"});
  // The last of two counts, as in JavaScript.
  CHECK(changed(R"({"scripts":{}})", R"({"scripts":{},"scripts":{"a":"evil"}})") ==
        Names{"scripts"});
  CHECK(changed(R"({"scripts":{}})", R"({"scripts":{"a":"b"},"scripts":{}})") == Names{});
}

TEST_CASE("what is no JSON object can't be compared") {
  for (const char* text : {"[]", "3", "{", "{} x", "{\"a\":1,}", "// c\n{}", "null"}) {
    CAPTURE(text);
    CHECK_FALSE(changed("{}", text).has_value());
    CHECK_FALSE(changed(text, "{}").has_value());
  }
  CHECK_FALSE(changed("{}", std::string(100'000, '[')).has_value());
}

TEST_CASE(
    "a package.json in another order means the same, but for what node goes through in order") {
  const std::string before = R"({"name": "a", "exports": {"import": "x", "default": "y"},
      "dependencies": {"b": "1", "a": "2"}})";
  CHECK(same_manifest(before, R"({"dependencies":{"a":"2","b":"1"},"name":"\u0061",
      "exports":{"import":"x","default":"y"}})"));
  CHECK_FALSE(same_manifest(before, R"({"name": "a", "exports": {"default": "y", "import": "x"},
      "dependencies": {"b": "1", "a": "2"}})"));
  CHECK_FALSE(same_manifest(R"({"a": 1})", R"({"a": 2})"));
  CHECK_FALSE(same_manifest(R"({"a": 1})", R"({"a": 2, "a": 1})"));
  CHECK_FALSE(same_manifest(R"({"a": ["x", "y"]})", R"({"a": ["y", "x"]})"));
  CHECK_FALSE(same_manifest("", "{"));
}

TEST_CASE(
    "a release changes versions of the project's own packages, and where they name each other") {
  const std::set<std::string> own{"@our/a", "@our/b"};
  const auto is_release = [&](std::string_view before, std::string_view after) {
    return only_own_versions_changed(before, after, own);
  };
  CHECK(is_release(R"({"name": "@our/a", "version": "1.0.0"})",
                   R"({"name": "@our/a", "version": "1.1.0-beta.1"})"));
  const std::string before =
      R"({"version": "1.0.0", "dependencies": {"@our/b": "^1.0.0", "left": "1.0.0"}})";
  CHECK(is_release(
      before, R"({"version": "2.0.0", "dependencies": {"@our/b": "^2.0.0", "left": "1.0.0"}})"));
  for (const char* range : {"npm:evil@1.0.0", "https://x.example.com/a.tgz", "file:../x", "latest",
                            "workspace:../x", "a/b", ""}) {
    CAPTURE(range);
    CHECK_FALSE(is_release(before, R"({"version": "2.0.0", "dependencies": {"@our/b": ")" +
                                       std::string(range) + R"(", "left": "1.0.0"}})"));
  }
  CHECK_FALSE(is_release(
      before, R"({"version": "2.0.0", "dependencies": {"@our/b": "^1.0.0", "left": "1.1.0"}})"));
  CHECK_FALSE(is_release(before, R"({"version": "2.0.0", "dependencies": {"@our/b": "^1.0.0"}})"));
  CHECK_FALSE(is_release(R"({"scripts": {"version": "1"}})", R"({"scripts": {"version": "2"}})"));
  CHECK_FALSE(is_release(R"({"version": "1"})", R"({"version": "2", "version": "1"})"));
  const std::string lockfile = R"({"version": "1.0.0", "packages": {
    "": {"version": "1.0.0"}, "packages/a": {"version": "1.0.0", "dependencies": {"@our/b": "^1.0.0"}},
    "node_modules/left": {"version": "1.0.0", "resolved": "x"}}})";
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string after = lockfile;
    return after.replace(after.find(from), from.size(), to);
  };
  CHECK(is_release(lockfile, changed(R"("packages/a": {"version": "1.0.0")",
                                     R"("packages/a": {"version": "2.0.0")")));
  CHECK(is_release(lockfile, changed("^1.0.0", "^2.0.0")));
  CHECK_FALSE(is_release(
      lockfile, changed(R"(left": {"version": "1.0.0")", R"(left": {"version": "1.1.0")")));
  CHECK_FALSE(is_release(lockfile, changed(R"("resolved": "x")", R"("resolved": "y")")));
}

TEST_CASE("the paths by which a package.json offers itself") {
  CHECK(offered_paths(R"({"main": "./dist/a.js", "exports": {".": {"import": "./dist/a.mjs"}},
      "files": ["lib"], "bin": {"x": "cli.js"}})") ==
        Names{"dist/a.js", "dist/a.mjs", "cli.js", "lib"});
  CHECK(offered_paths("[]").empty());
}

TEST_CASE("the programs that a package.json names") {
  CHECK(names_program(R"({"bin": "./cli.js"})", "cli.js"));
  CHECK(names_program(R"({"bin": {"x": "bin/x.js"}})", "bin/x.js"));
  CHECK_FALSE(names_program(R"({"bin": {"x": "bin/x.js"}})", "x.js"));
  CHECK_FALSE(names_program(R"({"main": "cli.js"})", "cli.js"));
  CHECK_FALSE(names_program("[]", "cli.js"));
  CHECK(named_programs(R"({"bin": {"x": "./x.js", "y": "bin/y.js", "z": 1}})") ==
        Names{"x.js", "bin/y.js"});
  CHECK(named_programs("{}").empty());
}

TEST_CASE("the scripts that a package.json has") {
  const Names install{"preinstall", "install", "postinstall"};
  CHECK(has_script(R"({"scripts": {"install": "node-gyp rebuild"}})", install));
  CHECK_FALSE(has_script(R"({"scripts": {"build": "tsc"}})", install));
  CHECK_FALSE(has_script(R"({"scripts": ["install"]})", install));
  CHECK_FALSE(has_script("", install));
}
