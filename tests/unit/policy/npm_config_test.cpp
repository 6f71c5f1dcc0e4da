#include "policy/npm_config.h"

#include <doctest/doctest.h>

#include <map>

using namespace sandbox_run;
using Files = std::map<std::string, std::string>;
using List = std::vector<std::string>;

namespace {

constexpr const char* kDefinitions =
    "/usr/lib/node_modules/npm/node_modules/@npmcli/config/lib/definitions/definitions.js";

policy::ManagerPlace place() {
  policy::ManagerPlace place;
  place.home = "/home/u";
  place.directory = "/home/u/app";
  place.program = "/usr/lib/node_modules/npm";
  place.node = "/usr/bin/node";
  place.arguments = {"npm", "ci"};
  return place;
}

std::optional<policy::PackageManagerFacts> read(const policy::ManagerPlace& place, Files files) {
  files.emplace(
      kDefinitions,
      "  registry: new Definition('registry', {\n    default: 'https://default.example/',");
  return policy::read_npm_config(place, [&](const std::string& path) {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional<std::string>(found->second);
  });
}

}  // namespace

TEST_CASE("without configuration npm's own definitions say the registry") {
  const auto facts = read(place(), {});
  REQUIRE(facts);
  CHECK(facts->registries == List{"https://default.example/"});
  CHECK(facts->cache == "/home/u/.npm");
  CHECK(facts->prefix == "/usr");
}

TEST_CASE(
    "the environment is stronger than the project, the project than the user, he than the host") {
  const Files files{
      {"/home/u/app/.npmrc", "registry = https://project.example/ ; words\n"},
      {"/home/u/.npmrc", "registry=https://user.example/\n@a:registry=\"https://a.example/\"\n"},
      {"/usr/etc/npmrc", "registry=https://host.example/\ncache=~/cache\n"}};
  auto facts = read(place(), files);
  REQUIRE(facts);
  CHECK(facts->registries == List{"https://a.example/", "https://project.example/"});
  CHECK(facts->cache == "/home/u/cache");
  policy::ManagerPlace with_variable = place();
  with_variable.environment = {{"NPM_CONFIG_REGISTRY", "https://variable.example/"}};
  facts = read(with_variable, files);
  REQUIRE(facts);
  CHECK(facts->registries.back() == "https://variable.example/");
}

TEST_CASE("variables in values are npm's, and passwords are left out") {
  policy::ManagerPlace with_host = place();
  with_host.environment = {{"HOST", "me:secret@corp.example"}};
  const auto facts = read(with_host, {{"/home/u/app/.npmrc", "registry=https://${HOST}/\n"}});
  REQUIRE(facts);
  CHECK(facts->registries == List{"https://corp.example/"});
}

TEST_CASE("another user's configuration file is read where variable or option name it") {
  policy::ManagerPlace other = place();
  other.arguments = {"npm", "--userconfig", "ci.npmrc", "ci"};
  const auto facts = read(other, {{"/home/u/app/ci.npmrc", "registry=https://ci.example/"}});
  REQUIRE(facts);
  CHECK(facts->registries == List{"https://ci.example/"});
}

TEST_CASE("what is not certain is not said: npm is asked") {
  for (const char* text :
       {"[section]\nregistry=https://x.example/\n", "registry=https:\\\\x\n", "registry=${UNSET}\n",
        "registry='https://x.example/\n", "prefix=/elsewhere\n", "registry=x.example\n"}) {
    CHECK(!read(place(), {{"/home/u/app/.npmrc", text}}));
  }
  policy::ManagerPlace shim = place();
  shim.program = "/home/u/.local";
  CHECK(!read(shim, {}));
}
