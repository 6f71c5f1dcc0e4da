#include "events/words.h"

#include <doctest/doctest.h>

#include <string>

namespace sandbox_run::events {
namespace {

std::string words(const std::string& json) {
  return what_happened(base::parse_json(json)->get_object());
}

TEST_CASE("an event is told in words, with what it has") {
  CHECK(
      words(R"({"type":"name.lookup","details":{"name":"a.b","qtype":"A","verdict":"denied"}})") ==
      "looked up a.b (A): denied");
  CHECK(words(R"({"type":"flow.opened","details":{"host":"h","port":443}})") ==
        "connected to h:443");
  CHECK(words(R"({"type":"change.held","details":{"more":7}})") == "7 more changes, held");
  CHECK(words(R"({"type":"process.exec","process":{"exe":"/bin/sh","argv":["sh","a b"]}})") ==
        "ran sh 'a b'");
  CHECK(words(R"({"type":"process.exec","process":{"exe":"/bin/sh","argv":[]}})") == "ran /bin/sh");
}

TEST_CASE("an event that is not as it should be is told by its members") {
  CHECK(words(R"({"type":"flow.opened","details":{"port":443}})") == "flow.opened: port=443");
  CHECK(words(R"({"type":"some.thing","details":{"a":"b","c":[1]}})") == "some.thing: a=b c=[1]");
  CHECK(words(R"({"type":"some.thing","details":[]})") == "some.thing");
}

TEST_CASE("no control character gets into the words") {
  const std::string text =
      words("{\"type\":\"x\\u001b[2J\",\"details\":{\"k\\n\":\"v\\u202e\",\"n\":[\"\\u0007\"]}}");
  CHECK(text == "x\\x1b[2J: k\\n=v\\xe2\\x80\\xae n='\\x07'");
  CHECK(who_did_it(base::parse_json("{\"actor\":{\"kind\":\"script\",\"package\":\"p\\n\"}}")
                       ->get_object()) == "p\\n");
}

}  // namespace
}  // namespace sandbox_run::events
