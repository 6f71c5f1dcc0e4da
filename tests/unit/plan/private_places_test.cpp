#include "plan/private_places.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/io.h"
#include "base/path.h"
#include "host_path.h"
#include "scratch_directory.h"

using namespace sandbox_run;
using test::ScratchDirectory;

namespace {

/// A host whose only shown tree is `opt` in a scratch directory.
struct PrivateScene {
  ScratchDirectory scratch;
  policy::Policy policy;
  plan::HostFacts facts;

  PrivateScene() {
    const std::string opt = scratch.make("opt");
    policy.files.looked_through = {opt};
    facts.system = {directory(opt)};
    facts.uid = ::geteuid();
    facts.gid = ::getegid();
    facts.home = facts.home_real = scratch.file("home");
    facts.project = scratch.file("home/app");
  }

  std::string write(const std::string& path, mode_t mode) const {
    base::make_directories(base::parent_path(scratch.file(path)), 0755);
    base::write_file(scratch.file(path), "x", 0600);
    REQUIRE(::chmod(scratch.file(path).c_str(), mode) == 0);
    return scratch.file(path);
  }
  std::string close(const std::string& path, mode_t mode = 0700) const {
    REQUIRE(::chmod(scratch.file(path).c_str(), mode) == 0);
    return scratch.file(path);
  }

  std::vector<std::string> found() const {
    std::vector<std::string> paths;
    for (const auto& place : plan::find_private_places(policy, facts).places) {
      paths.push_back(base::relative_to(place.real, scratch.path()) + (place.directory ? "/" : ""));
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
};

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("files and directories that others may not read are found, at any depth") {
  PrivateScene scene;
  scene.write("opt/open", 0644);
  scene.write("opt/key", 0600);
  scene.write("opt/group", 0640);
  scene.write("opt/a/b/c/key", 0400);
  scene.write("opt/closed/open", 0644);
  scene.close("opt/closed");
  scene.write("opt/listed/open", 0644);
  scene.close("opt/listed", 0751);
  CHECK(scene.found() ==
        Paths{"opt/a/b/c/key", "opt/closed/", "opt/group", "opt/key", "opt/listed/"});
}

TEST_CASE("a large tree that nothing leads to is hidden as a whole, and not looked through") {
  PrivateScene scene;
  for (int i = 0; i < 5000; ++i) scene.write("opt/large/" + std::to_string(i), 0644);
  scene.write("opt/small/key", 0600);
  CHECK(scene.found() == Paths{"opt/large/", "opt/small/key"});
  scene.facts.path_entries = {directory(scene.scratch.file("opt/large"))};
  CHECK(scene.found() == Paths{"opt/small/key"});
}

TEST_CASE(
    "a tree that an earlier run has found too large is not counted once more, while it is the "
    "same") {
  PrivateScene scene;
  for (int i = 0; i < 1500; ++i) scene.write("opt/large/" + std::to_string(i), 0644);
  scene.write("opt/large/key", 0600);
  scene.facts.large_trees = plan::find_private_places(scene.policy, scene.facts).large_trees;
  REQUIRE(scene.facts.large_trees.size() == 1);
  std::filesystem::remove_all(scene.scratch.file("opt/large"));
  scene.write("opt/large/key", 0600);
  CHECK(scene.found() == Paths{"opt/large/key"});  // another directory of that name
  struct stat status {};
  REQUIRE(::stat(scene.scratch.file("opt/large").c_str(), &status) == 0);
  scene.facts.large_trees.begin()->second = plan::large_tree(status);
  CHECK(scene.found() == Paths{"opt/large/"});
  scene.facts.path_entries = {directory(scene.scratch.file("opt/large"))};
  CHECK(scene.found() == Paths{"opt/large/key"});
}

TEST_CASE("what PATH leads to is not hidden with the directory that it lies in") {
  PrivateScene scene;
  scene.write("opt/closed/tool/bin/tool", 0755);
  scene.write("opt/closed/tool/lib/data", 0600);
  scene.write("opt/closed/open", 0644);
  scene.write("opt/closed/other/open", 0644);
  scene.close("opt/closed");
  scene.facts.path_entries = {directory(scene.scratch.file("opt/closed/tool/bin"))};
  CHECK(scene.found() == Paths{"opt/closed/open", "opt/closed/other/"});
}

TEST_CASE("in an open toolchain what is private is hidden, but for programs of PATH") {
  PrivateScene scene;
  scene.write("opt/tool/bin/tool", 0700);
  scene.write("opt/tool/bin/notes", 0600);
  scene.write("opt/tool/etc/key", 0600);
  scene.facts.path_entries = {directory(scene.scratch.file("opt/tool/bin"))};
  CHECK(scene.found() == Paths{"opt/tool/bin/notes", "opt/tool/etc/key"});
  scene.close("opt/tool/bin");  // made with a umask
  CHECK(scene.found().empty());
}

TEST_CASE("projects and what is shown by name are kept") {
  PrivateScene scene;
  scene.write("opt/app/.env", 0600);
  scene.write("opt/shown/key", 0600);
  scene.write("opt/deep/app/.env", 0600);
  scene.write("opt/deep/key", 0600);
  scene.close("opt/deep");
  scene.facts.project = scene.scratch.file("opt/app");
  scene.facts.more_projects = {scene.scratch.file("opt/deep/app")};
  scene.facts.read_only = {directory(scene.scratch.file("opt/shown"))};
  CHECK(scene.found() == Paths{"opt/deep/key"});
}

TEST_CASE("very many private files are hidden with their directory") {
  PrivateScene scene;
  for (int i = 0; i < 1200; ++i) scene.write("opt/many/" + std::to_string(i), 0600);
  scene.write("opt/open", 0644);
  CHECK(scene.found() == Paths{"opt/many/"});
}
