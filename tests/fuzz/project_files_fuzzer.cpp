// libFuzzer: any texts as the files by which a project says what belongs to it: package.json,
// pnpm-workspace.yaml, .git, requirements.txt, the alternates of its repository. Nothing in them
// may show, or open for writing, what is hidden at home, or make the home itself the project.
#include <unistd.h>

#include <array>

#include "../unit/scratch_directory.h"
#include "base/io.h"
#include "base/sys_error.h"
#include "fuzz.h"
#include "plan/git_places.h"
#include "plan/linked_places.h"
#include "plan/work_places.h"

namespace {

using namespace sandbox_run;
using fuzz::require;
using policy::PackageManager;

struct Home {
  Home() : path(scratch.make("home")), project(scratch.make("home/work/app")) {
    for (const char* name : {"home/.ssh", "home/work/app/packages/a", "home/work/lib", "else"}) {
      const std::string directory = scratch.make(name);
      base::write_file(directory + "/package.json", "{\"name\":\"x\"}", 0644);
      base::write_file(directory + "/x.tgz", "x", 0644);
    }
    (void)scratch.make("home/work/app/objects/info");
  }
  test::ScratchDirectory scratch;
  std::string path;
  std::string project;
};

void require_not_hidden(const Home& home, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    require(!base::is_beneath(path, home.path + "/.ssh"));
    require(!base::is_beneath(home.path, path));
  }
}

void check(const Home& home, PackageManager manager, const std::vector<std::string>& arguments) {
  plan::WorkPlaces places;
  try {
    places = plan::find_work_places(manager, arguments, home.project, home.path);
  } catch (const base::UserError& error) {
    require(!fuzz::has_control(error.what()));
    return;
  }
  if (places.refusal.empty()) require(!base::is_beneath(home.path, places.project));
  const plan::LinkedPlaces linked =
      plan::find_dependencies(manager, arguments, home.project, home.path, places);
  require_not_hidden(home, linked.shown);
  require_not_hidden(home, linked.written);
  if (places.refusal.empty()) require_not_hidden(home, {places.project, places.manager});
}

}  // namespace

FUZZ_TARGET(project_files, data, size) {
  static const Home home;
  constexpr std::array kFiles = {"package.json", "pnpm-workspace.yaml", "requirements.txt", ".git",
                                 "objects/info/alternates"};
  const auto texts = fuzz::texts_of(data, size, kFiles.size());
  for (std::size_t i = 0; i < kFiles.size(); ++i) {
    const std::string path = home.project + "/" + kFiles[i];
    (void)::unlink(path.c_str());
    if (!texts[i].empty()) base::write_file(path, texts[i], 0644);
  }
  check(home, PackageManager::npm, {"npm", "install"});
  check(home, PackageManager::pnpm, {"pnpm", "install"});
  check(home, PackageManager::yarn, {"yarn"});
  check(home, PackageManager::bun, {"bun", "install"});
  check(home, PackageManager::pip, {"pip", "install", "-r", "requirements.txt"});
  require_not_hidden(home, plan::find_git_directories(home.project, home.project));
  (void)plan::find_alternates(home.project);
  return 0;
}
