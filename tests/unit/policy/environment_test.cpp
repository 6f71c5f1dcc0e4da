#include "policy/environment.h"

#include <doctest/doctest.h>

using namespace sandbox_run::policy;

namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

const EnvironmentPolicy kPolicy{{"PATH", "npm_config_*", "LC_*"},
                                {"*TOKEN*", "*AUTH*"},
                                {{"browser", {"BROWSER_*"}}},
                                {},
                                {},
                                {},
                                {},
                                {}};

}  // namespace

TEST_CASE("only names on the list pass, and what stays outside is told by name") {
  const auto result = filter_environment(
      kPolicy, {{"PATH", "/bin"}, {"ZED", "x"}, {"AWS_PROFILE", "x"}, {"LC_ALL", "C"}});
  CHECK(result.entries == Environment{{"PATH", "/bin"}, {"LC_ALL", "C"}});
  CHECK(result.withheld == std::vector<std::string>{"AWS_PROFILE", "ZED"});
  CHECK(result.stripped.empty());
}

TEST_CASE("withhold is stronger than allow, in any letter case") {
  const auto result = filter_environment(
      kPolicy,
      {{"npm_config__authtoken", "s"}, {"NPM_CONFIG__AUTH", "s"}, {"NPM_CONFIG_COLOR", "always"}});
  CHECK(result.entries == Environment{{"NPM_CONFIG_COLOR", "always"}});
  CHECK(result.withheld.size() == 2);
}

TEST_CASE("a name the user asked for passes as it is") {
  EnvironmentPolicy policy = kPolicy;
  policy.always = {"NPM_TOKEN"};
  const auto result =
      filter_environment(policy, {{"NPM_TOKEN", "https://u:p@example.com"}, {"NPM_TOKEN2", "s"}});
  CHECK(result.entries == Environment{{"NPM_TOKEN", "https://u:p@example.com"}});
  CHECK(result.withheld == std::vector<std::string>{"NPM_TOKEN2"});
}

TEST_CASE("--allow-env takes no pattern") {
  EnvironmentPolicy policy = kPolicy;
  policy.always = {"*"};
  CHECK(filter_environment(policy, {{"SECRET", "s"}}).entries.empty());
}

TEST_CASE("credentials are cut out of URLs in values that pass") {
  const auto result = filter_environment(
      kPolicy, {{"npm_config_registry", "https://me:pw@registry.example.com/npm/"}});
  CHECK(result.entries ==
        Environment{{"npm_config_registry", "https://registry.example.com/npm/"}});
  CHECK(result.stripped == std::vector<std::string>{"npm_config_registry"});
}

TEST_CASE("variables given on make's command line stay outside") {
  CHECK(without_make_variables("ks -j4 --jobserver-auth=3,4 -- TOKEN=s X=1") ==
        "ks -j4 --jobserver-auth=3,4");
  CHECK(without_make_variables(" -- TOKEN=s") == "");
  CHECK(without_make_variables("-- TOKEN=s") == "");
  CHECK(without_make_variables("-j 4\t--\tTOKEN=s") == "-j 4");
  CHECK(without_make_variables("-j 4 TOKEN=s") == "-j 4");
  CHECK(without_make_variables("TOKEN=a\\ b") == "");
  CHECK(without_make_variables("-j 4 ") == "-j 4 ");
  CHECK(without_make_variables("ks") == "ks");
  CHECK(without_make_variables("") == "");

  EnvironmentPolicy policy = kPolicy;
  policy.allow = {"M*"};
  const auto result = filter_environment(
      policy, {{"MAKEFLAGS", "k -- A=s"}, {"MAKEOVERRIDES", "A=s"}, {"MFLAGS", "-k"}});
  CHECK(result.entries == Environment{{"MAKEFLAGS", "k"}, {"MAKEOVERRIDES", ""}, {"MFLAGS", "-k"}});
  CHECK(result.stripped == std::vector<std::string>{});  // nothing to be told of

  policy.withhold = {"*TOKEN*"};
  const auto tells = [&](const std::string& flags) {
    const auto filtered = filter_environment(policy, {{"MAKEFLAGS", flags}});
    CHECK(filtered.entries == Environment{{"MAKEFLAGS", "k"}});
    return filtered.stripped == std::vector<std::string>{"MAKEFLAGS"};
  };
  CHECK_FALSE(tells("k -- RUN=sandbox-run\\ --rw\\ /x PREFIX=/usr/local CC=clang"));
  CHECK(tells("k -- CC=clang MY_TOKEN=s"));
  CHECK(tells("k -- A=a\\ a1b2c3d4e5f60718293a4b5c6d7e8f90"));
  CHECK(tells("k -- A=https://me:pw@host/"));
}

TEST_CASE("a variable leads to a configuration file only by an absolute path") {
  HomeFile file;
  file.path = "{home}/.npmrc";
  CHECK(home_file_path(file, {{"A", "/x/rc"}}) == "{home}/.npmrc");
  file.path_variables = {"A", "B"};
  CHECK(home_file_path(file, {}) == "{home}/.npmrc");
  CHECK(home_file_path(file, {{"A", "/x//y/../rc"}}) == "/x/rc");
  CHECK(home_file_path(file, {{"B", "/b"}, {"A", "/a"}}) == "/a");
  CHECK(home_file_path(file, {{"B", "/b"}, {"A", ""}}) == "/b");
  CHECK(home_file_path(file, {{"A", "rc"}}) == "{home}/.npmrc");
  CHECK(home_file_path(file, {{"A", "{cache_home}/rc"}}) == "{home}/.npmrc");
  CHECK(home_file_path(file, {{"A", "/dev/null"}}) == "");
  CHECK(home_file_path(file, {{"A", "/x/../proc/1/environ"}}) == "");
}

TEST_CASE("of two entries of one name the first counts") {
  const auto result = filter_environment(kPolicy, {{"PATH", "/a"}, {"PATH", "/b"}, {"", "x"}});
  CHECK(result.entries == Environment{{"PATH", "/a"}});
}

TEST_CASE("odd names are withheld") {
  const auto result =
      filter_environment(kPolicy, {{"BASH_FUNC_x%%", "() { :; }"}, {"PA\nTH", "x"}});
  CHECK(result.entries.empty());
  CHECK(result.withheld.size() == 2);
}

TEST_CASE("URL credentials are found wherever they stand") {
  CHECK(without_url_credentials("https://u:p@h.example.com/x") == "https://h.example.com/x");
  CHECK(without_url_credentials("https://token@h.example.com") == "https://h.example.com");
  CHECK(without_url_credentials("a https://u:p@h/x b http://v@i/ c") ==
        "a https://h/x b http://i/ c");
  CHECK(without_url_credentials("https://h/a@b") == "https://h/a@b");
  CHECK(without_url_credentials("https://h:8080/a@b") == "https://h:8080/a@b");
  CHECK(without_url_credentials("https://[2001:db8::1]:80/a@b") == "https://[2001:db8::1]:80/a@b");
  CHECK(without_url_credentials("git+ssh://git@h/x") == "git+ssh://h/x");
  CHECK(without_url_credentials("no url, me@example.com") == "no url, me@example.com");
  CHECK(without_url_credentials("") == "");
}

TEST_CASE("passwords with unquoted special bytes are cut too") {
  CHECK(without_url_credentials("https://u:p@ss@h/x") == "https://h/x");
  CHECK(without_url_credentials("https://me@corp.example.com:pa/ss@h/x") == "https://h/x");
  CHECK(without_url_credentials("https://@u:pa/ss@h/x") == "https://h/x");
  CHECK(without_url_credentials("https://u@h:8080/@scope/x") == "https://h:8080/@scope/x");
  CHECK(without_url_credentials("https://u:p/ss@h/x") == "https://h/x");
  CHECK(without_url_credentials("https://u:p?s#s@h/x") == "https://h/x");
  CHECK(without_url_credentials("https://a/,https://u:p@b/") == "https://a/,https://b/");
}

TEST_CASE("cutting credentials never hangs on hostile text") {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "://:@";
  CHECK(without_url_credentials(text).size() < text.size());
}

TEST_CASE("a switch comes in under any name that is not withheld") {
  const auto result = filter_environment(
      kPolicy,
      {{"ANY_SKIP", "1"}, {"WITH_X", "false"}, {"MY_TOKEN", "true"}, {"ANY_NAME", "some"}});
  CHECK(result.entries == Environment{{"ANY_SKIP", "1"}, {"WITH_X", "false"}});
  CHECK(result.withheld == std::vector<std::string>{"ANY_NAME", "MY_TOKEN"});
}

TEST_CASE("what an installer reads comes in, unless it looks like a secret by name or value") {
  const std::string token = "ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z";
  const auto result =
      filter_environment(kPolicy, {{"BROWSER_CACHE", "/tmp/x"},
                                   {"BROWSER_MIRROR", "https://me:pw@mirror.example.com/"},
                                   {"BROWSER_TOKEN", "x"},
                                   {"BROWSER_X", token},
                                   {"BROWSER_HASH", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
                                   {"npm_config_x", token}});
  CHECK(result.entries == Environment{{"BROWSER_CACHE", "/tmp/x"},
                                      {"BROWSER_MIRROR", "https://mirror.example.com/"}});
  CHECK(result.withheld ==
        std::vector<std::string>{"BROWSER_HASH", "BROWSER_TOKEN", "BROWSER_X", "npm_config_x"});
  CHECK(readers_of(kPolicy, "BROWSER_CACHE") == std::vector<std::string>{"browser"});
  CHECK(readers_of(kPolicy, "PATH").empty());
}
