#include "plan/work_places.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "base/io.h"
#include "plan/git_places.h"
#include "plan/linked_places.h"
#include "scratch_directory.h"

using namespace sandbox_run;
using plan::command_directory;
using policy::PackageManager;
using test::ScratchDirectory;

namespace {

constexpr auto kNpm = PackageManager::npm;
constexpr auto kPnpm = PackageManager::pnpm;

void write(const std::string& path, const std::string& text) {
  base::write_file_atomically(path, text, 0644);
}

}  // namespace

TEST_CASE("options name the directory in which a manager works") {
  CHECK(command_directory(kNpm, {"npm", "--prefix", "../new", "install"}, "/w/a") == "/w/new");
  CHECK(command_directory(kNpm, {"npm", "install", "--prefix=/x"}, "/w/a") == "/x");
  CHECK(command_directory(kNpm, {"npm", "-C", "b", "ci"}, "/w/a") == "/w/a/b");
  CHECK(command_directory(kPnpm, {"pnpm", "-C", "b", "i"}, "/w/a") == "/w/a/b");
  CHECK(command_directory(kPnpm, {"pnpm", "--dir=b", "i"}, "/w/a") == "/w/a/b");
  CHECK(command_directory(PackageManager::yarn, {"yarn", "--cwd", "b"}, "/w/a") == "/w/a/b");
  CHECK(command_directory(PackageManager::bun, {"bun", "--cwd=b", "i"}, "/w/a") == "/w/a/b");
}

TEST_CASE("what belongs to another program, or to npm's global prefix, names no directory") {
  CHECK(command_directory(kNpm, {"npm", "run", "x", "--", "--prefix", "b"}, "/w") == "/w");
  CHECK(command_directory(kNpm, {"npm", "i", "-g", "--prefix", "/p", "x"}, "/w") == "/w");
  CHECK(command_directory(kPnpm, {"pnpm", "exec", "tool", "-C", "b"}, "/w") == "/w");
  CHECK(command_directory(PackageManager::pip, {"pip", "install", "--prefix", "b"}, "/w") == "/w");
}

TEST_CASE("npm works in the nearest package above, or in the workspace that this is a member of") {
  const ScratchDirectory scratch;
  const std::string root = scratch.make("home/repo");
  const std::string deep = scratch.make("home/repo/packages/app/src");
  const std::string other = scratch.make("home/repo/other");
  write(root + "/package.json", R"({"workspaces": ["./packages/*"]})");
  write(root + "/packages/app/package.json", "{}");
  write(other + "/package.json", "{}");
  const std::string home = scratch.path() + "/home";
  CHECK(plan::find_work_places(kNpm, {"npm", "i"}, deep, home).manager == root);
  CHECK(plan::find_work_places(kNpm, {"npm", "i"}, other, home).manager == other);
  CHECK(plan::find_work_places(kNpm, {"npm", "i"}, other, home).project == root);
  CHECK(plan::workspace_members(root) == std::vector<std::string>{root + "/packages/app"});
}

TEST_CASE(
    "deno works where its configuration or the nearest package is, or at its workspace's root") {
  const ScratchDirectory scratch;
  const std::string root = scratch.make("home/repo");
  const std::string member = scratch.make("home/repo/member");
  const std::string deep = scratch.make("home/repo/member/src");
  const std::string package = scratch.make("home/repo/member/package");
  write(member + "/deno.json", "{}");
  write(package + "/package.json", "{}");
  const std::string home = scratch.path() + "/home";
  const auto manager = [&](const std::string& from) {
    return plan::find_work_places(PackageManager::deno, {"deno", "install"}, from, home).manager;
  };
  CHECK(manager(deep) == member);
  CHECK(manager(package) == package);
  write(root + "/deno.jsonc", R"({"workspace": ["./member"] /* all */})");
  CHECK(manager(deep) == root);
}

TEST_CASE("pnpm's members are those of pnpm-workspace.yaml") {
  const ScratchDirectory scratch;
  const std::string root = scratch.make("repo");
  const std::string member = scratch.make("repo/libs/one");
  write(member + "/package.json", "{}");
  write(scratch.make("repo/else/two") + "/package.json", "{}");
  write(root + "/pnpm-workspace.yaml", "packages:\n  - 'libs/**'\nother:\n  - else/*\n");
  CHECK(plan::workspace_members(root) == std::vector<std::string>{member});
  CHECK(plan::find_work_places(kPnpm, {"pnpm", "i"}, member, "/home/u").manager == root);
}

TEST_CASE("where npm would install into the home directory it is refused") {
  const ScratchDirectory scratch;
  const std::string app = scratch.make("home/app");
  const std::string home = scratch.path() + "/home";
  write(home + "/package.json", "{}");
  CHECK(!plan::find_work_places(kNpm, {"npm", "install"}, app, home).refusal.empty());
  CHECK(plan::find_work_places(kNpm, {"npm", "exec", "tool"}, app, home).refusal.empty());
  CHECK(plan::find_work_places(kNpm, {"npm", "exec", "tool"}, app, home).project == app);
}

TEST_CASE("a directory elsewhere is a second project, or is said to be lost") {
  const ScratchDirectory scratch;
  const std::string tool = scratch.make("home/tool");
  const std::string home = scratch.path() + "/home";
  const auto places = plan::find_work_places(kNpm, {"npm", "--prefix", "../new", "i"}, tool, home);
  CHECK(places.project == home + "/new");
  CHECK(places.more == std::vector<std::string>{tool});
  const auto from_home = plan::find_work_places(kNpm, {"npm", "--prefix", "new", "i"}, home, home);
  CHECK(from_home.project == home + "/new");
  CHECK(from_home.working_directory_is_lost);
}

TEST_CASE("dependencies outside the project are found, also those of dependencies") {
  const ScratchDirectory scratch;
  const std::string app = scratch.make("code/app");
  const std::string lib = scratch.make("code/lib");
  const std::string base = scratch.make("code/base");
  write(app + "/package.json", R"({"dependencies": {"lib": "file:../lib", "x": "../x.tgz"}})");
  write(lib + "/package.json", R"({"dependencies": {"base": "link:../base"}})");
  write(base + "/package.json", "{}");
  write(scratch.path() + "/code/x.tgz", "");
  plan::WorkPlaces places;
  places.manager = places.project = app;
  const auto found = plan::find_dependencies(kNpm, {"npm", "ci"}, app, "/home/u", places);
  CHECK(found.written == std::vector<std::string>{lib, base});
  CHECK(found.shown == std::vector<std::string>{scratch.path() + "/code/x.tgz"});
  CHECK(found.neighbours == std::vector<std::string>{lib, base});
  const auto typed =
      plan::find_dependencies(kNpm, {"npm", "install", "../lib"}, app, "/home/u", places);
  CHECK(typed.neighbours == std::vector<std::string>{lib, base});
}

TEST_CASE(
    "a manifest that names the directory above makes that a neighbour, who types it a project") {
  const ScratchDirectory scratch;
  const std::string above = scratch.make("code");
  const std::string app = scratch.make("code/app");
  write(app + "/package.json", R"({"dependencies": {"x": "file:.."}})");
  write(above + "/package.json", "{}");
  plan::WorkPlaces places;
  places.manager = places.project = app;
  const auto found = plan::find_dependencies(kNpm, {"npm", "ci"}, app, "/home/u", places);
  CHECK(found.neighbours == std::vector<std::string>{above});
  CHECK(places.project == app);
  plan::find_dependencies(kNpm, {"npm", "install", ".."}, app, "/home/u", places);
  CHECK(places.project == above);
}

TEST_CASE(
    "programs that are hard links where the manager can make them, and where it copies them to") {
  const ScratchDirectory scratch;
  const std::string app = scratch.make("code/app");
  const std::string lib = scratch.make("code/lib");
  const std::string base = scratch.make("code/base");
  write(app + "/package.json", R"({"dependencies": {"@s/lib": "file:../lib"}})");
  write(lib + "/package.json", R"({"bin": "./cli.js", "dependencies": {"base": "file:../base"}})");
  write(base + "/package.json", R"({"bin": {"b": "b.js"}})");
  const auto find = [&](const std::optional<policy::HardLinks>& hard_links) {
    plan::WorkPlaces places;
    places.manager = places.project = app;
    return plan::find_dependencies(kPnpm, {"pnpm", "i"}, app, "/home/u", places, hard_links)
        .programs;
  };
  const std::string at = app + "/node_modules/";
  const std::vector<policy::LinkedProgram> wanted{
      {lib, "cli.js", {at + "@s/lib/cli.js"}},
      {base, "b.js", {at + "base/b.js", at + "@s/lib/../../base/b.js"}}};
  CHECK(find(policy::HardLinks{}) == wanted);
  CHECK(find({}).empty());

  write(lib + "/binding.gyp", "");
  const policy::HardLinks unless{{"install"}, {"binding.gyp"}};
  CHECK(find(unless) == std::vector<policy::LinkedProgram>{wanted[1]});
  write(base + "/package.json", R"({"bin": {"b": "b.js"}, "scripts": {"install": "true"}})");
  CHECK(find(unless).empty());
}

TEST_CASE("a directory that is no package, and a hidden one of the home, are not shown") {
  const ScratchDirectory scratch;
  const std::string app = scratch.make("home/app");
  const std::string home = scratch.path() + "/home";
  write(scratch.make("home/.ssh") + "/package.json", "{}");
  scratch.make("home/documents");
  REQUIRE(::symlink((home + "/.ssh").c_str(), (home + "/lib").c_str()) == 0);
  write(app + "/package.json",
        R"({"dependencies": {"a": "file:../lib", "b": "file:../documents"}})");
  plan::WorkPlaces places;
  places.manager = places.project = app;
  const auto found = plan::find_dependencies(kNpm, {"npm", "ci"}, app, home, places);
  CHECK(found.written.empty());
  CHECK(found.shown.empty());
  CHECK(found.refused == std::vector<std::string>{home + "/lib"});
}

TEST_CASE("a git directory is shown only if it names the work tree in turn") {
  const ScratchDirectory scratch;
  const std::string tree = scratch.make("tree");
  const std::string common = scratch.make("main/.git");
  const std::string git = scratch.make("main/.git/worktrees/tree");
  scratch.make("main/.git/objects");
  write(common + "/HEAD", "ref: refs/heads/main\n");
  write(git + "/HEAD", "ref: refs/heads/tree\n");
  write(git + "/commondir", "../..\n");
  write(tree + "/.git", "gitdir: " + git + "\n");
  write(git + "/gitdir", tree + "/.git\n");
  CHECK(plan::find_git_directories(tree, tree) == std::vector<std::string>{common});
  const std::string thief = scratch.make("thief");
  write(thief + "/.git", "gitdir: " + git + "\n");
  CHECK(plan::find_git_directories(thief, thief).empty());
}
