#include "plan/configuration_files.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/io.h"
#include "base/path.h"
#include "host_path.h"
#include "plan/neighbours.h"
#include "scratch_directory.h"

using namespace sandbox_run;
using test::ScratchDirectory;

namespace {

struct Scene {
  ScratchDirectory scratch;
  policy::Policy policy;
  plan::HostFacts facts;

  Scene() {
    facts.home = facts.home_real = scratch.file("home");
    facts.project = scratch.file("home/app");
    using Format = policy::HomeFile::Format;
    policy.files.configuration = {
        {"npmrc", "", {"etc/npmrc", "more/*.rc"}, {"", Format::npmrc, {}, {}, {}}},
        {"git", "", {".git/config"}, {"", Format::gitconfig, {}, {}, {}}},
        {"cargo", "cargo", {"config.toml"}, {"", Format::toml, {}, {}, {}}},
        {"secret", "", {".aws"}, {"", Format::hidden, {}, {}, {}}}};
    policy.files.prefixes = {scratch.file("opt/*")};
  }

  void write(const std::string& path, const std::string& text = "x") const {
    base::make_directories(base::parent_path(scratch.file(path)), 0755);
    base::write_file(scratch.file(path), text, 0644);
  }

  std::vector<std::string> found() const {
    std::vector<std::string> paths;
    for (const auto& file : plan::find_configuration(policy, facts)) {
      paths.push_back(base::relative_to(file.real, scratch.path()));
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
};

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("configuration is found in the prefixes that the table names, and nowhere else") {
  Scene scene;
  scene.write("opt/a/etc/npmrc");
  scene.write("opt/a/more/one.rc");
  scene.write("opt/a/more/other");
  scene.write("opt/a/deeper/etc/npmrc");
  scene.write("opt/b/.aws/credentials");
  scene.write("opt/b/config.toml");
  CHECK(scene.found() == Paths{"opt/a/etc/npmrc", "opt/a/more/one.rc", "opt/b/.aws"});
}

TEST_CASE("configuration is found in toolchains, in their prefixes, and beside what PATH names") {
  Scene scene;
  scene.write("t/versions/1/etc/npmrc");
  scene.write("t/config.toml");
  scene.write("path/etc/npmrc");
  scene.write("path/bin/x");
  scene.write("command/etc/npmrc");
  scene.write("command/lib/node_modules/x/cli.js");
  scene.facts.toolchains = {{"cargo", {directory(scene.scratch.file("t"))}, {}, {"versions/*"}}};
  scene.facts.path_entries = {directory(scene.scratch.file("path/bin"))};
  scene.facts.command.chain = {scene.scratch.file("command/lib/node_modules/x/cli.js")};
  CHECK(scene.found() ==
        Paths{"command/etc/npmrc", "path/etc/npmrc", "t/config.toml", "t/versions/1/etc/npmrc"});
}

TEST_CASE("the project's own configuration is none of it, but an environment's in it is") {
  Scene scene;
  scene.write("home/app/etc/npmrc");
  scene.write("home/app/bin/x");
  scene.write("home/app/.venv/etc/npmrc");
  scene.write("home/app/.venv/bin/x");
  scene.facts.path_entries = {directory(scene.scratch.file("home/app/bin")),
                              directory(scene.scratch.file("home/app/.venv/bin"))};
  CHECK(scene.found().empty());
  scene.write("home/app/.venv/pyvenv.cfg");
  CHECK(scene.found() == Paths{"home/app/.venv/etc/npmrc"});
}

TEST_CASE("what a git configuration includes is found, and a link leads to where it is") {
  Scene scene;
  scene.write("opt/a/.git/config", "[include]\n\tpath = ../own\n");
  scene.write("opt/a/own", "[include]\n\tpath = ../a/.git/config\n\tpath = more\n");
  scene.write("opt/a/more");
  scene.write("elsewhere/npmrc");
  scene.scratch.make("opt/b/etc");
  REQUIRE(::symlink("../../../elsewhere/npmrc", scene.scratch.file("opt/b/etc/npmrc").c_str()) ==
          0);
  CHECK(scene.found() == Paths{"elsewhere/npmrc", "opt/a/.git/config", "opt/a/more", "opt/a/own"});
}

TEST_CASE("what a neighbour keeps to itself is found by name, at any depth, and by its mode") {
  Scene scene;
  scene.policy.files.configuration.push_back({"project",
                                              "",
                                              {".env", ".env.*"},
                                              {"", policy::HomeFile::Format::hidden, {}, {}, {}},
                                              true,
                                              {"*.example"}});
  for (const char* path : {"lib/.env.example", "lib/deep/.env", "lib/.git/config", "lib/key",
                           "lib/node_modules/a/.env", "opt/a/.env", "lib/open"}) {
    scene.write(path);
  }
  REQUIRE(::chmod(scene.scratch.file("lib/key").c_str(), 0600) == 0);
  scene.facts.linked.written = scene.facts.linked.neighbours = {scene.scratch.file("lib")};
  CHECK(scene.found() == Paths{});
  const auto secrets = plan::find_neighbour_secrets(scene.policy, scene.facts);
  Paths paths;
  for (const auto& file : secrets.configuration) {
    paths.push_back(base::relative_to(file.real, scene.scratch.path()));
  }
  std::sort(paths.begin(), paths.end());
  CHECK(paths == Paths{"lib/.git/config", "lib/deep/.env"});
  REQUIRE(secrets.places.size() == 1);
  CHECK(secrets.places.front() == plan::PrivatePlace{scene.scratch.file("lib/key"), false, true});

  REQUIRE(::chmod(scene.scratch.file("lib").c_str(), 0700) == 0);  // a umask's work
  CHECK(plan::find_neighbour_secrets(scene.policy, scene.facts).places.empty());
}
