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
      {Act::Kind::exec, "with \\n newline"}, {Act::Kind::decoy, "~/.aws/credentials"}};
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

TEST_CASE("text that is no TOML is an error, whatever it is") {
  for (const char* text : {"[=]",
                           "[[[",
                           "[[ =",
                           "[",
                           "[]",
                           "\xff",
                           "a",
                           "=",
                           "[a.=]",
                           "[[a.\"",
                           "a = [[[[",
                           "\"",
                           "\xcb\x9d",
                           "a = 1b[:\"\xef\xbb\xb7\"",
                           "a = 1\xd0\xb6",
                           "[\xc2\xa1]",
                           "[a]\n[a]",
                           "a = 1\n[[a]]",
                           "[[a]]\n[a.b]\n[a.b]",
                           "\0x"}) {
    CAPTURE(text);
    CHECK(contains(error_of([&] { parse(text); }), "lock"));
  }
  CHECK(contains(error_of([] { parse(std::string(100'000, '[')); }), "lock"));
}

TEST_CASE("what a version is locked with is no deviation, everything else of it is") {
  const BehaviourLock lock =
      lock_of(kEsbuild, {{Act::Kind::script, "postinstall"}, {Act::Kind::exec, "node"}});
  CHECK_FALSE(deviation(lock, kEsbuild, {Act::Kind::exec, "node"}));
  CHECK(deviation(lock, kEsbuild, {Act::Kind::exec, "curl"}) == Deviation::new_act);
  CHECK(deviation(lock, kEsbuild, {Act::Kind::host, "node"}) == Deviation::new_act);
}

TEST_CASE("a new version is a deviation only if it does what no locked version did") {
  BehaviourLock lock = lock_of(kEsbuild, {{Act::Kind::exec, "node"}});
  lock.acts_of({Doer::Kind::script, "esbuild", "0.24.0"}) = {{Act::Kind::exec, "uname"}};
  const Doer newer{Doer::Kind::script, "esbuild", "0.25.1"};
  CHECK_FALSE(deviation(lock, newer, {Act::Kind::exec, "node"}));
  CHECK_FALSE(deviation(lock, newer, {Act::Kind::exec, "uname"}));
  CHECK(deviation(lock, newer, {Act::Kind::host, "evil.example"}) == Deviation::new_version);
  CHECK(deviation(lock, kEsbuild, {Act::Kind::exec, "uname"}) == Deviation::new_act);
}

TEST_CASE("a package that the lock does not know is a deviation, also under a name that is near") {
  const BehaviourLock lock = lock_of(kEsbuild, {{Act::Kind::exec, "node"}});
  const Act act{Act::Kind::exec, "node"};
  CHECK(deviation({}, kEsbuild, act) == Deviation::unknown_package);
  for (const Doer& other :
       {Doer{Doer::Kind::build, "esbuild", "0.25.0"}, Doer{Doer::Kind::script, "esbuil", "0.25.0"},
        Doer{Doer::Kind::script, "esbuild-x", ""}, Doer{Doer::Kind::script, "", ""}}) {
    CHECK(deviation(lock, other, act) == Deviation::unknown_package);
  }
}

TEST_CASE("differences are one line an act, with the sign of the side that has it") {
  const BehaviourLock before = lock_of(kEsbuild, {{Act::Kind::exec, "node"}});
  BehaviourLock after =
      lock_of(kEsbuild, {{Act::Kind::exec, "node"}, {Act::Kind::host, "a.example:443"}});
  after.acts_of({Doer::Kind::build, "lxml", "5"});
  CHECK(differences(before, before) == "");
  CHECK(differences(before, after) ==
        "+ esbuild@0.25.0  asks for the host a.example:443\n+ lxml@5 (build)\n");
  CHECK(differences(after, before) ==
        "- esbuild@0.25.0  asks for the host a.example:443\n- lxml@5 (build)\n");
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
