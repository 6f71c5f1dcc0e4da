#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "plan/global_install.h"
#include "plan/plan_builder.h"
#include "plan/work_places.h"
#include "scratch_directory.h"

using namespace sandbox_run;
using test::ScratchDirectory;

namespace {

plan::HostFacts facts_of(std::vector<std::string> arguments) {
  plan::HostFacts facts;
  facts.home = facts.home_real = "/home/u";
  facts.cache_home = "/home/u/.cache";
  facts.working_directory = facts.project = "/home/u/app";
  facts.command.arguments = std::move(arguments);
  return facts;
}

plan::HostFacts pip_facts(std::vector<std::string> arguments, const std::string& prefix) {
  plan::HostFacts facts = facts_of(std::move(arguments));
  policy::PackageManagerFacts::Python python;
  python.prefix = prefix;
  python.base_prefix = "/usr";
  python.data = "/usr/local";
  python.user_base = "/home/u/.local";
  python.user_site = "/home/u/.local/lib/python3.11/site-packages";
  facts.package_manager.python = python;
  return facts;
}

policy::Policy policy_of(policy::PackageManager manager) {
  policy::Policy policy;
  policy.package_manager = manager;
  return policy;
}

std::vector<std::string> environments(const plan::HostFacts& facts) {
  std::vector<std::string> paths;
  for (const auto& target : plan::choose_targets(policy_of(policy::PackageManager::pip), facts)) {
    if (target.kind == policy::TargetKind::environment) paths.push_back(target.path);
  }
  return paths;
}

}  // namespace

TEST_CASE("pip in a virtual environment changes that environment") {
  CHECK(environments(pip_facts({"pip", "install", "x"}, "/home/u/venv")) ==
        std::vector<std::string>{"/home/u/venv"});
}

TEST_CASE("pip --target changes the named directory only") {
  CHECK(environments(pip_facts({"pip", "install", "--target", "deps", "x"}, "/home/u/venv")) ==
        std::vector<std::string>{"/home/u/app/deps"});
  CHECK(environments(pip_facts({"pip", "install", "--target=/srv/deps", "x"}, "/usr")) ==
        std::vector<std::string>{"/srv/deps"});
  CHECK(environments(pip_facts({"pip", "install", "-tdeps", "x"}, "/usr")) ==
        std::vector<std::string>{"/home/u/app/deps"});
}

TEST_CASE(
    "pip without a writable site-packages changes parts of the user's base, not all of ~/.local") {
  const auto paths = environments(pip_facts({"pip", "install", "x"}, "/usr"));
  CHECK(paths.front() == "/home/u/.local/lib/python3.11");
  for (const std::string& path : paths) {
    CHECK(path != "/home/u/.local");
    CHECK(path != "/home/u/.local/share");
  }
}

TEST_CASE("pip as root with a writable system site changes the scheme's root") {
  plan::HostFacts facts = pip_facts({"pip", "install", "x"}, "/usr");
  facts.package_manager_may_write = true;
  CHECK(environments(facts) == std::vector<std::string>{"/usr/local"});
}

TEST_CASE("pip list changes no environment") {
  CHECK(environments(pip_facts({"pip", "list"}, "/home/u/venv")).empty());
}

TEST_CASE("a pyenv shim's directory can be written, as a cache") {
  plan::HostFacts facts = pip_facts({"pip", "install", "x"}, "/home/u/.pyenv/versions/3.11.7");
  facts.command.path = "/home/u/.pyenv/shims/pip";
  const auto targets = plan::choose_targets(policy_of(policy::PackageManager::pip), facts);
  CHECK(std::any_of(targets.begin(), targets.end(), [](const plan::TargetChoice& target) {
    return target.path == "/home/u/.pyenv/shims" && target.kind == policy::TargetKind::cache;
  }));
}

TEST_CASE("npm install -g is refused with the options that allow it") {
  plan::HostFacts facts = facts_of({"npm", "install", "-g", "x"});
  facts.package_manager.prefix = "/usr";
  const policy::Policy policy = policy_of(policy::PackageManager::npm);
  CHECK_THROWS_WITH_AS(
      plan::choose_targets(policy, facts),
      doctest::Contains("--rw /usr/lib/node_modules --rw /usr/bin npm install -g x"),
      base::UserError);
  facts.global = policy::GlobalInstall{"/usr/lib/node_modules", "/usr/bin", {"x"}, false};
  const auto targets = plan::choose_targets(policy, facts);
  REQUIRE(targets.size() == 3);
  CHECK(targets[1].kind == policy::TargetKind::global_packages);
  CHECK(targets[2].kind == policy::TargetKind::global_programs);
}

TEST_CASE("npm install -g names no option that this user's rights make idle") {
  plan::HostFacts facts = facts_of({"npm", "install", "-g", "x"});
  facts.package_manager.prefix = "/usr";
  facts.global_prefix = plan::HostFacts::GlobalPrefix::closed;
  CHECK_THROWS_WITH_AS(
      plan::choose_targets(policy_of(policy::PackageManager::npm), facts),
      doctest::Contains("sandbox-run npm install -g x --prefix /home/u/.npm-global"),
      base::UserError);
}

TEST_CASE("npm install -g works in a prefix of the user's own, its own option first") {
  const ScratchDirectory scratch;
  const std::string bin = scratch.make("home/tools/bin");
  const std::string packages = scratch.make("home/tools/lib/node_modules/other");
  REQUIRE(::symlink("../lib/node_modules/other/cli.js", (bin + "/other").c_str()) == 0);
  plan::HostFacts facts = facts_of({"npm", "install", "-g", "--prefix", "../tools", "x", "@s/y@2"});
  facts.home = facts.home_real = scratch.path() + "/home";
  facts.working_directory = facts.project = facts.home + "/app";
  facts.package_manager.prefix = "/usr";
  policy::Policy policy = policy_of(policy::PackageManager::npm);
  const auto global = plan::find_global_install(policy, facts);
  REQUIRE(global);
  CHECK(global->packages == facts.home + "/tools/lib/node_modules");
  CHECK(global->programs == bin);
  CHECK(global->names == std::vector<std::string>{"x", "@s/y"});
  CHECK_FALSE(global->any_new);

  policy.files.system = {scratch.path()};
  CHECK_FALSE(plan::find_global_install(policy, facts));
  policy.files.read_write = {global->packages, global->programs};
  CHECK(plan::find_global_install(policy, facts));
}

TEST_CASE("which commands change global packages") {
  using policy::PackageManager;
  const auto changes = [](PackageManager manager, const std::vector<std::string>& words) {
    return plan::changes_global_packages(manager, words);
  };
  CHECK(changes(PackageManager::pnpm, {"pnpm", "add", "-g", "x"}));
  CHECK(changes(PackageManager::pnpm, {"pnpm", "--global", "rm", "x"}));
  CHECK_FALSE(changes(PackageManager::pnpm, {"pnpm", "ls", "-g"}));
  CHECK_FALSE(changes(PackageManager::pnpm, {"pnpm", "add", "x"}));
  CHECK(changes(PackageManager::yarn, {"yarn", "global", "--prefix", "/p", "add", "x"}));
  CHECK_FALSE(changes(PackageManager::yarn, {"yarn", "global", "list"}));
  CHECK_FALSE(changes(PackageManager::yarn, {"yarn", "global"}));
  CHECK_FALSE(changes(PackageManager::yarn, {"yarn", "add", "-g"}));
  CHECK(changes(PackageManager::npm, {"npm", "link"}));
  CHECK(changes(PackageManager::pnpm, {"pnpm", "link"}));  // up to pnpm 10
  CHECK(changes(PackageManager::bun, {"bun", "add", "-g", "x"}));
  CHECK_FALSE(changes(PackageManager::bun, {"bun", "add", "x"}));
  CHECK_FALSE(changes(PackageManager::deno, {"deno", "install", "-g", "x"}));
}

TEST_CASE("pnpm and yarn install globally where they say, if it is the user's own") {
  const ScratchDirectory scratch;
  const std::string home = scratch.make("home");
  const std::string folder = scratch.make("home/pnpm/global/5");
  scratch.make("home/pnpm/global/5/node_modules/other");
  base::write_file(folder + "/package.json", R"({"dependencies":{"other":"1"}})", 0644);
  plan::HostFacts facts = facts_of({"pnpm", "update", "-g"});
  facts.home = facts.home_real = home;
  facts.package_manager.global = std::pair(folder, home + "/pnpm");
  const policy::Policy policy = policy_of(policy::PackageManager::pnpm);
  auto global = plan::find_global_install(policy, facts);
  REQUIRE(global);
  CHECK(global->layout == policy::GlobalLayout::project);
  CHECK(global->names == std::vector<std::string>{"other"});

  facts.command.arguments = {"pnpm", "add", "-g", "x"};
  facts.package_manager.global->first = scratch.make("home/pnpm/global/v11");
  global = plan::find_global_install(policy, facts);
  REQUIRE(global);
  CHECK(global->layout == policy::GlobalLayout::projects);
  CHECK(global->names == std::vector<std::string>{"x"});

  facts.package_manager.global->second = "/usr/bin";
  CHECK_FALSE(plan::find_global_install(policy, facts));
  CHECK_THROWS_WITH_AS(plan::choose_targets(policy, facts),
                       doctest::Contains("--rw /usr/bin pnpm add -g x"), base::UserError);
}

TEST_CASE("the project is the enclosing git work tree") {
  const ScratchDirectory scratch;
  scratch.make("home/repo/.git");
  const std::string inner = scratch.make("home/repo/packages/a");
  CHECK(plan::find_project(inner, scratch.path() + "/home") == scratch.path() + "/home/repo");
}

TEST_CASE("a work tree whose .git is a file counts") {
  const ScratchDirectory scratch;
  const std::string inner = scratch.make("home/repo/a");
  base::write_file(scratch.path() + "/home/repo/.git", "gitdir: elsewhere\n", 0644);
  CHECK(plan::find_project(inner, scratch.path() + "/home") == scratch.path() + "/home/repo");
}

TEST_CASE("a workspace root by package.json or pnpm-workspace.yaml counts") {
  const ScratchDirectory scratch;
  const std::string one = scratch.make("home/one/a");
  base::write_file(scratch.path() + "/home/one/package.json", R"({"workspaces":["a"]})", 0644);
  const std::string two = scratch.make("home/two/a");
  base::write_file(scratch.path() + "/home/two/pnpm-workspace.yaml", "packages: [a]\n", 0644);
  CHECK(plan::find_project(one, scratch.path() + "/home") == scratch.path() + "/home/one");
  CHECK(plan::find_project(two, scratch.path() + "/home") == scratch.path() + "/home/two");
}

TEST_CASE("a dotfiles repository in $HOME makes no project of $HOME") {
  const ScratchDirectory scratch;
  scratch.make("home/.git");
  const std::string app = scratch.make("home/app");
  CHECK(plan::find_project(app, scratch.path() + "/home") == app);
}
