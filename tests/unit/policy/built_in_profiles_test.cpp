#include "built_in_profiles.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "policy/command_words.h"
#include "policy/environment.h"

using namespace sandbox_run::policy;

namespace {

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
  CHECK(profiles().names() ==
        std::vector<std::string>{"bun", "deno", "generic", "npm", "pip", "pnpm", "yarn"});
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
  CHECK(name({"bun"}) == "bun");
  CHECK(name({"bunx"}) == "bun");
  CHECK(name({"b"}, "/usr/lib/node_modules/bun/bin/bun.exe") == "bun");
  CHECK(name({"deno"}) == "deno");
  CHECK(name({"make"}) == "generic");
  CHECK(name({"node", "x.js"}) == "generic");
}

TEST_CASE("bun and deno are package managers with some words, and interpreters with all others") {
  const auto manages = [](const std::vector<std::string>& arguments) {
    return manages_packages(profiles().select(profiles().name_for({arguments, ""})), arguments);
  };
  using Words = std::vector<std::string>;
  for (const Words& words :
       {Words{"bun", "install"}, Words{"/opt/bun.exe", "add", "x"}, Words{"bun", "--cwd", "a", "i"},
        Words{"bunx", "x"}, Words{"bun", "x", "run"}, Words{"bun", "create", "x"},
        Words{"deno", "install"}, Words{"deno", "x", "y"}, Words{"npm", "run", "x"}}) {
    CAPTURE(words.back());
    CHECK(manages(words));
  }
  for (const Words& words :
       {Words{"bun"}, Words{"bun", "run", "install"}, Words{"bun", "install.ts"},
        Words{"bun", "-e", "x", "add"}, Words{"bun", "--print=1", "add"}, Words{"bun", "test"},
        Words{"bun", "./x", "add"}, Words{"deno", "run", "add"}, Words{"deno", "task", "install"},
        Words{"deno", "main.ts"}, Words{"make", "install"}}) {
    CAPTURE(words.back());
    CHECK_FALSE(manages(words));
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
      {HomeFile::Format::gitconfig,
       {"[credential]\n\thelper = !echo sekret", "[http]\n\textraHeader = Authorization: sekret",
        "[url \"https://u:sekret@r.example.com/\"]\n\tinsteadOf = x", "[alias]\n\tx = !sekret",
        "[includeIf \"gitdir:x\"]\n\tpath = sekret", "[user]\n\tsigningkey = sekret",
        "[core]\n\tsshCommand = ssh -i sekret"}},
      {HomeFile::Format::toml,
       {"[install]\nregistry = 'https://u:sekret@r.example.com'",
        "[install]\nregistry = {url = 'https://r.example.com', token = 'sekret'}",
        "[install.scopes]\na = {username = 'sekret', password = 'sekret'}",
        "[define]\nKEY = 'sekret'", "preload = ['sekret']", "x = 'sekret'"}},
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

TEST_CASE("of a member of a yarn workspace what is asked for decides, as without it") {
  const auto is_output = [](const std::vector<std::string>& arguments) {
    const Policy policy = profiles().select("yarn");
    return holds_for(*rules_of(policy, TargetKind::project).output, arguments);
  };
  CHECK(is_output({"yarn", "workspace", "a", "build"}));
  CHECK(is_output({"yarn", "workspace", "a", "run", "build"}));
  CHECK(is_output({"yarn", "workspaces", "foreach", "-Apt", "run", "build"}));
  CHECK(is_output({"yarn", "workspaces", "foreach", "-A", "-p", "run", "build"}));
  CHECK(is_output({"yarn", "workspaces", "foreach", "-A", "exec", "tsc", "-b"}));
  CHECK(is_output({"yarn", "workspaces", "run", "build"}));
  for (const char* word : {"add", "remove", "up", "dedupe", "rebuild", "upgrade-interactive",
                           "unplug", "install", "version", "link"}) {
    CAPTURE(word);
    CHECK(is_output({"yarn", "workspace", "a", word, "x"}) == is_output({"yarn", word, "x"}));
    CHECK_FALSE(is_output({"yarn", "workspaces", "foreach", "-A", word}));
    CHECK_FALSE(is_output({"yarn", "workspaces", "foreach", "--include", "run", word}));
  }
  CHECK_FALSE(is_output({"yarn", "workspaces", "focus"}));
  CHECK_FALSE(is_output({"yarn", "workspace", "a", "rebuild"}));
}
