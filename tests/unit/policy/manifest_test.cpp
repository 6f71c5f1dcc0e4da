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
