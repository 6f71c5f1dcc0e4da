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
