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
  const auto rules = global_rules(install, {"tool", "npm", "@s/other"},
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
  const auto rules = global_rules(install_of({"x.tgz"}), {"npm"}, {{"npm", "npm"}});
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
