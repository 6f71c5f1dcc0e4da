#include "policy/read_answers.h"

#include <doctest/doctest.h>

#include <map>

#include "policy/registries.h"

using namespace sandbox_run;
using Files = std::map<std::string, std::string>;
using List = std::vector<std::string>;

namespace {

constexpr const char* kPnpmBundle =
    "defaults: {\n  registry: \"https://default.example/\",\n"
    "  \"@jsr:registry\": \"https://jsr.example/\"\n} … registry: \"https://default.example/\"";
constexpr const char* kYarnBundle =
    "x={npmRegistryServer:{description:\"URL of the selected npm registry (note: npm enterprise "
    "isn't "
    "supported)\",type:\"STRING\",default:\"https://default.example\"}},join(\".yarn/berry\")";

policy::ManagerPlace place(const char* program) {
  policy::ManagerPlace place;
  place.home = "/home/u";
  place.config_home = "/home/u/.config";
  place.directory = "/home/u/app";
  place.program = program;
  place.node = "/usr/bin/node";
  return place;
}

policy::TextReader reader(Files files) {
  files.emplace("/usr/lib/pnpm/dist/pnpm.cjs", kPnpmBundle);
  files.emplace("/usr/lib/yarn/bin/yarn.js", kYarnBundle);
  return [files = std::move(files)](const std::string& path) {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

policy::ManagerPlace pnpm_place() { return place("/usr/lib/pnpm/bin/pnpm.cjs"); }
policy::ManagerPlace yarn_place() { return place("/usr/lib/yarn/bin/yarn.js"); }

/// The registries; empty: it must be asked.
List pnpm(const Files& files, const policy::ManagerPlace& where = pnpm_place()) {
  const auto answers = policy::read_pnpm_answers(where, reader(files));
  if (!answers) return {};
  return parse_answers(policy::PackageManager::pnpm, *answers).registries;
}

List yarn(const Files& files, const policy::ManagerPlace& where = yarn_place()) {
  const auto answers = policy::read_yarn_answers(where, reader(files));
  if (!answers) return {};
  return parse_answers(policy::PackageManager::yarn, *answers).registries;
}

}  // namespace

TEST_CASE("pnpm: the defaults are its program's, the project is stronger than the user") {
  CHECK(pnpm({}) == List{"https://default.example/", "https://jsr.example/"});
  CHECK(pnpm({{"/home/u/.npmrc", "registry=https://user.example/\n//user.example/:_authToken=x\n"},
              {"/home/u/app/.npmrc", "@a:registry=https://a.example/\n"},
              {"/home/u/app/pnpm-workspace.yaml", "packages:\n  - 'packages/*'\n"}}) ==
        List{"https://user.example/", "https://a.example/", "https://jsr.example/"});
  CHECK(pnpm({{"/home/u/.npmrc", "registry=https://user.example/\n"},
              {"/home/u/app/.npmrc", "registry=https://project.example/\n"}})
            .front() == "https://project.example/");
}

TEST_CASE("pnpm: what is not certain is not said") {
  const Files uncertain[] = {{{"/home/u/app/.pnpmfile.cjs", ""}},
                             {{"/home/u/app/pnpm-workspace.yaml", "registries:\n  default: x\n"}},
                             {{"/home/u/app/pnpm-workspace.yaml", "storeDir: ../store\n"}},
                             {{"/home/u/.config/pnpm/config.yaml", "registry: x\n"}},
                             {{"/home/u/.config/pnpm/rc", "registry=https://rc.example/\n"}},
                             {{"/usr/etc/npmrc", "registry=https://host.example/\n"}},
                             {{"/home/u/.npmrc", "store-dir=/srv/store\n"}},
                             {{"/home/u/.npmrc", "registry=ftp://x.example/\n"}},
                             {{"/home/u/.npmrc", "[section]\n"}},
                             {{"/usr/lib/pnpm/dist/pnpm.cjs", "another program"}}};
  for (const Files& files : uncertain) CHECK(pnpm(files).empty());
  policy::ManagerPlace other = pnpm_place();
  other.environment = {{"NPM_CONFIG_REGISTRY", "https://variable.example/"}};
  CHECK(pnpm({}, other).empty());
  other = pnpm_place();
  other.above = {"/home/u/app/packages/a"};
  CHECK_FALSE(pnpm({}, other).empty());
  CHECK(pnpm({{"/home/u/app/packages/a/.npmrc", "registry=https://a.example/\n"}}, other).empty());
  CHECK(pnpm({}, place("/usr/bin/pnpm")).empty());
}

TEST_CASE("yarn: the default is its program's, the nearer file the stronger") {
  CHECK(yarn({}) == List{"https://default.example"});
  const Files files{
      {"/home/u/.yarnrc.yml", "npmRegistryServer: 'https://user.example' # words\n"},
      {"/home/u/app/.yarnrc.yml",
       "# words\nnodeLinker: node-modules\n\nnpmScopes:\n  a:\n    npmAuthToken: ${TOKEN}\n"
       "    npmRegistryServer: \"https://a.example\"\n  b:\n    npmPublishRegistry: x\n"
       "packageExtensions:\n  npmRegistryServer: no\n"}};
  CHECK(yarn(files) == List{"https://user.example", "https://a.example"});
  policy::ManagerPlace told = yarn_place();
  told.environment = {{"YARN_NPM_REGISTRY_SERVER", "https://me:secret@variable.example"}};
  CHECK(yarn(files, told) == List{"https://variable.example", "https://a.example"});
  const auto answers = policy::read_yarn_answers(yarn_place(), reader({}));
  REQUIRE(answers);
  CHECK(parse_answers(policy::PackageManager::yarn, *answers).cache == "/home/u/.yarn/berry");
}

TEST_CASE("yarn: the program is the one that the project has checked in") {
  CHECK(yarn({{"/home/u/app/.yarnrc.yml", "yarnPath: .yarn/releases/yarn-4.1.0.cjs\n"},
              {"/home/u/app/.yarn/releases/yarn-4.1.0.cjs", kYarnBundle}}) ==
        List{"https://default.example"});
  CHECK(yarn({{"/home/u/app/.yarnrc.yml", "yarnPath: .yarn/releases/yarn-4.1.0.cjs\n"}}).empty());
}

TEST_CASE("yarn: what is not certain is not said") {
  for (const char* text :
       {"npmRegistryServer: ${SERVER}\n", "npmRegistryServer: !!str x\n", "globalFolder: ../x\n",
        "npmScopes: {a: {npmRegistryServer: x}}\n", "\"npmRegistryServer\": x\n",
        "? npmRegistryServer\n: x\n", "{npmRegistryServer: x}\n", "npmScopes:\n  'a':\n    x: y\n",
        "injectEnvironmentFiles:\n  - .env\n", "npmScopes:\n  a: {npmRegistryServer: x}\n"}) {
    CAPTURE(text);
    CHECK(yarn({{"/home/u/app/.yarnrc.yml", text}}).empty());
  }
  CHECK(yarn({{"/home/u/app/.env.yarn", ""}}).empty());
  CHECK(yarn({{"/usr/lib/yarn/bin/yarn.js", "another program"}}).empty());
  for (const char* name : {"YARN_NPM_SCOPES", "YARN_GLOBAL_FOLDER", "YARN_RC_FILENAME",
                           "YARN_IGNORE_PATH", "XDG_DATA_HOME"}) {
    policy::ManagerPlace other = yarn_place();
    other.environment = {{name, "x"}};
    CHECK(yarn({}, other).empty());
  }
}
