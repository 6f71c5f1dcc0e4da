#include "watch/signal_watch.h"

#include <doctest/doctest.h>

using sandbox_run::watch::parse_namespace_ids;

TEST_CASE("a process's numbers are read from the outermost namespace to its own") {
  const std::string_view status = "Name:\tnode\nNSpid:\t4711\t12\t3\nNSpgid:\t4700\t1\n";
  CHECK(parse_namespace_ids(status, "NSpid") == std::vector<int>{4711, 12, 3});
  CHECK(parse_namespace_ids(status, "NSpgid") == std::vector<int>{4700, 1});
}

TEST_CASE("what is not a line of numbers gives none") {
  CHECK(parse_namespace_ids("", "NSpid").empty());
  CHECK(parse_namespace_ids("Name:\tNSpid:\t1\n", "NSpid").empty());
  CHECK(parse_namespace_ids("NSpid:\tx\n", "NSpid").empty());
  CHECK(parse_namespace_ids("NSpid:\t99999999999\n", "NSpid").empty());
}
