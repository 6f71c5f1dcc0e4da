#include "policy/global_install.h"

#include <doctest/doctest.h>

#include "policy/verdict.h"

using namespace sandbox_run::policy;

namespace {

GlobalInstall install_of(const std::vector<std::string>& words, const std::string& own = "") {
  GlobalInstall install{"/p/lib/node_modules", "/p/bin", {}, false};
  add_named_packages(words, own, install);
  return install;
}

std::vector<GlobalEntry> entries_of(const std::vector<std::string>& packages) {
  std::vector<GlobalEntry> entries;
  for (const std::string& package : packages) entries.push_back({package, {package}});
  return entries;
}

Verdict verdict_of(const TargetRules& rules, const char* path) {
  return judge(rules, path, {"npm", "install"}).verdict;
}

}  // namespace

TEST_CASE("packages are named as npm reads them") {
  CHECK(install_of({"a@1", "@s/b@^2", "c@npm:d@1", "e@file:../e"}).names ==
        std::vector<std::string>{"a", "@s/b", "c", "e"});
  CHECK(install_of({"."}, "mine").names == std::vector<std::string>{"mine"});
  for (const char* word : {"user/repository", "https://example.com/x.tgz", "./x.tgz", ".", "@s"}) {
    CAPTURE(word);
    CHECK(install_of({word}).names.empty());
    CHECK(install_of({word}).any_new);
  }
}

TEST_CASE("of a global prefix what the command names is changed, and nothing else that is there") {
  const GlobalInstall install = install_of({"tool", "@s/tool"});
  const auto rules = global_rules(install, entries_of({"tool", "npm", "@s/other"}),
                                  {{"npm", "npm"}, {"tool", "tool"}, {"node", ""}});
  const TargetRules& packages = rules[0];
  for (const char* path : {"tool", "tool/a/b", "@s", "@s/tool", "@s/tool/x"}) {
    CAPTURE(path);
    CHECK(verdict_of(packages, path) == Verdict::commit);
  }
  for (const char* path : {"npm", "npm/bin/npm-cli.js", "@s/other/x"}) {
    CAPTURE(path);
    CHECK(verdict_of(packages, path) == Verdict::protect);
  }
  CHECK(verdict_of(packages, "planted/x") == Verdict::hold);
  const TargetRules& programs = rules[1];
  CHECK(verdict_of(programs, "tool") == Verdict::commit);
  CHECK(verdict_of(programs, "npm") == Verdict::protect);
  CHECK(verdict_of(programs, "node") == Verdict::protect);
  CHECK(verdict_of(programs, "deep/git") == Verdict::hold);
}

TEST_CASE("an archive may bring any package, but changes none that is there") {
  const auto rules = global_rules(install_of({"x.tgz"}), entries_of({"npm"}), {{"npm", "npm"}});
  CHECK(verdict_of(rules[0], "new/x") == Verdict::commit);
  CHECK(verdict_of(rules[0], "npm/x") == Verdict::protect);
  CHECK(verdict_of(rules[1], "npm") == Verdict::protect);
}

TEST_CASE("a program's package is where its link leads") {
  const GlobalInstall install = install_of({"tool"});
  CHECK(package_of_program(install, "../lib/node_modules/tool/cli.js") == "tool");
  CHECK(package_of_program(install, "../lib/node_modules/@s/tool/cli.js") == "@s/tool");
  CHECK(package_of_program(install, "../lib/node_modules/tool/../npm/x") == "npm");
  CHECK(package_of_program(install, "../lib/node_modules").empty());
  CHECK(package_of_program(install, "/usr/bin/env").empty());
}

TEST_CASE("of a project for all global packages a script changes its own part alone") {
  GlobalInstall install = install_of({"tool"});
  install.layout = GlobalLayout::project;
  const auto rules = global_rules(install,
                                  {{"node_modules/tool", {"tool"}},
                                   {"node_modules/other", {"other"}},
                                   {"node_modules/.bin/other", {"other"}},
                                   {".pnpm/dep@1.0.0", {"dep"}},
                                   {".pnpm/[odd]@1", {}}},
                                  {});
  const TargetRules& packages = rules[0];
  for (const char* path : {"node_modules/tool/a", "node_modules/new/a", ".pnpm/new@1/x",
                           "yarn.lock", "node_modules/.bin/tool"}) {
    CAPTURE(path);
    CHECK(verdict_of(packages, path) == Verdict::commit);
  }
  for (const char* path : {"node_modules/other/a", "node_modules/.bin/other",
                           ".pnpm/dep@1.0.0/node_modules/dep/index.js", ".pnpm/[odd]@1/x"}) {
    CAPTURE(path);
    CHECK(verdict_of(packages, path) == Verdict::protect);
  }
  CHECK(verdict_of(packages, "package.json") == Verdict::manifest);
  CHECK(verdict_of(packages, ".npmrc") == Verdict::hold);
  REQUIRE(packages.asked);
  CHECK(packages.asked->paths == std::vector<std::string>{"yarn.lock", "pnpm-lock.yaml", "bun.lock",
                                                          "bun.lockb", "node_modules/**",
                                                          ".pnpm/**", "package.json"});
}

TEST_CASE("of a project for each global install a script changes those of its own packages") {
  GlobalInstall install = install_of({"tool"});
  install.layout = GlobalLayout::projects;
  const auto rules =
      global_rules(install, {{"1a-2b", {"tool"}}, {"3c-4d", {"tool", "other"}}, {"5e", {}}}, {});
  CHECK(verdict_of(rules[0], "1a-2b/node_modules/x") == Verdict::commit);
  CHECK(verdict_of(rules[0], "3c-4d/node_modules/x") == Verdict::protect);
  CHECK(verdict_of(rules[0], "5e") == Verdict::protect);
  CHECK(verdict_of(rules[0], "6f/package.json") == Verdict::commit);
  CHECK(verdict_of(rules[0], "pnpm-workspace.yaml") == Verdict::own);
}

TEST_CASE("a path and an entry of pnpm's tell the package") {
  CHECK(package_in("/p/node_modules/a/node_modules/@s/b/cli.js")->name == "@s/b");
  CHECK(package_in("/p/node_modules/a/cli.js")->directory == "/p/node_modules/a");
  CHECK_FALSE(package_in("/p/node_modules/.bin/a"));
  CHECK_FALSE(package_in("/usr/bin/a"));
  CHECK(package_of_store_entry("tool@1.0.0") == "tool");
  CHECK(package_of_store_entry("@s+tool@1.0.0_peer@2") == "@s/tool");
  CHECK(package_of_store_entry("node_modules").empty());
}
