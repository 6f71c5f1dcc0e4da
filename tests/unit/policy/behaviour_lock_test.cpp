#include "policy/behaviour_lock.h"

#include <doctest/doctest.h>

#include "expect_error.h"

namespace sandbox_run::policy {
namespace {

const Doer kEsbuild{Doer::Kind::script, "esbuild", "0.25.0"};

BehaviourLock lock_of(const Doer& doer, std::set<Act> acts) {
  BehaviourLock lock;
  lock.acts_of(doer) = std::move(acts);
  return lock;
}

BehaviourLock parse(const std::string& text) { return parse_behaviour_lock(text, "lock"); }

TEST_CASE("a lock that is written is read again as it was, and always has the same bytes") {
  BehaviourLock lock =
      lock_of(kEsbuild, {{Act::Kind::exec, "node"}, {Act::Kind::script, "postinstall"}});
  lock.acts_of({Doer::Kind::build, "lxml", "5.0"}) = {{Act::Kind::exec, "gcc"},
                                                      {Act::Kind::host, "mirror.example.com:443"}};
  lock.acts_of({Doer::Kind::script, "@scope/a\"b\\c", "1.0.0"}) = {
      {Act::Kind::file, "~/with \\n newline"}, {Act::Kind::decoy, "~/.aws/credentials"}};
  const std::string text = to_toml(lock);
  CHECK(to_toml(parse(text)) == text);
  CHECK(parse(text).packages.size() == 3);
  CHECK(contains(text, "execs = [\n  \"node\",\n]\n"));
}

TEST_CASE("the order of the file is that of names, whatever order things happened in") {
  BehaviourLock one;
  one.acts_of({Doer::Kind::script, "b", "1"});
  one.acts_of({Doer::Kind::script, "a", "2"});
  one.acts_of({Doer::Kind::script, "a", "1"});
  BehaviourLock other;
  other.acts_of({Doer::Kind::script, "a", "1"});
  other.acts_of({Doer::Kind::script, "a", "2"});
  other.acts_of({Doer::Kind::script, "b", "1"});
  CHECK(to_toml(one) == to_toml(other));
}

TEST_CASE("a wrong lock is an error with its place") {
  CHECK(contains(error_of([] { parse("version = 1\n[[package]]\nname = 3\n"); }), "lock:3:"));
  CHECK(contains(error_of([] { parse("version = 1\n[[package]]\nname = 'a'\nexec = []\n"); }),
                 "did you mean 'execs'?"));
  CHECK(contains(error_of([] { parse("version = 2\n"); }), "--learn"));
  CHECK(contains(error_of([] { parse("version = '1'\n"); }), "lock:1:"));
  CHECK(contains(error_of([] { parse(""); }), "--learn"));
}

TEST_CASE("what is locked is no deviation, nor is less than that") {
  const BehaviourLock lock =
      lock_of(kEsbuild, {{Act::Kind::script, "postinstall"}, {Act::Kind::exec, "node"}});
  CHECK(deviations(lock, lock).empty());
  CHECK(deviations(lock, lock_of(kEsbuild, {{Act::Kind::script, "postinstall"}})).empty());
  CHECK(deviations(lock, {}).empty());
}

TEST_CASE("a new act of a known version is a deviation that names the act alone") {
  const BehaviourLock lock = lock_of(kEsbuild, {{Act::Kind::exec, "node"}});
  const auto found =
      deviations(lock, lock_of(kEsbuild, {{Act::Kind::exec, "node"}, {Act::Kind::exec, "curl"}}));
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == Deviation::Kind::new_act);
  CHECK(found[0].acts == std::set<Act>{{Act::Kind::exec, "curl"}});
  CHECK(to_words(*found[0].acts.begin()) == "runs the program curl");
}

TEST_CASE("a new version is a deviation only if it does something new") {
  const BehaviourLock lock = lock_of(kEsbuild, {{Act::Kind::exec, "node"}});
  const Doer newer{Doer::Kind::script, "esbuild", "0.25.1"};
  CHECK(deviations(lock, lock_of(newer, {{Act::Kind::exec, "node"}})).empty());
  const auto found = deviations(lock, lock_of(newer, {{Act::Kind::host, "evil.example"}}));
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == Deviation::Kind::new_version);
}

TEST_CASE(
    "a package that the lock does not know is a deviation, also under a known name elsewhere") {
  const BehaviourLock lock = lock_of(kEsbuild, {{Act::Kind::exec, "node"}});
  const auto found = deviations(
      lock, lock_of({Doer::Kind::build, "esbuild", "0.25.0"}, {{Act::Kind::exec, "node"}}));
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == Deviation::Kind::unknown_package);
}

TEST_CASE("learning adds, replaces old versions and keeps what did not run") {
  BehaviourLock lock =
      lock_of({Doer::Kind::script, "esbuild", "0.24.0"}, {{Act::Kind::exec, "sh"}});
  lock.acts_of({Doer::Kind::script, "core-js", "3.0.0"}) = {{Act::Kind::exec, "node"}};
  const BehaviourLock learned = learn(lock, lock_of(kEsbuild, {{Act::Kind::exec, "node"}}));
  REQUIRE(learned.packages.size() == 2);
  CHECK(learned.packages[0].doer.name == "core-js");
  CHECK(learned.packages[1].doer == kEsbuild);
  CHECK(learned.packages[1].acts == std::set<Act>{{Act::Kind::exec, "node"}});
  const BehaviourLock more = learn(learned, lock_of(kEsbuild, {{Act::Kind::exec, "uname"}}));
  CHECK(more.packages[1].acts.size() == 2);
}

}  // namespace
}  // namespace sandbox_run::policy
