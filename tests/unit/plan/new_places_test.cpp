#include "plan/new_places.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/io.h"
#include "plan/git_places.h"
#include "scratch_directory.h"

using namespace sandbox_run;
using test::ScratchDirectory;
using Words = std::vector<std::string>;

namespace {

struct Home {
  ScratchDirectory scratch;
  std::string home = scratch.make("home");
  std::string work = scratch.make("home/work");
  std::string app = scratch.make("home/work/app");

  plan::NewPlaces find(const policy::Policy& policy, const Words& words) const {
    plan::WorkPlaces places;
    places.project = app;
    return plan::find_new_places(policy, words, app, home, places);
  }
};

policy::Policy generic() {
  policy::Policy policy;
  policy.files.targets.emplace_back().makes = policy::CommandRule{{"python* venv *"}, {}};
  policy.outside = policy::OutsideRule{{"git"}, {"mv"}, {"cp"}};
  return policy;
}

}  // namespace

TEST_CASE("a directory that the command makes is found in the project and beside it") {
  const Home place;
  const Words words{"python3", "-m", "venv", "in/deep", "../out", "../a/b", "../../.hidden"};
  const plan::NewPlaces found = place.find(generic(), words);
  CHECK(found.made == Words{place.app + "/in", place.work + "/out", place.work + "/a"});
  CHECK(found.lost == Words{place.home + "/.hidden"});
}

TEST_CASE("what a command would put outside the project is lost, what it reads there is not") {
  const Home place;
  base::write_file_atomically(place.work + "/there", "", 0644);
  CHECK(place.find(generic(), {"mv", "a", "../b"}).lost == Words{place.work + "/b"});
  CHECK(place.find(generic(), {"mv", "../there", "."}).lost == Words{place.work + "/there"});
  CHECK(place.find(generic(), {"mv", "a", ".."}).lost == Words{place.work});
  CHECK(place.find(generic(), {"cp", "../there", "."}).lost.empty());
  CHECK(place.find(generic(), {"cp", "a", "../there"}).lost == Words{place.work + "/there"});
  CHECK(place.find(generic(), {"tar", "--file=../x.tar"}).lost == Words{place.work + "/x.tar"});
}

TEST_CASE("a name that makes nothing, a text, an address and what can't be made are passed over") {
  const Home place;
  for (const Words& words : {Words{"git", "remote", "add", "o", "../repo.git"},
                             {"git", "commit", "-qm", "../x"},
                             {"sh", "-c", "cat\n../x"},
                             {"curl", "https://registry.example.com/x"},
                             {"tar", "cf", "/proc/x"},
                             {"node", "server.js", "/api", "/api/v1"},
                             {"pytest", "--basetemp=/tmp/sandbox-run-none"}}) {
    CHECK(place.find(generic(), words).lost.empty());
  }
  CHECK(place.find({}, {"mv", "a", "../b"}).lost.empty());
}

TEST_CASE("a work tree is linked to a repository if each names the other") {
  const ScratchDirectory scratch;
  const std::string own = scratch.make("repo/.git/worktrees/one");
  const std::string tree = scratch.make("tree");
  const std::string file = tree + "/.git";
  const auto write = [](const std::string& path, const std::string& text) {
    base::write_file_atomically(path, text, 0644);
  };
  const auto found = [&] {
    return plan::find_work_trees(scratch.path() + "/repo/.git", scratch.path() + "/repo");
  };
  write(own + "/gitdir", file + "\n");
  CHECK(found().empty());
  write(file, "gitdir: " + scratch.path() + "/elsewhere/worktrees/one\n");
  CHECK(found().empty());
  write(file, "gitdir: " + own + "\n");
  CHECK(found() == Words{file});
  write(own + "/gitdir", "../../../../tree/.git\n");
  CHECK(found().empty());
}
