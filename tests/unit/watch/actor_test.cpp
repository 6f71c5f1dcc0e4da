#include "watch/actor.h"

#include <doctest/doctest.h>

namespace sandbox_run::watch {
namespace {

using events::Actor;
using policy::PackageManager;

const Actor kPackageManager{Actor::Kind::package_manager, "", "", ""};
const Actor kScript{Actor::Kind::script, "evil", "1.0.0", "install"};
const Actor kProjectScript{Actor::Kind::project_script, "app", "1.0.0", "postinstall"};

using Environment = std::vector<std::pair<std::string, std::string>>;

ExecFacts shell(Environment environment, std::string directory) {
  ExecFacts facts;
  facts.path = "/bin/sh";
  facts.arguments = {"sh", "-c", "node install.js"};
  facts.environment = std::move(environment);
  facts.working_directory = std::move(directory);
  return facts;
}

Environment lifecycle(const std::string& name, const std::string& event) {
  return {
      {"npm_lifecycle_event", event}, {"npm_package_name", name}, {"npm_package_version", "1.2.3"}};
}

std::optional<Actor> node_actor(const ExecFacts& exec, const Actor& parent = kPackageManager) {
  return actor_for(PackageManager::npm, exec, parent, "/p");
}

TEST_CASE("npm's, pnpm 10's and yarn 4's scripts are told by npm_package_json") {
  Environment environment = lifecycle("dep", "postinstall");
  environment.emplace_back("npm_package_json", "/p/node_modules/dep/package.json");
  const Actor expected{Actor::Kind::script, "dep", "1.2.3", "postinstall"};
  CHECK(node_actor(shell(environment, "/elsewhere")) == expected);
}

TEST_CASE("pnpm 9's scripts are told by PNPM_SCRIPT_SRC_DIR and yarn 1's by the directory") {
  Environment pnpm = lifecycle("dep", "install");
  pnpm.emplace_back("PNPM_SCRIPT_SRC_DIR", "/p/node_modules/.pnpm/dep@1.2.3/node_modules/dep");
  const Actor expected{Actor::Kind::script, "dep", "1.2.3", "install"};
  CHECK(node_actor(shell(pnpm, "/p")) == expected);
  CHECK(node_actor(shell(lifecycle("dep", "install"), "/p/node_modules/dep")) == expected);
}

TEST_CASE("a command of a script that deno forks is its package's by the directory") {
  const auto actor_in = [](const std::string& directory) {
    ExecFacts facts = shell({}, directory);
    facts.install_event = "postinstall";
    return actor_of_deno_script(facts);
  };
  CHECK(actor_in("/p/node_modules/.deno/dep@1.2.3/node_modules/dep") ==
        Actor{Actor::Kind::script, "dep", "1.2.3", "postinstall"});
  CHECK(actor_in("/p/node_modules/.deno/@s+dep@1.2.3_1/node_modules/@s/dep/src/x") ==
        Actor{Actor::Kind::script, "@s/dep", "1.2.3", "postinstall"});
  for (const char* elsewhere :
       {"/p", "/", "/p/node_modules/dep", "/p/node_modules/.deno/dep@1.2.3", ""}) {
    CAPTURE(elsewhere);
    CHECK(actor_in(elsewhere).kind == Actor::Kind::unknown);
  }
}

TEST_CASE("a package is called what it is installed as, not what its package.json says") {
  const auto name_in = [](const std::string& directory) {
    return node_actor(shell(lifecycle("electron", "install"), directory))->package;
  };
  CHECK(name_in("/p/node_modules/evil") == "evil");
  CHECK(name_in("/p/node_modules/@scope/evil") == "@scope/evil");
  CHECK(name_in("/p/node_modules/a/node_modules/evil") == "evil");
  CHECK(name_in("/p/node_modules/.pnpm/evil@1.0.0/node_modules/evil") == "evil");
  CHECK(name_in("/tmp/git-clone") == "electron");
}

TEST_CASE("scripts of packages in the project, outside node_modules, are the project's") {
  CHECK(node_actor(shell(lifecycle("app", "build"), "/p"))->kind == Actor::Kind::project_script);
  CHECK(node_actor(shell(lifecycle("lib", "prepare"), "/p/packages/lib"))->kind ==
        Actor::Kind::project_script);
  CHECK(node_actor(shell(lifecycle("lib", "prepare"), "/p/packages/lib/node_modules/x"))->kind ==
        Actor::Kind::script);
}

TEST_CASE(
    "a package that is prepared elsewhere (a git dependency) is a script, not the project's") {
  CHECK(node_actor(shell(lifecycle("dep", "prepare"), "/tmp/git-clone"))->kind ==
        Actor::Kind::script);
  CHECK(node_actor(shell(lifecycle("dep", "prepare"), "/project2"))->kind == Actor::Kind::script);
}

TEST_CASE("once a script, always a script") {
  CHECK(node_actor(shell({}, "/p"), kScript) == kScript);
  CHECK(node_actor(shell(lifecycle("good", "build"), "/p"), kScript) == kScript);
  const Actor build{Actor::Kind::build, "numpy", "2.0", ""};
  CHECK(actor_for(PackageManager::pip, shell(lifecycle("x", "y"), "/p"), build, "/p") == build);
}

TEST_CASE(
    "a script of the project stays itself, but dependencies that it installs are themselves") {
  CHECK_FALSE(node_actor(shell(lifecycle("app", "build"), "/p"), kProjectScript));
  CHECK(node_actor(shell(lifecycle("dep", "install"), "/p/node_modules/dep"), kProjectScript)
            ->package == "dep");
  const Actor command{Actor::Kind::project_script, "", "", ""};
  CHECK(actor_for(PackageManager::none, shell(lifecycle("app", "build"), "/p"), command, "/p")
            ->script_event == "build");
}

TEST_CASE("without a lifecycle event nothing new starts") {
  CHECK_FALSE(node_actor(shell({{"npm_package_name", "app"}}, "/p")));
  CHECK_FALSE(node_actor(shell({}, "/p")));
}

ExecFacts python(std::vector<std::string> arguments) {
  ExecFacts facts;
  facts.path = "/usr/bin/python3";
  facts.arguments = std::move(arguments);
  facts.working_directory = "/tmp/pip-install-x/demo";
  facts.distribution = {"demo", "1.0"};
  return facts;
}

std::optional<Actor> pip_actor(const ExecFacts& exec) {
  return actor_for(PackageManager::pip, exec, kPackageManager, "/p");
}

TEST_CASE("pip's builds are told by their arguments") {
  const Actor expected{Actor::Kind::build, "demo", "1.0", ""};
  const std::string shim =
      "\nexec(compile('''\n# This is <pip-setuptools-caller> …\nimport setuptools\n# setup.py";
  const struct {
    std::vector<std::string> arguments;
    std::string step;
  } builds[] = {
      {{"python3", "/x/pip/_vendor/pyproject_hooks/_in_process/_in_process.py", "build_wheel",
        "/t"},
       "build_wheel"},
      {{"python3", "/x/pip/_vendor/pep517/in_process/_in_process.py", "prepare_metadata"},
       "prepare_metadata"},
      {{"python3", "-c", shim, "egg_info", "--egg-base", "/t"}, "setup.py egg_info"},
      {{"python3", "-u", "-c", shim, "--no-user-cfg", "bdist_wheel"}, "setup.py bdist_wheel"},
      {{"python3", "setup.py", "install"}, "setup.py install"},
      {{"python3", "-I", "./setup.py"}, "setup.py "},
  };
  for (const auto& build : builds) {
    CAPTURE(build.step);
    CHECK(python_build_step(python(build.arguments)) == build.step);
    CHECK(pip_actor(python(build.arguments)) == expected);
  }
}

TEST_CASE("pip itself, also when it installs build requirements, is no build") {
  const std::vector<std::string> others[] = {
      {"python3", "-m", "pip", "install", "setup.py"},
      {"python3", "/x/pip/__pip-runner__.py", "install", "--", "setuptools"},
      {"python3", "-c", "print('setup.py')"},
      {"python3", "-c"},
      {"python3"},
      {},
  };
  for (const auto& arguments : others) CHECK_FALSE(pip_actor(python(arguments)));
}

TEST_CASE("node's managers have no Python builds of their own, and pip no lifecycle scripts") {
  CHECK_FALSE(node_actor(python({"python3", "setup.py", "install"})));
  CHECK_FALSE(pip_actor(shell(lifecycle("x", "build"), "/p")));
}

TEST_CASE("only variables that tell actors apart are kept") {
  CHECK(is_telling_variable("npm_lifecycle_event"));
  CHECK(is_telling_variable("_PYPROJECT_HOOKS_BUILD_BACKEND"));
  CHECK_FALSE(is_telling_variable("NPM_TOKEN"));
  CHECK_FALSE(is_telling_variable("npm_config__authToken"));
}

TEST_CASE("a lifecycle inherited from outside is recognised as the same") {
  const ExecFacts one = shell(lifecycle("app", "ci"), "/p");
  CHECK(same_lifecycle(one, shell(lifecycle("app", "ci"), "/q")));
  CHECK_FALSE(same_lifecycle(one, shell(lifecycle("app", "build"), "/p")));
}

}  // namespace
}  // namespace sandbox_run::watch
