// What the built-in profiles say of paths: which are committed, held, protected.

#include <doctest/doctest.h>

#include "built_in_profiles.h"
#include "policy/hide.h"
#include "policy/verdict.h"

using namespace sandbox_run::policy;

namespace {

Verdict verdict(const std::string& profile, const std::string& path,
                std::vector<std::string> arguments = {"x", "install"},
                TargetKind kind = TargetKind::project) {
  const Policy policy = profiles().select(profile);
  return judge(rules_of(policy, kind), path, arguments).verdict;
}

}  // namespace

TEST_CASE("names that are other things deeper down are protected at the root alone") {
  CHECK(verdict("generic", "auth.json") == Verdict::protect);
  CHECK(verdict("generic", "src/locales/en/auth.json") == Verdict::commit);
  CHECK(verdict("generic", "sitecustomize.py") == Verdict::protect);
  CHECK(verdict("generic", "tests/data/sitecustomize.py") == Verdict::commit);
  CHECK(verdict("generic", "android/gradle/wrapper/gradle-wrapper.jar") == Verdict::commit);
  CHECK(verdict("generic", ".venv/pyvenv.cfg") == Verdict::commit);
}

TEST_CASE("protected paths are protected in every profile, at any depth outside node_modules") {
  for (const std::string& name : profiles().names()) {
    for (const char* path : {".git/hooks/pre-commit",
                             "packages/a/.git/config",
                             "sub/.git",
                             ".github/workflows/x.yml",
                             ".gitlab-ci.yml",
                             ".circleci/config.yml",
                             "Jenkinsfile",
                             ".husky/pre-commit",
                             ".vscode/tasks.json",
                             ".idea/workspace.xml",
                             ".devcontainer/devcontainer.json",
                             ".envrc",
                             ".env",
                             ".env.local",
                             "a/.env",
                             ".npmrc",
                             "a/b/.npmrc",
                             ".yarnrc",
                             ".yarnrc.yml",
                             ".pnpmfile.cjs",
                             ".pypirc",
                             "pip.conf",
                             ".cargo/config.toml",
                             "CLAUDE.md",
                             "a/AGENTS.md",
                             ".claude/settings.json",
                             ".cursor/rules/x",
                             ".mcp.json",
                             ".gemini/settings.json",
                             ".sandbox-run.toml",
                             ".gitpod.yml",
                             "a/.replit",
                             "devbox.json",
                             "flake.nix",
                             "mise.toml",
                             ".tool-versions",
                             ".cirrus.yml",
                             "netlify.toml",
                             ".helix/languages.toml",
                             "a/QWEN.md",
                             ".windsurf/rules/x",
                             ".gdbinit",
                             "sitecustomize.py",
                             "uv.toml",
                             "a/nuget.config",
                             "lefthook.toml",
                             "packages/a/.githooks/pre-commit",
                             ".git/node_modules/x",
                             ".claude/node_modules/x"}) {
      CAPTURE(name);
      CAPTURE(path);
      CHECK(verdict(name, path) == Verdict::protect);
    }
  }
}

TEST_CASE("what a package keeps inside node_modules is its own affair") {
  for (const char* name : {"npm", "pnpm", "yarn"}) {
    CAPTURE(name);
    CHECK(verdict(name, "node_modules") == Verdict::commit);
    CHECK(verdict(name, "node_modules/a/.vscode/settings.json") == Verdict::commit);
    CHECK(verdict(name, "packages/b/node_modules/c/.npmrc") == Verdict::commit);
    const Policy policy = profiles().select(name);
    const auto whole = judge_subtree(rules_of(policy, TargetKind::project), "node_modules", {"x"});
    REQUIRE(whole);
    CHECK(whole->verdict == Verdict::commit);
    CHECK(verdict(name, "src/index.js") == Verdict::hold);
    CHECK(verdict(name, "node_modules_evil/x") == Verdict::hold);
  }
}

TEST_CASE("lockfiles are the manager's own unless the command promised not to change them") {
  CHECK(verdict("npm", "package-lock.json", {"npm", "install"}) == Verdict::own);
  CHECK(verdict("npm", "package-lock.json", {"npm", "ci"}) == Verdict::protect);
  CHECK(verdict("npm", "package.json", {"npm", "clean-install"}) == Verdict::protect);
  CHECK(verdict("pnpm", "pnpm-lock.yaml", {"pnpm", "i"}) == Verdict::own);
  CHECK(verdict("pnpm", "pnpm-lock.yaml", {"pnpm", "i", "--frozen-lockfile"}) == Verdict::protect);
  CHECK(verdict("pnpm", "pnpm-workspace.yaml", {"pnpm", "i"}) == Verdict::own);
  CHECK(verdict("pnpm", "pnpm-workspace.yaml", {"pnpm", "run", "add"}) == Verdict::hold);
  CHECK(verdict("pnpm", "pnpm-workspace.yaml", {"pnpm", "ci"}) == Verdict::hold);
  CHECK(verdict("yarn", "yarn.lock", {"yarn"}) == Verdict::own);
  CHECK(verdict("yarn", "yarn.lock", {"yarn", "--immutable"}) == Verdict::protect);
  CHECK(verdict("yarn", "a/package.json", {"yarn", "install", "--frozen-lockfile"}) ==
        Verdict::protect);
  CHECK(verdict("npm", "package-lock.json", {"npm", "run", "ci"}) == Verdict::hold);
  CHECK(verdict("npm", "package-lock.json", {"npm", "ls"}) == Verdict::hold);
}

TEST_CASE("package.json is looked into, and only dependencies may change in it") {
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"npm", "install", "x"}, {"pnpm", "add", "x"}, {"yarn", "add", "x"}}) {
    CAPTURE(command.front());
    const Policy policy = profiles().select(command.front());
    const Judgement judgement =
        judge(rules_of(policy, TargetKind::project), "package.json", command);
    CHECK(judgement.verdict == Verdict::manifest);
    const auto& keys = judgement.keys;
    CHECK(std::find(keys.begin(), keys.end(), "dependencies") != keys.end());
    for (const char* key : {"scripts", "bin", "main", "gypfile", "packageManager", "workspaces"}) {
      CHECK(std::find(keys.begin(), keys.end(), key) == keys.end());
    }
  }
}

TEST_CASE("only a plain clean install of npm finds node_modules empty") {
  const auto hidden = [](std::vector<std::string> command, const char* profile = "npm") {
    return hidden_directories(profiles().select(profile), TargetKind::project, command).size();
  };
  CHECK(hidden({"npm", "ci"}) == 1);
  CHECK(hidden({"npm", "clean-install", "--omit=dev", "--no-audit"}) == 1);
  CHECK(hidden({"npm", "ci", "--dry-run"}) == 0);
  CHECK(hidden({"npm", "ci", "--prefix", "elsewhere"}) == 0);
  CHECK(hidden({"npm", "--prefix=elsewhere", "ci"}) == 0);
  CHECK(hidden({"npm", "install", "ci"}) == 0);
  CHECK(hidden({"npm", "run", "ci"}) == 0);
  CHECK(hidden({"npm"}) == 0);
  CHECK(hidden({"pnpm", "install", "--frozen-lockfile"}, "pnpm") == 0);
  Policy policy = profiles().select("npm");
  policy.commit_on_failure = true;
  CHECK(hidden_directories(policy, TargetKind::project, {"npm", "ci"}).empty());
}

TEST_CASE("yarn's own files are committed, what it runs by itself is protected") {
  for (const char* path : {".yarn/cache/a.zip", ".yarn/unplugged/a/b", ".yarn/install-state.gz",
                           ".yarn/build-state.yml"}) {
    CAPTURE(path);
    CHECK(verdict("yarn", path) == Verdict::commit);
  }
  CHECK(verdict("yarn", ".pnp.cjs") == Verdict::own);
  CHECK(verdict("yarn", ".yarn/releases/yarn-4.cjs") == Verdict::protect);
  CHECK(verdict("yarn", ".yarn/plugins/x.cjs") == Verdict::protect);
}

TEST_CASE("an environment takes packages but not what runs at each start") {
  const auto environment = [](const std::string& path) {
    return verdict("pip", path, {"pip", "install", "x"}, TargetKind::environment);
  };
  CHECK(environment("lib/python3.11/site-packages/a/b.py") == Verdict::commit);
  CHECK(environment("bin/black") == Verdict::commit);
  CHECK(environment("pyvenv.cfg") == Verdict::protect);
  CHECK(environment("bin/python3") == Verdict::protect);
  CHECK(environment("bin/activate") == Verdict::protect);
  CHECK(environment("lib/python3.11/site-packages/evil.pth") == Verdict::path_file);
  CHECK(environment("lib/python3.11/site-packages/sitecustomize.py") == Verdict::hold);
  CHECK(environment("lib/python3.11/site-packages/sitecustomize.abi3.so") == Verdict::hold);
  CHECK(environment("lib/python3.11/site-packages/_distutils_hack/__init__.py") == Verdict::commit);
  CHECK(environment("site-packages/_distutils_hack/__pycache__/x.pyc") == Verdict::drop);
  for (const std::string name : {"evil.pth", "sitecustomize.py", "usercustomize.so",
                                 "sitecustomize/__init__.py", "_distutils_hack/__init__.py"}) {
    CAPTURE(name);
    const Policy policy = profiles().select("pip");
    const TargetRules& rules = rules_of(policy, TargetKind::environment);
    CHECK_FALSE(judge(rules, "lib/python3.11/site-packages/" + name, {}).unless_recorded.empty());
    CHECK_FALSE(judge(rules, name, {}).unless_recorded.empty());  // --target
  }
  CHECK(environment("lib/python3.11/site.py") == Verdict::hold);
  CHECK(environment("lib/python311.zip") == Verdict::hold);
  CHECK(environment("bin/pyvenv.cfg") == Verdict::protect);
  CHECK(environment("share/systemd/user/x.service") == Verdict::hold);
}

TEST_CASE("the rules of an environment fit each shape of its root") {
  const auto environment = [](const std::string& path) {
    return verdict("pip", path, {"pip", "install", "--user", "x"}, TargetKind::environment);
  };
  for (const std::string name :
       {"sh",   "bash", "sudo", "su",  "git", "ssh", "scp", "curl", "wget", "node", "npm",    "npx",
        "yarn", "pnpm", "make", "gcc", "cc",  "ls",  "cat", "env",  "pip",  "pip3", "pip3.11"}) {
    CAPTURE(name);
    CHECK(environment("bin/" + name) == Verdict::hold);  // a venv
    CHECK(environment(name) == Verdict::hold);           // the user's own bin
  }
  for (const std::string name : {"python", "python3", "python3.11", "activate"}) {
    CAPTURE(name);
    CHECK(environment("bin/" + name) == Verdict::protect);
    CHECK(environment(name) == Verdict::protect);
  }
  CHECK(environment("black") == Verdict::commit);
  CHECK(environment("bin/cmake") == Verdict::commit);
  CHECK(environment("bin/pip-compile") == Verdict::commit);
  CHECK(environment("site-packages/a/b.py") == Verdict::commit);  // the user's lib/pythonX.Y
  CHECK(environment("site-packages/git/cmd.py") == Verdict::commit);
  CHECK(environment("site-packages/x.pth") == Verdict::path_file);
  CHECK(environment("site-packages/usercustomize.py") == Verdict::hold);
  CHECK(environment("python_dateutil-2.9.dist-info/METADATA") == Verdict::commit);  // --target
  CHECK(environment("x.pth") == Verdict::path_file);
  CHECK(environment("man1/a.1") == Verdict::commit);  // the user's share/man

  const Policy policy = profiles().select("pip");
  const TargetRules& rules = rules_of(policy, TargetKind::environment);
  CHECK(judge(rules, "bin/sudo", {"pip"}).reason == "it shadows a program on PATH");
  CHECK(judge(rules, "sudo", {"pip"}).reason == "it shadows a program on PATH");
  CHECK_FALSE(judge_subtree(rules, "lib/python3.11/site-packages", {"pip"}));
}

TEST_CASE("pip's own files and settings change only when pip was asked for") {
  const auto environment = [](const std::string& path, std::vector<std::string> arguments) {
    return verdict("pip", path, std::move(arguments), TargetKind::environment);
  };
  for (const std::string path :
       {"lib/python3.11/site-packages/pip/__main__.py", "site-packages/pip/__init__.py",
        "lib/python3/dist-packages/pip/__init__.py", "bin/pip3", "pip",
        "lib/python3.11/site-packages/pip-24.0.dist-info/RECORD"}) {
    CAPTURE(path);
    CHECK(environment(path, {"pip", "install", "evil"}) == Verdict::hold);
    CHECK(environment(path, {"python3", "-m", "pip", "install", "evil"}) == Verdict::hold);
    CHECK(environment(path, {"python3", "-Im", "pip", "install", "evil"}) == Verdict::hold);
    CHECK(environment(path, {"pip", "install", "-U", "pip"}) == Verdict::commit);
    CHECK(environment(path, {"python3", "-m", "pip", "install", "pip"}) == Verdict::commit);
  }
  CHECK(environment("pip.conf", {"pip", "install", "-U", "pip"}) == Verdict::protect);
  CHECK(environment("etc/pip.conf", {"pip", "install", "a"}) == Verdict::protect);
}

TEST_CASE("pip leaves in the project what its sub-command is for") {
  CHECK(verdict("pip", "a.whl", {"pip", "download", "a"}) == Verdict::commit);
  CHECK(verdict("pip", "wheels/a.whl", {"pip", "wheel", "a"}) == Verdict::commit);
  CHECK(verdict("pip", "a.whl", {"pip", "install", "a"}) == Verdict::hold);
  CHECK(verdict("pip", "build/lib/a.py", {"pip", "install", "."}) == Verdict::own);
  CHECK(verdict("pip", "build/sitecustomize.py", {"pip", "install", "."}) == Verdict::hold);
  CHECK(verdict("pip", "src/a.egg-info/PKG-INFO", {"pip", "install", "-e", "."}) == Verdict::own);
}

TEST_CASE("caches take back only what can be believed") {
  const auto cache = [](const std::string& profile, const std::string& path) {
    return verdict(profile, path, {"x"}, TargetKind::cache);
  };
  CHECK(cache("npm", "_cacache/content-v2/sha512/aa/bb/cc") == Verdict::verify);
  CHECK(cache("npm", "_cacache/index-v5/aa/bb/cc") == Verdict::trusted);
  CHECK(cache("npm", "_cacache/tmp/x") == Verdict::drop);
  CHECK(cache("npm", "_npx/aa/node_modules/x") == Verdict::drop);
  CHECK(cache("npm", "20.1.0/include/node/node.h") == Verdict::drop);
  CHECK(cache("pnpm", "v10/files/aa/bb-exec") == Verdict::trusted);
  CHECK(cache("pnpm", "v1/pnpm/9.0.0/bin/pnpm.cjs") == Verdict::drop);
  CHECK(cache("yarn", "v6/npm-a-1.0.0/x") == Verdict::trusted);
  CHECK(cache("yarn", "v1/yarn/4.0.0/yarn.js") == Verdict::drop);
  CHECK(cache("pip", "http-v2/a/b") == Verdict::trusted);
  CHECK(cache("npm", "_logs/x.log") == Verdict::commit);
  CHECK(cache("npm", "_update-notifier-last-checked") == Verdict::drop);
}

TEST_CASE("a cache believes no run of a package's own program") {
  const std::map<std::string, std::string> paths = {{"npm", "_cacache/index-v5/aa/bb/cc"},
                                                    {"pnpm", "v10/files/aa/bb-exec"},
                                                    {"yarn", "v6/npm-a-1.0.0/x"}};
  for (const auto& [profile, path] : paths) {
    CAPTURE(profile);
    CHECK(verdict(profile, path, {profile, "install"}, TargetKind::cache) == Verdict::trusted);
    for (const char* word :
         {"exec", "dlx", "node", "run", "run-script", "create", "x", "test", "start"}) {
      CAPTURE(word);
      CHECK(verdict(profile, path, {profile, word, "a"}, TargetKind::cache) == Verdict::drop);
    }
  }
}
