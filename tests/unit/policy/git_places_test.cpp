#include "policy/git_places.h"

#include <doctest/doctest.h>

using namespace sandbox_run::policy;

namespace {

using PlaceKind = GitPlace::Kind;
using Places = std::vector<GitPlace>;

/// The project has a file build.sh and no other.
Places named(const std::string& text) {
  const auto config = parse_git_config(text);
  REQUIRE(config);
  return places_named_by_git(*config, "/home/u/app",
                             [](const std::string& path) { return path == "build.sh"; });
}

}  // namespace

TEST_CASE("directories and files that a git configuration names are places of git's") {
  CHECK(named("[core]\n\thooksPath = .githooks\n") == Places{{".githooks", PlaceKind::directory}});
  CHECK(named("[core]\n\thooksPath = ./a/../hooks/\n") == Places{{"hooks", PlaceKind::directory}});
  CHECK(named("[core]\n\thooksPath = /home/u/app/h\n") == Places{{"h", PlaceKind::directory}});
  CHECK(named("[core]\n\thooksPath = one\n\thooksPath = two\n") ==
        Places{{"one", PlaceKind::directory}, {"two", PlaceKind::directory}});
  CHECK(named("[core]\n\tattributesFile = a\n") == Places{{"a", PlaceKind::file}});
  CHECK(named("[http \"https://x/\"]\n\tsslCAInfo = own.pem\n") ==
        Places{{"own.pem", PlaceKind::file}});
}

TEST_CASE("what lies outside, or is installed, is none") {
  for (const char* path : {"/etc/hooks", "../hooks", "~/hooks", "node_modules/x/hooks", "",
                           "/home/u/app", ".", "/home/u/application"}) {
    CAPTURE(path);
    CHECK(named("[core]\n\thooksPath = \"" + std::string(path) + "\"\n").empty());
  }
}

TEST_CASE("scripts in commands are places of git's, by a path or if the project has the file") {
  CHECK(named("[filter \"x\"]\n\tclean = sh tools/clean %f\n") ==
        Places{{"tools/clean", PlaceKind::file}});
  CHECK(named("[alias]\n\tx = \"!sh build.sh && git status\"\n") ==
        Places{{"build.sh", PlaceKind::file}});
  CHECK(named("[alias]\n\tx = \"!sh -c 'tools/x \\\"$@\\\"'\"\n") ==
        Places{{"tools/x", PlaceKind::file}});
  CHECK(named("[core]\n\tsshCommand = ssh -oProxyCommand=tools/p\n") ==
        Places{{"tools/p", PlaceKind::file}});
  CHECK(named("[alias]\n\tst = status --short\n").empty());
  CHECK(named("[branch \"a\"]\n\tmerge = refs/heads/a\n[remote \"o\"]\n\turl = x/y\n").empty());
}

TEST_CASE("what a configuration includes is told") {
  const auto config = parse_git_config(
      "[include]\n\tpath = a\n\tpath = ~/b\n[includeIf \"gitdir:x/\"]\n\tpath = c\n");
  REQUIRE(config);
  CHECK(included_files(*config) == std::vector<std::string>{"a", "~/b", "c"});
}
