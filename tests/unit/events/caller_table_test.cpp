#include "events/caller_table.h"

#include <doctest/doctest.h>

using namespace sandbox_run::events;

namespace {

Caller script(const std::string& package) {
  return {Actor{Actor::Kind::script, package, "", ""}, Process{7, "/bin/sh", {}, "/"}};
}

}  // namespace

TEST_CASE("a number leads back to its caller, any other to nobody known") {
  CallerTable callers;
  const auto one = callers.add(script("one"));
  const auto two = callers.add(script("two"));
  CHECK(one != two);
  CHECK(one != CallerTable::kUnknown);
  CHECK(callers.at(one).actor.package == "one");
  CHECK(callers.at(two).process->pid == 7);
  for (const CallerTable::Number number : {CallerTable::kUnknown, two + 1, ~0U}) {
    CHECK(callers.at(number).actor.kind == Actor::Kind::unknown);
    CHECK_FALSE(callers.at(number).process);
  }
}

TEST_CASE("a full table still tells actors apart that it knows, and lends no other's number") {
  CallerTable callers(2);
  const auto one = callers.add(script("one"));
  callers.add(script("two"));
  CHECK(callers.add(script("one")) == one);
  CHECK(callers.add(script("three")) == CallerTable::kUnknown);
}
