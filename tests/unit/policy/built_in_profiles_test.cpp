#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "policy/environment.h"
#include "policy/hide.h"
#include "policy/profile.h"
#include "policy/verdict.h"

using namespace sandbox_run::policy;

namespace {

const ProfileSet& profiles() {
  static const ProfileSet set = ProfileSet::built_in();
  return set;
}

const TargetRules& rules_of(const Policy& policy, TargetKind kind) {
  const auto found = std::find_if(policy.files.targets.begin(), policy.files.targets.end(),
                                  [&](const TargetRules& rules) { return rules.kind == kind; });
  REQUIRE(found != policy.files.targets.end());
  return *found;
}

Verdict verdict(const std::string& profile, const std::string& path,
                std::vector<std::string> arguments = {"x", "install"},
                TargetKind kind = TargetKind::project) {
  const Policy policy = profiles().select(profile);
  return judge(rules_of(policy, kind), path, arguments).verdict;
}

bool shows_etc(const std::string& entry) {
  const auto& etc = profiles().select("generic").files.etc;
  return std::find(etc.begin(), etc.end(), entry) != etc.end();
}

bool passes(const std::string& profile, const std::string& name) {
  const Policy policy = profiles().select(profile);
  return !filter_environment(policy.environment, {{name, "v"}}).entries.empty();
}

}  // namespace

TEST_CASE("the built-in profiles are there and complete") {
  CHECK(profiles().names() == std::vector<std::string>{"generic", "npm", "pip", "pnpm", "yarn"});
  for (const std::string& name : profiles().names()) {
    CAPTURE(name);
    const Policy policy = profiles().select(name);
    CHECK(policy.profile == name);
    CHECK_FALSE(policy.files.system.empty());
    CHECK_FALSE(policy.environment.withhold.empty());
    CHECK(policy.network.allow.empty());
    CHECK_NOTHROW(rules_of(policy, TargetKind::project));
    CHECK_NOTHROW(rules_of(policy, TargetKind::extra));
  }
}

TEST_CASE("commands find their built-in profile") {
  const auto name = [](std::vector<std::string> arguments, const std::string& path = "") {
    return profiles().name_for({std::move(arguments), path});
  };
  CHECK(name({"npm"}) == "npm");
  CHECK(name({"npx"}) == "npm");
  CHECK(name({"pnpm"}) == "pnpm");
  CHECK(name({"pnpx"}) == "pnpm");
  CHECK(name({"yarn"}) == "yarn");
  CHECK(name({"yarnpkg"}) == "yarn");
  CHECK(name({"y"}, "/x/.yarn/releases/yarn-4.1.0.cjs") == "yarn");
  CHECK(name({"p"}, "/usr/lib/node_modules/pnpm/bin/pnpm.cjs") == "pnpm");
  CHECK(name({"pip"}) == "pip");
  CHECK(name({"pip3"}) == "pip");
  CHECK(name({"pip3.12"}) == "pip");
  CHECK(name({"python3", "-m", "pip"}) == "pip");
  CHECK(name({"make"}) == "generic");
  CHECK(name({"node", "x.js"}) == "generic");
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

TEST_CASE("lockfiles are committed unless the command promised not to change them") {
  CHECK(verdict("npm", "package-lock.json", {"npm", "install"}) == Verdict::commit);
  CHECK(verdict("npm", "package-lock.json", {"npm", "ci"}) == Verdict::protect);
  CHECK(verdict("npm", "package.json", {"npm", "clean-install"}) == Verdict::protect);
  CHECK(verdict("pnpm", "pnpm-lock.yaml", {"pnpm", "i"}) == Verdict::commit);
  CHECK(verdict("pnpm", "pnpm-lock.yaml", {"pnpm", "i", "--frozen-lockfile"}) == Verdict::protect);
  CHECK(verdict("pnpm", "pnpm-workspace.yaml", {"pnpm", "i"}) == Verdict::hold);
  CHECK(verdict("yarn", "yarn.lock", {"yarn"}) == Verdict::commit);
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
  for (const char* path :
       {".pnp.cjs", ".pnp.loader.mjs", ".yarn/cache/a.zip", ".yarn/unplugged/a/b",
        ".yarn/install-state.gz", ".yarn/build-state.yml"}) {
    CAPTURE(path);
    CHECK(verdict("yarn", path) == Verdict::commit);
  }
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
  CHECK(verdict("pip", "build/lib/a.py", {"pip", "install", "."}) == Verdict::commit);
  CHECK(verdict("pip", "build/sitecustomize.py", {"pip", "install", "."}) == Verdict::hold);
  CHECK(verdict("pip", "src/a.egg-info/PKG-INFO", {"pip", "install", "-e", "."}) ==
        Verdict::commit);
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

TEST_CASE("of Nix only the store is shown, not its daemon's socket") {
  const auto system = profiles().select("generic").files.system;
  CHECK(std::count(system.begin(), system.end(), "/nix/store") == 1);
  CHECK(std::count(system.begin(), system.end(), "/nix") == 0);
}

TEST_CASE("a configuration file that a variable names is shown in the usual one's place") {
  using Environment = std::vector<std::pair<std::string, std::string>>;
  const std::vector<std::pair<std::string, std::string>> variables = {
      {"npm", "NPM_CONFIG_USERCONFIG"},
      {"npm", "npm_config_userconfig"},
      {"pnpm", "NPM_CONFIG_USERCONFIG"},
      {"yarn", "npm_config_userconfig"},
      {"pip", "PIP_CONFIG_FILE"}};
  for (const auto& [profile, name] : variables) {
    CAPTURE(profile);
    CAPTURE(name);
    CHECK(passes(profile, name));
    const Environment environment = {{name, "/tmp/ci/rc"}};
    const Policy policy = profiles().select(profile);
    const auto& files = policy.files.home_files;
    CHECK(std::count_if(files.begin(), files.end(), [&](const HomeFile& file) {
            return home_file_path(file, environment) == "/tmp/ci/rc";
          }) == 1);
  }
}

TEST_CASE("secrets of /etc are on no list") {
  for (const char* entry : {"shadow", "gshadow", "ssh", "sudoers", "ssl", "ssl/private", "hosts",
                            "environment", "NetworkManager", "krb5.keytab", "machine-id"}) {
    CAPTURE(entry);
    CHECK_FALSE(shows_etc(entry));
  }
  CHECK(shows_etc("ssl/certs"));
  CHECK(shows_etc("passwd"));
}

TEST_CASE("secrets stay outside the environment, what builds need gets in") {
  for (const std::string& profile : profiles().names()) {
    CAPTURE(profile);
    for (const char* name : {"NPM_TOKEN",
                             "NODE_AUTH_TOKEN",
                             "AWS_ACCESS_KEY_ID",
                             "AWS_PROFILE",
                             "GITHUB_TOKEN",
                             "SSH_AUTH_SOCK",
                             "npm_config__auth",
                             "npm_config__authToken",
                             "NPM_CONFIG__PASSWORD",
                             "npm_config_//registry.example.com/:_authToken",
                             "YARN_NPM_AUTH_TOKEN",
                             "YARN_NPM_AUTH_IDENT",
                             "PIP_PROXY",
                             "npm_config_https_proxy",
                             "HTTPS_PROXY",
                             "no_proxy",
                             "ALL_PROXY",
                             "TMPDIR",
                             "XDG_RUNTIME_DIR",
                             "DBUS_SESSION_BUS_ADDRESS",
                             "LD_PRELOAD",
                             "MISE_GITHUB_TOKEN",
                             "ACTIONS_RUNTIME_URL",
                             "DATABASE_URL",
                             "npm_config_otp",
                             "OPENAI_API_KEY",
                             "PIP_CLIENT_CERT",
                             "__MISE_DIFF",
                             "DIRENV_DIFF",
                             "HISTFILE"}) {
      CAPTURE(name);
      CHECK_FALSE(passes(profile, name));
    }
    for (const char* name : {"PATH", "HOME", "LANG", "LC_ALL", "TERM", "CI", "CC", "CXXFLAGS",
                             "NODE_OPTIONS", "npm_config_registry", "NPM_CONFIG_CACHE",
                             "PIP_INDEX_URL", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE", "NVM_DIR",
                             "SSL_CERT_FILE", "YARN_NPM_REGISTRY_SERVER", "SOURCE_DATE_EPOCH"}) {
      CAPTURE(name);
      CHECK(passes(profile, name));
    }
  }
}

TEST_CASE("the shown copies of the user's configuration hold no secret") {
  const std::map<HomeFile::Format, std::vector<std::string>> secrets = {
      {HomeFile::Format::npmrc,
       {"//registry.example.com/:_authToken=sekret", "_auth=sekret", "_password = sekret",
        "registry=https://u:sekret@r.example.com", "https-proxy=http://sekret.example.com",
        "key=\"sekret\"", "cert=\"sekret\"", "username=sekret", "email=sekret"}},
      {HomeFile::Format::yarnrc,
       {"\"//registry.example.com/:_authToken\" \"sekret\"", "_auth sekret", "username sekret",
        "registry \"https://u:sekret@r.example.com\"",
        "https-proxy \"http://sekret.example.com\""}},
      {HomeFile::Format::yaml,
       {"npmAuthToken: sekret", "npmRegistryServer: https://u:sekret@r.example.com",
        "httpProxy: http://sekret.example.com", "\"//r.example.com/:_authToken\": sekret",
        "npmScopes:\n  a:\n    npmAuthToken: sekret"}},
      {HomeFile::Format::ini,
       {"password = sekret", "index-url: https://u:sekret@r.example.com",
        "[env]\nGITHUB_X = 'sekret'", "env = { X = 'sekret' }", "[env.x]\na = 'sekret'",
        "_.file = 'sekret'"}}};
  for (const std::string& profile : profiles().names()) {
    const Policy policy = profiles().select(profile);
    for (const HomeFile& file : policy.files.home_files) {
      for (const std::string& text : secrets.at(file.format)) {
        if (file.path.find("/pip") != std::string::npos && text.find('\'') != std::string::npos) {
          continue;  // [env] is mise's
        }
        CAPTURE(file.path);
        CAPTURE(text);
        CHECK(without_credentials(file, text).find("sekret") == std::string::npos);
      }
    }
  }
}
